/** What the services use while a long proof runs, every few seconds, of every process there is. */
import type { RunningService } from '../support/service.ts';
import { usageOf } from './check/processes.ts';
import type { ServiceTarget } from './plan.ts';

export interface Sample {
  /** Seconds since the sampling began. */
  readonly at: number;
  readonly service: ServiceTarget;
  readonly pid: number;
  /** Seconds since this process was first seen. */
  readonly age: number;
  readonly residentMiB: number;
  /** Of the heap what is in use, garbage not yet collected included; buffers are outside of it. */
  readonly heapMiB: number;
  readonly externalMiB: number;
  readonly handles: number;
  /** What keeps the event loop alive: timers, sockets, requests. */
  readonly resources: number;
}

export interface Sampling {
  readonly samples: readonly Sample[];
  /** Seconds since it began. */
  readonly now: number;
  stop(): Promise<void>;
}

const mib = 1024 * 1024;

export function startSampling(running: () => readonly RunningService[], everyMs = 5_000): Sampling {
  const began = performance.now();
  const firstSeen = new Map<number, number>();
  const samples: Sample[] = [];
  const seconds = (): number => (performance.now() - began) / 1_000;

  const look = async (service: RunningService): Promise<void> => {
    const at = seconds();
    const usage = usageOf(service.pid);
    // A process that is frozen, ending or not listening yet does not answer: one sample less.
    const metrics = await metricsOf(service).catch(() => undefined);
    if (usage === undefined || metrics === undefined) return;
    const first = firstSeen.get(service.pid) ?? at;
    firstSeen.set(service.pid, first);
    samples.push({
      at: rounded(at),
      service: service.name,
      pid: service.pid,
      age: rounded(at - first),
      residentMiB: usage.resident,
      heapMiB: rounded((metrics.get('nodejs_heap_size_used_bytes') ?? 0) / mib),
      externalMiB: rounded((metrics.get('nodejs_external_memory_bytes') ?? 0) / mib),
      handles: usage.handles,
      resources: metrics.get('nodejs_active_resources_total') ?? 0,
    });
  };

  let under = Promise.resolve();
  const timer = setInterval(() => {
    under = Promise.all(running().map(look)).then(() => {});
  }, everyMs);
  return {
    samples,
    get now() {
      return seconds();
    },
    async stop() {
      clearInterval(timer);
      await under;
    },
  };
}

/** Series without any label but the service's, by name. */
async function metricsOf({ url }: RunningService): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(4_000) });
  const found = new Map<string, number>();
  for (const line of (await response.text()).split('\n')) {
    const series = /^([a-z_]+)\{service="[^"]*"\} (\S+)$/.exec(line);
    if (series !== null) found.set(series[1] ?? '', Number(series[2]));
  }
  return found;
}

const rounded = (value: number): number => Math.round(value * 10) / 10;

export function asCsv(samples: readonly Sample[]): string {
  const columns = [
    'at',
    'service',
    'pid',
    'age',
    'residentMiB',
    'heapMiB',
    'externalMiB',
    'handles',
    'resources',
  ] as const satisfies readonly (keyof Sample)[];
  const rows = samples.map((sample) => columns.map((column) => sample[column]).join(','));
  return `${[columns.join(','), ...rows].join('\n')}\n`;
}
