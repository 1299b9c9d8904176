/** The sample: what is published, and what the stores must hold after it. */
import { createExpectedGraph, type ExpectedGraph, generateSample, type RecordType, recordTypes } from '@inator/discogs';
import type { Outlet } from '../publish/outlet.ts';

export interface Expected {
  readonly rows: Readonly<Record<RecordType, number>>;
  readonly graph: ExpectedGraph;
}

/** Bodies between two turns of the event loop, where nothing else makes it turn. */
const slice = 200;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Counted by the reference of the discogs room, which shares no code with what the services write by. */
export async function expectSample(perType: number): Promise<Expected> {
  const counter = createExpectedGraph();
  for (const type of recordTypes) {
    let taken = 0;
    for (const body of generateSample({ type, count: perType })) {
      counter.add(type, body);
      taken += 1;
      if (taken % slice === 0) await turn();
    }
  }
  const rows = Object.fromEntries(recordTypes.map((type) => [type, perType])) as Record<RecordType, number>;
  return { rows, graph: counter.counts() };
}

/** Publishes `perType` records of every type, and resolves when all are confirmed. False when interrupted. */
export async function publishSample(
  perType: number,
  outletOf: (type: RecordType) => Promise<Outlet>,
  confirmed: () => void,
  signal: AbortSignal,
): Promise<boolean> {
  let failure: { readonly error: unknown } | undefined;
  const pending = new Set<Promise<void>>();
  for (const type of recordTypes) {
    const outlet = await outletOf(type);
    for (const body of generateSample({ type, count: perType })) {
      await outlet.ready(signal);
      if (failure !== undefined) throw failure.error;
      if (signal.aborted) return false;
      const sending: Promise<void> = outlet
        .send(body)
        .then((outcome) => {
          if (outcome === 'unroutable') throw new Error(`no queue took a record of the exchange for ${type}`);
          confirmed();
        })
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => pending.delete(sending));
      pending.add(sending);
    }
  }
  await Promise.all(pending);
  if (failure !== undefined) throw failure.error;
  return !signal.aborted;
}
