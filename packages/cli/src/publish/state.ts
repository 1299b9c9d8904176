/** The state file: how far a file was published, so that an interrupted run goes on where it stopped. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Position } from './item.ts';

/** What must be the same for a position to mean anything: the file, how it is read, and where it goes. */
export interface Identity {
  /** Absolute, symbolic links resolved. */
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
  /** `amqp://host:port/vhost`, never with credentials. */
  readonly broker: string;
  readonly exchange: string;
  /** Everything that decides what is read as one item and what becomes of it: format, key column, and so on. */
  readonly reading: string;
}

export interface Progress {
  /** Everything before it is confirmed by the broker or stands in the reject file. */
  readonly position: Position;
  readonly published: number;
  readonly refused: number;
  /** Signals of the file itself, published as they came. */
  readonly signals: number;
  /** Length of the reject file at this position. */
  readonly rejectsBytes: number;
  /** The whole file is done; kept until every file of the run is, so that none is published twice. */
  readonly complete: boolean;
}

interface Saved extends Progress {
  readonly version: 1;
  readonly identity: Identity;
  readonly savedAt: string;
}

export type Found =
  | { readonly is: 'nothing' }
  | { readonly is: 'resume'; readonly progress: Progress; readonly savedAt: string }
  /** There is a state, but it says nothing about this run; `because` names the difference. */
  | { readonly is: 'stale'; readonly because: string };

export interface StateFile {
  readonly path: string;
  load(identity: Identity): Promise<Found>;
  /** Replaces the file in one step: a crash leaves the old state or the new one, never half of one. */
  save(identity: Identity, progress: Progress): Promise<void>;
  remove(): Promise<void>;
}

/** Next to the input, or in `directory` under a name that two inputs of one base name do not share. */
export function statePath(input: string, directory: string | undefined): string {
  if (directory === undefined) return `${input}.inator-state.json`;
  const digest = createHash('sha256').update(input).digest('hex').slice(0, 8);
  return join(directory, `${basename(input)}.${digest}.inator-state.json`);
}

export async function identify(
  input: string,
  target: Pick<Identity, 'broker' | 'exchange' | 'reading'>,
): Promise<Identity> {
  const path = await realpath(input);
  const { size, mtimeMs } = await stat(path);
  return { path, bytes: size, modifiedMs: mtimeMs, ...target };
}

const differences: readonly (readonly [keyof Identity, string])[] = [
  ['path', 'it is of another file'],
  ['bytes', 'the file has another size since'],
  ['modifiedMs', 'the file was changed since'],
  ['broker', 'it is of another broker'],
  ['exchange', 'it is of another exchange'],
  ['reading', 'the file was read in another way'],
];

function isSaved(value: unknown): value is Saved {
  if (typeof value !== 'object' || value === null) return false;
  const saved = value as Partial<Saved>;
  const position = saved.position;
  return (
    saved.version === 1 &&
    typeof saved.identity === 'object' &&
    typeof position === 'object' &&
    [
      position.items,
      position.byte,
      position.line,
      saved.published,
      saved.refused,
      saved.signals,
      saved.rejectsBytes,
    ].every((number) => Number.isSafeInteger(number))
  );
}

export function createStateFile(path: string): StateFile {
  return {
    path,
    async load(identity) {
      let text: string;
      try {
        text = await readFile(path, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { is: 'nothing' };
        throw error;
      }
      let saved: unknown;
      try {
        saved = JSON.parse(text);
      } catch {
        return { is: 'stale', because: 'it is not JSON' };
      }
      if (!isSaved(saved)) return { is: 'stale', because: 'it is not a state of this version' };
      for (const [field, because] of differences) {
        if (saved.identity[field] !== identity[field]) return { is: 'stale', because };
      }
      const { position, published, refused, signals, rejectsBytes, complete, savedAt } = saved;
      return {
        is: 'resume',
        progress: { position, published, refused, signals, rejectsBytes, complete },
        savedAt,
      };
    },
    async save(identity, progress) {
      const saved: Saved = { version: 1, identity, ...progress, savedAt: new Date().toISOString() };
      const temporary = `${path}.${process.pid}.new`;
      try {
        await writeFile(temporary, `${JSON.stringify(saved, undefined, 2)}\n`);
        await rename(temporary, path);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    },
    async remove() {
      await rm(path, { force: true });
    },
  };
}

export async function ensureDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
}
