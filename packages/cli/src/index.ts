/** The operator's command. Run it with `npx inator`; from code, `run` takes a command line and a world. */
export { CliError, type ExitCode, exitCodeMeanings, exitCodes } from './exit.ts';
export type { Environment, Io, Output } from './io.ts';
export { run, version } from './program.ts';
export { cliReference, referencePages } from './reference.ts';
