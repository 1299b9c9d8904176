/**
 * `npm run chaos -- [options]` rounds of faults; `npm run chaos -- outage rabbitmq|postgres|neo4j [options]` one long outage;
 * `npm run chaos -- soak [options]` steady traffic with restarts, and whether memory stays flat.
 *
 * Each ends by itself, with 1 where something was violated, and then with the logs kept. Progress goes to standard error;
 * the last line of standard output is the sum, with --json as one object.
 */
import { say, UsageError } from './options.ts';
import { outageMode, outageUsage } from './outage-mode.ts';
import { roundsMode, roundsUsage } from './rounds.ts';
import { soakMode, soakUsage } from './soak-mode.ts';

const usage = `usage: ${[roundsUsage, outageUsage, soakUsage].join('\n\n       ')}`;

async function main([mode = '', ...rest]: readonly string[]): Promise<number> {
  try {
    if (mode === 'outage') return await outageMode(rest);
    if (mode === 'soak') return await soakMode(rest);
    return await roundsMode(mode === '' ? [] : [mode, ...rest]);
  } catch (error) {
    const isUsage = error instanceof UsageError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS');
    if (!isUsage) throw error;
    say(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
}

// The services are killed when this process exits, the servers when it is gone: nothing outlives it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(1);
  },
);
