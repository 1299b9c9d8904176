/** A span a batch: from the first attempt to the acks, linked with the spans in which its messages were published. */
import type { BegunBatch, Events, LaneEvents, Surround } from '@inator/runtime';
import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import {
  type BoundedEvents,
  boundEvents,
  faultAttributes,
  names,
  type Redact,
  receiptAttributes,
} from './attributes.ts';
import { runBelow, safely } from './guard.ts';
import { linksOf } from './trace-context.ts';
import type { FoundTracer } from './tracer.ts';

interface Followed {
  readonly span: Span;
  readonly events: BoundedEvents;
  readonly begun: BegunBatch;
}

export interface BatchSpans {
  readonly around: Surround;
  /** Puts what lanes tell of a batch onto its span; returns how to stop. */
  follow(events: Events): () => void;
}

export function createBatchSpans(tracer: FoundTracer, redact: Redact): BatchSpans {
  /** What is under way. A writer has one batch in flight, so lane and writer name it. */
  const underWay = new Map<string, Followed>();
  const followed = ({ lane, writer }: { readonly lane: string; readonly writer: number }): Followed | undefined =>
    underWay.get(idOf(lane, writer));

  return {
    around(begun, write) {
      const found = tracer.get();
      if (found === undefined) return write();
      return run(found, begun, write, underWay);
    },
    follow(events) {
      const stops = [
        events.on('batch.held', ({ fault, attempt, delayMs, ...of }) =>
          followed(of)?.events.add('batch.held', {
            ...faultAttributes(fault, redact),
            [names.attempt]: attempt,
            [names.delay]: delayMs,
          }),
        ),
        events.on('batch.released', ({ heldMs, ...of }) =>
          followed(of)?.events.add('batch.released', { [names.held]: heldMs }),
        ),
        events.on('batch.split', ({ fault, records, named, ...of }) =>
          followed(of)?.events.add('batch.split', {
            ...faultAttributes(fault, redact),
            [names.records]: records,
            [names.named]: named,
          }),
        ),
        events.on('batch.written', (event) => {
          const at = followed(event);
          if (at !== undefined) written(at, event, redact);
        }),
        events.on('batch.returned', (event) => {
          const span = followed(event)?.span;
          if (span === undefined) return;
          const { why, fault } = event;
          span.setAttributes({
            [names.returned]: why,
            [names.errorType]: fault?.code ?? why,
            ...(fault === undefined ? {} : faultAttributes(fault, redact)),
          });
          const message = fault === undefined ? `returned (${why})` : `${fault.code}: ${redact(fault.reason)}`;
          span.setStatus({ code: SpanStatusCode.ERROR, message });
        }),
      ];
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
}

const idOf = (lane: string, writer: number): string => `${writer} ${lane}`;

async function run(
  tracer: Tracer,
  begun: BegunBatch,
  write: () => Promise<void>,
  underWay: Map<string, Followed>,
): Promise<void> {
  const id = idOf(begun.lane, begun.writer);
  const span = safely(() => start(tracer, begun));
  const events = span !== undefined && safely(() => span.isRecording()) ? boundEvents(span) : undefined;
  if (span !== undefined && events !== undefined) underWay.set(id, { span, events, begun });
  // A span that is not recorded is passed on as well: what is made below it is not recorded either.
  await runBelow(span, () => ROOT_CONTEXT, write);
  underWay.delete(id);
  safely(() => {
    events?.close();
    span?.end();
  });
}

function start(tracer: Tracer, { lane, queue, writer, batch, deliveries }: BegunBatch): Span {
  const { links, dropped } = linksOf(deliveries);
  return tracer.startSpan(
    `process ${queue}`,
    {
      kind: SpanKind.CONSUMER,
      root: true,
      links,
      attributes: {
        [names.messagingSystem]: 'rabbitmq',
        [names.destination]: queue,
        [names.operationName]: 'process',
        [names.operationType]: 'process',
        [names.messageCount]: batch.records.length,
        [names.lane]: lane,
        [names.model]: batch.model.name,
        [names.writer]: writer,
        [names.bytes]: batch.bytes,
        [names.sealedBy]: batch.sealedBy,
        ...(dropped === 0 ? {} : { [names.linksDropped]: dropped }),
      },
    },
    ROOT_CONTEXT,
  );
}

function written({ span, events, begun }: Followed, event: LaneEvents['batch.written'], redact: Redact): void {
  const { receipt, refused, attempts, ageMs, publishedAgeMs } = event;
  span.setAttributes({
    ...receiptAttributes(receipt),
    [names.refused]: refused,
    [names.attempts]: attempts,
    [names.age]: ageMs,
    ...(publishedAgeMs === undefined ? {} : { [names.publishedAge]: publishedAgeMs }),
  });
  if (refused === 0) return;
  for (const [index, outcome] of receipt.outcomes.entries()) {
    if (outcome.is !== 'refused') continue;
    events.add('record.refused', {
      ...faultAttributes(outcome.fault, redact),
      [names.key]: begun.batch.records[index]?.key ?? '',
      [names.attempts]: outcome.attempts,
    });
  }
}
