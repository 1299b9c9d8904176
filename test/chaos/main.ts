/**
 * `npm run chaos -- [--rounds N] [--seed S] [--minutes M] [--records N] [--kinds a,b] [--recovery S] [--json]`
 *
 * Ends by itself: after so many rounds or minutes, or at the first violation, then with 1 and with the logs kept.
 * Progress goes to standard error; the last line of standard output is the sum, with --json as one object.
 */
import { parseArgs } from 'node:util';
import { describeViolation, type Violation } from './check/violation.ts';
import { describeFault, type FaultKind, faultKinds } from './plan.ts';
import { type Run, type Summary, startRun } from './run.ts';

const usage = `usage: npm run chaos -- [--rounds N] [--seed S] [--minutes M] [--records N] [--kinds K,K] [--recovery S] [--json]

  --rounds N    rounds, default 20
  --seed S      an integer; the same seed brings the same faults and records. Default: drawn, and printed
  --minutes M   no new round after so many minutes
  --records N   messages over all rounds, default 5,000 a round
  --kinds K,K   only these faults: ${faultKinds.join(', ')}
  --recovery S  seconds in which the services must get on, default 30; more on a machine that is busy with others
  --json        the sum as one JSON object`;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

interface Options {
  readonly rounds: number;
  readonly seed: number;
  readonly minutes: number;
  readonly perRound: number;
  readonly kinds: readonly FaultKind[];
  readonly recoveryMs: number;
  readonly json: boolean;
}

function readOptions(): Options {
  const { values } = parseArgs({
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
  const number = (name: string, text: string): number => {
    const value = Number(text);
    if (!(value > 0)) throw new Error(`--${name} must be a number above 0, and is ${text}`);
    return value;
  };
  const rounds = Math.ceil(number('rounds', values.rounds));
  const kinds = values.kinds?.split(',') ?? faultKinds;
  const unknown = kinds.find((kind) => !faultKinds.includes(kind as FaultKind));
  if (unknown !== undefined) throw new Error(`there is no fault named ${unknown}`);
  return {
    rounds,
    seed: Math.floor(number('seed', values.seed)),
    minutes: values.minutes === undefined ? Infinity : number('minutes', values.minutes),
    perRound: values.records === undefined ? 5_000 : Math.ceil(number('records', values.records) / rounds),
    kinds: kinds as readonly FaultKind[],
    recoveryMs: number('recovery', values.recovery) * 1_000,
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

async function main(): Promise<number> {
  let options: Options;
  try {
    options = readOptions();
  } catch (error) {
    say(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return 2;
  }
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

// The services are killed when this process exits, the servers when it is gone: nothing outlives it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(1);
  },
);
