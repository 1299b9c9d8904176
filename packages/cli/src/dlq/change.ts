/** What the commands that change something do and print: `replay` and `drop`. */
import { CliError, type ExitCode, exitCodes, messageOf } from '../exit.ts';
import { count, counted, type Io, say, styled, warn } from '../io.ts';
import { createRate } from '../publish/rate.ts';
import { table } from '../table.ts';
import { dropLetters, readAnswer } from './drop.ts';
import { type FilterFlags, filterOf, readOptionsOf, selectionOf } from './flags.ts';
import { createGroups, groupsTable } from './groups.ts';
import { forPeople, type LetterQueues } from './places.ts';
import { nothingSeen, readLetters, type Seen } from './read.ts';
import { type PlaceTally, type ReplayResult, replayAll } from './replay.ts';
import type { JsonFlag } from './show.ts';
import { safeJson } from './text.ts';
import { sayInterrupted, watched, withQueues } from './watch.ts';

export interface ReplayFlags extends FilterFlags, JsonFlag {
  readonly dryRun?: boolean;
  readonly rate?: number;
  readonly maxReplays: number;
}

export interface DropFlags extends FilterFlags, JsonFlag {
  readonly dryRun?: boolean;
  readonly yes?: number;
}

/** How long a person may take for the number, in milliseconds: well below the broker's patience with held letters. */
const answerMs = 300_000;

/** Counts what would go, and prints it; nothing is changed. */
async function dryRun(
  io: Io,
  queues: LetterQueues,
  flags: FilterFlags & JsonFlag,
  signal: AbortSignal,
  isMeant: (replays: number) => boolean,
  verb: string,
): Promise<ExitCode> {
  const groups = createGroups();
  const seen = nothingSeen();
  let meant = 0;
  await watched(io, 'letters', 'looked at', seen, () =>
    readLetters(queues, readOptionsOf(flags, signal), seen, ({ place, info }) => {
      if (!isMeant(info.replays)) return;
      meant += 1;
      groups.add(place, info);
    }),
  );
  const listed = groups.list();
  const skipped = seen.matched - meant;
  if (flags.json === true) {
    const ended = signal.aborted ? 'interrupted' : 'complete';
    io.stdout.write(`${safeJson({ dryRun: true, ended, letters: meant, skipped, groups: listed })}\n`);
  } else if (listed.length > 0) io.stdout.write(`${groupsTable(listed)}\n`);
  say(io, `dry run: ${counted(meant, 'letter')} would be ${verb}, nothing was changed`);
  if (skipped > 0) saySkipped(io, skipped);
  if (signal.aborted) sayInterrupted(io, 'not all letters were looked at');
  return signal.aborted ? exitCodes.interrupted : exitCodes.ok;
}

function saySkipped(io: Io, skipped: number): void {
  const they = skipped === 1 ? 'it was' : 'they were';
  warn(
    io,
    `${counted(skipped, 'letter')} stayed: ${they} replayed so often already; a higher --max-replays tries again`,
  );
}

function tallyTable(tallies: readonly PlaceTally[]): string {
  const rows = tallies
    .filter(({ depth }) => depth > 0)
    .map(({ service, type, queue, depth, replayed, skipped }) => [
      service,
      type,
      queue,
      count(depth),
      count(replayed),
      count(skipped),
    ]);
  return table(['service', 'type', 'to queue', 'letters', 'replayed', 'skipped'], rows);
}

/** The counts of all queues as one, for the progress line. */
function progressOf(tallies: readonly PlaceTally[]): Seen {
  const sum = (of: (tally: PlaceTally) => number): number => tallies.reduce((total, tally) => total + of(tally), 0);
  return {
    get depth() {
      return sum(({ depth }) => depth);
    },
    get seen() {
      return sum(({ seen }) => seen);
    },
    get matched() {
      return sum(({ replayed }) => replayed);
    },
  };
}

function reportReplay(io: Io, { ended, failure }: ReplayResult, tallies: readonly PlaceTally[], json: boolean): void {
  const replayed = tallies.reduce((sum, tally) => sum + tally.replayed, 0);
  const skipped = tallies.reduce((sum, tally) => sum + tally.skipped, 0);
  if (json) io.stdout.write(`${JSON.stringify({ dryRun: false, ended, replayed, skipped, queues: tallies })}\n`);
  else if (tallies.some(({ depth }) => depth > 0)) io.stdout.write(`${tallyTable(tallies)}\n`);
  say(io, `${counted(replayed, 'letter')} replayed`);
  if (skipped > 0) saySkipped(io, skipped);
  if (failure !== undefined) {
    say(io, `${styled(io, io.stderr, 'red', 'error:')} ${messageOf(failure.error)}`);
    if (failure.error instanceof CliError && failure.error.next !== undefined) say(io, `  next: ${failure.error.next}`);
  }
  if (ended === 'interrupted') say(io, 'interrupted: the other letters are still there; the same command goes on');
}

