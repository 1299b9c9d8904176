/** The live state of the services, read over HTTP. */
import type { LaneSnapshot, WriterState } from '@inator/runtime';
import { messageOf, usageError } from '../exit.ts';
import type { Environment } from '../io.ts';

/** The last ten seconds of a lane, as `/lanes` tells them. */
export interface RecentReading {
  readonly seconds: number;
  readonly settledPerSecond: number;
  readonly age?: { readonly medianMs: number; readonly maxMs: number };
  readonly spentMs: Readonly<Record<WriterState, number>>;
  readonly backlogPerSecond?: number;
}

/** A lane as `/lanes` shows it. What a service of an older version does not tell is absent. */
export type LaneReading = LaneSnapshot & {
  readonly depth?: number;
  readonly recent?: RecentReading;
  readonly deadLetterQueue?: string;
  readonly lettersWaiting?: number;
  readonly deadLettersBy?: Readonly<Record<string, number>>;
  readonly advice?: string;
};

export interface ServiceState {
  readonly url: string;
  readonly service: string;
  readonly instance: string;
  readonly version: string;
  readonly ready: boolean;
  /** Why it is not ready, in the service's own words. */
  readonly reasons: readonly string[];
  readonly lanes: readonly LaneReading[];
}

export type ServiceReading =
  | { readonly is: 'up'; readonly state: ServiceState }
  | { readonly is: 'down'; readonly url: string; readonly why: string };

/** The ports of the contract: tableinator, graphinator. */
export const defaultUrls: readonly string[] = ['http://127.0.0.1:8002', 'http://127.0.0.1:8001'];

/** A service answers within milliseconds even when its stores hang; what takes longer is not healthy. */
const httpMs = 3_000;

export interface Addresses {
  readonly urls: readonly string[];
  /** Somebody named them, so each of them must answer. */
  readonly named: boolean;
}

/** Where the services are: what the options say, else INATOR_URLS, else the usual ports on this machine. */
export function addressesOf(given: readonly string[] | undefined, env: Environment): Addresses {
  const listed = given ?? env.INATOR_URLS?.split(/[\s,]+/).filter((url) => url !== '') ?? [];
  if (listed.length === 0) return { urls: defaultUrls, named: false };
  for (const url of listed) {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    if (parsed?.protocol !== 'http:' && parsed?.protocol !== 'https:') {
      const from = given === undefined ? 'INATOR_URLS' : '--url';
      throw usageError(`${from}: ${JSON.stringify(url)} is no address of a service, such as http://10.0.0.7:8002`);
    }
  }
  return { urls: [...new Set(listed.map((url) => url.replace(/\/+$/, '')))], named: true };
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export async function getJson(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(httpMs), redirect: 'error' });
  const text = await response.text();
  try {
    return { status: response.status, body: JSON.parse(text) };
  } catch {
    throw new Error(`${url} answered ${response.status} with something that is not JSON`);
  }
}

type Loose = Readonly<Record<string, unknown>>;
export const asObject = (value: unknown): Loose =>
  typeof value === 'object' && value !== null ? (value as Loose) : {};
const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** Sentences of the checks that failed. */
function reasonsOf(body: unknown): string[] {
  return asList(asObject(body).checks)
    .map(asObject)
    .filter(({ status }) => status !== 'ok' && status !== 'pass')
    .map(({ name, reason, status }) => `${String(name)}: ${String(reason ?? status)}`);
}

export async function readService(url: string): Promise<ServiceReading> {
  try {
    const base = url.replace(/\/+$/, '');
    const [lanes, ready, version] = await Promise.all(
      ['/lanes', '/readyz', '/version'].map((path) => getJson(`${base}${path}`)),
    );
    const listed = asList(asObject(lanes?.body).lanes) as ServiceState['lanes'];
    const { service = asObject(lanes?.body).service, instance, version: running } = asObject(version?.body);
    if (typeof service !== 'string') throw new Error('what answers there is no service of inator');
    return {
      is: 'up',
      state: {
        url: base,
        service,
        instance: String(instance ?? base),
        version: String(running ?? 'unknown'),
        ready: ready?.status === 200,
        reasons: ready?.status === 200 ? [] : reasonsOf(ready?.body),
        lanes: listed,
      },
    };
  } catch (error) {
    return { is: 'down', url, why: causeOf(error) };
  }
}

/** Why a request failed: fetch hides it in the cause. */
export function causeOf(error: unknown): string {
  return messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
}
