/**
 * A model proposed from a sample: a file to read, correct and keep, not an oracle. It passes the check, and takes every
 * record of the sample that any model could take.
 */
import { createEnvelopeReader, defaultLimits } from '@inator/runtime';
import { parsePath } from '../path/path.ts';
import { type ExactObject, isExactDouble, parseExact } from './exact.ts';
import { guessKey, guessType, type KeyGuess, labelOf, snake } from './guess.ts';
import { type Leaf, type ListLeaf, type Survey, survey } from './survey.ts';

export interface ProposalOptions {
  /** The domain's name, and the type's. */
  readonly name: string;
  readonly type: string;
  /** The sample is CSV: texts may be numbers and booleans. */
  readonly typed?: boolean;
}

export type Proposal =
  | { readonly is: 'model'; readonly text: string; readonly records: number; readonly skipped: number }
  | { readonly is: 'nothing'; readonly because: string };

/** Columns proposed; the members beyond stay in `data`, and are named. */
const mostColumns = 60;
const mostProperties = 8;
/** Other unique members named beside the key; of more only the number is told. */
const mostAlsoUnique = 6;
const reservedColumns = new Set([
  'data_id',
  'hash',
  'data',
  'seq',
  'created_at',
  'updated_at',
  'xmin',
  'xmax',
  'cmin',
  'cmax',
  'ctid',
  'tableoid',
]);
const reservedProperties = new Set(['id', 'sha256', 'seq']);

export function proposeModel(bodies: Iterable<Uint8Array>, options: ProposalOptions): Proposal {
  const passes = createEnvelopeReader(defaultLimits, []);
  const records: ExactObject[] = [];
  let skipped = 0;
  for (const body of bodies) {
    if (passes(body).is === 'ok') records.push(parseExact(body));
    else skipped += 1;
  }
  if (records.length === 0)
    return { is: 'nothing', because: 'the sample holds no record: no line of it is a JSON object' };
  const found = survey(records);
  const key = guessKey(
    found,
    (a, b) => new Set(records.map((record) => JSON.stringify([at(record, a), at(record, b)]))).size,
  );
  if (key === undefined)
    return {
      is: 'nothing',
      because: 'no member of the records can be a key: a text or an integer of at most 255 characters',
    };
  const lines = [
    `# Proposed from ${records.length} records. Look at every line, then: inator model check THIS_FILE --sample YOUR_SAMPLE`,
    `name: ${options.name}`,
    'types:',
    `  ${options.type}:`,
    ...(key.doubt === undefined ? [] : [`    # Look here: ${key.doubt}.`]),
    keyLine(key),
    '    # version: PATH   # an integer; a later one is never overwritten by an earlier one',
    '    table:',
    ...tableLines(found, options.typed ?? false),
    '    graph:',
    ...graphLines(found, options, new Set(key.paths)),
    '',
  ];
  return { is: 'model', text: lines.join('\n'), records: records.length, skipped };
}

function keyLine({ paths, alsoUnique }: KeyGuess): string {
  const key = paths.length === 1 ? scalar(paths[0] ?? '') : `[${paths.map(inFlow).join(', ')}]`;
  if (alsoUnique.length === 0) return `    key: ${key}`;
  const more = alsoUnique.length - mostAlsoUnique;
  const named = alsoUnique.slice(0, mostAlsoUnique).map((path) => inComment(scalar(path)));
  return `    key: ${key}   # also unique: ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

interface Column {
  readonly name: string;
  readonly leaf: Leaf;
  readonly type: string;
  readonly hint: string | undefined;
}

/** An object of more members than this is a map: their names are data, and columns would be made of data. */
const mostMembers = 15;

function columnsOf({ leaves }: Survey, typed: boolean, reserved: ReadonlySet<string>): readonly Column[] {
  const members = new Map<string, number>();
  for (const { names } of leaves.values()) {
    const parent = JSON.stringify(names.slice(0, -1));
    members.set(parent, (members.get(parent) ?? 0) + 1);
  }
  // As JSON: a map, and what is an object here and a text there.
  const isWhole = ({ names, kinds }: Leaf): boolean =>
    (kinds.size > 1 && (kinds.has('object') || kinds.has('list'))) ||
    (kinds.has('object') && (members.get(JSON.stringify(names)) ?? 0) > mostMembers);
  const whole = new Set([...leaves.values()].filter(isWhole).map(({ names }) => JSON.stringify(names)));
  const isInside = ({ names }: Leaf): boolean =>
    names.some((_, i) => i > 0 && whole.has(JSON.stringify(names.slice(0, i))));

  const taken = new Set(reserved);
  const columns: Column[] = [];
  for (const leaf of [...leaves.values()].sort((a, b) => a.names.length - b.names.length)) {
    if (isInside(leaf)) continue;
    const hint = leaf.kinds.size > 1 ? 'of several kinds' : 'its members differ from record to record';
    const guess = isWhole(leaf) ? { type: 'jsonb', hint } : guessType(leaf, typed);
    if (guess === undefined) continue;
    const plain = snake(leaf.names);
    let name = taken.has(plain) ? `${plain}_value` : plain;
    for (let i = 2; taken.has(name); i += 1) name = `${plain}_${i}`;
    taken.add(name);
    columns.push({ name, leaf, type: guess.type, hint: guess.hint });
  }
  return columns;
}

function tableLines(found: Survey, typed: boolean): readonly string[] {
  const columns = columnsOf(found, typed, reservedColumns);
  if (columns.length === 0) return ['      columns: {}'];
  const left = columns.slice(mostColumns);
  return [
    '      columns:',
    ...columns.slice(0, mostColumns).map(({ name, leaf, type, hint }) => {
      const value = leaf.path === name ? type : `{ type: ${type}, path: ${inFlow(leaf.path)} }`;
      return `        ${name}: ${value}${hint === undefined ? '' : `   # ${hint}`}`;
    }),
    ...(left.length === 0
      ? []
      : [`      # Not proposed, but in \`data\`: ${left.map(({ leaf }) => inComment(leaf.path)).join(', ')}`]),
  ];
}

