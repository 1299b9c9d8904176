import { createMessageReader, type DeclaredModel, type Message, parseModel, type ReadOptions } from '../src/index.ts';

export function modelOf(text: string): DeclaredModel {
  const parsed = parseModel(text);
  if ('faults' in parsed)
    throw new Error(parsed.faults.map(({ line, column, reason }) => `${line}:${column}: ${reason}`).join('\n'));
  return parsed.model;
}

/** `line:column: reason` of every fault. */
export function faultsOf(text: string): readonly string[] {
  const parsed = parseModel(text);
  return 'faults' in parsed ? parsed.faults.map(({ line, column, reason }) => `${line}:${column}: ${reason}`) : [];
}

/** Reads records of the only type of a model. */
export function readerOf(text: string, options: ReadOptions = {}): (body: string) => Message {
  const [kind] = modelOf(text).kinds;
  if (kind === undefined) throw new Error('the model has no type');
  const read = createMessageReader(kind, options);
  return (body) => read(Buffer.from(body));
}
