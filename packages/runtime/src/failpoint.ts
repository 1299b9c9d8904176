/**
 * Places where a test may hurt the process: off unless `INATOR_FAILPOINTS` is set and `NODE_ENV` is `test`.
 *
 *     INATOR_FAILPOINTS="before-copy=kill@3,after-commit=stall:5000@1"
 *
 * means: the third time `before-copy` is passed, the process kills itself (SIGKILL); the first time `after-commit` is
 * passed, it waits 5,000 ms. `stop` sends itself SIGSTOP; `throw` throws; `spin:MS` blocks the event loop. `@N` may be
 * left out (the first time); `@*` means every time. `=kill~KEY` fires only for the record with that key.
 */
export const failpointNames = [
  'before-copy',
  'mid-copy',
  'before-commit',
  'commit-sent',
  'after-commit',
  'before-letter',
  'after-letter',
  'record',
  'purge-chunk',
  'drop-index',
  'restore-index',
] as const;
export type FailpointName = (typeof failpointNames)[number];

interface Armed {
  readonly action: string;
  readonly argument: number;
  readonly at: number | '*';
  readonly key: string | undefined;
  passed: number;
}

function parse(text: string): Map<string, Armed> {
  const armed = new Map<string, Armed>();
  for (const part of text.split(',').filter((p) => p !== '')) {
    const match = /^([a-z-]+)=(kill|stall|stop|throw|spin)(?::(\d+))?(?:~([^@]+))?(?:@(\d+|\*))?$/.exec(part);
    if (match === null || !(failpointNames as readonly string[]).includes(match[1] ?? '')) {
      throw new Error(`INATOR_FAILPOINTS: cannot read "${part}"`);
    }
    const at = match[5] ?? '1';
    armed.set(match[1] ?? '', {
      action: match[2] ?? '',
      argument: Number(match[3] ?? 0),
      key: match[4],
      at: at === '*' ? '*' : Number(at),
      passed: 0,
    });
  }
  return armed;
}

const armed =
  process.env.NODE_ENV === 'test' && process.env.INATOR_FAILPOINTS ? parse(process.env.INATOR_FAILPOINTS) : undefined;

/** True when any failpoint is armed: hot paths ask this before they await `failpoint`. */
export const failpointsArmed = armed !== undefined;

export async function failpoint(name: FailpointName, key?: string): Promise<void> {
  const point = armed?.get(name);
  if (point === undefined || (point.key !== undefined && point.key !== key)) return;
  point.passed += 1;
  if (point.at !== '*' && point.passed !== point.at) return;
  if (point.action === 'kill') process.kill(process.pid, 'SIGKILL');
  if (point.action === 'stop') process.kill(process.pid, 'SIGSTOP');
  if (point.action === 'throw') throw new Error(`failpoint ${name}`);
  if (point.action === 'spin') {
    const until = performance.now() + point.argument;
    while (performance.now() < until);
  }
  if (point.action === 'stall') await new Promise((resolve) => setTimeout(resolve, point.argument));
}
