/**
 * The names on spans: OpenTelemetry's semantic conventions where they have one, `inator.` where not. Listed in
 * docs/guides/tracing.md, which a test holds against this table.
 */
import type { Fault, Receipt } from '@inator/runtime';
import type { Attributes, Span } from '@opentelemetry/api';

export const names = {
  messagingSystem: 'messaging.system',
  destination: 'messaging.destination.name',
  operationName: 'messaging.operation.name',
  operationType: 'messaging.operation.type',
  messageCount: 'messaging.batch.message_count',
  /** The older name and the stable one: tools look for either. */
  dbSystem: 'db.system',
  dbSystemName: 'db.system.name',
  dbOperation: 'db.operation.name',
  dbBatchSize: 'db.operation.batch.size',
  dbStatus: 'db.response.status_code',
  errorType: 'error.type',
  lane: 'inator.lane',
  model: 'inator.model',
  writer: 'inator.writer',
  bytes: 'inator.batch.bytes',
  sealedBy: 'inator.batch.sealed_by',
  created: 'inator.batch.created',
  updated: 'inator.batch.updated',
  unchanged: 'inator.batch.unchanged',
  stale: 'inator.batch.stale',
  tied: 'inator.batch.tied',
  collapsed: 'inator.batch.collapsed',
  refused: 'inator.batch.refused',
  attempts: 'inator.attempts',
  age: 'inator.batch.age_ms',
  publishedAge: 'inator.batch.published_age_ms',
  returned: 'inator.batch.returned',
  linksDropped: 'inator.links.dropped',
  eventsDropped: 'inator.events.dropped',
  key: 'inator.record.key',
  faultCode: 'inator.fault.code',
  faultBlame: 'inator.fault.blame',
  faultStage: 'inator.fault.stage',
  faultReason: 'inator.fault.reason',
  faultNative: 'inator.fault.native',
  attempt: 'inator.attempt',
  delay: 'inator.delay_ms',
  held: 'inator.held_ms',
  records: 'inator.records',
  named: 'inator.named',
} as const;

/** Milliseconds of a step of the write: `inator.phase.copy_ms` and its like. */
export const phaseName = (phase: string): string => `inator.phase.${phase}_ms`;

export type Redact = (text: string) => string;

export function faultAttributes({ code, blame, stage, reason, native }: Fault, redact: Redact): Attributes {
  return {
    [names.faultCode]: code,
    [names.faultBlame]: blame,
    [names.faultStage]: stage,
    [names.faultReason]: redact(reason),
    ...(native === undefined ? {} : { [names.faultNative]: native }),
  };
}

/** What a store made of a batch. */
export function receiptAttributes({ counts, phases }: Receipt): Attributes {
  const attributes: Attributes = {
    [names.created]: counts.created,
    [names.updated]: counts.updated,
    [names.unchanged]: counts.unchanged,
    [names.stale]: counts.stale,
    [names.collapsed]: counts.collapsed,
  };
  if (counts.tied !== undefined) attributes[names.tied] = counts.tied;
  for (const [phase, ms] of Object.entries(phases)) attributes[phaseName(phase)] = ms;
  return attributes;
}

/** Events of a span, so many and no more: a flood of bad records must not become a flood of events. */
export interface BoundedEvents {
  add(name: string, attributes: Attributes): void;
  /** Tells how many were left out. */
  close(): void;
}

/** Well under the 128 that SDKs keep by default. */
export const maxEvents = 32;

export function boundEvents(span: Span): BoundedEvents {
  let told = 0;
  return {
    add(name, attributes) {
      told += 1;
      if (told <= maxEvents) span.addEvent(name, attributes);
    },
    close() {
      if (told > maxEvents) span.setAttribute(names.eventsDropped, told - maxEvents);
    },
  };
}
