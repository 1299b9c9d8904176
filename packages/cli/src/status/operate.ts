/** An operator's word to lanes: over the services' own port, with the token that they know. */
import { readFileSync } from 'node:fs';
import { CliError, messageOf } from '../exit.ts';
import { count, type Environment, type Io, say } from '../io.ts';
import { hintFor } from '../nearest.ts';
import { type Addresses, asObject, causeOf, getJson, readService, type ServiceState } from '../servers/lanes.ts';

export type Action = 'pause' | 'resume' | 'release-brake';

export interface Done {
  readonly url: string;
  readonly service: string;
  readonly instance: string;
  readonly lane: string;
  /** What the service answered; 0 when it did not. */
  readonly status: number;
  readonly state: string | null;
  readonly pendingRecords: number | null;
  readonly error: string | null;
}

/** As the services read it; a file may end with a line break. Throws `CliError` when there is none. */
export function tokenOf(env: Environment): string {
  const file = env.ADMIN_TOKEN_FILE?.trim();
  if (env.ADMIN_TOKEN) return env.ADMIN_TOKEN;
  if (!file) {
    throw new CliError('there is no token: a lane is changed only with the ADMIN_TOKEN of its service', {
      next: 'set ADMIN_TOKEN, or ADMIN_TOKEN_FILE, to what the service was started with',
    });
  }
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new CliError(`ADMIN_TOKEN_FILE cannot be read: ${messageOf(error)}`);
  }
}

export interface OperateOptions {
  readonly action: Action;
  readonly types: readonly string[];
  /** Of these services; empty means whichever has the lane. */
  readonly services: readonly string[];
  readonly addresses: Addresses;
  readonly token: string;
}

/** Every lane that was meant, each with how it went. Throws `CliError` when a type is found nowhere. */
export async function operate(io: Io, options: OperateOptions): Promise<readonly Done[]> {
  const { action, types, services, addresses, token } = options;
  const readings = await Promise.all(addresses.urls.map(readService));
  const up: ServiceState[] = [];
  for (const reading of readings) {
    if (reading.is === 'up') up.push(reading.state);
    else if (addresses.named) throw unanswered(reading.url, reading.why);
  }
  const meant = up.filter(({ service }) => services.length === 0 || services.includes(service));
  const [firstDown] = readings.flatMap((reading) => (reading.is === 'down' ? [reading] : []));
  if (up.length === 0 && firstDown !== undefined) throw unanswered(firstDown.url, firstDown.why);
  const there = [...new Set(meant.flatMap(({ lanes }) => lanes.map(({ lane }) => lane)))];
  for (const type of types) {
    if (!there.includes(type)) throw new CliError(`no service has a lane ${type}. ${hintFor(type, there)}`);
  }
  for (const reading of readings) if (reading.is === 'down') say(io, `${reading.url} does not answer; left out`);
  const targets = meant.flatMap((state) =>
    state.lanes.filter(({ lane }) => types.includes(lane)).map(({ lane }) => ({ state, lane })),
  );
  return Promise.all(targets.map(({ state, lane }) => tell(state, lane, action, token)));
}

async function tell(state: ServiceState, lane: string, action: Action, token: string): Promise<Done> {
  const { url, service, instance } = state;
  const of = { url, service, instance, lane };
  try {
    const { status, body } = await getJson(`${url}/lanes/${encodeURIComponent(lane)}/${action}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    });
    const { state: now, pendingRecords, error } = asObject(body);
    return {
      ...of,
      status,
      state: typeof now === 'string' ? now : null,
      pendingRecords: typeof pendingRecords === 'number' ? pendingRecords : null,
      error: typeof error === 'string' ? error : null,
    };
  } catch (error) {
    return { ...of, status: 0, state: null, pendingRecords: null, error: causeOf(error) };
  }
}

const unanswered = (url: string, why: string): CliError =>
  new CliError(`${url} does not answer (${why}); nothing was changed`, {
    next: 'name the services with --url http://HOST:PORT or INATOR_URLS',
  });

export const succeeded = ({ status }: Done): boolean => status === 200 || status === 202;

export function doneLine({ service, instance, lane, status, state, pendingRecords, error }: Done): string {
  const who = `${service} ${lane} (${instance})`;
  if (status !== 200 && status !== 202) return `${who}: ${error ?? `answered ${status}`}`;
  const hand = pendingRecords === null || pendingRecords === 0 ? '' : `, ${count(pendingRecords)} in hand`;
  return `${who}: ${state ?? 'done'}${hand}${status === 202 ? '; the broker has not answered yet' : ''}`;
}
