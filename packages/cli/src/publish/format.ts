/** What an input holds: its format by option, extension or first bytes; its kind of record by option, name or root. */
import { recordTypes } from '@inator/discogs';
import { usageError } from '../exit.ts';
import { shellQuoted } from '../shell.ts';
import type { Input } from './input.ts';

export const formats = ['xml', 'jsonl', 'csv'] as const;
export type Format = (typeof formats)[number];

const extensions: Readonly<Record<string, Format>> = {
  xml: 'xml',
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  csv: 'csv',
  tsv: 'csv',
};

function extensionOf(path: string): string {
  const name = path.toLowerCase().replace(/\.(gz|gzip)$/, '');
  return /\.([a-z0-9]+)$/.exec(name)?.[1] ?? '';
}

/** Text of the first bytes, byte-order mark and leading white space away. */
function opening(head: Buffer): string {
  return head
    .subarray(0, 64 * 1024)
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trimStart();
}

/** The command that unpacks what jq cannot: a file or standard input. */
function zcat(path: string): string {
  return path === '-' ? 'zcat' : `zcat ${shellQuoted(path)}`;
}

/** The format, or a usage error that says which option decides it. */
export function formatOf(
  path: string,
  input: Pick<Input, 'head' | 'name' | 'gzip'>,
  option: Format | undefined,
): Format {
  if (option !== undefined) return option;
  const byName = extensions[extensionOf(path)];
  if (byName !== undefined) return byName;
  const text = opening(input.head);
  if (text.startsWith('<')) return 'xml';
  if (text.startsWith('{')) return 'jsonl';
  if (text.startsWith('[')) {
    throw usageError(
      `${input.name}: this is one JSON array, not one JSON object a line`,
      `turn it into lines first, for example with: ${input.gzip ? `${zcat(path)} | ` : ''}jq -c '.[]'`,
    );
  }
  throw usageError(`${input.name}: cannot tell its format`, `say which: --format ${formats.join('|')}`);
}

/** The root element of an XML text's first bytes, prologue and comments passed over; undefined when it is not there. */
export function rootElement(head: Buffer): string | undefined {
  let text = opening(head);
  for (;;) {
    const prologue = /^(<\?[\s\S]*?\?>|<!--[\s\S]*?-->|<!DOCTYPE[^>[]*(\[[\s\S]*?\])?\s*>)\s*/.exec(text);
    if (prologue === null) break;
    text = text.slice(prologue[0].length);
  }
  return /^<([A-Za-z_][\w.-]*)/.exec(text)?.[1];
}

/** The words of the file's name that name exactly one kind of record, plural or not. */
function typeByName(path: string, types: readonly string[]): string | undefined {
  const words = ` ${(path.split('/').pop() ?? '')
    .toLowerCase()
    .split(/[^a-z]+/)
    .join(' ')} `;
  const has = (type: string): boolean => words.includes(` ${type.replaceAll(/[^a-z]+/g, ' ')} `);
  const named = types.filter((type) => has(type) || (type.endsWith('s') && has(type.slice(0, -1))));
  return named.length === 1 ? named[0] : undefined;
}

/** The kind of record; undefined when nothing tells it. The root of an XML file knows better than its name; where there is
 * only one kind, it is that. */
export function typeOf(
  path: string,
  input: Pick<Input, 'head'>,
  format: Format,
  option: string | undefined,
  types: readonly string[] = recordTypes,
): string | undefined {
  if (option !== undefined) return option;
  const root = format === 'xml' ? rootElement(input.head) : undefined;
  return types.find((type) => type === root) ?? typeByName(path, types) ?? (types.length === 1 ? types[0] : undefined);
}

/** The delimiter of a CSV file that was not told: a tab in a `.tsv` file, else a comma. */
export function delimiterOf(path: string, option: string | undefined): string {
  return option ?? (extensionOf(path) === 'tsv' ? '\t' : ',');
}
