/** The services of a run: one or two replicas of each, started, hurt and watched. Tells deaths that nobody ordered. */
import { join } from 'node:path';
import { type RunningService, startService } from '../support/service.ts';
import type { Arena } from './arena.ts';
import { type ServiceTarget, serviceNames } from './plan.ts';

export interface LaneView {
  readonly lane: string;
  readonly state: string;
  readonly consuming: boolean;
  readonly pendingRecords: number;
  readonly reason?: string;
  readonly totals: {
    readonly acked: number;
    readonly deadLettered: number;
    readonly redelivered: number;
    readonly sessionsLost: number;
  };
}

/** A process ended although nothing had told it to, or not as it was told to. */
export interface Death {
  readonly service: ServiceTarget;
  readonly pid: number;
  readonly detail: string;
}

export interface Fleet {
  replicas(service: ServiceTarget): readonly RunningService[];
  readonly all: readonly RunningService[];
  /** Every process there ever was, for its lines. */
  readonly ever: readonly RunningService[];
  start(service: ServiceTarget, env?: Readonly<Record<string, string>>): Promise<RunningService>;
  /** SIGKILL. */
  kill(process: RunningService): Promise<void>;
  /** SIGTERM; it must end with 0. */
  stop(process: RunningService): Promise<void>;
  /** From now on its end is expected: a failpoint will kill it. */
  expectEnd(process: RunningService): void;
  lanes(process: RunningService): Promise<readonly LaneView[]>;
  readonly deaths: readonly Death[];
  close(): Promise<void>;
}

/** Milliseconds from SIGTERM to the exit: the drain deadline of the services, and some. */
const stopMs = 25_000;

export function createFleet(arena: Arena): Fleet {
  const running: Record<ServiceTarget, RunningService[]> = { tableinator: [], graphinator: [] };
  const ever: RunningService[] = [];
  const expected = new Set<number>();
  const deaths: Death[] = [];
  let closing = false;

  const start = async (service: ServiceTarget, env: Readonly<Record<string, string>> = {}): Promise<RunningService> => {
    const number = ever.length + 1;
    const started = await startService(
      service,
      { ...arena.environment[service], INSTANCE: `${service}-${number}`, ...env },
      { logFile: join(arena.logs, `${service}-${number}.log`) },
    );
    ever.push(started);
    running[service].push(started);
    void started.exited.then((code) => {
      running[service] = running[service].filter((one) => one !== started);
      if (closing || expected.has(started.pid)) return;
      deaths.push({ service, pid: started.pid, detail: `ended by itself with ${code}: ${started.lines.at(-1) ?? ''}` });
    });
    return started;
  };

  const fleet: Fleet = {
    replicas: (service) => running[service],
    get all() {
      return serviceNames.flatMap((service) => running[service]);
    },
    ever,
    start,
    async kill(process) {
      expected.add(process.pid);
      process.kill('SIGKILL');
      await process.exited;
    },
    async stop(process) {
      expected.add(process.pid);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<'late'>((resolve) => {
        timer = setTimeout(() => resolve('late'), stopMs);
      });
      const code = await Promise.race([process.stop(), late]);
      clearTimeout(timer);
      if (code === 0) return;
      deaths.push({
        service: process.name,
        pid: process.pid,
        detail: code === 'late' ? `still there ${stopMs} ms after SIGTERM` : `SIGTERM ended it with ${code}`,
      });
      if (code === 'late') await fleet.kill(process);
    },
    expectEnd: (process) => void expected.add(process.pid),
    async lanes(process) {
      const { body } = await process.get<{ readonly lanes: readonly LaneView[] }>('/lanes');
      return body.lanes;
    },
    deaths,
    async close() {
      closing = true;
      await Promise.all(
        fleet.all.map((process) => {
          // A stopped process would never end.
          process.kill('SIGCONT');
          process.kill('SIGKILL');
          return process.exited;
        }),
      );
    },
  };
  return fleet;
}
