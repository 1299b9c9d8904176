/** What the commands that change nothing print: `list`, `stats`, `peek`, `export`. */
import { type ExitCode, exitCodes } from '../exit.ts';
import { count, counted, type Io, say, styled } from '../io.ts';
import { table } from '../table.ts';
import { openExport } from './export.ts';
import { type FilterFlags, readOptionsOf, type SelectionFlags, selectionOf } from './flags.ts';
import { createGroups, groupsTable } from './groups.ts';
import { isoTime, letterJson } from './letter.ts';
import { type Found, nothingSeen, readLetters } from './read.ts';
import { bodyText, jsonValue, safeJson, shortened, visible } from './text.ts';
import { sayInterrupted, watched, withQueues } from './watch.ts';

export interface JsonFlag {
  readonly json?: boolean;
}

const codeOf = (signal: AbortSignal): ExitCode => (signal.aborted ? exitCodes.interrupted : exitCodes.ok);

export function list(io: Io, flags: SelectionFlags & JsonFlag): Promise<ExitCode> {
  return withQueues(io, async (queues, signal) => {
    const found = await queues.depths(selectionOf(flags));
    const total = found.reduce((sum, { depth }) => sum + (depth ?? 0), 0);
    if (flags.json === true) {
      const rows = found.map(({ place: { service, type, spec }, depth, consumers }) => ({
        service,
        type,
        queue: spec.deadLetterQueue,
        letters: depth ?? null,
        consumers,
      }));
      io.stdout.write(`${JSON.stringify({ letters: total, queues: rows })}\n`);
      return codeOf(signal);
    }
    const rows = found.map(({ place: { service, type, spec }, depth }) => [
      service,
      type,
      spec.deadLetterQueue,
      depth === undefined ? '-' : count(depth),
    ]);
    io.stdout.write(`${table(['service', 'type', 'dead-letter queue', 'letters'], rows)}\n`);
    if (found.some(({ depth }) => depth === undefined)) say(io, '"-": no such queue yet; the service makes it');
    return codeOf(signal);
  });
}

export function stats(io: Io, flags: FilterFlags & JsonFlag): Promise<ExitCode> {
  return withQueues(io, async (queues, signal) => {
    const groups = createGroups();
    const seen = nothingSeen();
    await watched(io, 'letters', 'looked at', seen, () =>
      readLetters(queues, readOptionsOf(flags, signal), seen, ({ place, info }) => groups.add(place, info)),
    );
    const listed = groups.list();
    const ended = signal.aborted ? 'interrupted' : 'complete';
    if (flags.json === true) {
      io.stdout.write(`${safeJson({ ended, letters: seen.matched, seen: seen.seen, groups: listed })}\n`);
    } else if (listed.length === 0) say(io, 'no letter matches');
    else io.stdout.write(`${groupsTable(listed)}\n`);
    if (signal.aborted) sayInterrupted(io, 'not all letters were looked at');
    return codeOf(signal);
  });
}

function shown(io: Io, { place, letter, info }: Found, full: boolean): string {
  const { service, type } = place;
  const line = (name: string, value: string): string => `  ${name.padEnd(10)}${value}`;
  const title = `${service} ${type}  ${visible(info.code)}  key ${visible(info.key ?? '-')}`;
  const headers = Object.entries(letter.headers).map(([name, value]) => {
    const text = visible(typeof value === 'string' ? value : safeJson(jsonValue(value)));
    return `    ${visible(name)}: ${full ? text : shortened(text)}`;
  });
  return [
    styled(io, io.stdout, 'bold', title),
    line('reason', full ? visible(info.reason) : shortened(visible(info.reason))),
    line('stage', `${visible(info.stage)}, model ${visible(info.model)}`),
    line('failed at', `${isoTime(info.failedAt) ?? '-'}, replays ${info.replays}`),
    ...(full ? ['  headers', ...headers] : []),
    line('body', `${count(letter.body.length)} bytes  ${bodyText(letter.body, full)}`),
    '',
  ].join('\n');
}

export function peek(io: Io, flags: FilterFlags & JsonFlag & { readonly full?: boolean }): Promise<ExitCode> {
  return withQueues(io, async (queues, signal) => {
    const letters: object[] = [];
    const seen = nothingSeen();
    await readLetters(queues, readOptionsOf(flags, signal), seen, (found) => {
      if (flags.json === true) letters.push(letterJson(found.place, found.letter, found.info));
      else io.stdout.write(`${shown(io, found, flags.full === true)}\n`);
    });
    if (flags.json === true) io.stdout.write(`${safeJson({ matched: seen.matched, letters })}\n`);
    else say(io, `${counted(seen.matched, 'letter')} shown, ${count(seen.depth)} in the queues; all are still there`);
    return codeOf(signal);
  });
}

export function exportLetters(io: Io, path: string, flags: FilterFlags & JsonFlag): Promise<ExitCode> {
  return withQueues(io, async (queues, signal) => {
    const seen = nothingSeen();
    const lines = await openExport(io, path);
    try {
      await watched(io, 'letters', 'exported', seen, () =>
        readLetters(queues, readOptionsOf(flags, signal), seen, ({ place, letter, info }) =>
          lines.add(letterJson(place, letter, info)),
        ),
      );
    } finally {
      await lines.close();
    }
    const ended = signal.aborted ? 'interrupted' : 'complete';
    if (flags.json === true) {
      io.stdout.write(`${JSON.stringify({ ended, exported: seen.matched, seen: seen.seen, file: path })}\n`);
    } else
      say(
        io,
        `${counted(seen.matched, 'letter')} exported${path === '-' ? '' : ` to ${path}`}; all are still in their queues`,
      );
    if (signal.aborted) sayInterrupted(io, 'the export is incomplete');
    return codeOf(signal);
  });
}
