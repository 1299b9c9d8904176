/** A backend that is ended at every step of a write, over and over: the batch is stored once, and the pool stays whole. */
import { type Cell, type Sink, SinkError } from '@inator/runtime';
import { type Proxy as HurtingProxy, startProxy, until } from '@inator/testkit';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { createTableSink, type Postgres, type PostgresSettings } from '../src/index.ts';
import { batchOf, cellsModel, doc, never, newPlace, type Place, serverUrl } from './support/place.ts';

const model = cellsModel();
let place: Place;
let proxy: HurtingProxy;
let onData: (chunk: Buffer, towards: 'server' | 'client') => void;
beforeEach(async () => {
  place = newPlace();
  onData = () => undefined;
  const url = new URL(serverUrl);
  proxy = await startProxy({
    target: { host: url.hostname, port: Number(url.port || 5432) },
    onData: (chunk, towards) => onData(chunk, towards),
  });
});
afterEach(async () => {
  await proxy.close();
  await place.dispose();
});

const name = (): string => `doomed ${place.schema}`;
async function opened(settings: PostgresSettings = {}): Promise<{ postgres: Postgres; sink: Sink<readonly Cell[]> }> {
  const postgres = place.pool({ host: '127.0.0.1', port: proxy.port, applicationName: name(), ...settings });
  // By the stage, which has every step there is.
  const sink = createTableSink(postgres, model, { writePath: 'copy' });
  await sink.open(never);
  return { postgres, sink };
}
const many = (from: number, count: number) =>
  batchOf(
    model,
    Array.from({ length: count }, (_, i) => doc(`${from + i}`)),
  );
/** Writes until it is stored; anything but an outage fails the test. Returns how often the store was away. */
async function persist(sink: Sink<readonly Cell[]>, from: number, count: number): Promise<number> {
  for (let away = 0; ; away += 1) {
    try {
      await sink.write(many(from, count), never);
      return away;
    } catch (error) {
      if (!(error instanceof SinkError) || error.is !== 'unavailable') throw error;
    }
  }
}

it.each([
  ['before the COPY', 'server', 'FROM STDIN'],
  ['in the middle of the COPY', 'server', 'hash of'],
  ['between COPY and merge', 'server', 'WITH latest'],
  ['with the COMMIT on its way', 'server', 'COMMIT'],
  ['with the answer to the COMMIT on its way', 'client', 'COMMIT'],
] as const)('ended %s, ten times: every record is stored once, and no connection leaks', async (_, way, bytes) => {
  const { postgres, sink } = await opened();
  let ended = 0;
  for (let round = 0; round < 10; round += 1) {
    let killing: Promise<unknown> | undefined;
    onData = (chunk, towards) => {
      if (killing !== undefined || towards !== way || !chunk.includes(bytes)) return;
      // What the proxy has seen and the backend has not is held back until the backend is gone.
      proxy.freeze();
      killing = place
        .rows('SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = $1', [name()])
        .finally(() => proxy.thaw());
    };
    await persist(sink, round * 100 + 1, 100);
    onData = () => undefined;
    await killing;
    if (killing !== undefined) ended += 1;
  }
  expect(ended).toBe(10);
  expect(await place.rows('SELECT FROM %s.things')).toHaveLength(1_000);
  await until(() => postgres.stats().active === 0, 'no connection at work');
  expect(postgres.stats()).toMatchObject({ active: 0, waiting: 0 });
  // A connection whose backend was ended while it was idle may be met once more.
  await until(
    () =>
      postgres.check().then(
        () => true,
        () => false,
      ),
    'the canary passes',
  );
});

it('a transaction left idle too long is ended by the server (25P03): the work is told so, and the process goes on', async () => {
  const { postgres } = await opened({ idleInTransactionTimeoutMs: 100 });
  const error = await postgres
    .lease(async (lease) => {
      await lease.query(postgres.begin);
      await until(
        async () =>
          (await place.rows('SELECT FROM pg_stat_activity WHERE application_name = $1', [name()])).length === 0,
        'the server has ended it',
      );
      await lease.query('SELECT 1');
    })
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Error);
  await postgres.check();
  expect(postgres.stats()).toMatchObject({ active: 0, waiting: 0 });
});
