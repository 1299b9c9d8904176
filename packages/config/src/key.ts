/**
 * One environment variable, declared: how it is read, what it means and when to change it. Everything users read about
 * configuration (`docs/reference/configuration.md`, `.env.example`, the start-up errors) is made of these declarations.
 *
 * Rules of reading, the same for every key: an empty value counts as not set; white space around a value is ignored
 * (an `.env` file edited on Windows ends its lines with a carriage return), except in a secret, which is taken as it is.
 */

export type KeyType =
  | 'integer'
  | 'number'
  | 'seconds'
  | 'text'
  | 'choice'
  | 'list'
  | 'boolean'
  | 'url'
  | 'path'
  | 'secret';

/** Where a value came from, and how to get it anew when it stands in a file that may be rotated. */
export interface Source {
  readonly text: string;
  /** The value as it stands now; the last one that could be read, when the file cannot be. */
  reread(): string;
  /** Throws what the file system throws. */
  readFile(path: string): string;
}

/** `wrong` completes the sentence "NAME …" and never quotes a secret. */
export type Parsed<T> = { readonly ok: T } | { readonly wrong: string };

/** The value of a secret as it stands now. Ask for it each time it is used: the file it comes from may be rotated. */
export type Secret = () => string;

/** What is said about a key, whatever its type. */
export interface About {
  readonly name: string;
  /** What it is for, in one sentence. */
  readonly sentence: string;
  /** When somebody would want another value. */
  readonly when: string;
  /** What holds when it is not set, for keys whose default is worked out. */
  readonly otherwise?: string;
  /** What `.env.example` shows where there is no default. */
  readonly sample?: string;
}

export interface Key<T> extends About {
  readonly type: KeyType;
  readonly unit: string | undefined;
  /** Which values are taken, in words: completes "takes …". */
  readonly allowed: string;
  /** The default as it would be written in the environment. */
  readonly default: string | undefined;
  /** Secrets and urls: never printed, and also read from the file that `NAME_FILE` names. */
  readonly hidden: boolean;
  /** The value when it is not set. */
  readonly absent: T;
  parse(source: Source): Parsed<T>;
}

/** Longest value quoted in an error. */
const longestQuote = 64;

/** A value in an error message: on one line, short, and without the credentials somebody may have put there. */
export function quote(text: string): string {
  const shown = withoutCredentials(text);
  return JSON.stringify(shown.length > longestQuote ? `${shown.slice(0, longestQuote)}…` : shown);
}

/** A url may end up where none belongs; its credentials are masked wherever a value is shown. */
export function withoutCredentials(text: string): string {
  return text.replace(/:\/\/\S*@/g, '://***@');
}

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly unit?: string;
}

function key<T>(about: About, rest: Omit<Key<T>, keyof About>): Key<T> {
  return { ...about, ...rest };
}

/** Numbers as people write them: digits with an optional sign and fraction; no exponents, no `0x`, no separators. */
const decimal = /^[+-]?\d+(\.\d+)?$/;
const whole = /^[+-]?\d+$/;

function numeric(
  type: 'integer' | 'number' | 'seconds',
  about: About & Bounds & { readonly default?: number },
): Key<number | undefined> {
  const noun = { integer: 'an integer', number: 'a number', seconds: 'a number of seconds, fractions allowed,' }[type];
  const pattern = type === 'integer' ? whole : decimal;
  const { min, max } = about;
  return key<number | undefined>(about, {
    type,
    unit: type === 'seconds' ? 's' : about.unit,
    allowed: `${noun} from ${min} to ${max}`,
    default:
      about.default === undefined
        ? undefined
        : type === 'seconds' && Number.isInteger(about.default)
          ? about.default.toFixed(1)
          : String(about.default),
    hidden: false,
    absent: about.default,
    parse({ text }) {
      if (!pattern.test(text)) return { wrong: `is ${quote(text)}, which is not ${noun.replace(/, .*/, '')}` };
      const value = Number(text);
      if (value < min) return { wrong: `is ${quote(text)}, which is less than ${min}` };
      if (value > max) return { wrong: `is ${quote(text)}, which is more than ${max}` };
      return { ok: value };
    },
  });
}

type Numeric = About & Bounds;
type WithDefault<T> = { readonly default: T };

export function integer(about: Numeric & WithDefault<number>): Key<number>;
export function integer(about: Numeric): Key<number | undefined>;
export function integer(about: Numeric): Key<number | undefined> {
  return numeric('integer', about);
}

export function number(about: Numeric & WithDefault<number>): Key<number>;
export function number(about: Numeric): Key<number | undefined> {
  return numeric('number', about);
}

/** A duration in seconds; `2`, `2.0` and `0.25` are fine, `2s` is not. */
export function seconds(about: Numeric & WithDefault<number>): Key<number>;
export function seconds(about: Numeric): Key<number | undefined> {
  return numeric('seconds', about);
}

