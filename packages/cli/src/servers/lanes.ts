/** The live state of the services, read over HTTP. */
import type { LaneSnapshot } from '@inator/runtime';
import { messageOf } from '../exit.ts';

export interface ServiceState {
  readonly url: string;
  readonly service: string;
  readonly ready: boolean;
  /** Why it is not ready, in the service's own words. */
  readonly reasons: readonly string[];
  readonly lanes: readonly (LaneSnapshot & { readonly depth?: number })[];
}

export type ServiceReading =
  | { readonly is: 'up'; readonly state: ServiceState }
  | { readonly is: 'down'; readonly url: string; readonly why: string };

/** A service answers within milliseconds even when its stores hang; what takes longer is not healthy. */
const httpMs = 3_000;

export async function getJson(url: string): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await fetch(url, { signal: AbortSignal.timeout(httpMs), redirect: 'error' });
  const text = await response.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new Error(`${url} answered ${response.status} with something that is not JSON`);
  }
  return { status: response.status, body };
}

type Loose = Readonly<Record<string, unknown>>;
const asObject = (value: unknown): Loose => (typeof value === 'object' && value !== null ? (value as Loose) : {});
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
    const base = url.replace(/\/$/, '');
    const [lanes, ready, version] = await Promise.all(
      ['/lanes', '/readyz', '/version'].map((path) => getJson(`${base}${path}`)),
    );
    const listed = asList(asObject(lanes?.body).lanes ?? lanes?.body) as ServiceState['lanes'];
    return {
      is: 'up',
      state: {
        url: base,
        service: String(asObject(version?.body).service ?? asObject(lanes?.body).service ?? base),
        ready: ready?.status === 200,
        reasons: ready?.status === 200 ? [] : reasonsOf(ready?.body),
        lanes: listed,
      },
    };
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    return { is: 'down', url, why: messageOf(cause) };
  }
}
