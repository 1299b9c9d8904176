/** The records of a sample, as `inator publish` would send them: JSONL or CSV, gzipped or not, or standard input. */
import type { Readable } from 'node:stream';
import { defaultLimits } from '@inator/runtime';
import { usageError } from '../exit.ts';
import { readCsv } from '../publish/csv.ts';
import { delimiterOf, type Format, formatOf } from '../publish/format.ts';
import { openInput } from '../publish/input.ts';
import { beginning, type Item } from '../publish/item.ts';
import { readJsonl } from '../publish/jsonl.ts';

export interface SampleOptions {
  readonly format?: Format | undefined;
  readonly delimiter?: string | undefined;
  /** Items read at most. */
  readonly limit?: number | undefined;
}

export interface Sample {
  readonly name: string;
  readonly format: Exclude<Format, 'xml'>;
  readonly items: AsyncIterable<Item>;
}

/** Everything goes through: what becomes of a record is for the model to say. */
const anything = (): { readonly is: 'record' } => ({ is: 'record' });

export async function openSample(path: string, stdin: Readable, options: SampleOptions): Promise<Sample> {
  const input = await openInput(path, stdin);
  const format = formatOf(path, input, options.format);
  if (format === 'xml') {
    input.close();
    throw usageError(`${input.name}: XML is read for Discogs dumps only`, 'turn it into JSON, one object a line');
  }
  const common = { check: anything, limits: defaultLimits, from: beginning };
  const groups =
    format === 'jsonl'
      ? readJsonl(input.chunks(0), common)
      : readCsv(input.chunks(0), {
          ...common,
          name: input.name,
          delimiter: delimiterOf(path, options.delimiter),
          key: undefined,
          renames: new Map(),
        });
  async function* items(): AsyncGenerator<Item> {
    let left = options.limit ?? Number.POSITIVE_INFINITY;
    try {
      for await (const group of groups) {
        for (const item of group) {
          if (left <= 0) return;
          left -= 1;
          yield item;
        }
      }
    } finally {
      input.close();
    }
  }
  return { name: input.name, format, items: items() };
}
