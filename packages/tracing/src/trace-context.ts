/**
 * The trace that a message belongs to, as its producer wrote it into the headers: W3C Trace Context.
 * https://www.w3.org/TR/trace-context/
 *
 * Headers come from whoever may publish. What is not a well-formed `traceparent` is ignored and never an error, and looking
 * at it costs next to nothing however large it is.
 */
import type { Delivery, Headers } from '@inator/runtime';
import { createTraceState, type Link, type SpanContext } from '@opentelemetry/api';

/** `version-trace-parent-flags`, and what versions after 00 may add. */
const traceparent = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const shortest = 55;
/** More than any version needs; also what the standard asks tracers to keep of a `tracestate`. */
const longest = 512;
const noTrace = '0'.repeat(32);
const noParent = '0'.repeat(16);

export function traceContextOf(headers: Headers): SpanContext | undefined {
  const { traceparent: given, tracestate } = headers;
  if (typeof given !== 'string' || given.length < shortest || given.length > longest) return undefined;
  const [, version, traceId, spanId, flags, rest] = traceparent.exec(given) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (version === 'ff' || (version === '00' && rest !== undefined)) return undefined;
  if (traceId === noTrace || spanId === noParent) return undefined;
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  if (typeof tracestate !== 'string' || tracestate === '' || tracestate.length > longest) return context;
  return { ...context, traceState: createTraceState(tracestate) };
}

/** OpenTelemetry keeps this many links of a span unless it is told otherwise; what is over would be made for nothing. */
export const maxLinks = 128;

export interface Links {
  readonly links: Link[];
  /** Further messages' spans that there is no link for. */
  readonly dropped: number;
}

/** A link for each span that a message of the batch was published in, each once, the oldest messages first. */
export function linksOf(deliveries: readonly Delivery[]): Links {
  const seen = new Set<string>();
  const links: Link[] = [];
  for (const { properties } of deliveries) {
    const context = traceContextOf(properties.headers);
    if (context === undefined) continue;
    const span = context.traceId + context.spanId;
    if (seen.has(span)) continue;
    seen.add(span);
    if (links.length < maxLinks) links.push({ context });
  }
  return { links, dropped: seen.size - links.length };
}
