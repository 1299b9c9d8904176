// @ts-check
// Generated files: written where they differ; with `check` nothing is written, and the process fails when one differs.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Whether the only argument is `--check`; any other ends the process with 2. @param {string} usage */
export function checkOnly(usage) {
  const [argument, ...rest] = process.argv.slice(2);
  if (rest.length > 0 || (argument !== undefined && argument !== '--check')) {
    console.error(`usage: ${usage}`);
    process.exit(2);
  }
  return argument === '--check';
}

/**
 * @param {{ readonly path: string, readonly text: string }[]} pages paths are from the root of the repository
 * @param {{ readonly what: string, readonly command: string, readonly check: boolean }} how
 */
export async function bringUpToDate(pages, { what, command, check }) {
  const root = join(import.meta.dirname, '..');
  /** @type {string[]} */
  const stale = [];
  for (const { path, text } of pages) {
    const file = join(root, path);
    const present = await readFile(file, 'utf8').catch(() => undefined);
    if (present === text) continue;
    stale.push(path);
    if (check) continue;
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  if (check && stale.length > 0) {
    console.error(`Out of date: ${stale.join(', ')}. Run \`${command}\` and commit the result.`);
    process.exit(1);
  }
  console.log(`${pages.length} ${what}, ${check ? 'up to date' : `${stale.length} written`}`);
}
