/**
 * CSV (RFC 4180) to bodies: the key column becomes `id`, every other column a member with its text. Without a key column
 * every column is a member of its own name: a model file says where the key is.
 *
 * Lines are put together to records here and their fields are taken apart by csv-parse, so that a bad line costs that
 * line: a quote that never closes would otherwise swallow everything behind it. Then its line alone is refused, and reading goes
 * on at the next.
 */
import { isUtf8 } from 'node:buffer';
import type { Limits } from '@inator/runtime';
import { parse } from 'csv-parse/sync';
import { messageOf, usageError } from '../exit.ts';
import type { Check } from './check.ts';
import type { Item, Items, Position, RejectCode } from './item.ts';
import { createLineSplitter, isBlank, type Line, tooLongReason } from './lines.ts';

export interface CsvReaderOptions {
  readonly name: string;
  readonly check: Check;
  readonly limits: Limits;
  /** Items before it are read and not given: a position inside a CSV file cannot be jumped to without its header. */
  readonly from: Position;
  /** One ASCII character. */
  readonly delimiter: string;
  /** The column that holds the key. */
  readonly key: string | undefined;
  /** New names of columns, by their name in the header. */
  readonly renames: ReadonlyMap<string, string>;
}

const quote = 0x22;
const notClosed = 'a quoted field is opened and not closed';
const misplaced = 'a quote stands inside a field, where none may';

/**
 * Where a line leaves its record: `open` in the middle of a quoted field, `closed` at its end, `malformed` when a quote
 * stands where none may. Being strict here is what keeps reading linear: every quote then counts, so a line that goes on
 * with an open field never opens one itself when it is read again as a line of its own.
 */
export function scanQuotes(line: Uint8Array, open: boolean, delimiter: number): 'open' | 'closed' | 'malformed' {
  let inQuotes = open;
  let fieldStart = !open;
  for (let i = 0; i < line.length; i += 1) {
    const byte = line[i];
    if (!inQuotes) {
      if (byte === quote) {
        if (!fieldStart) return 'malformed';
        inQuotes = true;
      }
      fieldStart = byte === delimiter;
    } else if (byte === quote) {
      const following = line[i + 1];
      if (following === quote) i += 1;
      else if (following === undefined || following === delimiter) inQuotes = false;
      else return 'malformed';
    }
  }
  return inQuotes ? 'open' : 'closed';
}

interface Row {
  readonly lines: readonly Line[];
  readonly bytes: Buffer;
}

function rowOf(lines: readonly Line[]): Row {
  const parts = lines.flatMap(({ bytes, terminator }, index) =>
    index === lines.length - 1 ? [bytes] : [bytes, Buffer.from(terminator)],
  );
  return { lines, bytes: parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts) };
}

type Fields =
  | { readonly is: 'fields'; readonly values: readonly string[] }
  | { readonly is: 'bad'; readonly code: RejectCode; readonly reason: string };

const lineBreak = Buffer.from('\n');

/** The fields of records whose quotes are known to match: all in one go, which is many times faster than one by one. */
function fieldsOf(rows: readonly Row[], delimiter: string): Fields[] {
  const bytes = Buffer.concat(rows.flatMap((row) => [row.bytes, lineBreak]));
  if (isUtf8(bytes)) {
    try {
      const records = parse(bytes, { delimiter, relax_column_count: true, record_delimiter: ['\r\n', '\n'] });
      if (records.length === rows.length) return records.map((values) => ({ is: 'fields', values }));
      if (rows.length === 1) return [bad('csv-invalid', `it reads as ${records.length} records`)];
    } catch (error) {
      if (rows.length === 1) return [bad('csv-invalid', messageOf(error))];
    }
  } else if (rows.length === 1) {
    return [bad('utf8-invalid', 'the record is not UTF-8')];
  }
  // One of them is at fault: then each for itself.
  return rows.flatMap((row) => fieldsOf([row], delimiter));
}

function bad(code: RejectCode, reason: string): Fields {
  return { is: 'bad', code, reason };
}

/** Names of the members by column, or a usage error about the header. */
function membersOf(header: readonly string[], { name, key, renames }: CsvReaderOptions): readonly string[] {
  if (key !== undefined && !header.includes(key)) {
    throw usageError(`${name}: there is no column "${key}"; it has: ${header.join(', ')}`, 'name one: --key COLUMN');
  }
  for (const renamed of renames.keys()) {
    if (!header.includes(renamed)) {
      throw usageError(`${name}: --rename names the column "${renamed}", which there is not: ${header.join(', ')}`);
    }
  }
  const members = header.map((column) => (column === key ? 'id' : (renames.get(column) ?? column)));
  const seen = new Set<string>(key === undefined ? [] : ['type']);
  for (const [index, member] of members.entries()) {
    const column = header[index] ?? '';
    if (member === '') throw usageError(`${name}: column ${index + 1} of the header has no name`);
    if (seen.has(member)) {
      const why =
        key !== undefined && (member === 'type' || member === 'id')
          ? `"${member}" is a member of every message`
          : 'it stands twice';
      throw usageError(`${name}: the column "${column}" cannot be published: ${why}`, `--rename ${column}=NEWNAME`);
    }
    seen.add(member);
  }
  return members;
}

