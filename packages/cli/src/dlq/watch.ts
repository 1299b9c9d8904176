/** What surrounds every command about letters: the connections, Ctrl-C, a progress line, and errors people understand. */
import { type ExitCode, exitCodes } from '../exit.ts';
import { type Io, interruptible, say } from '../io.ts';
import { showProgress } from '../publish/progress.ts';
import { forPeople, type LetterQueues, openLetterQueues } from './places.ts';
import type { Seen } from './read.ts';

/** Runs with open connections; whatever happens they are closed, which gives every letter in hand back. */
export async function withQueues(
  io: Io,
  run: (queues: LetterQueues, signal: AbortSignal) => Promise<ExitCode>,
): Promise<ExitCode> {
  const queues = openLetterQueues(io);
  const { signal, release } = interruptible(io, () => process.exit(exitCodes.interrupted));
  try {
    return await run(queues, signal);
  } catch (error) {
    throw forPeople(error, queues.address);
  } finally {
    release();
    await queues.close();
  }
}

/** Shows how far `seen` has got while `run` goes on. */
export async function watched<T>(io: Io, name: string, verb: string, seen: Seen, run: () => Promise<T>): Promise<T> {
  const shown = showProgress(io, {
    name,
    share: () => Math.min(1, seen.seen / Math.max(1, seen.depth)),
    published: () => seen.seen,
    refused: () => 0,
    verb,
  });
  try {
    return await run();
  } finally {
    shown.stop();
  }
}

export function sayInterrupted(io: Io, what: string): void {
  say(io, `interrupted: ${what}; every letter is where it was`);
}
