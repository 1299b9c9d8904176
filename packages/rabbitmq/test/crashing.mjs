/**
 * One life of a process that a certain record ends: a lane with the services' settings over the queue named by the
 * environment, its store in memory. It tells what is stored line by line, and ends with 0 when nothing is left.
 */
import { writeSync } from 'node:fs';
import { brokerSettingsFromUrl, createBroker, createQueueSource } from '@inator/rabbitmq';
import { createBudget, createLane, createMemorySink, defaultBrake, defaultHold, Events } from '@inator/runtime';

const spec = JSON.parse(process.env.CRASHING_QUEUE ?? '');
const settings = brokerSettingsFromUrl(process.env.TEST_RABBITMQ_URL ?? '');
const broker = createBroker(settings);
const letters = createBroker(settings);
const source = createQueueSource({ broker, letters, queue: spec, service: 'testinator' });

const model = {
  name: 'lines',
  decode(body) {
    const key = Buffer.from(body).toString();
    // A native crash, or the machine's memory: nobody can catch it.
    if (key === 'deadly') process.kill(process.pid, 'SIGKILL');
    return { is: 'record', key, hash: key, record: key };
  },
  examine: () => undefined,
};
const sink = createMemorySink();
const lane = createLane({
  name: 'lines',
  queue: spec.queue,
  model,
  source,
  sink: {
    ...sink,
    async write(batch, signal) {
      const receipt = await sink.write(batch, signal);
      writeSync(1, batch.records.map(({ key }) => `${key}\n`).join(''));
      return receipt;
    },
  },
  settings: {
    writers: 2,
    batchSize: 100,
    batchBytes: 1 << 20,
    flushIntervalMs: 50,
    natural: false,
    window: 500,
    maxRecordBytes: 1 << 20,
    seqSource: 'auto',
    suspectAfter: 3,
    condemnAfter: 18,
    hold: defaultHold,
    brake: defaultBrake,
    reopen: { firstMs: 100, maxMs: 1_000 },
  },
  budget: createBudget(1 << 26),
  lanes: 1,
  events: new Events(),
});
lane.start();
for (;;) {
  await new Promise((resolve) => setTimeout(resolve, 20));
  const { consuming, pendingRecords, totals } = lane.snapshot();
  if (!consuming || pendingRecords > 0 || totals.consumed === 0) continue;
  if ((await source.depth()) === 0 && lane.snapshot().pendingRecords === 0) break;
}
await lane.stop(AbortSignal.timeout(5_000));
await Promise.all([broker.close(), letters.close()]);
