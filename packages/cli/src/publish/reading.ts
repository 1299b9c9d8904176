/** An input as items, by its format. */
import type { Limits } from '@inator/runtime';
import type { Check } from './check.ts';
import { readCsv } from './csv.ts';
import type { Input } from './input.ts';
import { beginning, type Items, type Position } from './item.ts';
import { readJsonl } from './jsonl.ts';
import type { Plan } from './plan.ts';
import { readXml } from './xml.ts';

export interface ReadingOptions {
  readonly check: Check;
  readonly limits: Limits;
  readonly from: Position;
  readonly key: string | undefined;
  readonly renames: ReadonlyMap<string, string>;
}

export function openItems(plan: Plan, input: Input, options: ReadingOptions): Items {
  const { check, limits, from, key, renames } = options;
  switch (plan.format) {
    case 'jsonl':
      return readJsonl(input.chunks(from.byte), { check, limits, from });
    case 'csv': {
      const { delimiter, name } = plan;
      return readCsv(input.chunks(beginning.byte), { name, check, limits, from, delimiter, key, renames });
    }
    case 'xml':
      return readXml(input.chunks(beginning.byte), { name: plan.name, type: plan.type, check, limits, from });
  }
}
