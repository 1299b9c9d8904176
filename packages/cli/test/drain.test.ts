/** Waiting for services that are busy, or gone. */
import { describe, expect, it } from '@jest/globals';
import { CliError } from '../src/exit.ts';
import type { LaneReading, ServiceState } from '../src/servers/lanes.ts';
import { untilDrained } from '../src/start/drain.ts';
import type { RunningService } from '../src/start/services.ts';

const state = (acked: number, deadLettered: number): ServiceState => ({
  url: '',
  service: 'tableinator',
  instance: '',
  version: '',
  ready: true,
  reasons: [],
  lanes: [{ lane: 'artists', totals: { acked, deadLettered }, pendingRecords: 0 } as LaneReading],
});

/** A service that gives these answers, one after the other and the last for ever; an error is no answer. */
function service(answers: readonly (ServiceState | Error)[], died = new Promise<never>(() => {})): RunningService {
  let asked = 0;
  return {
    name: 'tableinator',
    url: '',
    log: '',
    ready: () => Promise.resolve(),
    state() {
      const answer = answers[Math.min(asked, answers.length - 1)];
      asked += 1;
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer as ServiceState);
    },
    died,
    stop: () => Promise.resolve(),
  };
}

const wait = (one: RunningService, ms = 4_000): ReturnType<typeof untilDrained> =>
  untilDrained(
    [one],
    3,
    () => Promise.resolve(true),
    () => undefined,
    AbortSignal.timeout(ms),
  );

describe('waiting for a drain', () => {
  it('counts a letter as settled, beside the acks', async () => {
    expect(await wait(service([state(2, 0), state(2, 1)]))).toEqual({ deadLettered: 1 });
  });

  it('is not over while a record is neither acked nor a letter', async () => {
    expect(await wait(service([state(1, 1)]), 600)).toBeUndefined();
  });

  it('outlasts answers that a busy service does not give', async () => {
    const silent = new CliError('tableinator does not answer');
    expect(await wait(service([state(1, 0), silent, silent, state(3, 0)]))).toEqual({ deadLettered: 0 });
  });

  it('ends at once when the service has ended', async () => {
    const died = Promise.reject(new CliError('tableinator ended (SIGKILL)'));
    died.catch(() => undefined);
    const gone = service([new CliError('tableinator does not answer')], died);
    await expect(wait(gone)).rejects.toThrow('tableinator ended (SIGKILL)');
  });
});
