/** Where the repository is: `start` and `bench` run what stands beside this package in it. */
import { fileURLToPath } from 'node:url';

/** Its root directory. Three levels above this file, both in `src` and, built, in `dist`. */
export function repositoryRoot(): string {
  return fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
}
