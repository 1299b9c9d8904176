/** The command line as a whole: what it understands, and what it answers to what it does not. */
import { Command, CommanderError } from 'commander';
import type { Context } from './commands/context.ts';
import { commands } from './commands/registry.ts';
import { CliError, type ExitCode, exitCodeMeanings, exitCodes, messageOf } from './exit.ts';
import { type Io, say, styled } from './io.ts';

export const version = '0.1.0';

export function exitCodeHelp(): string {
  return Object.entries(exitCodeMeanings)
    .map(([code, meaning]) => `  ${code.padEnd(4)}${meaning}`)
    .join('\n');
}

/** Settings that commander does not hand down to commands that were added ready-made. */
function settle(command: Command, parent: Command): void {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) settle(child, command);
}

export function createProgram(context: Context): Command {
  const { io } = context;
  const program = new Command('inator')
    .description('RabbitMQ queues into PostgreSQL tables and Neo4j graphs: publish, watch, and look what is wrong.')
    .version(version)
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .showHelpAfterError('(inator --help lists the commands, inator COMMAND --help the options)')
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error:/, styled(io, io.stderr, 'red', 'error:'))),
    })
    .addHelpText('after', `\nExit codes:\n${exitCodeHelp()}\n`)
    .exitOverride();
  for (const create of commands) program.addCommand(create(context));
  for (const command of program.commands) settle(command, program);
  return program;
}

function report(io: Io, error: unknown): ExitCode {
  say(io, `${styled(io, io.stderr, 'red', 'error:')} ${messageOf(error)}`);
  if (error instanceof CliError) {
    if (error.next !== undefined) say(io, `  next: ${error.next}`);
    return error.exitCode;
  }
  // An error of the language is a defect of ours: its stack is what a report needs.
  if (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError) {
    say(io, error.stack ?? '');
  }
  return exitCodes.failed;
}

/** Runs one command line (without node and script) to its end; resolves with the exit code, never rejects. */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  let code: ExitCode = exitCodes.ok;
  const program = createProgram({
    io,
    exitWith(wanted) {
      code = wanted;
    },
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    // Help and version are no errors; everything else that commander throws is a command line it did not understand.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    return report(io, error);
  }
}
