/** Lines about the process, its configuration and its servers. */
import { field, type LogKind } from './field.ts';

export const serviceKinds = {
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
  'tracing.on': {
    level: 'info',
    msg: 'Spans are made',
    means: 'An SDK of OpenTelemetry was loaded into the process: spans of batches, writes and dead letters go to it.',
    fields: {},
  },
  'tracing.unseen': {
    level: 'warn',
    msg: 'Spans are not made',
    means: 'An SDK of OpenTelemetry was loaded, with an @opentelemetry/api older than 1.9: nothing can reach it.',
    fields: { api: field('text', 'version of the API that the SDK came with') },
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
