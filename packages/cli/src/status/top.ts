/** The state of the lanes, again and again: redrawn in place where a person looks, a line a lane where a pipe reads. */
import { delay } from '@inator/runtime';
import type { Io } from '../io.ts';
import { readService, type ServiceReading } from '../servers/lanes.ts';
import { type LaneSum, sumLanes } from './sum.ts';
import { downLines, rate, span, stateWords, statusText } from './text.ts';

export interface TopOptions {
  readonly urls: readonly string[];
  readonly everyMs: number;
  /** So many times, then it ends; undefined until interrupted. */
  readonly times: number | undefined;
  readonly json: boolean;
  readonly signal: AbortSignal;
}

/** The screen of its own that terminals keep beside the one with the history, and the cursor. */
const enter = '\x1b[?1049h\x1b[?25l';
const leave = '\x1b[?25h\x1b[?1049l';
const home = '\x1b[H';
const clearLine = '\x1b[K';
const clearBelow = '\x1b[J';

export async function top(io: Io, { urls, everyMs, times, json, signal }: TopOptions): Promise<void> {
  const draws = io.stdout.isTTY === true && !json;
  let last = '';
  if (draws) io.stdout.write(enter);
  try {
    for (let shown = 0; !signal.aborted && (times === undefined || shown < times); shown += 1) {
      const began = performance.now();
      const readings = await Promise.all(urls.map(readService));
      if (signal.aborted) break;
      const sums = sumLanes(readings);
      if (json)
        io.stdout.write(`${JSON.stringify({ at: new Date().toISOString(), services: readings, lanes: sums })}\n`);
      else if (draws) {
        last = frame(io, readings, sums);
        io.stdout.write(screen(io, last, everyMs));
      } else io.stdout.write(plainLines(readings, sums));
      if (times === undefined || shown + 1 < times)
        await delay(Math.max(0, everyMs - (performance.now() - began)), signal);
    }
  } finally {
    // Whatever happens, the terminal is given back as it was; the last picture stays in its history.
    if (draws) io.stdout.write(`${leave}${last}`);
  }
}

function frame(io: Io, readings: readonly ServiceReading[], sums: LaneSum[]): string {
  const down = downLines(io, io.stdout, readings).map((line) => `${line}\n`);
  return statusText(io, io.stdout, readings, sums) + down.join('');
}

function screen(io: Io, text: string, everyMs: number): string {
  // A terminal that does not know its size says 0.
  const [columns, rows] = [io.stdout.columns || 80, io.stdout.rows || 24];
  const title = `inator top  ${new Date().toLocaleTimeString('en-GB')}  every ${everyMs / 1_000} s, Ctrl-C ends`;
  const lines = [title, '', ...text.trimEnd().split('\n')].slice(0, rows - 1);
  return `${home}${lines.map((line) => `${cut(line, columns)}${clearLine}\n`).join('')}${clearBelow}`;
}

/** So many visible characters; escape sequences take no room, and colours end with the line. */
function cut(line: string, columns: number): string {
  let room = columns;
  let text = '';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one.
  for (const [part] of line.matchAll(/\x1b\[[0-9;]*m|[^\x1b]/gu)) {
    if (part.startsWith('\x1b')) text += part;
    else if (room > 0) {
      text += part;
      room -= 1;
    }
  }
  return text;
}

/** key=value, one line a lane, for grep. */
function plainLines(readings: readonly ServiceReading[], sums: readonly LaneSum[]): string {
  const at = new Date().toISOString();
  const down = readings.flatMap((reading) =>
    reading.is === 'down' ? [`${at} ${reading.url} state=down reason=${JSON.stringify(reading.why)}\n`] : [],
  );
  const lanes = sums.map((sum) => {
    const { service, lane, recordsPerSecond, depth, inHand, drainSeconds, lettersWaiting, troubles } = sum;
    const fields = {
      state: stateWords(sum),
      records_per_sec: rate(recordsPerSecond).replaceAll(',', ''),
      backlog: depth ?? '-',
      in_hand: inHand,
      empty_in: span(drainSeconds),
      letters: lettersWaiting ?? '-',
      ...(troubles[0]?.reason ? { reason: troubles[0].reason } : {}),
    };
    const words = Object.entries(fields).map(([name, value]) => `${name}=${word(String(value))}`);
    return `${at} ${service} ${lane} ${words.join(' ')}\n`;
  });
  return [...lanes, ...down].join('');
}

const word = (text: string): string => (/^[\w.,:%<-]+$/.test(text) ? text : JSON.stringify(text));
