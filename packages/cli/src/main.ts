/** The process around the command: its streams, its signals, its exit code. */
import type { Io } from './io.ts';
import { run } from './program.ts';

/** Calls back on Ctrl-C and on SIGTERM alike: both mean "come to an end". */
function onInterrupt(listener: () => void): () => void {
  process.on('SIGINT', listener);
  process.on('SIGTERM', listener);
  return () => {
    process.off('SIGINT', listener);
    process.off('SIGTERM', listener);
  };
}

export async function main(argv: readonly string[] = process.argv.slice(2)): Promise<void> {
  // `inator … | head`: the reader is gone, so there is nobody to write to.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  const io: Io = {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    onInterrupt,
  };
  process.exitCode = await run(argv, io);
}