export function replay(io: Io, flags: ReplayFlags): Promise<ExitCode> {
  return withQueues(io, async (queues, signal) => {
    if (flags.dryRun === true) {
      return dryRun(io, queues, flags, signal, (replays) => replays < flags.maxReplays, 'replayed');
    }
    const tallies: PlaceTally[] = [];
    const options = {
      selection: selectionOf(flags),
      filter: filterOf(flags),
      limit: flags.limit,
      maxReplays: flags.maxReplays,
      rate: flags.rate === undefined ? undefined : createRate(flags.rate),
      anyDeliveryLimit: flags.anyDeliveryLimit === true,
      signal,
    };
    const result = await watched(io, 'letters', 'looked at', progressOf(tallies), () =>
      replayAll(queues, options, tallies),
    );
    const failure =
      result.failure === undefined ? undefined : { error: forPeople(result.failure.error, queues.broker.address) };
    reportReplay(io, { ...result, failure }, tallies, flags.json === true);
    if (result.ended === 'failed') return exitCodes.failed;
    return result.ended === 'interrupted' ? exitCodes.interrupted : exitCodes.ok;
  });
}

/** Asks for the number of letters, on the terminal or with `--yes`; true when it was said. */
async function confirmed(io: Io, found: number, yes: number | undefined, signal: AbortSignal): Promise<boolean> {
  const next = 'inator dlq drop --dry-run with the same filters counts them';
  if (yes !== undefined) {
    if (yes === found) return true;
    throw new CliError(`${counted(found, 'letter')} found, not ${count(yes)}: nothing was dropped`, { next });
  }
  io.stderr.write(`Type ${found} to drop ${counted(found, 'letter')} for good: `);
  const answer = await readAnswer(io.stdin, AbortSignal.any([signal, AbortSignal.timeout(answerMs)]));
  if (answer === String(found)) return true;
  if (signal.aborted) return false;
  const why = answer === undefined ? 'there was no answer' : `the answer was not ${found}`;
  throw new CliError(`${why}: nothing was dropped`, { next: `type the number, or say it with --yes ${found}` });
}

export function drop(io: Io, flags: DropFlags): Promise<ExitCode> {
  return withQueues(io, async (queues, signal) => {
    if (flags.dryRun === true) return dryRun(io, queues, flags, signal, () => true, 'dropped');
    const groups = createGroups();
    const { seen, dropped, uncertain, failure } = await dropLetters(
      queues,
      readOptionsOf(flags, signal),
      groups,
      (found) => {
        const listed = groupsTable(groups.list());
        // With --json the result alone goes to stdout.
        if (flags.json === true) say(io, listed);
        else io.stdout.write(`${listed}\n`);
        return confirmed(io, found, flags.yes, signal);
      },
    );
    const ended = failure !== undefined ? 'failed' : signal.aborted && dropped === 0 ? 'interrupted' : 'complete';
    if (flags.json === true) {
      io.stdout.write(
        `${safeJson({ dryRun: false, ended, dropped, uncertain, seen: seen.seen, groups: groups.list() })}\n`,
      );
    }
    if (failure !== undefined) {
      const done = dropped === 0 && uncertain === 0 ? 'nothing was dropped' : `${counted(dropped, 'letter')} dropped`;
      const perhaps = uncertain === 0 ? '' : `, and perhaps ${count(uncertain)} more`;
      throw new CliError(`${done}${perhaps}, of ${count(seen.matched)}: ${messageOf(failure.error)}`, {
        next: `is the broker at ${queues.address} up? inator dlq drop --dry-run with the same filters counts what is left`,
        cause: failure.error,
      });
    }
    if (ended === 'interrupted') {
      sayInterrupted(io, 'nothing was dropped');
      return exitCodes.interrupted;
    }
    if (seen.matched === 0 && (flags.yes ?? 0) > 0) {
      throw new CliError(`no letter matches, not ${count(flags.yes ?? 0)}: nothing was dropped`);
    }
    say(io, seen.matched === 0 ? 'no letter matches' : `${counted(dropped, 'letter')} dropped`);
    return exitCodes.ok;
  });
}
