/** Environment in, configuration or every fault at once out. Pure but for `readFile`. */
import { readFileSync } from 'node:fs';
import { type Key, reasonOf, type Source, withoutCredentials } from './key.ts';
import { judgeUnknown } from './names.ts';
import { developmentPasswords } from './parts.ts';
import {
  type ConfigFault,
  type ConfigWarning,
  type Groups,
  type Judge,
  keysOf,
  type ServiceSpec,
  type ValuesOf,
} from './spec.ts';

export type Environment = Readonly<Record<string, string | undefined>>;
export type ReadFile = (path: string) => string;

/**
 * One value in force and where it comes from. Secrets are masked, urls shown without their credentials; `value` is empty
 * when the key is not set and has no default.
 */
export interface Setting {
  readonly name: string;
  readonly value: string;
  readonly from: 'default' | 'derived' | 'environment' | 'file';
}

/** What every configuration carries besides its values. */
export interface Loaded {
  readonly settings: readonly Setting[];
  /**
   * The secrets that were given, as they stand now, for whoever must keep them out of a text. Without the passwords for
   * development: they are no secret, and are words that harmless texts contain.
   */
  readonly secrets: () => readonly string[];
}

export type ConfigResult<C> =
  | { readonly ok: C & Loaded; readonly warnings: readonly ConfigWarning[] }
  | { readonly faults: readonly ConfigFault[]; readonly warnings: readonly ConfigWarning[] };

const fromDisk: ReadFile = (path) => readFileSync(path, 'utf8');

export function readConfig<S extends ServiceSpec<Groups, object>>(
  spec: S,
  env: Environment = process.env,
  readFile: ReadFile = fromDisk,
): ConfigResult<ReturnType<S['finish']>> {
  const faults: ConfigFault[] = [];
  const warnings: ConfigWarning[] = [];
  const settings = new Map<string, Setting>();
  const show = (setting: Setting): void => void settings.set(setting.name, setting);
  const given = new Set<string>();
  const faulty = new Set<string>();
  const hidden: { readonly key: Key<unknown>; readonly source: Source }[] = [];
  const fault = (name: string, reason: string, allowed: string): void => {
    faulty.add(name);
    faults.push({ name, reason, allowed });
  };

  const valueFor = (key: Key<unknown>): unknown => {
    const found = locate(key, env, readFile);
    if (found.is === 'linked') {
      warnings.push({ name: key.name, reason: `is ignored: it holds a link of the container platform, not a port` });
    }
    if (found.is === 'wrong') fault(key.name, found.reason, found.allowed);
    if (found.is !== 'found') {
      show({ name: key.name, value: key.default ?? '', from: 'default' });
      return key.absent;
    }
    given.add(key.name);
    if (key.hidden) hidden.push({ key, source: found.source });
    show({ name: key.name, value: shown(key, found.source.text), from: found.from });
    const parsed = key.parse(found.source);
    if ('ok' in parsed) return parsed.ok;
    fault(key.name, parsed.wrong, key.allowed);
    return key.absent;
  };

  const values = Object.fromEntries(
    Object.entries(spec.groups).map(([group, { keys }]) => [
      group,
      Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, valueFor(key)])),
    ]),
  );
  const unknown = judgeUnknown(env, keysOf(spec.groups));
  faults.push(...unknown.faults);
  warnings.push(...unknown.warnings);

  const judge: Judge = {
    given: (name) => given.has(name),
    faulty: (name) => faulty.has(name),
    fault(names, reason, allowed) {
      if (!names.some((name) => faulty.has(name))) faults.push({ name: names.join(' and '), reason, allowed });
    },
    warn: (name, reason) => warnings.push({ name, reason }),
    effective(name, value) {
      const from = settings.get(name)?.from ?? 'default';
      show({ name, value: String(value), from: from === 'default' ? 'derived' : from });
    },
    production: env.NODE_ENV === 'production',
  };
  // The shape of `values` follows the groups it was made from, which the compiler cannot see.
  const config = spec.finish(values as ValuesOf<S['groups']>, judge) as ReturnType<S['finish']>;
  if (faults.length > 0) return { faults, warnings };
  const secrets = (): string[] =>
    hidden
      .flatMap(({ key, source }) => secretsIn(key, source.reread()))
      .filter((secret) => !developmentPasswords.includes(secret));
  return { ok: { ...config, settings: [...settings.values()], secrets }, warnings };
}

type Located =
  | { readonly is: 'absent' | 'linked' }
  | { readonly is: 'found'; readonly source: Source; readonly from: 'environment' | 'file' }
  | { readonly is: 'wrong'; readonly reason: string; readonly allowed: string };

function locate(key: Key<unknown>, env: Environment, readFile: ReadFile): Located {
  const exact = key.type === 'secret';
  const direct = exact ? env[key.name] : env[key.name]?.trim();
  const file = key.hidden ? env[`${key.name}_FILE`]?.trim() : undefined;
  if (direct && file) {
    return {
      is: 'wrong',
      reason: `and ${key.name}_FILE are both set`,
      allowed: 'one of the two; unset the other',
    };
  }
  if (file) return locateFile(key, file, readFile);
  if (!direct) return { is: 'absent' };
  // Kubernetes sets NAME_PORT=tcp://… in every pod beside a Service of that name; it is no configuration of ours.
  if (key.type === 'integer' && /^(tcp|udp|sctp):\/\//.test(direct)) return { is: 'linked' };
  return { is: 'found', source: { text: direct, reread: () => direct, readFile }, from: 'environment' };
}

function locateFile(key: Key<unknown>, file: string, readFile: ReadFile): Located {
  const read = (): string => {
    const content = readFile(file).replace(/\r?\n$/, '');
    return key.type === 'secret' ? content : content.trim();
  };
  let last: string;
  try {
    last = read();
  } catch (error) {
    return {
      is: 'wrong',
      reason: `is to be read from the file that ${key.name}_FILE names, which cannot be read (${reasonOf(error)})`,
      allowed: 'the path of a readable file in its _FILE form',
    };
  }
  const reread = (): string => {
    try {
      last = read();
    } catch {
      // While a secret is being rotated its file may be missing for a moment; the last value is as good as any.
    }
    return last;
  };
  return { is: 'found', source: { text: last, reread, readFile }, from: 'file' };
}

/** A url without its credentials, and without its parameters, which may be credentials too. */
function shown(key: Key<unknown>, text: string): string {
  if (key.type === 'secret') return '***';
  if (key.type !== 'url') return withoutCredentials(text);
  if (!URL.canParse(text)) return '***';
  const { protocol, username, password, host, pathname } = new URL(text);
  return `${protocol}//${username + password === '' ? '' : '***@'}${host}${pathname}`;
}

/** Texts that must not be seen: a secret itself, or the password in a url, as written and as decoded. */
function secretsIn(key: Key<unknown>, text: string): string[] {
  if (key.type === 'secret') return text === '' ? [] : [text];
  if (!URL.canParse(text)) return [];
  const { password } = new URL(text);
  return password === '' ? [] : [...new Set([password, decodeURIComponent(password)])];
}
