/** `inator status`: what the lanes of the running services do right now. */
import { Command } from 'commander';
import { type ExitCode, exitCodes } from '../exit.ts';
import { count, type Io, say, styled } from '../io.ts';
import { withNotes } from '../notes.ts';
import { readService, type ServiceReading } from '../servers/lanes.ts';
import { table } from '../table.ts';
import type { Context } from './context.ts';

interface Flags {
  readonly url?: readonly string[];
  readonly json?: boolean;
}

/** The ports of the contract: tableinator, graphinator. */
export const defaultUrls: readonly string[] = ['http://127.0.0.1:8002', 'http://127.0.0.1:8001'];

function laneRows(reading: Extract<ServiceReading, { is: 'up' }>): string[][] {
  const { service, lanes } = reading.state;
  return lanes.map(({ lane, state, pendingRecords, totals, lastCommitAt, reason, depth }) => [
    service,
    lane,
    state,
    depth === undefined ? '-' : count(depth),
    count(pendingRecords),
    count(totals.acked),
    count(totals.deadLettered),
    lastCommitAt === undefined || lastCommitAt === null ? '-' : `${count((Date.now() - lastCommitAt) / 1000)} s ago`,
    reason ?? '',
  ]);
}

async function status(io: Io, flags: Flags): Promise<ExitCode> {
  const urls = flags.url ?? defaultUrls;
  const readings = await Promise.all(urls.map(readService));
  const healthy = readings.every((reading) => reading.is === 'up' && reading.state.ready);
  if (flags.json === true) {
    io.stdout.write(`${JSON.stringify(readings)}\n`);
    return healthy ? exitCodes.ok : exitCodes.failed;
  }
  const rows = readings.flatMap((reading) => (reading.is === 'up' ? laneRows(reading) : []));
  if (rows.length > 0) {
    const head = ['service', 'lane', 'state', 'queued', 'in hand', 'acked', 'dead letters', 'last commit', 'reason'];
    io.stdout.write(`${table(head, rows)}\n`);
  }
  for (const reading of readings) {
    if (reading.is === 'down') {
      say(io, `${styled(io, io.stderr, 'red', 'down:')} ${reading.url} does not answer (${reading.why})`);
      say(io, '  next: npm start, or name the services with --url http://HOST:PORT');
    } else if (!reading.state.ready) {
      const why = reading.state.reasons.join('; ') || 'no reason given';
      say(io, `${styled(io, io.stderr, 'yellow', 'not ready:')} ${reading.state.service} (${why})`);
    }
  }
  return healthy ? exitCodes.ok : exitCodes.failed;
}

export function statusCommand({ io, exitWith }: Context): Command {
  const command = new Command('status')
    .description('Show what the lanes of the running services do: state, records in hand, acked, dead letters.')
    .option('--url <url...>', 'health addresses of the services (default: the usual ports on this machine)')
    .option('--json', 'print what was read as one JSON array')
    .action(async (flags: Flags) => exitWith(await status(io, flags)));
  return withNotes(
    command,
    `
The exit code is 0 only when every service answers and is ready.

  inator status
  inator status --url http://10.0.0.7:8002 http://10.0.0.7:8001
`,
  );
}
