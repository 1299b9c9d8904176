/** A model that reads bodies, for tests of the sink behind a whole lane. */
import { createHash } from 'node:crypto';
import type { TableModel } from '@inator/runtime';

/** The body is a JSON document with an `id`; it is stored as it came, and hashed. */
export const documents: TableModel<Uint8Array> = {
  name: 'things',
  decode(body) {
    const { id } = JSON.parse(Buffer.from(body).toString()) as { readonly id: string };
    return { is: 'record', key: id, hash: createHash('sha256').update(body).digest('hex'), record: body };
  },
  examine: () => undefined,
  table: { name: 'things', key: 'data_id', hash: 'hash', columns: [{ name: 'data', type: 'jsonb' }], indexes: [] },
  row: (body) => [body],
};

/** Documents with the keys `name0`, `name1` … */
export function bodies(name: string, count: number, version = 1): string[] {
  return Array.from({ length: count }, (_, i) => JSON.stringify({ id: `${name}${i}`, version }));
}
