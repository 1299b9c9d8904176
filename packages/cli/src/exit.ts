/** How a command ends. The codes are part of the command's contract: scripts branch on them. */

export const exitCodes = {
  ok: 0,
  /** The command ran and did not succeed: the message says what, and what to do next. */
  failed: 1,
  /** The command was not understood: unknown option, missing argument, contradiction. */
  usage: 2,
  /** Ctrl-C or SIGTERM. What was confirmed until then is kept; the message says how to go on. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** One sentence per code, for `--help` and the reference. */
export const exitCodeMeanings: Readonly<Record<ExitCode, string>> = {
  0: 'done',
  1: 'failed: the message names what failed and the next command',
  2: 'usage: the command line was not understood, nothing was done',
  130: 'interrupted by Ctrl-C or SIGTERM: what was confirmed is kept, the message says how to go on',
};

/** An error made for the person at the terminal: what went wrong, and which command to run next. */
export class CliError extends Error {
  readonly exitCode: ExitCode;
  /** The next thing to do, a sentence or a command; printed on a line of its own. */
  readonly next: string | undefined;
  constructor(
    message: string,
    more: { readonly exitCode?: ExitCode; readonly next?: string; readonly cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'CliError';
    this.exitCode = more.exitCode ?? exitCodes.failed;
    this.next = more.next;
  }
}

export function usageError(message: string, next?: string): CliError {
  return new CliError(message, { exitCode: exitCodes.usage, ...(next === undefined ? {} : { next }) });
}

/** The message of whatever was thrown. Libraries leave it empty on some errors: then the code, then the name. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown instanceof AggregateError && thrown.message === '') {
    return thrown.errors.map(messageOf).join('; ');
  }
  const code = (thrown as NodeJS.ErrnoException).code;
  return thrown.message || code || thrown.name;
}