/** A graph has no decimals: a number is a double where that holds all of them, else exact as a text. */
function propertyType({ leaf, type }: Column): string {
  if (type !== 'numeric' || leaf.beyondDouble) return type;
  return leaf.texts.every((text) => text === '' || isExactDouble(text)) ? 'double' : type;
}

function graphLines(found: Survey, { type, typed }: ProposalOptions, keys: ReadonlySet<string>): readonly string[] {
  const properties = columnsOf(found, typed ?? false, reservedProperties)
    .filter(({ leaf, type: column }) => column !== 'jsonb' && !keys.has(leaf.path) && leaf.longest <= 200)
    .slice(0, mostProperties);
  const edges = [...found.lists.values()].flatMap((list) => edgeHint(list));
  return [
    `      label: ${labelOf(type)}`,
    ...(properties.length === 0 ? [] : ['      properties:']),
    ...properties.map((column) => {
      const { name, leaf } = column;
      const as = propertyType(column);
      return `        ${name}: ${leaf.path === name ? as : `{ type: ${as}, path: ${inFlow(leaf.path)} }`}`;
    }),
    ...(edges.length === 0
      ? []
      : [
          '      # Lists that may be edges; uncomment what is one and correct its type, label and key.',
          '      # edges:',
        ]),
    ...edges,
  ];
}

/** A list as an edge, in a comment: what its elements refer to is for a person to say. */
function edgeHint({ path, names, scalars, members, elements }: ListLeaf): readonly string[] {
  if (elements === 0) return [];
  const name = names.at(-1) ?? '';
  const start = [
    `      #   - type: HAS_${snake([labelOf(name)]).toUpperCase()}`,
    `      #     to:`,
    `      #       label: ${labelOf(name)}`,
  ];
  if (scalars) return [...start, `      #       key: ${inComment(scalar(`${path}[]`))}`];
  const candidates = [...members.values()].filter(({ kinds }) => !kinds.has('object') && !kinds.has('list'));
  const key =
    candidates.find(({ path: member }) => /(^|[._])(id|key|code|sku)$/i.test(member)) ??
    candidates.find(({ present }) => present === elements) ??
    candidates[0];
  if (key === undefined) return [];
  return [...start, `      #       key: ${inComment(scalar(`${path}[].${key.path}`))}`];
}

/** The value at a path without lists. */
function at(record: ExactObject, path: string): unknown {
  const parsed = parsePath(path);
  let value: unknown = record;
  for (const step of 'path' in parsed ? parsed.path.steps : []) {
    if (step.is !== 'member' || typeof value !== 'object' || value === null || !Object.hasOwn(value, step.name))
      return undefined;
    value = (value as Readonly<Record<string, unknown>>)[step.name];
  }
  return value;
}

/** A text as YAML writes it: plain where that is safe. */
function scalar(text: string): string {
  return /^[A-Za-z_][A-Za-z0-9_. -]*[A-Za-z0-9_]$|^[A-Za-z_]$/.test(text) &&
    !/^(true|false|null|yes|no|on|off|y|n)$/i.test(text)
    ? text
    : JSON.stringify(text);
}

/** The same inside braces and brackets. */
const inFlow = scalar;

/** Names come from data: they must not end the comment they stand in. */
function inComment(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, ' ');
}
