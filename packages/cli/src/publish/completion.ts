/** What is announced when files are published to their ends: the bodies of `file_complete` and `extraction_complete`. */
import { extractionComplete, fileComplete } from '@inator/discogs';

export function fileCompleteBody(type: string, total: number, file: string): Uint8Array {
  return fileComplete({ type, total, file });
}

/** The dump's date where the files' names agree on one (discogs_20260801_artists.xml.gz), else today's. */
export function dumpVersion(names: readonly string[], startedAt: Date): string {
  const dates = new Set(names.flatMap((name) => /(?:^|\D)((?:19|20)\d{6})(?:\D|$)/.exec(name)?.[1] ?? []));
  const [date] = dates;
  return dates.size === 1 && date !== undefined ? date : startedAt.toISOString().slice(0, 10).replaceAll('-', '');
}

export function extractionCompleteBody(
  counts: Readonly<Record<string, number>>,
  names: readonly string[],
  startedAt: Date,
): Uint8Array {
  return extractionComplete({ version: dumpVersion(names, startedAt), startedAt, counts });
}
