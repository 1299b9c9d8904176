/** `inator start`: everything, from nothing to rows and nodes. What `npm start` runs. */
import { Command } from 'commander';
import { CliError, type ExitCode, exitCodes } from '../exit.ts';
import { type Io, interruptible, say, warn } from '../io.ts';
import { withNotes } from '../notes.ts';
import { jsonOption, wholeNumber } from '../options.ts';
import { orAborted } from '../publish/interruption.ts';
import { defaultStackDir } from '../servers/stack-env.ts';
import { type Started, withStarted } from '../start/run.ts';
import type { Context } from './context.ts';

interface Flags {
  readonly once?: boolean;
  readonly json?: boolean;
  readonly records: number;
  readonly dir: string;
}

function sayDifferences(io: Io, differences: readonly string[], deadLettered: number): void {
  for (const difference of differences) warn(io, difference);
  if (deadLettered > 0) warn(io, `${deadLettered} records were dead-lettered; their x-inator-reason headers tell why`);
  if (differences.length > 0) {
    say(io, '  next: if the stores held other data before, start from empty ones: inator stack down --purge');
  }
}

async function start(io: Io, flags: Flags): Promise<ExitCode> {
  const { signal, release } = interruptible(io, () => process.exit(exitCodes.interrupted));
  const isJson = flags.json === true;
  const options = {
    perType: flags.records,
    dir: flags.dir,
    signal,
    show: (text: string) => void (isJson ? io.stderr : io.stdout).write(text),
  };
  async function look(started: Started | undefined): Promise<ExitCode> {
    if (started === undefined) return exitCodes.interrupted;
    const { result, differences } = started;
    sayDifferences(io, differences, result.deadLettered);
    const code = result.agrees && result.deadLettered === 0 ? exitCodes.ok : exitCodes.failed;
    if (isJson && flags.once !== true) io.stdout.write(`${JSON.stringify(result)}\n`);
    if (flags.once !== true) {
      say(io, 'running until Ctrl-C; publish more with: npx inator publish FILE');
      await orAborted(started.died, signal);
    }
    return code;
  }
  try {
    let last: Started | undefined;
    const code = await withStarted(io, options, (started) => {
      last = started;
      return look(started);
    });
    // After everything is stopped, so that it is the last line whatever stopping has to say.
    if (isJson && flags.once === true && last !== undefined) io.stdout.write(`${JSON.stringify(last.result)}\n`);
    return code;
  } catch (error) {
    if (signal.aborted && !(error instanceof CliError)) return exitCodes.interrupted;
    throw error;
  } finally {
    release();
  }
}

export function startCommand({ io, exitWith }: Context): Command {
  const command = new Command('start')
    .description('Bring up the servers and both services, publish a sample, and show the rows and nodes it became.')
    .option('--once', 'end when the sample has drained, instead of running until Ctrl-C')
    .addOption(jsonOption())
    .option('--records <n>', 'records of each of the four types in the sample', wholeNumber(1), 2_000)
    .option('--dir <dir>', 'folder of the local stack and the logs (default: .stack in the repository)')
    .action(async (flags: Omit<Flags, 'dir'> & { readonly dir?: string }) =>
      exitWith(await start(io, { ...flags, dir: flags.dir ?? defaultStackDir() })),
    );
  return withNotes(
    command,
    `
Servers that the environment names (RABBITMQ_URL, POSTGRES_URL, NEO4J_URI) are used and left running; the others are
containers where an engine answers, else private processes below .stack, and are stopped at the end with their data kept.
The services listen for health checks on 8002 (tableinator) and 8001 (graphinator), or on free ports where these are taken.

With --once the exit code is 0 only when the stores hold exactly what the sample makes and nothing was dead-lettered. The
sample is always the same, so a second run over the same stores counts the same.

  inator start
  inator start --once --json --records 1000
`,
  );
}
