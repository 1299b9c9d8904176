/**
 * Where a value stands in a record, as the model file writes it: `price.amount`, `items[].sku`, `tags[0]`,
 * `["a.b"].c`. A member's name is everything up to the next dot or bracket, spaces included; names with dots or brackets
 * are written in brackets, as JSON text.
 */

export type Step =
  | { readonly is: 'member'; readonly name: string }
  /** `[]`: each element of a list. */
  | { readonly is: 'each' }
  /** `[2]`: one element of a list, counted from 0. */
  | { readonly is: 'at'; readonly index: number };

export interface Path {
  readonly text: string;
  readonly steps: readonly Step[];
}

/** `wrong` completes the sentence "the path …". */
export type ParsedPath = { readonly path: Path } | { readonly wrong: string };

/** Longest path, in characters, and its most steps: what is longer is a mistake. */
const longestPath = 1_000;
const mostSteps = 50;
/** Index of the last element that can be asked for. */
const lastIndex = 1_000_000;

export function parsePath(text: string): ParsedPath {
  if (text.length > longestPath) return { wrong: `is longer than ${longestPath} characters` };
  const steps: Step[] = [];
  let i = 0;
  while (i < text.length) {
    if (text[i] === '[') {
      const bracket = bracketAt(text, i);
      if ('wrong' in bracket) return bracket;
      if (bracket.step.is !== 'member' && steps.length === 0) return { wrong: 'must begin with the name of a member' };
      steps.push(bracket.step);
      i = bracket.next;
      if (i < text.length && text[i] !== '.' && text[i] !== '[') return { wrong: `needs a dot after character ${i}` };
    } else {
      const end = endOfName(text, i);
      const name = text.slice(i, end);
      if (name === '') return { wrong: `names nothing before character ${i + 1}` };
      if (name.includes(']')) return { wrong: `has a closing bracket without an opening one` };
      if (name === '$' && steps.length === 0 && end < text.length) {
        return { wrong: 'begins with $; it is written without: a.b, not $.a.b' };
      }
      if (name === '*') return { wrong: 'has a *; each element of a list is written []' };
      steps.push({ is: 'member', name });
      i = end;
    }
    if (text[i] === '.') {
      i += 1;
      if (i === text.length) return { wrong: 'ends with a dot' };
      if (text[i] === '[' && text[i + 1] !== '"') return { wrong: 'has a dot before a bracket' };
    }
  }
  if (steps.length === 0) return { wrong: 'is empty' };
  if (steps.length > mostSteps) return { wrong: `has more than ${mostSteps} steps` };
  return { path: { text, steps } };
}

function endOfName(text: string, from: number): number {
  let i = from;
  while (i < text.length && text[i] !== '.' && text[i] !== '[') i += 1;
  return i;
}

function bracketAt(
  text: string,
  at: number,
): { readonly step: Step; readonly next: number } | { readonly wrong: string } {
  if (text[at + 1] === '"') {
    const quoted = /^"(?:[^"\\]|\\.)*"/.exec(text.slice(at + 1))?.[0];
    if (quoted === undefined || text[at + 1 + quoted.length] !== ']')
      return { wrong: 'has a name in brackets that never ends' };
    try {
      return { step: { is: 'member', name: JSON.parse(quoted) as string }, next: at + quoted.length + 2 };
    } catch {
      return { wrong: 'has a name in brackets that is no JSON text' };
    }
  }
  const close = text.indexOf(']', at);
  if (close < 0) return { wrong: 'has an opening bracket without a closing one' };
  const inside = text.slice(at + 1, close);
  if (inside === '') return { step: { is: 'each' }, next: close + 1 };
  if (inside === '*') return { wrong: 'has [*]; each element of a list is written []' };
  if (!/^\d+$/.test(inside)) return { wrong: `has [${inside}]; brackets hold nothing, a number or a name in quotes` };
  if (Number(inside) > lastIndex) return { wrong: `asks for an element beyond ${lastIndex}` };
  return { step: { is: 'at', index: Number(inside) }, next: close + 1 };
}

/** Paths whose texts are known to be good; others are left out. */
export function pathsOf(texts: string | readonly string[]): readonly Path[] {
  return (typeof texts === 'string' ? [texts] : texts).flatMap((text) => {
    const parsed = parsePath(text);
    return 'path' in parsed ? [parsed.path] : [];
  });
}

export function isThroughLists({ steps }: Path): boolean {
  return steps.some(({ is }) => is === 'each');
}

/** The path's way to the last list it goes through element by element, as a text to compare; '' when through none. */
export function listsOf({ steps }: Path): string {
  const last = steps.findLastIndex(({ is }) => is === 'each');
  return steps
    .slice(0, last + 1)
    .map((step) =>
      step.is === 'member' ? `.${JSON.stringify(step.name)}` : step.is === 'each' ? '[]' : `[${step.index}]`,
    )
    .join('');
}

/** A member's name as a step of a path. */
export function nameAsStep(name: string): string {
  return name === '' || name === '$' || name === '*' || /[.[\]]/.test(name) ? `[${JSON.stringify(name)}]` : name;
}

/** The path of member `name` below `parent`, or at the top. */
export function below(parent: string | undefined, name: string): string {
  const step = nameAsStep(name);
  if (parent === undefined) return step;
  return step.startsWith('[') ? parent + step : `${parent}.${step}`;
}
