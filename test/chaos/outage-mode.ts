/** `npm run chaos -- outage rabbitmq|postgres|neo4j [options]`. */
import { parseArgs } from 'node:util';
import { conclude } from './conclude.ts';
import { positive, say, UsageError } from './options.ts';
import { type OutageSummary, runOutage, startOutageRun } from './outage.ts';
import { type ServerTarget, serverNames } from './plan.ts';

export const outageUsage = `npm run chaos -- outage ${serverNames.join('|')} [--minutes M] [--rate N] [--resume S] [--seed S] [--json]

  --minutes M   how long the server is down, default 10
  --rate N      messages a second before, meanwhile and after, default 20
  --resume S    seconds from its return until new records must be durable, default 30`;

function text({ services, ...sum }: OutageSummary): string {
  const resumed = Object.entries(sum.resumedSeconds).map(([service, seconds]) => `${service} after ${seconds} s`);
  return [
    `${sum.victim} down for ${sum.minutes} min: ${sum.records} records, ${sum.keys} keys; ${sum.lost} lost, ${sum.duplicated} duplicated, ` +
      `${sum.goodDeadLettered} good dead-lettered, ${sum.violations} violations; ${sum.seconds} s`,
    `durable again: ${resumed.join(', ')} (the server itself took ${sum.startSeconds} s to start)`,
    ...Object.entries(services).map(
      ([
        service,
        {
          redelivered,
          sessionsLost,
          residentMiB: { before, during, after },
        },
      ]) =>
        `${service}: ${redelivered} redelivered, ${sessionsLost} sessions lost a lane, ${before} MiB before, ${during} during, ${after} after`,
    ),
  ].join('\n');
}

/** Resolves with the exit code. */
export async function outageMode(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      minutes: { type: 'string', default: '10' },
      rate: { type: 'string', default: '20' },
      resume: { type: 'string', default: '30' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      json: { type: 'boolean', default: false },
    },
  });
  const [victim, ...more] = positionals;
  if (!serverNames.includes(victim as ServerTarget) || more.length > 0)
    throw new UsageError(`an outage of one of ${serverNames.join(', ')}, not of ${positionals.join(' ') || 'nothing'}`);
  const seed = Math.floor(positive('seed', values.seed));
  const options = {
    victim: victim as ServerTarget,
    minutes: positive('minutes', values.minutes),
    rate: Math.ceil(positive('rate', values.rate)),
    resumeSeconds: positive('resume', values.resume),
    report: say,
  };
  say(`seed ${seed}`);
  const began = performance.now();
  const run = await startOutageRun({ seed, report: say });
  return conclude(run, async () => {
    const { summary, found } = await runOutage(run, options);
    const sum = { ...summary, seconds: Math.round((performance.now() - began) / 1_000) };
    return { sum: values.json ? JSON.stringify(sum) : text(sum), found };
  });
}
