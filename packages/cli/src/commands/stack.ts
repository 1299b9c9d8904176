/** `inator stack`: the three servers on this machine, without services. */

import { type ServerKind, serverKinds, stackDown, stackStatus, stackUp } from '@inator/stack';
import { Argument, Command } from 'commander';
import { CliError, type ExitCode, exitCodes } from '../exit.ts';
import { type Io, say } from '../io.ts';
import { withNotes } from '../notes.ts';
import { defaultStackDir } from '../servers/stack-env.ts';
import { shellQuoted } from '../shell.ts';
import { table } from '../table.ts';
import type { Context } from './context.ts';

interface Flags {
  readonly dir?: string;
  readonly purge?: boolean;
  readonly json?: boolean;
}

const folder = (flags: Flags): string => flags.dir ?? defaultStackDir();

async function up(io: Io, kinds: readonly ServerKind[], flags: Flags): Promise<ExitCode> {
  const want = kinds.length === 0 ? serverKinds : kinds;
  const found = await stackUp({ env: io.env, want, dir: folder(flags), report: (line) => say(io, line) });
  for (const [name, value] of Object.entries(found.env)) io.stdout.write(`${name}=${shellQuoted(value)}\n`);
  return exitCodes.ok;
}

async function down(io: Io, flags: Flags): Promise<ExitCode> {
  const stopped = await stackDown({
    dir: folder(flags),
    purge: flags.purge === true,
    report: (line) => say(io, line),
  });
  if (stopped.length === 0) say(io, 'nothing of the stack was running');
  return exitCodes.ok;
}

async function status(io: Io, flags: Flags): Promise<ExitCode> {
  const servers = await stackStatus({ dir: folder(flags) });
  if (flags.json === true) io.stdout.write(`${JSON.stringify(servers)}\n`);
  if (servers.length === 0) {
    throw new CliError(`no stack was brought up in ${folder(flags)}`, { next: 'inator stack up' });
  }
  const rows = servers.map(({ kind, runs, port, pid, up: isUp }) => [
    kind,
    isUp ? 'up' : 'down',
    runs,
    `${port}`,
    `${pid ?? '-'}`,
  ]);
  if (flags.json !== true) io.stdout.write(`${table(['server', 'state', 'runs', 'port', 'pid'], rows)}\n`);
  return servers.every((server) => server.up) ? exitCodes.ok : exitCodes.failed;
}

const dirFlags = '--dir <dir>';
const dirHelp = 'folder of the stack (default: .stack in the repository)';

export function stackCommand({ io, exitWith }: Context): Command {
  const command = new Command('stack').description('RabbitMQ, PostgreSQL and Neo4j on this machine, for a first run.');
  const upCommand = new Command('up')
    .description('Bring up the servers and print the variables that name them, as KEY=VALUE lines.')
    .addArgument(new Argument('[KINDS...]', 'which; all three when left out').choices([...serverKinds]))
    .option(dirFlags, dirHelp)
    .action(async (kinds: ServerKind[], flags: Flags) => exitWith(await up(io, kinds, flags)));
  const downCommand = new Command('down')
    .description('Stop what runs of the stack; the data stays.')
    .option(dirFlags, dirHelp)
    .option('--purge', 'delete the data as well')
    .action(async (flags: Flags) => exitWith(await down(io, flags)));
  const statusCommand = new Command('status')
    .description('Show what of the stack is up; the exit code is 0 only when all of it is.')
    .option(dirFlags, dirHelp)
    .option('--json', 'print it as one JSON array')
    .action(async (flags: Flags) => exitWith(await status(io, flags)));
  command.addCommand(upCommand).addCommand(downCommand).addCommand(statusCommand);
  return withNotes(
    command,
    `
Servers that the environment names are taken as they are; INATOR_STACK=local, containers or env decides where the others
come from. Other commands find a stack that is up by themselves, unless the environment names servers.

  set -a; . <(npx inator stack up); set +a
  inator stack down
`,
  );
}
