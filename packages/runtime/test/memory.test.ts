import { createMemorySink, createMemorySource, type Model } from '@inator/runtime';
import { describeSink, describeSource } from '@inator/testkit';

interface Thing {
  readonly value: string;
}
const model: Model<Thing> = {
  name: 'things',
  decode: () => ({ is: 'record', key: '', hash: '', record: { value: '' } }),
};

describeSink<Thing>('the memory sink', async () => {
  const sink = createMemorySink<Thing>();
  return {
    sink,
    model,
    make: (_key, value) => ({ record: { value }, hash: `hash of ${value}` }),
    stored: async () => new Map([...sink.rows].map(([key, row]) => [key, row.record.value])),
    dispose: async () => {},
  };
});

describeSource('the memory source', async () => {
  const source = createMemorySource();
  return {
    source,
    publish: async (body, headers) => source.publish(body, headers),
    letters: async () =>
      source.letters.map(({ body, letter }) => ({ body: Buffer.from(body).toString(), code: letter.fault.code })),
    left: async () => source.ready + source.unsettled,
    lose: async () => source.lose(),
    dispose: async () => {},
  };
});
