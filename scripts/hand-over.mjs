// Runs a compiled program in this very process, once the checkout is ready. No process in between means that signals,
// standard streams and the exit code are the program's own, and that Ctrl-C reaches it once.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureReady, root } from './setup.mjs';

/** `program` is a path in the checkout; `args` are what it finds in `process.argv`. */
export async function handOver(program, args) {
  ensureReady();
  const file = join(root, program);
  if (!existsSync(file)) {
    process.stderr.write(`inator: ${program} is not in this checkout\n`);
    process.exit(1);
  }
  process.argv = [process.execPath, file, ...args];
  await import(pathToFileURL(file).href);
}
