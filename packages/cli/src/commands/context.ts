/** What every command is built with, and how it tells its exit code. */
import type { Command } from 'commander';
import type { ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';

export interface Context {
  readonly io: Io;
  /** The code the process ends with when the command returns normally; 0 when never called. */
  exitWith(code: ExitCode): void;
}

/** One command: its name, options and help, and what it does. One file each; the registry lists them. */
export type CommandFactory = (context: Context) => Command;
