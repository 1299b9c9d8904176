/** One input, from where an earlier run left it to where this one ends. */
import { defaultLimits, type Limits } from '@inator/runtime';
import type { Check } from './check.ts';
import { fileCompleteBody } from './completion.ts';
import type { Input } from './input.ts';
import { beginning } from './item.ts';
import type { Outlet } from './outlet.ts';
import type { Places } from './paths.ts';
import type { Plan, PublishOptions } from './plan.ts';
import { announce, pump, type Tally } from './pump.ts';
import type { Rate } from './rate.ts';
import { openItems } from './reading.ts';
import { createRejects, createShownRejects, type Rejects } from './rejects.ts';
import { createStateFile, type Identity, identify, type Progress, type StateFile } from './state.ts';
import { type FileSummary, speed } from './summary.ts';

/** What publishing needs of the world around it. */
export interface PublishWorld {
  /** `amqp://host:port/vhost`: a state of an earlier run applies only to the broker it was made with. */
  readonly broker: string;
  readonly limits?: Limits;
  checkOf(type: string | undefined): Check;
  outletOf(exchange: string): Promise<Outlet>;
  /** Fires on the first Ctrl-C. */
  readonly signal: AbortSignal;
  say(text: string): void;
  warn(text: string): void;
  /** Shows how a file goes; returns how to stop showing it. */
  watch(input: Input, before: Progress, tally: Tally): () => void;
}

export interface PublishedFile {
  readonly plan: Plan;
  readonly summary: FileSummary;
  /** Undefined where nothing can be resumed: standard input, a dry run. */
  readonly state: StateFile | undefined;
  /** What became of the records of the file, earlier runs included. */
  readonly total: { readonly published: number; readonly refused: number };
  /** Where the same command goes on: the last position that was kept. Undefined where it starts at the beginning. */
  readonly saved: Progress | undefined;
  readonly failure: { readonly error: unknown } | undefined;
}

/** The reject file of a run, or of one of its inputs. */
export function openRejects({ rejects }: Places, world: Pick<PublishWorld, 'say'>): Rejects {
  return rejects.is === 'file' ? createRejects(rejects.path) : createShownRejects(world.say, rejects.most);
}

interface Saving {
  readonly file: StateFile;
  readonly identity: Identity;
}

async function savingOf(
  plan: Plan,
  input: Input,
  options: PublishOptions,
  broker: string,
): Promise<Saving | undefined> {
  // A limited run is a look at the file: it leaves the position of a whole run alone.
  if (plan.places.state === undefined || !input.file) return undefined;
  const { format, type, delimiter, exchange } = plan;
  const reading = JSON.stringify({ format, type, delimiter, key: options.key, renames: [...options.renames] });
  return {
    file: createStateFile(plan.places.state),
    identity: await identify(plan.path, { broker, exchange, reading }),
  };
}

async function progressBefore(
  plan: Plan,
  saving: Saving | undefined,
  options: PublishOptions,
  world: PublishWorld,
): Promise<Progress | undefined> {
  if (saving === undefined) return undefined;
  const found = await saving.file.load(saving.identity);
  if (found.is === 'nothing') return undefined;
  if (found.is === 'stale') {
    world.warn(`${plan.name}: ${saving.file.path} does not apply, ${found.because}; starting at the beginning`);
    return undefined;
  }
  const { items } = found.progress.position;
  if (!options.resume) {
    world.say(`${plan.name}: an earlier run got to record ${items}; starting over because of --no-resume`);
    return undefined;
  }
  world.say(
    found.progress.complete
      ? `${plan.name}: published completely by the interrupted run (--no-resume publishes it again)`
      : `${plan.name}: resuming after record ${items} (--no-resume starts over)`,
  );
  return found.progress;
}

