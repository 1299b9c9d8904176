/** One body, read by the models of both stores. */
import type { Decoded, Later } from '@inator/runtime';
import { expect } from '@jest/globals';
import { toGraphRecord } from '../src/graph-record.ts';
import { type GraphRecord, graphModels, type RecordType, tableModels } from '../src/index.ts';

/** A body: text as it is, anything else as JSON. */
export const bytes = (value: unknown): Buffer => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

/** Both models on one body; the verdicts must not differ. */
export function decode(value: unknown, type: RecordType = 'artists'): Decoded<Uint8Array> {
  const body = Buffer.isBuffer(value) ? value : bytes(value);
  const asTable = tableModels[type].decode(body, {});
  const { record: _, ...table } = asTable as Decoded<Uint8Array> & { record?: unknown };
  const asGraph = graphModels[type].decode(body, {}) as Decoded<Later<GraphRecord>> & { record?: Later<GraphRecord> };
  const { record: readLater, ...graph } = asGraph;
  expect(graph).toEqual(table);
  // What was taken for a record must be one when it is read.
  const record = readLater?.();
  expect(record?.id).toBe(asTable.is === 'record' ? asTable.key : undefined);
  // It is read from the few members that the graph needs, and is what the whole body would have given.
  if (asTable.is === 'record') expect(record).toEqual(toGraphRecord[type](asTable.key, JSON.parse(body.toString())));
  return asTable;
}
