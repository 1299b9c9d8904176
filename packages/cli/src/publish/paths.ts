/** Where a run writes beside the queues: rejects and positions. Checked before anything is sent. */
import { constants, fstatSync } from 'node:fs';
import { access, open, realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { messageOf, usageError } from '../exit.ts';
import { isRejectFile } from './rejects.ts';
import { ensureDirectory, statePath } from './state.ts';

/** Where the refused items of one input go. */
export type RejectPlace =
  | { readonly is: 'file'; readonly path: string }
  /** Standard error; `most` bounds how many of an input are shown, and then no file holds them. */
  | { readonly is: 'shown'; readonly most: number | undefined };

export interface Places {
  readonly rejects: RejectPlace;
  /** Undefined where nothing can be resumed. */
  readonly state: string | undefined;
}

interface PlaceOptions {
  readonly files: readonly string[];
  readonly dryRun: boolean;
  readonly limit: number | undefined;
  readonly state: string | undefined;
  readonly rejects: string | undefined;
}

/** Rejects of one input that a dry run shows. */
export const shownOfDryRun = 20;
const ownEndings = ['.rejects.jsonl', '.inator-state.json'] as const;

/** The inputs, without what an earlier run wrote beside one of them: `*.jsonl` names that, too. */
export function withoutOwn(files: readonly string[]): { readonly files: string[]; readonly own: string[] } {
  const named = new Set(files.map((path) => resolve(path)));
  const isOwn = (path: string): boolean =>
    ownEndings.some((ending) => path.endsWith(ending) && named.has(resolve(path.slice(0, -ending.length))));
  return { files: files.filter((path) => !isOwn(path)), own: files.filter(isOwn) };
}

const defaultRejects = (path: string): string => `${path === '-' ? 'stdin' : path}.rejects.jsonl`;

/** What two names of one file have in common; of a file that is not there, the name that it would have. */
async function identityOf(path: string): Promise<string> {
  try {
    const { dev, ino } = await stat(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    const directory = await realpath(dirname(path)).catch(() => resolve(dirname(path)));
    return join(directory, basename(path));
  }
}

/** A file that standard input was redirected from. */
function identityOfStdin(stdin: Readable): string | undefined {
  const { fd } = stdin as Readable & { readonly fd?: unknown };
  if (typeof fd !== 'number') return undefined;
  try {
    const stats = fstatSync(fd, { bigint: true });
    return stats.isFile() ? `${stats.dev}:${stats.ino}` : undefined;
  } catch {
    return undefined;
  }
}

/** Why a new file cannot be made at `path`; undefined when it can. Tried, because a mode alone does not tell. */
async function whyNoNewFile(path: string): Promise<string | undefined> {
  const probe = `${path}.${process.pid}.new`;
  try {
    await (await open(probe, 'w')).close();
    await rm(probe, { force: true });
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

async function whyNoRejects(path: string): Promise<string | undefined> {
  const stats = await stat(path).catch(() => undefined);
  if (stats === undefined) return whyNoNewFile(path);
  if (stats.isDirectory()) return 'it is a directory';
  return access(path, constants.W_OK).then(
    () => undefined,
    (error: unknown) => messageOf(error),
  );
}

/** The places of every input, by its path; `isFile` tells which inputs are regular files. A usage error names what is in the way. */
export async function findPlaces(
  options: PlaceOptions,
  isFile: ReadonlyMap<string, boolean>,
  stdin: Readable,
): Promise<ReadonlyMap<string, Places>> {
  const { files, dryRun, limit, state: directory } = options;
  /** What must not be written over, and what it is. */
  const taken = new Map<string, string>();
  for (const path of files) {
    const identity = path === '-' ? identityOfStdin(stdin) : await identityOf(path);
    if (identity !== undefined) taken.set(identity, path === '-' ? 'the input' : `the input ${path}`);
  }

  async function stateOf(path: string): Promise<string | undefined> {
    if (dryRun || limit !== undefined || isFile.get(path) !== true) return undefined;
    const state = statePath(path, directory);
    const why = await (directory === undefined ? Promise.resolve() : ensureDirectory(directory)).then(
      () => whyNoNewFile(state),
      (error: unknown) => messageOf(error),
    );
    if (why !== undefined) {
      const rejects = options.rejects === undefined ? ', and a file for rejects: --rejects PATH' : '';
      throw usageError(
        `${path}: how far it is published cannot be kept in ${state} (${why}); nothing was published`,
        `name a directory for it: --state DIR${rejects}`,
      );
    }
    taken.set(await identityOf(state), `the state of ${path}`);
    return state;
  }

  async function rejectsOf(path: string): Promise<RejectPlace> {
    const rejects = options.rejects ?? defaultRejects(path);
    const stats = await stat(rejects).catch(() => undefined);
    const isStream = stats !== undefined && !stats.isFile() && !stats.isDirectory();
    const same = taken.get(await identityOf(rejects));
    const next = 'name another file for them: --rejects PATH';
    if (same !== undefined && !isStream) {
      throw usageError(`rejects cannot be written to ${rejects}: it is ${same}; nothing was published`, next);
    }
    if (dryRun) {
      return isStream && options.rejects !== undefined
        ? { is: 'file', path: rejects }
        : { is: 'shown', most: shownOfDryRun };
    }
    if (stats?.isFile() === true && !(await isRejectFile(rejects))) {
      const why = 'it is no reject file, and would be replaced';
      throw usageError(`rejects cannot be written to ${rejects}: ${why}; nothing was published`, next);
    }
    const why = await whyNoRejects(rejects);
    if (why === undefined) return { is: 'file', path: rejects };
    // A container's input comes from a pipe, and its directories are often read-only.
    if (options.rejects === undefined && isFile.get(path) !== true) return { is: 'shown', most: undefined };
    throw usageError(`rejects cannot be written to ${rejects} (${why}); nothing was published`, next);
  }

  const states = new Map<string, string | undefined>();
  for (const path of files) states.set(path, await stateOf(path));
  const places = new Map<string, Places>();
  for (const path of files) places.set(path, { rejects: await rejectsOf(path), state: states.get(path) });
  return places;
}
