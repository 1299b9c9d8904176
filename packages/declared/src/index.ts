/** Bring your own model: a file that says which queues there are and what their records become, without code. */

export type { ModelFault, Place } from './file/document.ts';
export { modelSchema, referencePages } from './file/reference.ts';
export {
  type Described,
  type DescribedEdge,
  type DescribedNode,
  describeRecord,
  type Shown,
} from './model/describe.ts';
export { createGraphModels, createTableModels, type TableRecord } from './model/models.ts';
export { faultLines, type ParsedModel, parseModel } from './model/parse.ts';
export { createMessageReader, type Message, type ReadMessage, type ReadOptions } from './model/read.ts';
export type { EdgeValues, GraphValues } from './model/read-graph.ts';
export type {
  DeclaredColumn,
  DeclaredEdge,
  DeclaredGraph,
  DeclaredKind,
  DeclaredModel,
  DeclaredNode,
  DeclaredProperty,
  DeclaredTable,
} from './model/types.ts';
export { type Proposal, type ProposalOptions, proposeModel } from './propose/propose.ts';
