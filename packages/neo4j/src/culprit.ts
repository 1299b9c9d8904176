/** Whom a refusal means, as far as it can be told. Neo4j names an index, not the record: the rest is bisected. */
import { SinkError } from '@inator/runtime';
import type { Plan } from './assemble.ts';
import type { PropertyNames } from './names.ts';
import type { GraphShape } from './shape.ts';
import { list } from './statements.ts';

/** A text below this, in UTF-8 bytes, fits every index entry (8,167 in record format); above it may not. */
const indexedBytes = 8_000;
const namedIndex = /schema=\(:`?([^\s{`]+)`?\s*\{`?([^},`]+)`?\}\)/;

/** The same error with the record named whose text is too long for an index; others as they came. */
export function blame<R>(
  error: SinkError,
  shape: GraphShape<R>,
  names: PropertyNames,
  plan: Plan | undefined,
): SinkError {
  if (plan === undefined || error.fault.code !== 'limit-refused' || error.culprit !== undefined) return error;
  const [, labelName, property] = namedIndex.exec(error.cause instanceof Error ? error.cause.message : '') ?? [];
  const label = shape.labels.findIndex((candidate) => candidate.label === labelName);
  if (label < 0 || property === undefined) return error;

  const column = (names.lists[label] ?? []).indexOf(property);
  if (column < 0) return error;
  let longest = { bytes: indexedBytes, at: -1 };
  const weigh = (value: unknown, at: number | undefined): void => {
    const bytes = typeof value === 'string' ? Buffer.byteLength(value) : 0;
    if (bytes > longest.bytes && at !== undefined) longest = { bytes, at };
  };
  const { lists, origins } = plan;
  const weighAll = (beside: string, from: readonly number[] | undefined): void => {
    for (const [i, value] of (lists[list.property(beside, column)] ?? []).entries()) weigh(value, from?.[i]);
  };
  if (label === shape.primary) {
    weighAll(list.fresh, origins.fresh);
    weighAll(list.known, origins.known);
  }
  weighAll(list.others(label), origins.others[label]);
  if (longest.at < 0) return error;
  return new SinkError(error.is, error.fault, { culprit: longest.at, cause: error.cause });
}

/** Whether the store refused to make a record's own node because somebody else had made it. */
export function isTaken<R>({ fault, cause }: SinkError, { labels, primary }: GraphShape<R>): boolean {
  const own = labels[primary];
  if (fault.native !== 'Neo.ClientError.Schema.ConstraintValidationFailed' || own === undefined) return false;
  const [, said = ''] = /^Node\(\d+\) (.*)/s.exec(cause instanceof Error ? cause.message : '') ?? [];
  return said.startsWith(`already exists with label \`${own.label}\` and property \`${own.key}\` =`);
}
