/** Metrics under test, and reading what they tell. */
import { afterEach } from '@jest/globals';
import { createMetrics, type Metrics, type MetricsOptions, type SinkName } from '../src/index.ts';
import { snapshot } from './samples.ts';

/** Makes metrics, and closes them after each test of the file that calls this. */
export function metricsOfTests() {
  const made: Metrics[] = [];
  afterEach(() => {
    for (const metrics of made.splice(0)) metrics.close();
  });
  const make = (options: Partial<MetricsOptions> = {}): Metrics => {
    const metrics = createMetrics({ service: 'tableinator', version: '1', sink: 'postgres', ...options });
    made.push(metrics);
    return metrics;
  };
  return {
    make,
    create: (sink: SinkName = 'postgres', everyMs = 0): Metrics =>
      make({ service: sink === 'postgres' ? 'tableinator' : 'graphinator', sink, depth: { everyMs, waitMs: 50 } }),
  };
}

export const lane = (
  changes: Parameters<typeof snapshot>[0] = {},
  depth = async (): Promise<number | undefined> => 42,
) => ({
  name: changes?.lane ?? 'artists',
  snapshot: () => snapshot(changes),
  depth,
});

/** The value of the series with these labels, whatever their order. */
export function value(text: string, name: string, labels: Record<string, string> = {}): number | undefined {
  for (const line of text.split('\n')) {
    const match = /^([a-z_]+)\{(.*)\} (\S+)$/.exec(line);
    if (match?.[1] !== name) continue;
    const given = Object.fromEntries([...(match[2] ?? '').matchAll(/(\w+)="([^"]*)"/g)].map(([, k, v]) => [k, v]));
    if (Object.entries(labels).every(([k, v]) => given[k] === v)) return Number(match[3]);
  }
  return undefined;
}

export const series = (text: string): string[] =>
  text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
