/** The two signals as producers write them: the same in every domain, because publishers of all domains send them. */
import type { JsonObject, JsonValue } from './json/index.ts';
import type { Signal } from './model.ts';

/** Longest name or time in a signal, in code points: what is longer is neither. */
const longestLabel = 255;

/** Whether the member `type` of a body says that it is a signal. */
export function isSignalKind(kind: unknown): kind is Signal['is'] {
  return kind === 'file_complete' || kind === 'extraction_complete';
}

/** The signal a body is, read leniently: missing or odd members are left out. `lane`: the type it came for. */
export function signalOf(message: JsonObject, lane: string): Signal | undefined {
  if (!isSignalKind(message.type)) return undefined;
  if (message.type === 'file_complete') {
    const total = message.total_processed;
    return {
      is: 'file_complete',
      type: label(message.data_type) ?? lane,
      total: isCount(total) ? total : undefined,
      at: label(message.timestamp),
    };
  }
  return {
    is: 'extraction_complete',
    version: label(message.version),
    startedAt: label(message.started_at),
    counts: countsOf(message.record_counts),
  };
}

function isCount(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function label(value: JsonValue | undefined): string | undefined {
  if (typeof value !== 'string' || value === '' || value.length > 2 * longestLabel) return undefined;
  return value.length <= longestLabel || [...value].length <= longestLabel ? value : undefined;
}

function countsOf(value: JsonValue | undefined): Readonly<Record<string, number>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, number] => isCount(entry[1])));
}