/** The items of `chunks`, which start at the beginning of the input. */
export async function* readCsv(chunks: AsyncIterable<Buffer>, options: CsvReaderOptions): Items {
  const { check, delimiter, from, limits } = options;
  const delimiterByte = delimiter.charCodeAt(0);
  const splitter = createLineSplitter({ limit: limits.recordBytes });
  let members: readonly string[] | undefined;
  let items = 0;
  /** Lines of a record whose quoted field is open, and how many bytes they are. */
  let begun: Line[] = [];
  let begunBytes = 0;
  /** Records whose lines are complete, to be taken apart together. */
  let complete: Row[] = [];
  let found: Item[] = [];

  function give(item: Item): void {
    if (item.next.items > from.items) found.push(item);
  }

  function refuse(lines: readonly Line[], code: RejectCode, reason: string): void {
    const first = lines[0] as Line;
    const last = lines[lines.length - 1] as Line;
    items += 1;
    const at = { line: first.number, byte: first.start };
    const next = { items, byte: last.end, line: last.number + 1 };
    give({ is: 'refused', fault: { code, reason }, key: undefined, raw: rowOf(lines).bytes, at, next });
  }

  function publishable(row: Row, fields: readonly string[], names: readonly string[]): void {
    const first = row.lines[0] as Line;
    const last = row.lines[row.lines.length - 1] as Line;
    items += 1;
    if (items <= from.items) return;
    const id = options.key === undefined ? -1 : names.indexOf('id');
    const others = names.flatMap((name, index) => (index === id ? [] : [[name, fields[index] ?? ''] as const]));
    const envelope = id < 0 ? {} : { type: 'data', id: fields[id] };
    const body = Buffer.from(JSON.stringify({ ...envelope, ...Object.fromEntries(others) }));
    const at = { line: first.number, byte: first.start };
    const next = { items, byte: last.end, line: last.number + 1 };
    const checked = check(body);
    if (checked.is === 'refused') {
      give({ is: 'refused', fault: checked.fault, key: checked.key, raw: row.bytes, at, next });
    } else {
      give({ is: checked.is, body, at, next });
    }
  }

  /** A record whose quotes match. It is refused whole: what stands inside its quotes are no records. */
  function record(row: Row, fields: Fields): void {
    if (fields.is === 'bad') refuse(row.lines, fields.code, fields.reason);
    else if (members === undefined) members = membersOf(fields.values, options);
    else if (fields.values.length === members.length) publishable(row, fields.values, members);
    else {
      const reason = `${fields.values.length} fields where the header has ${members.length} columns`;
      refuse(row.lines, 'csv-invalid', reason);
    }
  }

  /** Takes apart what is complete; before anything that comes behind it is given. */
  function finishRows(): void {
    if (complete.length === 0) return;
    const rows = complete;
    complete = [];
    for (const [index, fields] of fieldsOf(rows, delimiter).entries()) record(rows[index] as Row, fields);
  }

  /** The first line of `begun` is no good: it is refused alone, and the others are read again. */
  function giveUp(code: RejectCode, reason: string): void {
    finishRows();
    const [first, ...again] = begun;
    begun = [];
    begunBytes = 0;
    if (members === undefined) throw usageError(`${options.name}: the header cannot be read: ${reason}`);
    refuse([first as Line], code, reason);
    for (const line of again) take(line);
  }

  function take(line: Line): void {
    if (begun.length === 0 && !line.tooLong && isBlank(line.bytes)) return;
    const state = line.tooLong ? 'closed' : scanQuotes(line.bytes, begun.length > 0, delimiterByte);
    begun.push(line);
    begunBytes += line.end - line.start;
    const isTooLong = line.tooLong || begunBytes > limits.recordBytes + 2;
    if (begun.length > 1 && (isTooLong || state === 'malformed')) giveUp('csv-invalid', notClosed);
    else if (isTooLong) giveUp('record-too-large', tooLongReason(line, limits));
    else if (state === 'malformed') giveUp('csv-invalid', misplaced);
    else if (state === 'closed') {
      complete.push(rowOf(begun));
      begun = [];
      begunBytes = 0;
    }
  }

  for await (const chunk of chunks) {
    for (const line of splitter.push(chunk)) take(line);
    finishRows();
    if (found.length > 0) yield found;
    found = [];
  }
  for (const line of splitter.end()) take(line);
  finishRows();
  while (begun.length > 0) giveUp('csv-invalid', notClosed);
  finishRows();
  if (members === undefined) throw usageError(`${options.name}: there is no header`);
  if (found.length > 0) yield found;
}
