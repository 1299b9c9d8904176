/** What is remembered of a server beside its data: its ports, so that they stay, and its process, so that it is found. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, startToken } from './processes.ts';

export interface ServerRecord {
  /** Ports by purpose; `main` is the one that clients use. */
  readonly ports: Readonly<Record<string, number>>;
  /** Folders that hold its data, where they are others than the record's. */
  readonly dataDirs?: readonly string[];
  /** The process started last, with what tells it from a later one of the same id. */
  readonly pid?: number;
  readonly token?: string;
}

const fileName = 'server.json';

/** The record in `dir`, undefined when there is none or it cannot be read. */
export function readRecord(dir: string): ServerRecord | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(join(dir, fileName), 'utf8'));
    if (typeof value !== 'object' || value === null || !('ports' in value)) return undefined;
    return value as ServerRecord;
  } catch {
    return undefined;
  }
}

/** Replaces the record in one step: a reader sees the old or the new one. */
export function writeRecord(dir: string, record: ServerRecord): void {
  mkdirSync(dir, { recursive: true });
  const next = join(dir, `${fileName}.${process.pid}`);
  writeFileSync(next, `${JSON.stringify(record)}\n`);
  renameSync(next, join(dir, fileName));
}

/** The process of the record, if it is still that process and runs. */
export function runningPid(record: ServerRecord | undefined): number | undefined {
  if (record?.pid === undefined || !isAlive(record.pid)) return undefined;
  return startToken(record.pid) === record.token ? record.pid : undefined;
}
