/** The world outside a command, handed in: a test runs a command without a process of its own. */
import type { Readable } from 'node:stream';
import { styleText } from 'node:util';

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Io {
  readonly stdin: Readable;
  /** What was asked for: tables, `KEY=VALUE` lines, JSON. A script reads this. */
  readonly stdout: Output;
  /** Everything said along the way: progress, warnings, errors. */
  readonly stderr: Output;
  readonly env: Environment;
  readonly cwd: string;
  /** Calls `listener` on every Ctrl-C or SIGTERM; returns how to stop listening. */
  onInterrupt(listener: () => void): () => void;
}

export type Style = Parameters<typeof styleText>[0];

/** Styled where a person looks, plain where a pipe or a file reads, and plain when NO_COLOR says so. */
export function styled(io: Pick<Io, 'env'>, output: Output, style: Style, text: string): string {
  const colour = output.isTTY === true && (io.env.NO_COLOR ?? '') === '';
  return colour ? styleText(style, text) : text;
}

/** A line on stderr for the person watching. */
export function say(io: Io, text: string): void {
  io.stderr.write(`${text}\n`);
}

export function warn(io: Io, text: string): void {
  io.stderr.write(`${styled(io, io.stderr, 'yellow', 'warning:')} ${text}\n`);
}

/** 1234567 → "1,234,567": one spelling for every number a person reads. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Singular or plural: "1 record", "2 records". */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/**
 * An abort signal that fires on the first Ctrl-C. The second one calls `force`, because a person who presses twice does
 * not want to wait for confirms any more.
 */
export function interruptible(io: Io, force: () => void): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const release = io.onInterrupt(() => {
    if (controller.signal.aborted) force();
    else controller.abort();
  });
  return { signal: controller.signal, release };
}
