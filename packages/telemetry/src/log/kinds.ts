/**
 * Every line the services write. `docs/reference/log-events.md` is generated from this table, the fields of `Log.write` are
 * typed by it, and a test holds every emitted line against it. Names of events and fields are stable: people alert on them.
 *
 * Healthy running writes `batch.processed` and changes of state, nothing else.
 */

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

const field = <const T extends FieldType>(type: T, means: string) => ({ type, means, optional: false }) as const;
const maybe = <const T extends FieldType>(type: T, means: string) => ({ type, means, optional: true }) as const;

const dataType = field('text', 'the lane: which type of records');
const faultFields = {
  code: field('text', 'the fault, as in faults.md'),
  blame: field('text', 'whose it is to mend: record, store, broker, operator or us'),
  stage: field('text', 'where it was found'),
  reason: field('text', 'a sentence, without payload'),
  native: maybe('text', "the server's own code: a SQLSTATE, a Neo4j status, an errno"),
} as const;

const closingFields = {
  data_type: dataType,
  version: maybe('text', 'version of the extraction'),
  declared: maybe('integer', 'records of the type, as the producer counts them'),
  seen: field('integer', 'distinct keys that the run brought'),
  stored: field('integer', 'records in the store when the run ended'),
  vanished: field('integer', 'records in the store that the run did not bring'),
  repeated: field('boolean', 'the signal came again; this is what was found the first time'),
  duration_ms: field('integer', 'how long it took'),
} as const;

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
  'batch.processed': {
    level: 'info',
    msg: 'Batch processed',
    means: 'A batch was settled: every record in it is durable or dead-lettered.',
    fields: {
      data_type: dataType,
      batch_size: field('integer', 'records in the batch'),
      duration_ms: field('integer', 'from the first attempt to the commit, holds included'),
      records_per_sec: field('integer', 'batch_size over duration_ms, rounded down'),
      inserted: field('integer', 'records that are new'),
      updated: field('integer', 'records that were changed'),
      unchanged: field('integer', 'records whose hash was there already'),
      stale: field('integer', 'records older than what the store holds'),
      duplicates: field('integer', 'records whose key came again in the same batch'),
      dead_lettered: field('integer', 'records refused'),
      flush_reason: field('text', 'what sealed it: records, bytes, age, window, signal or drain'),
      attempt: field('integer', 'how often it was tried, 1 when it went through at once'),
      bytes: field('integer', 'bytes of the bodies'),
      age_ms: field('integer', 'age of its oldest record at the commit, since it arrived here'),
      writer: field('integer', 'which writer of the lane, from 0'),
      nodes_created: maybe('integer', 'graphinator: nodes created'),
      relationships_created: maybe('integer', 'graphinator: relationships created'),
      relationships_deleted: maybe('integer', 'graphinator: relationships deleted'),
    },
  },
  'batch.held': {
    level: 'warn',
    msg: 'Batch held',
    means: 'The store is away: the batch waits, unacknowledged, and is tried again. Written for every tenth attempt.',
    fields: {
      data_type: dataType,
      batch_size: field('integer', 'records in the batch; 0 for a signal'),
      attempt: field('integer', 'attempts so far'),
      delay_ms: field('integer', 'until the next attempt'),
      ...faultFields,
    },
  },
  'batch.retry': {
    level: 'debug',
    msg: 'Batch tried again',
    means: 'Like batch.held, for the attempts in between.',
    fields: {
      data_type: dataType,
      batch_size: field('integer', 'records in the batch; 0 for a signal'),
      attempt: field('integer', 'attempts so far'),
      delay_ms: field('integer', 'until the next attempt'),
      ...faultFields,
    },
  },
  'batch.released': {
    level: 'info',
    msg: 'Batch released',
    means: 'The store answered again and a held batch went through.',
    fields: { data_type: dataType, held_ms: field('integer', 'how long it was held') },
  },
  'batch.resized': {
    level: 'debug',
    msg: 'Batch resized',
    means: 'BATCH_ADAPTIVE tries another batch size, or returns from one.',
    fields: {
      data_type: dataType,
      from: field('integer', 'records that sealed a batch until now'),
      to: field('integer', 'records that seal one from now on'),
      records_per_sec: field('integer', 'records a second at the size that is left'),
    },
  },
  'batch.split': {
    level: 'warn',
    msg: 'Batch split',
    means: 'The store refused the batch: it is divided to find the record at fault.',
    fields: {
      data_type: dataType,
      batch_size: field('integer', 'records in the part that was refused'),
      named: field('boolean', 'whether the store named the record'),
      ...faultFields,
    },
  },
  'record.dead_lettered': {
    level: 'warn',
    msg: 'Record dead-lettered',
    means: 'One record was refused, and its letter is confirmed. At most 100 in 10 s are written for each lane.',
    fields: {
      data_type: dataType,
      key: maybe('text', "the record's key, where it could be read"),
      attempts: field('integer', 'how often it was tried'),
      ...faultFields,
    },
  },
  'record.dead_letters_unlogged': {
    level: 'warn',
    msg: 'Dead letters not logged singly',
    means:
      'There were more dead letters than are written one by one; metrics and the letters themselves have all of them.',
    fields: { data_type: dataType, count: field('integer', 'dead letters in the last 10 s that have no line') },
  },
  'letter.failed': {
    level: 'warn',
    msg: 'Dead letter not confirmed',
    means: 'The broker did not confirm a letter: its original stays unsettled, and it is tried again.',
    fields: {
      data_type: dataType,
      attempt: field('integer', 'attempts so far'),
      delay_ms: field('integer', 'until the next attempt'),
      ...faultFields,
    },
  },
  'lane.state': {
    level: 'info',
    msg: 'Lane changed',
    means: 'A lane went from one state to another.',
    fields: {
      data_type: dataType,
      from: field('text', 'starting, consuming, holding, braked, paused, draining or stopped'),
      to: field('text', 'likewise'),
      reason: maybe('text', 'why'),
    },
  },
  'consumer.started': {
    level: 'info',
    msg: 'Consuming',
    means: 'The queue is set up and consumed.',
    fields: { data_type: dataType, window: field('integer', 'messages the broker may hand out unacknowledged') },
  },
  'consumer.lost': {
    level: 'warn',
    msg: 'Consumer lost',
    means: 'Connection, channel, consumer or queue was lost; it is set up again, and what was unsettled comes again.',
    fields: { data_type: dataType, unsettled: field('integer', 'messages that come again'), ...faultFields },
  },
  'open.failed': {
    level: 'warn',
    msg: 'Opening failed',
    means: 'Queue or store could not be opened; it is tried again.',
    fields: {
      data_type: dataType,
      what: field('text', 'source (the queue) or sink (the store)'),
      attempt: field('integer', 'attempts so far'),
      delay_ms: field('integer', 'until the next attempt'),
      ...faultFields,
    },
  },
  'marker.received': {
    level: 'info',
    msg: 'Signal received',
    means: 'A signal of the producer came; it is marked when everything before it is durable.',
    fields: { data_type: dataType, signal: field('text', 'file_complete or extraction_complete') },
  },
  'marker.passed': {
    level: 'info',
    msg: 'Signal passed',
    means: 'Everything before the signal is durable, and the store was told of it.',
    fields: {
      data_type: dataType,
      signal: field('text', 'file_complete or extraction_complete'),
      duration_ms: field('integer', 'how long telling the store took'),
      total: maybe('integer', 'records of the file, as the producer counts them'),
    },
  },
  'purge.done': {
    level: 'info',
    msg: 'Vanished records purged',
    means: 'An extraction was complete: what it did not bring was deleted.',
    fields: { ...closingFields, purged: field('integer', 'records deleted') },
  },
  'purge.reported': {
    level: 'info',
    msg: 'Vanished records counted',
    means: 'An extraction was complete: so many records would be purged with PURGE_MODE=purge.',
    fields: closingFields,
  },
  'purge.skipped': {
    level: 'warn',
    msg: 'Purge skipped',
    means: 'An extraction ended, and nothing is deleted because that would not be safe.',
    fields: {
      ...closingFields,
      why: field(
        'text',
        'unidentified, older, undeclared, dead-letters, incomplete, empty, over-limit, store-refused or switched-off',
      ),
      reason: field('text', 'a sentence with the numbers'),
      purged: field('integer', 'records deleted before the store refused, else 0'),
    },
  },
  'brake.on': {
    level: 'error',
    msg: 'Brake on',
    means: 'The lane refuses too much: it holds its messages and dead-letters nothing until the cause is mended.',
    fields: {
      data_type: dataType,
      refused: field('integer', 'refusals among the last records'),
      of: field('integer', 'how many records were looked at'),
      ...faultFields,
    },
  },
  'brake.off': {
    level: 'info',
    msg: 'Brake off',
    means: 'The lane goes on.',
    fields: { data_type: dataType, by: field('text', 'store (it takes the records again) or operator') },
  },
  defect: {
    level: 'error',
    msg: 'Defect',
    means: 'Something that cannot happen did. Please report it with this line.',
    fields: {
      data_type: maybe('text', 'the lane, where there is one'),
      ...faultFields,
      error: field('text', "the error's class, and its message where that cannot quote a payload"),
      at: maybe('text', 'where in the code: the frames of the stack'),
    },
  },
  'service.started': {
    level: 'info',
    msg: 'Service started',
    means: 'The process runs and begins to open its lanes.',
    fields: {
      data_types: field('text', 'the lanes, separated by commas'),
      window: field('integer', 'messages in hand, for each lane'),
      batch_size: field('integer', 'records that seal a batch'),
      writers: field('integer', 'writers of each lane'),
      node: field('text', 'version of Node.js'),
      pid: field('integer', 'process id'),
    },
  },
  'config.loaded': {
    level: 'info',
    msg: 'Configuration loaded',
    means: 'The values in force, by variable; secrets and urls are masked.',
    fields: { settings: field('object', 'variable → value') },
  },
  'config.warning': {
    level: 'warn',
    msg: 'Configuration is odd',
    means: 'The service starts, but somebody should look at this.',
    fields: { variable: field('text', 'its name'), reason: field('text', 'what is odd') },
  },
  'config.faulty': {
    level: 'error',
    msg: 'Configuration is wrong',
    means: 'The service does not start. One line for every fault.',
    fields: {
      variable: field('text', 'its name'),
      reason: field('text', 'what is wrong'),
      allowed: field('text', 'which values are taken'),
    },
  },
  'admin.listening': {
    level: 'info',
    msg: 'Health and metrics are served',
    means: 'The HTTP server is up.',
    fields: { host: field('text', 'address'), port: field('integer', 'port') },
  },
  'admin.failed': {
    level: 'error',
    msg: 'A request failed',
    means: 'A route of the HTTP server did not answer as it should.',
    fields: { path: field('text', 'the route'), error: field('text', 'the class of the error') },
  },
  'admin.action': {
    level: 'info',
    msg: 'Operator acted',
    means: 'Somebody with the token asked over HTTP for something to be changed: paused, resumed, released.',
    fields: {
      what: field('text', 'method and path'),
      remote: field('text', "address it came from; a proxy's where one stands in front"),
      status: field('integer', 'what it was answered with: 200 and 202 done, 404 no such lane, 409 not now'),
    },
  },
  'admin.refused': {
    level: 'warn',
    msg: 'Operator refused',
    means:
      'Somebody without the token tried to change something; of many at once only the first 20 in 10 s are logged.',
    fields: {
      what: field('text', 'method and path'),
      remote: field('text', "address it came from; a proxy's where one stands in front"),
      status: field('integer', '401 the token is missing or wrong, 403 ADMIN_TOKEN is not set'),
    },
  },
  'amqp.blocked': {
    level: 'warn',
    msg: 'Broker blocks publishing',
    means: 'An alarm of the broker (memory, disk): dead letters wait, consuming goes on.',
    fields: { reason: field('text', 'as the broker says') },
  },
  'amqp.unblocked': {
    level: 'info',
    msg: 'Broker takes messages again',
    means: 'The alarm is over.',
    fields: {},
  },
  'store.warning': {
    level: 'warn',
    msg: 'The store deserves a look',
    means: 'Something about the store that works, but may not for long: too few connections, a missing right.',
    fields: { reason: field('text', 'what, with the numbers') },
  },
  'shutdown.begin': {
    level: 'info',
    msg: 'Shutting down',
    means: 'The service stops taking messages, and writes what it holds.',
    fields: {
      cause: field('text', 'the signal, or what else'),
      timeout_ms: field('integer', 'how long that may take'),
    },
  },
  'shutdown.complete': {
    level: 'info',
    msg: 'Shut down',
    means: 'Everything is closed. What is left unsettled goes back to the broker.',
    fields: {
      left: field('integer', 'messages left unsettled'),
      duration_ms: field('integer', 'how long it took'),
    },
  },
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
