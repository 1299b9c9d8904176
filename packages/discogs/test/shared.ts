/** The real data beside the repository, where it is at hand; suites that need it are skipped aloud where it is not. */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe } from '@jest/globals';
import type { RecordType } from '../src/index.ts';

export const shared = new URL('../../../../shared/data/', import.meta.url);
const present = existsSync(shared);
if (!present) console.warn(`skipped: the real data is not at ${shared.pathname}`);

/** `describe`, or `describe.skip` where the data is missing. */
export const describeReal = present ? describe : describe.skip;

export function readShared(path: string): Buffer {
  const bytes = readFileSync(new URL(path.split('/').map(encodeURIComponent).join('/'), shared));
  return path.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}

/** The bodies the extractor published: 555 records and two signals a type. */
export function realMessages(type: RecordType): readonly Buffer[] {
  const lines = readShared(`discogs/messages/${type}.jsonl.gz`).toString().trimEnd().split('\n');
  return lines.map((line) => Buffer.from(line));
}
