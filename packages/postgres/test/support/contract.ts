/** The contract of a sink, held against the table sink on every write path. */
import { describeSink } from '@inator/testkit';
import { createTableSink, writePathNames } from '../../src/index.ts';
import { cellsModel, newPlace, type Place } from './place.ts';

/** `prepare` makes the place of each test: its connection, and a table that is there already. */
export function describeTableSinks(what: string, prepare: () => Place | Promise<Place> = newPlace): void {
  for (const writePath of writePathNames) {
    describeSink(`${what}, write path ${writePath},`, async () => {
      const place = await prepare();
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
}
