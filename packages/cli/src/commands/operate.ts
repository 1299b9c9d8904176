/** `inator pause`, `resume` and `release-brake`: an operator's word to the lanes of running services. */
import { Command, Option } from 'commander';
import { CliError, type ExitCode, exitCodes } from '../exit.ts';
import type { Io } from '../io.ts';
import { withNotes } from '../notes.ts';
import { serviceNames } from '../servers/domain.ts';
import { addressesOf } from '../servers/lanes.ts';
import { type Action, doneLine, operate, succeeded, tokenOf } from '../status/operate.ts';
import type { Context } from './context.ts';

interface Flags {
  readonly url?: readonly string[];
  readonly service?: readonly string[];
  readonly json?: boolean;
}

async function act(io: Io, action: Action, types: readonly string[], flags: Flags): Promise<ExitCode> {
  const token = tokenOf(io.env);
  const addresses = addressesOf(flags.url, io.env);
  const done = await operate(io, { action, types, services: flags.service ?? [], addresses, token });
  if (flags.json === true) io.stdout.write(`${JSON.stringify({ action, lanes: done })}\n`);
  else for (const each of done) io.stdout.write(`${doneLine(each)}\n`);
  const failed = done.filter((each) => !succeeded(each));
  if (failed.length === 0) return exitCodes.ok;
  if (failed.some(({ status }) => status === 401 || status === 403)) {
    throw new CliError(`${failed.length} of ${done.length} lanes were not changed: the service refuses the token`, {
      next: 'ADMIN_TOKEN here must be the one the service was started with',
    });
  }
  return exitCodes.failed;
}

function create({ io, exitWith }: Context, action: Action, description: string, notes: string): Command {
  const command = new Command(action)
    .description(description)
    .argument('<type...>', 'lanes, by their type of records')
    .addOption(new Option('--service <name...>', 'only lanes of this service').choices(serviceNames))
    .option('--url <url...>', 'addresses of the services (default: INATOR_URLS, else the usual ports on this machine)')
    .option('--json', 'print what came of it as one JSON object')
    .action(async (types: readonly string[], flags: Flags) => exitWith(await act(io, action, types, flags)));
  return withNotes(command, notes);
}

const common = `The token is read from ADMIN_TOKEN or ADMIN_TOKEN_FILE, as the service reads it; a service without one refuses. Without
--service every service that has the lane is meant, and of each every process that is named.`;

export const pauseCommand = (context: Context): Command =>
  create(
    context,
    'pause',
    'Stop taking messages of a type; what is in hand is written.',
    `
Nothing is lost or returned: messages wait in the queue until \`inator resume\`. The pause holds for the processes that run
now; a restarted one consumes. A paused lane counts as ready, and shows in status, on the page and in the metrics.

${common}

  inator pause releases
  inator pause artists labels --service tableinator
`,
  );

export const resumeCommand = (context: Context): Command =>
  create(
    context,
    'resume',
    'Take messages of a paused type again.',
    `
${common}

  inator resume releases
`,
  );

export const releaseBrakeCommand = (context: Context): Command =>
  create(
    context,
    'release-brake',
    'Let what the brake holds go to the dead letters.',
    `
A lane brakes when it refuses too much, instead of emptying its queue into the dead letters. Mend the cause first: what is
in the lane, and as many refusals as BRAKE_WINDOW, then pass. A lane that is not braked is left alone, with exit code 1.

${common}

  inator release-brake releases --service tableinator
`,
  );
