/** A Discogs dump as the bodies that the extractor publishes for it. */
import { isRecordType, readDump } from '@inator/discogs';
import type { Limits } from '@inator/runtime';
import { CliError } from '../exit.ts';
import type { Check } from './check.ts';
import type { Items, Position } from './item.ts';

export interface XmlReaderOptions {
  readonly name: string;
  readonly type: string | undefined;
  readonly check: Check;
  readonly limits: Limits;
  /** Items before it are read and not given: XML cannot be entered in the middle. */
  readonly from: Position;
}

/** The items of `chunks`, which start at the beginning of the dump. */
export async function* readXml(
  chunks: AsyncIterable<Buffer>,
  { name, type, check, limits, from }: XmlReaderOptions,
): Items {
  let items = 0;
  const dump = readDump(chunks, {
    recordBytes: limits.recordBytes,
    ...(type !== undefined && isRecordType(type) ? { type } : {}),
  });
  for await (const found of dump) {
    const { line, byte } = found.position;
    const at = { line, byte };
    if (found.is === 'error' && found.fatal) {
      throw new CliError(`${name}: ${found.reason} (line ${line}, byte ${byte}); what was read before is published`);
    }
    items += 1;
    if (items <= from.items) continue;
    const next: Position = { items, byte, line };
    if (found.is === 'error') {
      const fault = { code: 'xml-invalid', reason: found.reason } as const;
      yield [{ is: 'refused', fault, key: undefined, raw: undefined, at, next }];
      continue;
    }
    const checked = check(found.body);
    if (checked.is === 'refused') {
      yield [{ is: 'refused', fault: checked.fault, key: found.id, raw: found.body, at, next }];
    } else {
      yield [{ is: checked.is, body: found.body, at, next }];
    }
  }
}
