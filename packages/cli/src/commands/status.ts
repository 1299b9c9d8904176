/** `inator status` and `inator top`: what the lanes of the running services do, once or again and again. */
import { Command } from 'commander';
import { type ExitCode, exitCodes } from '../exit.ts';
import { type Io, interruptible, say } from '../io.ts';
import { withNotes } from '../notes.ts';
import { positiveNumber, wholeNumber } from '../options.ts';
import { addressesOf, readService } from '../servers/lanes.ts';
import { sumLanes } from '../status/sum.ts';
import { downLines, statusText } from '../status/text.ts';
import { top } from '../status/top.ts';
import type { Context } from './context.ts';

interface StatusFlags {
  readonly url?: readonly string[];
  readonly json?: boolean;
}

async function status(io: Io, flags: StatusFlags): Promise<ExitCode> {
  const { urls } = addressesOf(flags.url, io.env);
  const readings = await Promise.all(urls.map(readService));
  const healthy = readings.every((reading) => reading.is === 'up' && reading.state.ready);
  const sums = sumLanes(readings);
  if (flags.json === true) io.stdout.write(`${JSON.stringify({ services: readings, lanes: sums })}\n`);
  else {
    io.stdout.write(statusText(io, io.stdout, readings, sums));
    for (const line of downLines(io, io.stderr, readings)) say(io, line);
  }
  return healthy ? exitCodes.ok : exitCodes.failed;
}

interface TopFlags extends StatusFlags {
  readonly interval: number;
  readonly times?: number;
}

/** To be interrupted is how it ends, so that is no failure. */
async function watch(io: Io, flags: TopFlags): Promise<ExitCode> {
  const { signal, release } = interruptible(io, () => process.exit(exitCodes.interrupted));
  try {
    const { urls } = addressesOf(flags.url, io.env);
    const everyMs = Math.max(100, flags.interval * 1_000);
    await top(io, { urls, everyMs, times: flags.times, json: flags.json === true, signal });
    return exitCodes.ok;
  } finally {
    release();
  }
}

const urlOption = [
  '--url <url...>',
  'addresses of the services (default: INATOR_URLS, else the usual ports on this machine)',
] as const;

export function statusCommand({ io, exitWith }: Context): Command {
  const command = new Command('status')
    .description('Show what the lanes of the running services do: rates, backlog, holds and why, dead letters.')
    .option(...urlOption)
    .option('--json', 'print the services and the lanes as one JSON object')
    .action(async (flags: StatusFlags) => exitWith(await status(io, flags)));
  return withNotes(
    command,
    `
Replicas of a service are added up, a line a queue. "backlog" waits in the queue, "in hand" is taken and not settled yet,
"empty in" is how long both last at the rate of the last ten seconds if nothing more arrives, "latency" the median from
arrival to commit, "writing" the share of the writers' time that is spent in the store, "letters" what waits in the
dead-letter queue. The exit code is 0 only when every service answers and is ready.

  inator status
  inator status --url http://10.0.0.7:8002 http://10.0.0.8:8002
  INATOR_URLS=http://10.0.0.7:8002,http://10.0.0.7:8001 inator status --json
`,
  );
}

export function topCommand({ io, exitWith }: Context): Command {
  const command = new Command('top')
    .description('The same as status, redrawn every second until Ctrl-C.')
    .option(...urlOption)
    .option('--interval <s>', 'seconds between two looks', positiveNumber, 1)
    .option('--times <n>', 'look so often, then end', wholeNumber(1))
    .option('--json', 'print one JSON object a look')
    .action(async (flags: TopFlags) => exitWith(await watch(io, flags)));
  return withNotes(
    command,
    `
In a pipe or a file it writes a line a lane and look, as key=value. Ctrl-C ends it with exit code 0.

  inator top
  inator top --interval 10 | grep -v state=consuming
`,
  );
}
