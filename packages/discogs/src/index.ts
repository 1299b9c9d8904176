export { createGraphModels, type GraphOptions, graphModels, labelOf } from './graph.ts';
export type { GraphRecord } from './graph-record.ts';
export { recordBody, sha256 } from './hash.ts';
export { createMessageReader, extractionComplete, fileComplete, longestKey, type Message } from './messages.ts';
export {
  createExpectedGraph,
  type ExpectedGraph,
  type ExpectedGraphCounter,
  expectedGraph,
} from './sample/expected.ts';
export { generateSample, type SampleOptions } from './sample/generate.ts';
export { longestText, type Reference } from './shapes.ts';
export { createTableModels, tableModels } from './tables.ts';
export { isRecordType, type RecordType, recordTypes } from './types.ts';
export {
  type DumpError,
  type DumpItem,
  type DumpOptions,
  type DumpPosition,
  type DumpRecord,
  readDump,
} from './xml/dump.ts';
