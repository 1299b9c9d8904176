/** Holds a line of the JSON log against the table: for the tests of every room that starts a service. */
import { baseFields, type Field, type FieldType, type LogKind, logKinds } from './kinds.ts';

/** What is wrong with a line of the JSON log; empty when nothing is. */
export function checkLine(line: unknown): readonly string[] {
  if (typeof line !== 'object' || line === null) return ['is not an object'];
  const given = line as Readonly<Record<string, unknown>>;
  const kind: LogKind | undefined = Object.entries(logKinds).find(([name]) => name === given.event)?.[1];
  if (kind === undefined) return [`event ${JSON.stringify(given.event)} is not in the table`];
  const wrong: string[] = [];
  if (given.msg !== kind.msg) wrong.push(`msg is ${JSON.stringify(given.msg)}`);
  if (given.level !== kind.level) wrong.push(`level is ${JSON.stringify(given.level)}`);
  const fields: Readonly<Record<string, Field>> = { ...baseFields, ...kind.fields };
  for (const name of Object.keys(given)) if (fields[name] === undefined) wrong.push(`${name} is not in the table`);
  for (const [name, { type, optional }] of Object.entries(fields)) {
    const value = given[name];
    if (value === undefined ? !optional : !fits(type, value))
      wrong.push(`${name} is ${JSON.stringify(value)}, not ${type}`);
  }
  return wrong;
}

function fits(type: FieldType, value: unknown): boolean {
  if (type === 'text') return typeof value === 'string';
  if (type === 'integer') return Number.isSafeInteger(value);
  if (type === 'number') return typeof value === 'number';
  if (type === 'boolean') return typeof value === 'boolean';
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
