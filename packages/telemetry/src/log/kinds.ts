/**
 * Every line the services write. `docs/reference/log-events.md` is generated from this table, the fields of `Log.write` are
 * typed by it, and tests hold against it a line of every event of a lane, and whatever both services write in `test/watching`
 * through refused records, an outage, a lock and an alarm of the broker. Names of events and fields are stable: people alert on them.
 *
 * Healthy running writes `batch.processed` and changes of state, nothing else.
 */

import { adminKinds } from './kinds/admin.ts';
import { batchKinds } from './kinds/batches.ts';
import { type Field, type FieldType, field, type LogKind } from './kinds/field.ts';
import { laneKinds } from './kinds/lanes.ts';
import { letterKinds } from './kinds/letters.ts';
import { serviceKinds } from './kinds/service.ts';
import { signalKinds } from './kinds/signals.ts';

export type { Field, FieldType, LogKind, LogLevel } from './kinds/field.ts';

/** On every line, besides `event` and `msg`. */
export const baseFields = {
  level: field('text', 'debug, info, warn or error'),
  time: field('text', 'when, RFC 3339 in UTC with milliseconds'),
  service: field('text', 'tableinator or graphinator'),
  version: field('text', 'version of the service'),
  instance: field('text', 'which process: INSTANCE'),
  event: field('text', 'name of the event, as below'),
  msg: field('text', 'the sentence for people'),
} as const satisfies Record<string, Field>;

export const logKinds = {
  ...batchKinds,
  ...letterKinds,
  ...laneKinds,
  ...signalKinds,
  ...serviceKinds,
  ...adminKinds,
} as const satisfies Readonly<Record<string, LogKind>>;

export type LogEventName = keyof typeof logKinds;

interface Types {
  text: string;
  integer: number;
  number: number;
  boolean: boolean;
  object: Readonly<Record<string, unknown>>;
}

type FieldsOf<N extends LogEventName> = (typeof logKinds)[N]['fields'];
type TypeOf<F> = F extends { readonly type: infer T extends FieldType } ? Types[T] : never;
type Required<F> = { [K in keyof F]: F[K] extends { readonly optional: false } ? K : never }[keyof F];

/** What `Log.write` wants for an event. */
export type LogFields<N extends LogEventName> = {
  readonly [K in Required<FieldsOf<N>>]: TypeOf<FieldsOf<N>[K]>;
} & {
  readonly [K in Exclude<keyof FieldsOf<N>, Required<FieldsOf<N>>>]?: TypeOf<FieldsOf<N>[K]> | undefined;
};
