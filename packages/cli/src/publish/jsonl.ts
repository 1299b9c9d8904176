/** One JSON object a line, published byte for byte as it stands. */
import type { Limits } from '@inator/runtime';
import type { Check } from './check.ts';
import type { Item, Items, Position } from './item.ts';
import { createLineSplitter, isBlank, type Line, tooLongReason } from './lines.ts';

export interface LineReaderOptions {
  readonly check: Check;
  readonly limits: Limits;
  readonly from: Position;
}

function itemOf(line: Line, items: number, { check, limits }: LineReaderOptions): Item {
  const at = { line: line.number, byte: line.start };
  const next: Position = { items, byte: line.end, line: line.number + 1 };
  if (line.tooLong) {
    const fault = { code: 'record-too-large', reason: tooLongReason(line, limits) } as const;
    return { is: 'refused', fault, key: undefined, raw: line.bytes, at, next };
  }
  const checked = check(line.bytes);
  return checked.is === 'refused'
    ? { is: 'refused', fault: checked.fault, key: checked.key, raw: line.bytes, at, next }
    : { is: checked.is, body: line.bytes, at, next };
}

/** The items of `chunks`, which start at `options.from`. Blank lines are no items. */
export async function* readJsonl(chunks: AsyncIterable<Buffer>, options: LineReaderOptions): Items {
  const splitter = createLineSplitter({ limit: options.limits.recordBytes, from: options.from });
  let items = options.from.items;
  const itemsOf = (lines: readonly Line[]): Item[] => {
    const found: Item[] = [];
    for (const line of lines) {
      if (!line.tooLong && isBlank(line.bytes)) continue;
      items += 1;
      found.push(itemOf(line, items, options));
    }
    return found;
  };
  for await (const chunk of chunks) {
    const found = itemsOf(splitter.push(chunk));
    if (found.length > 0) yield found;
  }
  const rest = itemsOf(splitter.end());
  if (rest.length > 0) yield rest;
}
