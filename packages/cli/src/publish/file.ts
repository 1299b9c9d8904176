/** One input, from where an earlier run left it to where this one ends. */
import { defaultLimits, type Limits } from '@inator/runtime';
import type { Check } from './check.ts';
import { fileCompleteBody } from './completion.ts';
import type { Input } from './input.ts';
import { beginning } from './item.ts';
import type { Outlet } from './outlet.ts';
import type { Plan, PublishOptions } from './plan.ts';
import { announce, pump, type Tally } from './pump.ts';
import type { Rate } from './rate.ts';
import { openItems } from './reading.ts';
import { createRejects, type Rejects } from './rejects.ts';
import { createStateFile, type Identity, identify, type Progress, type StateFile, statePath } from './state.ts';
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
  readonly failure: { readonly error: unknown } | undefined;
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
  if (!input.file || options.dryRun || options.limit !== undefined) return undefined;
  const { format, type, delimiter, exchange } = plan;
  const reading = JSON.stringify({ format, type, delimiter, key: options.key, renames: [...options.renames] });
  return {
    file: createStateFile(statePath(plan.path, options.state)),
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
  const input = await plan.open();
  const saving = await savingOf(plan, input, options, world.broker);
  const earlier = await progressBefore(plan, saving, options, world);
  const rejects = more.shared ?? createRejects(`${plan.path === '-' ? 'stdin' : plan.path}.rejects.jsonl`);
  const from: Progress = earlier ?? {
    position: beginning,
    published: 0,
    refused: 0,
    signals: 0,
    rejectsBytes: more.shared?.length ?? 0,
    complete: false,
  };
  let reached = from;
  let ended: FileSummary['ended'] = 'before';
  let failure: PublishedFile['failure'];

  async function publish(): Promise<void> {
    const outlet = await world.outletOf(plan.exchange);
    const items = openItems(plan, input, {
      check: world.checkOf(plan.type),
      limits: world.limits ?? defaultLimits,
      from: from.position,
      key: options.key,
      renames: options.renames,
    });
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
      save: saving && ((progress) => saving.file.save(saving.identity, progress)),
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
    await saving?.file.save(saving.identity, { ...reached, complete: true });
  }

  const closeInput = (): void => input.close();
  world.signal.addEventListener('abort', closeInput, { once: true });
  try {
    await rejects.cutTo(from.rejectsBytes);
    if (rejects.length < from.rejectsBytes) {
      world.warn(`${rejects.path} is shorter than the interrupted run left it: rejects from before are gone`);
    }
    if (!from.complete) {
      const unwatch = world.watch(input, from, tally);
      await publish().finally(unwatch);
    }
  } catch (error) {
    failure = { error };
    ended = 'failed';
  } finally {
    world.signal.removeEventListener('abort', closeInput);
    input.close();
    await (rejects === more.shared ? rejects.flush() : rejects.close());
  }
  const summary: FileSummary = {
    file: plan.name,
    type: plan.type ?? null,
    exchange: plan.exchange,
    ended,
    ...tally,
    before: from.published,
    rejects: rejects.length === 0 ? null : rejects.path,
    ...speed(tally.published, performance.now() - started),
  };
  return { plan, summary, state: saving?.file, total: reached, failure };
}
