/** The state of the lanes in the terminal: a table, then what is wrong and what to do about it. */
import { isRecordType } from '@inator/discogs';
import { count, type Io, type Output, type Style, styled } from '../io.ts';
import type { ServiceReading } from '../servers/lanes.ts';
import { table } from '../table.ts';
import type { LaneSum } from './sum.ts';

/** "2,300", "4.2", "0": below ten with a fraction, because 0.4 a second is not nothing. */
export function rate(perSecond: number): string {
  return perSecond > 0 && perSecond < 10 ? perSecond.toFixed(1) : count(perSecond);
}

/** A span of time in its two largest units; "-" where nobody knows. */
export function span(seconds: number | null): string {
  if (seconds === null) return '-';
  if (seconds > 0 && seconds < 1) return '<1 s';
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3_600) return s < 600 && s % 60 > 0 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${Math.floor(s / 60)} min`;
  if (s < 86_400) return `${Math.floor(s / 3_600)} h ${Math.floor((s % 3_600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3_600)} h`;
}

const latency = (ms: number | null): string =>
  ms === null ? '-' : ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;

/** "consuming", "3 consuming, 1 holding". */
export function stateWords({ states, replicas, paused }: LaneSum): string {
  const words = Object.entries(states).map(([state, many]) => (replicas === 1 ? state : `${many} ${state}`));
  if (paused > (states.paused ?? 0)) words.push(replicas === 1 ? 'paused' : `${paused} paused`);
  return words.join(', ');
}

export function drainWord({ drainSeconds, backlogPerSecond }: LaneSum): string {
  if (drainSeconds === 0) return 'empty';
  return (backlogPerSecond ?? 0) > 1 ? `${span(drainSeconds)}, grows` : span(drainSeconds);
}

const head = [
  'service',
  'lane',
  'state',
  'records/s',
  'backlog',
  'in hand',
  'empty in',
  'latency',
  'writing',
  'letters',
  'last commit',
];

function row(sum: LaneSum, now: number): string[] {
  const { service, lane, recordsPerSecond, depth, inHand, latencyMs, time, lettersWaiting, deadLettered } = sum;
  return [
    service,
    lane,
    stateWords(sum),
    rate(recordsPerSecond),
    depth === null ? '-' : count(depth),
    count(inHand),
    drainWord(sum),
    latency(latencyMs),
    time === null ? '-' : `${Math.round(time.writing * 100)} %`,
    count(lettersWaiting ?? deadLettered),
    sum.lastCommitAt === null ? '-' : `${span(Math.max(0, now - sum.lastCommitAt) / 1_000)} ago`,
  ];
}

/** What stands still and what lies in dead-letter queues, two lines each. */
function troubleLines(io: Pick<Io, 'env'>, output: Output, sums: readonly LaneSum[]): string[] {
  const lines: string[] = [];
  for (const { service, lane, replicas, troubles } of sums) {
    for (const { state, reason, advice, instance } of troubles) {
      const style: Style = state === 'holding' || state === 'braked' ? 'red' : 'yellow';
      const which = replicas === 1 ? '' : ` of ${instance}`;
      lines.push(`${styled(io, output, style, `${state}:`)} ${service} ${lane}${which}${reason ? ` (${reason})` : ''}`);
      if (advice !== null) lines.push(`  next: ${advice.replaceAll('`', '')}`);
    }
  }
  for (const { service, lane, lettersWaiting, deadLetterQueue, deadLettersBy } of sums) {
    if (lettersWaiting === null || lettersWaiting === 0) continue;
    const codes = Object.entries(deadLettersBy).sort(([, a], [, b]) => b - a);
    const by = codes.map(([code, many]) => `${code} ${count(many)}`).join(', ');
    const since = by === '' ? '' : ` (since the start: ${by})`;
    lines.push(
      `${styled(io, output, 'yellow', 'dead letters:')} ${count(lettersWaiting)} in ${deadLetterQueue}${since}`,
    );
    const model = isRecordType(lane) ? '' : ' (with DOMAIN as the services have it)';
    lines.push(`  next: inator dlq list --service ${service} --type ${lane}${model}`);
  }
  return lines;
}

function serviceLines(io: Pick<Io, 'env'>, output: Output, readings: readonly ServiceReading[]): string[] {
  return readings.flatMap((reading) => {
    if (reading.is === 'down') return [];
    const { service, instance, ready, url, reasons, lanes } = reading.state;
    if (ready) return [];
    // What a lane says of itself is said with the lane.
    const other = reasons.filter((reason) => !lanes.some(({ lane }) => reason.startsWith(`lane:${lane}:`)));
    const why = other.length === 0 ? '' : ` (${other.join('; ')})`;
    return [`${styled(io, output, 'yellow', 'not ready:')} ${service} ${instance} at ${url}${why}`];
  });
}

/** Everything but the services that do not answer. */
export function statusText(
  io: Pick<Io, 'env'>,
  output: Output,
  readings: readonly ServiceReading[],
  sums: LaneSum[],
): string {
  const lines: string[] = [];
  const now = Date.now();
  if (sums.length > 0)
    lines.push(
      ...table(
        head,
        sums.map((sum) => row(sum, now)),
      ).split('\n'),
    );
  lines.push(...serviceLines(io, output, readings), ...troubleLines(io, output, sums));
  return lines.map((line) => `${line}\n`).join('');
}

export function downLines(io: Pick<Io, 'env'>, output: Output, readings: readonly ServiceReading[]): string[] {
  return readings.flatMap((reading) =>
    reading.is === 'up'
      ? []
      : [
          `${styled(io, output, 'red', 'down:')} ${reading.url} does not answer (${reading.why})`,
          '  next: npm start, or name the services with --url http://HOST:PORT or INATOR_URLS',
        ],
  );
}
