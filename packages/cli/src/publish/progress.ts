/** A bar where a person looks, a plain line now and then where a pipe or a log reads. */
import { SingleBar } from 'cli-progress';
import { count, counted, type Io } from '../io.ts';

export interface Watched {
  readonly name: string;
  /** From 0 to 1; undefined where nobody knows how much there is. */
  share(): number | undefined;
  readonly published: () => number;
  readonly refused: () => number;
  /** What `published` counts; default "published". */
  readonly verb?: string;
}

export interface ProgressDisplay {
  stop(): void;
}

/** How often a plain line is written, in milliseconds. */
export const plainEveryMs = 5_000;
const barEveryMs = 200;

function percent(share: number | undefined): string {
  return share === undefined ? '' : ` ${Math.floor(share * 100)} %`;
}

/** "artists.jsonl: 45 % 12,000 published, 3 refused, 2,100/s" */
export function plainLine(watched: Watched, perSecond: number): string {
  const { name, published, refused, verb = 'published' } = watched;
  const refusals = refused() === 0 ? '' : `, ${count(refused())} refused`;
  return `${name}:${percent(watched.share())} ${count(published())} ${verb}${refusals}, ${count(perSecond)}/s`;
}

export function showProgress(io: Io, watched: Watched): ProgressDisplay {
  const started = performance.now();
  const before = watched.published();
  const perSecond = (): number => ((watched.published() - before) * 1000) / Math.max(1, performance.now() - started);

  if (io.stderr.isTTY !== true) {
    const timer = setInterval(() => io.stderr.write(`${plainLine(watched, perSecond())}\n`), plainEveryMs);
    return { stop: () => clearInterval(timer) };
  }
  const known = watched.share() !== undefined;
  const bar = new SingleBar({
    stream: io.stderr as NodeJS.WritableStream,
    format: known
      ? '{name} [{bar}] {percentage} %  {published} {verb}{refused}  {rate}/s  {eta_formatted} left'
      : '{name}  {published} {verb}{refused}  {rate}/s  {duration_formatted}',
    barCompleteChar: '#',
    barIncompleteChar: '.',
    hideCursor: true,
    clearOnComplete: true,
    etaBuffer: 50,
  });
  const total = 1000;
  const payload = (): object => ({
    name: watched.name,
    published: count(watched.published()),
    verb: watched.verb ?? 'published',
    refused: watched.refused() === 0 ? '' : `, ${counted(watched.refused(), 'record')} refused`,
    rate: count(perSecond()),
  });
  bar.start(total, 0, payload());
  const draw = (): void => bar.update(Math.floor((watched.share() ?? 0) * total), payload());
  const timer = setInterval(draw, barEveryMs);
  return {
    stop() {
      clearInterval(timer);
      draw();
      bar.stop();
    },
  };
}
