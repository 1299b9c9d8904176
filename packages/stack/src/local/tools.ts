/** Programs that only tests use: a pooler, a browser, what alerts are judged by. */
import type { Report } from '../server.ts';
import { installPackages, whyNotInstallable } from './apt.ts';
import { onPath } from './programs.ts';

/** Programs, and the packages of Debian that have them. */
const tools = { pgbouncer: 'pgbouncer', promtool: 'prometheus', chromium: 'chromium' } as const;

/**
 * Installs those that are missing. Never rejects: tests that find none are skipped, loudly. Resolves with the names of the
 * programs that are still missing.
 */
export async function installTestTools(report: Report): Promise<readonly string[]> {
  const missing = (): (keyof typeof tools)[] =>
    (Object.keys(tools) as (keyof typeof tools)[]).filter((program) => onPath(program) === undefined);
  const wanted = missing();
  if (wanted.length === 0) return [];
  const reason = whyNotInstallable();
  if (reason !== undefined) {
    report(`${wanted.join(', ')}: not installed, and cannot be installed from here because ${reason}`);
    return wanted;
  }
  // Each by itself: a system that lacks one package may have the others.
  for (const program of wanted) {
    await installPackages([tools[program]], report).catch((error: Error) => report(error.message));
  }
  return missing();
}
