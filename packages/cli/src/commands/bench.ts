/** `inator bench`: hands over to the benchmarks of the repository. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { CliError, type ExitCode, exitCodes } from '../exit.ts';
import type { Io } from '../io.ts';
import { withNotes } from '../notes.ts';
import { repositoryRoot } from '../repository.ts';
import type { Context } from './context.ts';

function bench(io: Io, args: readonly string[]): Promise<ExitCode> {
  const script = join(repositoryRoot(), 'scripts', 'bench.mjs');
  if (!existsSync(script)) {
    throw new CliError('the benchmarks are not here: they are part of the repository', {
      next: 'clone the repository and run: npm run bench -- NAME',
    });
  }
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], { stdio: 'inherit', env: { ...io.env } });
    child.once('error', reject);
    // A signal reaches the child from the terminal as well; it decides how to end.
    const release = io.onInterrupt(() => undefined);
    child.once('exit', (code, signal) => {
      release();
      if (signal !== null) resolve(exitCodes.interrupted);
      else resolve(code === 0 ? exitCodes.ok : exitCodes.failed);
    });
  });
}

export function benchCommand({ io, exitWith }: Context): Command {
  const command = new Command('bench')
    .description('Run a benchmark: the same as "npm run bench -- NAME". Without a name it lists them.')
    .argument('[ARGS...]', 'name of the benchmark and its options')
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (args: string[]) => exitWith(await bench(io, args)));
  return withNotes(command, '\n  inator bench tableinator --json\n');
}