interface Shape {
  readonly pattern: RegExp;
  /** What the pattern means, in words. */
  readonly allowed: string;
}

export function text(about: About & Shape & WithDefault<string>): Key<string>;
export function text(about: About & Shape): Key<string | undefined>;
export function text(about: About & Shape & { readonly default?: string }): Key<string | undefined> {
  return key<string | undefined>(about, {
    type: 'text',
    unit: undefined,
    allowed: about.allowed,
    default: about.default,
    hidden: false,
    absent: about.default,
    parse: ({ text: value }) => (about.pattern.test(value) ? { ok: value } : { wrong: `is ${quote(value)}` }),
  });
}

export function choice<const C extends string>(
  about: About & { readonly choices: readonly C[] } & WithDefault<NoInfer<C>>,
): Key<C>;
export function choice<const C extends string>(about: About & { readonly choices: readonly C[] }): Key<C | undefined>;
export function choice<const C extends string>(
  about: About & { readonly choices: readonly C[]; readonly default?: C },
): Key<C | undefined> {
  const { choices } = about;
  return key<C | undefined>(about, {
    type: 'choice',
    unit: undefined,
    allowed: oneOf(choices),
    default: about.default,
    hidden: false,
    absent: about.default,
    parse({ text: value }) {
      const found = choices.find((candidate) => candidate === value);
      return found === undefined ? { wrong: `is ${quote(value)}` } : { ok: found };
    },
  });
}

/** Words separated by commas; each word once. */
export function list(about: About & Shape): Key<readonly string[] | undefined> {
  return key<readonly string[] | undefined>(about, {
    type: 'list',
    unit: undefined,
    allowed: about.allowed,
    default: undefined,
    hidden: false,
    absent: undefined,
    parse({ text: value }) {
      const words = value.split(',').map((word) => word.trim());
      const bad = words.find((word) => !about.pattern.test(word));
      if (bad !== undefined) return { wrong: `holds ${quote(bad)}` };
      const twice = words.find((word, index) => words.indexOf(word) !== index);
      return twice === undefined ? { ok: words } : { wrong: `holds ${quote(twice)} twice` };
    },
  });
}

/** Exactly `true` or `false`: other spellings mean different things to different readers. */
export function boolean(about: About & WithDefault<boolean>): Key<boolean> {
  return key<boolean>(about, {
    type: 'boolean',
    unit: undefined,
    allowed: 'true or false',
    default: String(about.default),
    hidden: false,
    absent: about.default,
    parse({ text: value }) {
      return value === 'true' || value === 'false' ? { ok: value === 'true' } : { wrong: `is ${quote(value)}` };
    },
  });
}

/** A url, handled like a secret because it can hold a password. */
export function url(about: About & { readonly schemes: readonly string[] }): Key<Secret | undefined> {
  const { schemes } = about;
  return key<Secret | undefined>(about, {
    type: 'url',
    unit: undefined,
    allowed: `a url whose scheme is ${oneOf(schemes)}`,
    default: undefined,
    hidden: true,
    absent: undefined,
    parse(source) {
      if (!URL.canParse(source.text)) {
        return { wrong: 'is not a url; in a user name or password, characters such as @ : / # % are written as %40 …' };
      }
      const parsed = new URL(source.text);
      const scheme = parsed.protocol.slice(0, -1);
      if (!schemes.includes(scheme)) return { wrong: `has the scheme ${quote(scheme)}` };
      if (parsed.hostname === '') return { wrong: 'names no host' };
      for (const part of [parsed.username, parsed.password, parsed.hostname, parsed.pathname]) {
        try {
          decodeURIComponent(part);
        } catch {
          return { wrong: 'holds a % that is not followed by two hexadecimal digits; write %25 for it' };
        }
      }
      return { ok: source.reread };
    },
  });
}

/** A file that must be readable at the start; the value is its path. */
export function path(about: About): Key<string | undefined> {
  return key<string | undefined>(about, {
    type: 'path',
    unit: undefined,
    allowed: 'the path of a readable file',
    default: undefined,
    hidden: false,
    absent: undefined,
    parse({ text: value, readFile }) {
      try {
        readFile(value);
        return { ok: value };
      } catch (error) {
        return { wrong: `is ${quote(value)}, which cannot be read (${reasonOf(error)})` };
      }
    },
  });
}

export function secret(about: About): Key<Secret | undefined> {
  return key<Secret | undefined>(about, {
    type: 'secret',
    unit: undefined,
    allowed: 'any text',
    default: undefined,
    hidden: true,
    absent: undefined,
    parse: (source) => ({ ok: source.reread }),
  });
}

/** The errno of a file-system error, else its name: never its message, which others may have filled with anything. */
export function reasonOf(error: unknown): string {
  if (error instanceof Error) {
    const code = (error as NodeJS.ErrnoException).code;
    return code ?? error.name;
  }
  return typeof error;
}

function oneOf(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