/** `shared` is the reject file of the whole run, where there is one. */
export async function publishFile(
  plan: Plan,
  options: PublishOptions,
  world: PublishWorld,
  more: { readonly rate: Rate | undefined; readonly shared: Rejects | undefined },
): Promise<PublishedFile> {
  const started = performance.now();
  const tally: Tally = { read: 0, published: 0, refused: 0, signals: 0, unroutable: 0 };
  const rejects = more.shared ?? openRejects(plan.places, world);
  const fresh: Progress = {
    position: beginning,
    published: 0,
    refused: 0,
    signals: 0,
    rejectsBytes: more.shared?.length ?? 0,
    complete: false,
  };
  let from = fresh;
  let reached = fresh;
  let saved: Progress | undefined;
  let saving: Saving | undefined;
  let ended: FileSummary['ended'] = 'before';
  let failure: PublishedFile['failure'];

  function fail(error: unknown): void {
    failure ??= { error };
    ended = 'failed';
  }

  async function save(to: Saving, progress: Progress): Promise<void> {
    await to.file.save(to.identity, progress);
    saved = progress;
  }

  async function publish(input: Input): Promise<void> {
    const outlet = await world.outletOf(plan.exchange);
    const items = openItems(plan, input, {
      check: world.checkOf(plan.type),
      limits: world.limits ?? defaultLimits,
      from: from.position,
      key: options.key,
      renames: options.renames,
    });
    const to = saving;
    const pumped = await pump({
      items,
      outlet,
      rejects,
      name: plan.name,
      exchange: plan.exchange,
      from,
      limit: options.limit,
      rate: more.rate,
      allowUnroutable: options.allowUnroutable,
      signal: world.signal,
      tally,
      save: to && ((progress) => save(to, progress)),
    });
    reached = pumped.progress;
    ended = pumped.ended;
    if (ended === 'interrupted') return;
    if (ended === 'complete' && plan.type !== undefined && (options.complete ?? plan.format === 'xml')) {
      // After the last record's confirm: nothing of the file can come behind its end.
      // A refused record is one that the file has: left out, it would seem to have vanished at the producer.
      const body = fileCompleteBody(plan.type, reached.published + reached.refused, plan.name);
      const { allowUnroutable } = options;
      if (!(await announce(outlet, plan.exchange, body, allowUnroutable, world.signal))) {
        ended = 'interrupted';
        return;
      }
      tally.signals += 1;
    }
    if (to !== undefined) await save(to, { ...reached, complete: true });
  }

  async function publishFrom(input: Input): Promise<void> {
    saving = await savingOf(plan, input, options, world.broker);
    const earlier = await progressBefore(plan, saving, options, world);
    if (earlier !== undefined) {
      from = earlier;
      reached = earlier;
      saved = earlier;
      if (earlier.complete) {
        // Of a shared reject file, what later inputs wrote stands behind this.
        rejects.pass(earlier.rejectsBytes);
        return;
      }
    }
    await rejects.cutTo(from.rejectsBytes);
    if (rejects.length < from.rejectsBytes) {
      world.warn(`${rejects.path} is shorter than the interrupted run left it: rejects from before are gone`);
    }
    const unwatch = world.watch(input, from, tally);
    await publish(input).finally(unwatch);
  }

  let input: Input | undefined;
  const closeInput = (): void => input?.close();
  world.signal.addEventListener('abort', closeInput, { once: true });
  try {
    input = await plan.open();
    await publishFrom(input);
  } catch (error) {
    fail(error);
  } finally {
    world.signal.removeEventListener('abort', closeInput);
    closeInput();
  }
  try {
    await (rejects === more.shared ? rejects.flush() : rejects.close());
  } catch (error) {
    fail(error);
  }
  const summary: FileSummary = {
    file: plan.name,
    type: plan.type ?? null,
    exchange: plan.exchange,
    ended,
    ...tally,
    before: from.published,
    rejects: tally.refused + from.refused > 0 ? rejects.path : null,
    ...speed(tally.published, performance.now() - started),
  };
  return { plan, summary, state: saving?.file, total: reached, saved, failure };
}
