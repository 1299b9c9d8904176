/** Lines of `Batch processed` out of a log, as JSON or as key=value text, with whatever a collector put before them. */
import { round } from '../measure/stats.ts';

export interface LoggedBatch {
  /** 1, and more where a line sums up several. */
  readonly batches: number;
  readonly records: number;
  /** The sum, where there are several. */
  readonly ms: number;
  /** Milliseconds since the epoch, where the line says when. */
  readonly at: number | undefined;
}

export interface LogSummary {
  readonly batches: number;
  readonly records: number;
  /** Sum of the batches' durations. */
  readonly seconds: number;
  /** Records over the sum of the durations: how fast a flush is, whatever came between. */
  readonly perFlush: number;
  /** Records after the first batch over the time from the first line to the last; undefined without times. */
  readonly endToEnd: number | undefined;
}

export function parseBatchLog(text: string): LoggedBatch[] {
  return text.split('\n').flatMap((line) => {
    const isSummary = line.includes('Batches processed');
    if (!isSummary && !line.includes('Batch processed')) return [];
    const records = number(line, isSummary ? 'records' : 'batch_size');
    const ms = number(line, 'duration_ms');
    const batches = isSummary ? number(line, 'batches') : 1;
    return records === undefined || ms === undefined || batches === undefined
      ? []
      : [{ batches, records, ms, at: time(line) }];
  });
}

export function summarise(batches: readonly LoggedBatch[]): LogSummary {
  const records = batches.reduce((sum, batch) => sum + batch.records, 0);
  const ms = batches.reduce((sum, batch) => sum + batch.ms, 0);
  const first = batches[0];
  const last = batches.at(-1);
  const span = first?.at === undefined || last?.at === undefined ? 0 : last.at - first.at;
  return {
    batches: batches.reduce((sum, batch) => sum + batch.batches, 0),
    records,
    seconds: ms / 1000,
    perFlush: round(records / (Math.max(1, ms) / 1000), 2),
    endToEnd: span > 0 ? Math.round((records - (first?.records ?? 0)) / (span / 1000)) : undefined,
  };
}

/** `"name":12`, `name=12` or `name: 12`. */
function number(line: string, name: string): number | undefined {
  const found = new RegExp(`\\b${name}"?\\s*[=:]\\s*"?(\\d+(?:\\.\\d+)?)`).exec(line)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** The first RFC 3339 time in the line. */
function time(line: string): number | undefined {
  const found = /\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?/.exec(line)?.[0];
  const at = found === undefined ? Number.NaN : Date.parse(found.replace(',', '.'));
  return Number.isNaN(at) ? undefined : at;
}
