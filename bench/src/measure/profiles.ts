/** Processes that keep a profile of their processor time, by `node --cpu-prof`, and the profiles that they wrote. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CpuProfile, type Folded, fold, type Window } from '../flame/fold.ts';

export interface Profiles {
  /** Arguments of `node`, before the script. A profile is written when the process ends in an orderly way, and only then. */
  readonly args: readonly string[];
  /** All profiles that were written, as one tree. Throws when there is none. */
  folded(window?: Window): Folded;
  remove(): void;
}

/** Often enough for frames of a thousandth of a second's run, seldom enough to slow the process by a few per cent. */
const intervalMicros = 500;

export function createProfiles(): Profiles {
  const folder = mkdtempSync(join(tmpdir(), 'inator-profiles-'));
  return {
    args: ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-interval=${intervalMicros}`],
    folded(window) {
      const files = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'));
      if (files.length === 0) throw new Error('no process wrote a profile: did it end by SIGKILL?');
      return fold(
        files.map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as CpuProfile),
        window,
      );
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Now, on the clock of the profiles: microseconds. */
export const profileClock = (): number => Number(process.hrtime.bigint() / 1000n);
