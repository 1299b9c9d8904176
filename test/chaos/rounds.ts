/** Rounds of faults: `npm run chaos -- [options]`. */
import { parseArgs } from 'node:util';
import { describeViolation, type Violation } from './check/violation.ts';
import { positive, say, UsageError } from './options.ts';
import { describeFault, type FaultKind, faultKinds } from './plan.ts';
import { type Run, type Summary, startRun } from './run.ts';

export const roundsUsage = `npm run chaos -- [--rounds N] [--seed S] [--minutes M] [--records N] [--kinds K,K] [--recovery S] [--json]

  --rounds N    rounds, default 20
  --seed S      an integer; the same seed brings the same faults and records. Default: drawn, and printed
  --minutes M   no new round after so many minutes
  --records N   messages over all rounds, default 5,000 a round
  --kinds K,K   only these faults: ${faultKinds.join(', ')}
  --recovery S  seconds in which the services must get on, default 30; more on a machine that is busy with others
  --json        the sum as one JSON object`;

interface Options {
  readonly rounds: number;
  readonly seed: number;
  readonly minutes: number;
  readonly perRound: number;
  readonly kinds: readonly FaultKind[];
  readonly recoveryMs: number;
  readonly json: boolean;
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '20' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      minutes: { type: 'string' },
      records: { type: 'string' },
      kinds: { type: 'string' },
      recovery: { type: 'string', default: '30' },
      json: { type: 'boolean', default: false },
    },
  });
  const rounds = Math.ceil(positive('rounds', values.rounds));
  const kinds = values.kinds?.split(',') ?? faultKinds;
  const unknown = kinds.find((kind) => !faultKinds.includes(kind as FaultKind));
  if (unknown !== undefined) throw new UsageError(`there is no fault named ${unknown}`);
  return {
    rounds,
    seed: Math.floor(positive('seed', values.seed)),
    minutes: values.minutes === undefined ? Infinity : positive('minutes', values.minutes),
    perRound: values.records === undefined ? 5_000 : Math.ceil(positive('records', values.records) / rounds),
    kinds: kinds as readonly FaultKind[],
    recoveryMs: positive('recovery', values.recovery) * 1_000,
    json: values.json,
  };
}

/** Runs the rounds; resolves with what was violated, and when. */
async function rounds(
  run: Run,
  options: Options,
): Promise<{ readonly when: string; readonly found: readonly Violation[] }> {
  const until = performance.now() + options.minutes * 60_000;
  for (let round = 1; round <= options.rounds && performance.now() < until; round += 1) {
    const { plan, messages, seconds, recoverySeconds, checkSeconds, violations } = await run.next(options.perRound);
    const what = plan.faults.map(describeFault).join(' + ');
    const times = `got on after ${recoverySeconds.toFixed(1)} s · ${seconds.toFixed(1)} s, ${checkSeconds.toFixed(1)} s to check`;
    say(`round ${round}: ${what} · ${messages} records · ${times}`);
    if (violations.length > 0) return { when: `round ${round} (${what})`, found: violations };
  }
  say('the last look: every record there ever was');
  return { when: 'the last look', found: await run.finish() };
}

function sum(summary: Summary): string {
  const faults = Object.entries(summary.faults).map(([kind, count]) => `${count} ${kind}`);
  return [
    `seed ${summary.seed}: ${summary.rounds} rounds, ${summary.records} records of ${summary.keys} keys, ${summary.bad} bad; ${faults.join(', ')}`,
    `${summary.lost} lost, ${summary.duplicated} duplicated, ${summary.goodDeadLettered} good dead-lettered, ${summary.violations} violations; ` +
      `worst recovery ${summary.worstRecoverySeconds} s, peak memory ${summary.peakMemoryMiB} MiB, ${summary.seconds} s`,
  ].join('\n');
}

/** Resolves with the exit code. */
export async function roundsMode(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  say(`seed ${options.seed}`);
  const run = await startRun({ ...options, report: say });
  try {
    const { when, found } = await rounds(run, options);
    const summary = run.summary();
    process.stdout.write(`${options.json ? JSON.stringify(summary) : sum(summary)}\n`);
    if (found.length === 0 && summary.violations === 0) return 0;
    say(`seed ${options.seed}, ${when}:`);
    for (const each of found) say(`  ${describeViolation(each)}`);
    say(`logs: ${run.arena.keepLogs()}`);
    return 1;
  } catch (error) {
    say(`seed ${options.seed}: the run itself failed; logs: ${run.arena.keepLogs()}`);
    throw error;
  } finally {
    await run.close();
  }
}
