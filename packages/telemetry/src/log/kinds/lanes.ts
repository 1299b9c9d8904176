/** Lines about what a lane is doing. */
import { dataType, faultFields, field, type LogKind, maybe } from './field.ts';

export const laneKinds = {
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
  'consumer.closed': {
    level: 'info',
    msg: 'Consumer closed',
    means:
      'The service gave the consumer back: to stop, for want of the store, or to consume with a window that fits. What was unsettled comes again.',
    fields: { data_type: dataType, unsettled: field('integer', 'messages that come again') },
  },
  'open.failed': {
    level: 'warn',
    msg: 'Opening failed',
    means: 'Queue or store could not be opened, or the store takes in vain what it is given; it is tried again.',
    fields: {
      data_type: dataType,
      what: field('text', 'source (the queue) or sink (the store)'),
      attempt: field('integer', 'attempts so far'),
      delay_ms: field('integer', 'until the next attempt'),
      ...faultFields,
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
} as const satisfies Readonly<Record<string, LogKind>>;
