/** `npm run chaos -- soak [options]`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { linePlot } from '@inator/bench/plot';
import { conclude } from './conclude.ts';
import { positive, say } from './options.ts';
import { serviceNames } from './plan.ts';
import { asCsv, type Sample } from './samples.ts';
import { type Elders, type SoakSummary, soak, startSoakRun } from './soak.ts';

export const soakUsage = `npm run chaos -- soak [--minutes M] [--rate N] [--every M] [--slope MiB] [--seed S] [--write FOLDER] [--json]

  --minutes M    how long it publishes, default 60
  --rate N       messages a second, default 500
  --every M      minutes from one restart of a service or a server to the next, default 3
  --slope MiB    an hour that the memory of a process may grow, default 30
  --write FOLDER where the samples (CSV), the sum (JSON) and a plot for each service go; default: nowhere`;

const tenths = (value: number): string => value.toFixed(1);

function text(sum: SoakSummary): string {
  const restarts = Object.entries(sum.restarts).map(([what, times]) => `${times} ${what}`);
  return [
    `${sum.minutes} min, ${sum.records} records of ${sum.keys} keys, ${sum.bad} bad; restarts: ${restarts.join(', ')}; ` +
      `${sum.pausedSeconds} s paused`,
    `${sum.lost} lost, ${sum.duplicated} duplicated, ${sum.goodDeadLettered} good dead-lettered, ${sum.violations} violations`,
    ...sum.flat.map(
      (flat) =>
        `${flat.service}: resident ${tenths(flat.residentSlope)} MiB/h, heap ${tenths(flat.heapSlope)} MiB/h, ` +
        `${flat.handlesGrown} files and ${flat.resourcesGrown} resources more, peak ${flat.peakMiB} MiB; ` +
        `${flat.lives.length} lives of ${flat.lives.map(tenths).join(', ')} MiB, ${tenths(flat.growthPerLife)} a life`,
    ),
  ].join('\n');
}

const day = (): string => new Date().toISOString().slice(0, 10);

function write(folder: string, minutes: number, samples: readonly Sample[], elders: Elders): void {
  mkdirSync(join(folder, 'plots'), { recursive: true });
  writeFileSync(join(folder, `${day()}-soak.csv`), asCsv(samples));
  for (const service of serviceNames) {
    const of = (wanted: boolean): readonly Sample[] =>
      samples.filter((one) => one.service === service && (one.pid === elders[service]) === wanted);
    const line = (label: string, from: readonly Sample[], what: 'residentMiB' | 'heapMiB') => ({
      label,
      points: from.map((one) => [one.at / 60, one[what]] as const),
    });
    const plot = linePlot(`${service} over ${minutes} minutes with restarts`, 'minutes', 'MiB', [
      line('resident, elder', of(true), 'residentMiB'),
      line('heap, elder', of(true), 'heapMiB'),
      line('resident, replaced', of(false), 'residentMiB'),
    ]);
    writeFileSync(join(folder, 'plots', `${day()}-soak-${service}.svg`), plot);
  }
}

/** Resolves with the exit code. */
export async function soakMode(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '60' },
      rate: { type: 'string', default: '500' },
      every: { type: 'string', default: '3' },
      slope: { type: 'string', default: '30' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      write: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const seed = Math.floor(positive('seed', values.seed));
  const options = {
    minutes: positive('minutes', values.minutes),
    rate: Math.ceil(positive('rate', values.rate)),
    every: positive('every', values.every),
    slope: positive('slope', values.slope),
    report: say,
    keep(samples: readonly Sample[], elders: Elders) {
      if (values.write !== undefined) write(values.write, Number(values.minutes), samples, elders);
    },
  };
  say(`seed ${seed}`);
  const run = await startSoakRun(seed, say);
  return conclude(run, async () => {
    const { summary, found } = await soak(run, options);
    if (values.write !== undefined)
      writeFileSync(join(values.write, `${day()}-soak.json`), `${JSON.stringify(summary, undefined, 2)}\n`);
    return { sum: values.json ? JSON.stringify(summary) : text(summary), found };
  });
}
