/** What a letter tells: of ours by its `x-inator-*` headers, of the broker's by `x-death`. */
import { isUtf8 } from 'node:buffer';
import { type KeptLetter, replaysOf } from '@inator/rabbitmq';
import { faultKinds } from '@inator/runtime';
import type { Place } from './places.ts';
import { jsonValue } from './text.ts';

export interface LetterInfo {
  readonly code: string;
  readonly reason: string;
  readonly stage: string;
  readonly model: string;
  readonly key: string | undefined;
  /** Epoch milliseconds; undefined where the letter does not tell. */
  readonly failedAt: number | undefined;
  readonly replays: number;
}

/** Why a broker condemns a message on its own, RabbitMQ's names after "broker-". */
export const brokerCodes = ['broker-rejected', 'broker-expired', 'broker-maxlen', 'broker-delivery-limit'] as const;
/** What `--code` takes. */
export const codes: readonly string[] = [...Object.keys(faultKinds), ...brokerCodes, 'unknown'];
/** What `--stage` takes; the last is the broker's own and whatever does not tell. */
export const stages = ['receive', 'decode', 'validate', 'copy', 'merge', 'graph', 'settle', '-'] as const;

/** Epoch milliseconds that are a time; undefined of anything else: what stands in a header is anybody's. */
function timeOf(at: number): number | undefined {
  return Number.isNaN(new Date(at).getTime()) ? undefined : at;
}

interface Death {
  readonly reason: string;
  readonly at: number | undefined;
}

/** The latest of the broker's own verdicts. */
function deathOf(headers: KeptLetter['headers']): Death | undefined {
  const deaths = headers['x-death'];
  const first: unknown = Array.isArray(deaths) ? deaths[0] : undefined;
  if (typeof first !== 'object' || first === null) return undefined;
  const { reason, time } = first as { readonly reason?: unknown; readonly time?: { readonly value?: unknown } };
  const seconds = time?.value;
  const at = typeof seconds === 'number' ? timeOf(seconds * 1000) : undefined;
  return { reason: typeof reason === 'string' ? reason : 'unknown', at };
}

export function infoOf(letter: KeptLetter): LetterInfo {
  const { headers } = letter;
  const text = (name: string): string | undefined => {
    const value = headers[`x-inator-${name}`];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const code = text('code');
  const replays = replaysOf(letter);
  if (code === undefined) {
    const death = deathOf(headers);
    return {
      code: death === undefined ? 'unknown' : `broker-${death.reason.replaceAll('_', '-')}`,
      reason: death === undefined ? 'it carries no reason' : `the broker condemned it: ${death.reason}`,
      stage: '-',
      model: '-',
      key: undefined,
      failedAt: death?.at,
      replays,
    };
  }
  return {
    code,
    reason: text('reason') ?? '',
    stage: text('stage') ?? '-',
    model: text('model') ?? '-',
    key: text('key'),
    failedAt: timeOf(Date.parse(text('failed-at') ?? '')),
    replays,
  };
}

/** Total: null of what is no time. */
export const isoTime = (at: number | undefined): string | null =>
  at === undefined || timeOf(at) === undefined ? null : new Date(at).toISOString();

/** A letter as one JSON object with nothing left out: the body as text where it is UTF-8, else as base64. */
export function letterJson({ service, type, spec }: Place, letter: KeptLetter, info: LetterInfo): object {
  const { body, headers, properties, exchange, routingKey } = letter;
  return {
    service,
    type,
    queue: spec.deadLetterQueue,
    code: info.code,
    reason: info.reason,
    stage: info.stage,
    model: info.model,
    key: info.key ?? null,
    failedAt: isoTime(info.failedAt),
    replays: info.replays,
    exchange,
    routingKey,
    properties,
    headers: jsonValue(headers),
    ...(isUtf8(body) ? { body: body.toString('utf8') } : { bodyBase64: body.toString('base64') }),
  };
}
