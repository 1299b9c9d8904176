import { describeSink } from '@inator/testkit';
import { createTableSink, writePathNames } from '../src/index.ts';
import { cellsModel, newPlace } from './support/place.ts';

for (const writePath of writePathNames) {
  describeSink(`the table sink, write path ${writePath},`, async () => {
    const place = newPlace();
    const model = cellsModel();
    return {
      sink: createTableSink(place.postgres, model, { writePath }),
      model,
      make: (_, value) => ({ record: [Buffer.from(JSON.stringify({ value }))], hash: `hash of ${value}` }),
      async stored() {
        const rows = await place.rows<{ data_id: string; value: string }>(
          "SELECT data_id, data->>'value' AS value FROM %s.things",
        );
        return new Map(rows.map(({ data_id, value }) => [data_id, value]));
      },
      dispose: () => place.dispose(),
    };
  });
}
