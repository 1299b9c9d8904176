/** What the lists of log lines are written in. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type FieldType = 'text' | 'integer' | 'number' | 'boolean' | 'object';

export interface Field {
  readonly type: FieldType;
  readonly means: string;
  readonly optional: boolean;
}

export interface LogKind {
  readonly level: LogLevel;
  readonly msg: string;
  readonly means: string;
  readonly fields: Readonly<Record<string, Field>>;
}

export const field = <const T extends FieldType>(type: T, means: string) => ({ type, means, optional: false }) as const;
export const maybe = <const T extends FieldType>(type: T, means: string) => ({ type, means, optional: true }) as const;

export const dataType = field('text', 'the lane: which type of records');
export const faultFields = {
  code: field('text', 'the fault, as in faults.md'),
  blame: field('text', 'whose it is to mend: record, store, broker, operator or us'),
  stage: field('text', 'where it was found'),
  reason: field('text', 'a sentence, without payload'),
  native: maybe('text', "the server's own code: a SQLSTATE, a Neo4j status, an errno"),
} as const;
