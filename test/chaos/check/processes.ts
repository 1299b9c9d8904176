/** What the services' processes show: I5 (handles, memory), I7 (nobody ended by itself), I8 (nothing secret is logged). */
import { readdirSync, readFileSync } from 'node:fs';
import type { RunningService } from '../../support/service.ts';
import type { Death } from '../fleet.ts';
import { type Violation, violation } from './violation.ts';

/** Open files of a process may grow by so many over what it had at its first check: connections come and go. */
const handleSlack = 40;
/** MiB of resident memory that a service with these windows never needs: about 64 of bodies and a heap of 100 to 200. */
const mostMemory = 512;

export interface ProcessCheck {
  check(running: readonly RunningService[], ever: readonly RunningService[], deaths: readonly Death[]): Violation[];
  /** MiB: the most that any service has had resident. */
  readonly peakMemory: number;
}

/** `secrets` are what no line may hold. Each line is looked at once. */
export function createProcessCheck(secrets: readonly string[]): ProcessCheck {
  const firstHandles = new Map<number, number>();
  const seenLines = new Map<RunningService, number>();
  let told = 0;
  let peakMemory = 0;

  return {
    check(running, ever, deaths) {
      const found: Violation[] = [];
      for (const { name, pid } of running) {
        const usage = usageOf(pid);
        if (usage === undefined) continue;
        peakMemory = Math.max(peakMemory, usage.peak);
        const first = firstHandles.get(pid) ?? usage.handles;
        firstHandles.set(pid, first);
        if (usage.handles > first + handleSlack)
          found.push(
            violation('I5', name, `${usage.handles} open files, ${first} at first`, [`process ${pid}`], {
              mayHeal: true,
            }),
          );
        if (usage.resident > mostMemory)
          found.push(violation('I5', name, `${usage.resident} MiB resident`, [`process ${pid}`], { mayHeal: true }));
      }
      for (const service of ever) {
        const lines = service.lines.slice(seenLines.get(service) ?? 0);
        seenLines.set(service, service.lines.length);
        const telling = lines.filter((line) => secrets.some((secret) => line.includes(secret)));
        if (telling.length > 0)
          found.push(
            violation(
              'I8',
              `the log of ${service.name}`,
              'lines that tell a secret or a payload',
              telling.map(eventOf),
            ),
          );
      }
      for (const { service, pid, detail } of deaths.slice(told))
        found.push(violation('I7', service, detail, [`process ${pid}`]));
      told = deaths.length;
      return found;
    },
    get peakMemory() {
      return peakMemory;
    },
  };
}

function eventOf(line: string): string {
  return /"event":"([^"]+)"/.exec(line)?.[1] ?? 'a line without an event';
}

export interface Usage {
  /** Open files. */
  readonly handles: number;
  /** MiB. */
  readonly resident: number;
  readonly peak: number;
}

/** From /proc; undefined for a process that has gone, and on systems that have no /proc. */
export function usageOf(pid: number): Usage | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const mib = (name: string): number =>
      Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024);
    return { handles: readdirSync(`/proc/${pid}/fd`).length, resident: mib('VmRSS'), peak: mib('VmHWM') };
  } catch {
    return undefined;
  }
}
