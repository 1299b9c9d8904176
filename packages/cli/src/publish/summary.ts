/** What a run did, as a table for people and as an object for scripts. */
import { count } from '../io.ts';
import { table } from '../table.ts';

export interface FileSummary {
  readonly file: string;
  readonly type: string | null;
  readonly exchange: string;
  /** `before`: an earlier run had finished it; nothing was done in this one. */
  readonly ended: 'complete' | 'limit' | 'interrupted' | 'failed' | 'before';
  readonly read: number;
  readonly published: number;
  readonly refused: number;
  /** Signals published: those that stood in the file, and `file_complete`. */
  readonly signals: number;
  /** Records that an earlier, interrupted run had published already. */
  readonly before: number;
  readonly unroutable: number;
  /**
   * Path of the reject file, or `standard error`; null when nothing of the file was refused, in earlier runs either, and
   * in a dry run.
   */
  readonly rejects: string | null;
  readonly seconds: number;
  readonly perSecond: number;
}

export interface RunSummary {
  readonly dryRun: boolean;
  readonly ended: 'complete' | 'interrupted' | 'failed';
  readonly read: number;
  readonly published: number;
  readonly refused: number;
  readonly signals: number;
  readonly before: number;
  readonly unroutable: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly files: readonly FileSummary[];
}

function sum(
  files: readonly FileSummary[],
  field: 'read' | 'published' | 'refused' | 'signals' | 'before' | 'unroutable',
) {
  return files.reduce((total, file) => total + file[field], 0);
}

/** Seconds with three decimals, and records per second, in one place so that both summaries agree. */
export function speed(published: number, milliseconds: number): { seconds: number; perSecond: number } {
  const seconds = Math.round(milliseconds) / 1000;
  return { seconds, perSecond: seconds === 0 ? 0 : Math.round(published / seconds) };
}

export function summarise(
  files: readonly FileSummary[],
  more: { readonly dryRun: boolean; readonly ended: RunSummary['ended']; readonly milliseconds: number },
): RunSummary {
  const published = sum(files, 'published');
  return {
    dryRun: more.dryRun,
    ended: more.ended,
    read: sum(files, 'read'),
    published,
    refused: sum(files, 'refused'),
    signals: sum(files, 'signals'),
    before: sum(files, 'before'),
    unroutable: sum(files, 'unroutable'),
    ...speed(published, more.milliseconds),
    files,
  };
}

export function summaryTable(run: RunSummary): string {
  const withBefore = run.before > 0;
  const publishedHead = run.dryRun ? 'would publish' : 'published';
  const head = ['file', 'exchange', 'read', publishedHead, 'refused', ...(withBefore ? ['before'] : [])];
  const rows = run.files.map((file) => [
    file.ended === 'complete' || file.ended === 'before' ? file.file : `${file.file} (${file.ended})`,
    file.exchange,
    count(file.read),
    count(file.published),
    count(file.refused),
    ...(withBefore ? [count(file.before)] : []),
    file.seconds.toFixed(1),
    count(file.perSecond),
  ]);
  const total = [
    'total',
    '',
    count(run.read),
    count(run.published),
    count(run.refused),
    ...(withBefore ? [count(run.before)] : []),
    run.seconds.toFixed(1),
    count(run.perSecond),
  ];
  return table([...head, 'seconds', 'per second'], run.files.length > 1 ? [...rows, total] : rows);
}
