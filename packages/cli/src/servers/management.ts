/** RabbitMQ's management API: what AMQP itself does not tell. Read only. */
import type { BrokerTarget } from './settings.ts';

export interface ManagedQueue {
  readonly type: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** What policies add to the arguments, with their names (`delivery-limit`). */
  readonly policy: Readonly<Record<string, unknown>>;
  readonly messages: number;
  readonly unacknowledged: number;
  /** The tags of its consumers; undefined where the API does not list them. */
  readonly consumerTags: readonly string[] | undefined;
}

export interface ManagedNode {
  readonly name: string;
  readonly running: boolean;
  readonly memoryAlarm: boolean;
  readonly diskAlarm: boolean;
  /** Bytes; undefined where the node does not say. */
  readonly diskFree: number | undefined;
  readonly diskFreeLimit: number | undefined;
}

/** Regular expressions, as the broker keeps them. */
export interface Permissions {
  readonly configure: string;
  readonly write: string;
  readonly read: string;
}

export interface Management {
  version(): Promise<string>;
  /** The server's clock in epoch ms, to the second, and when the question began and ended here. */
  clock(): Promise<{ readonly now: number; readonly beganAt: number; readonly endedAt: number } | undefined>;
  /** Undefined when there is no such queue, or the API does not answer for it. */
  queue(name: string): Promise<ManagedQueue | undefined>;
  /** Undefined when the user may not see them. */
  nodes(): Promise<readonly ManagedNode[] | undefined>;
  /** Of a user in the virtual host; `none` when it has none there, undefined when we may not ask. */
  permissions(user: string): Promise<Permissions | 'none' | undefined>;
}

const httpMs = 5_000;
type Loose = Readonly<Record<string, unknown>>;
const asObject = (value: unknown): Loose => (typeof value === 'object' && value !== null ? (value as Loose) : {});
const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

export function createManagement(target: BrokerTarget): Management {
  const url = new URL(target.managementUrl?.() ?? '');
  const { username, password, vhost = '/' } = target.settings;
  // Credentials in the management url stand before those of AMQP, which are usually the same.
  const user = url.username === '' ? (username ?? 'guest') : decodeURIComponent(url.username);
  const secret = url.password === '' ? (password?.() ?? 'guest') : decodeURIComponent(url.password);
  const authorization = `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`;
  const base = `${url.origin}${url.pathname.replace(/\/$/, '')}`;

  async function get(
    path: string,
  ): Promise<{ readonly status: number; readonly body: unknown; readonly date: number }> {
    const response = await fetch(`${base}/api/${path}`, {
      headers: { authorization },
      signal: AbortSignal.timeout(httpMs),
    });
    const body: unknown = await response.json().catch(() => undefined);
    return { status: response.status, body, date: Date.parse(response.headers.get('date') ?? '') };
  }

  return {
    async version() {
      const { status, body } = await get('overview');
      if (status !== 200) throw new Error(`it answers ${status}`);
      return String(asObject(body).rabbitmq_version ?? 'of unknown version');
    },
    async clock() {
      const beganAt = Date.now();
      const { date } = await get('whoami');
      return Number.isNaN(date) ? undefined : { now: date, beganAt, endedAt: Date.now() };
    },
    async queue(name) {
      const { status, body } = await get(`queues/${encodeURIComponent(vhost)}/${encodeURIComponent(name)}`);
      if (status !== 200) return undefined;
      const queue = asObject(body);
      return {
        type: String(queue.type ?? ''),
        arguments: asObject(queue.arguments),
        policy: asObject(queue.effective_policy_definition),
        messages: Number(queue.messages ?? 0),
        unacknowledged: Number(queue.messages_unacknowledged ?? 0),
        consumerTags: Array.isArray(queue.consumer_details)
          ? queue.consumer_details.map((each) => String(asObject(each).consumer_tag))
          : undefined,
      };
    },
    async nodes() {
      const { status, body } = await get('nodes');
      if (status !== 200 || !Array.isArray(body)) return undefined;
      return body.map(asObject).map((node) => ({
        name: String(node.name),
        running: node.running !== false,
        memoryAlarm: node.mem_alarm === true,
        diskAlarm: node.disk_free_alarm === true,
        diskFree: numberOf(node.disk_free),
        diskFreeLimit: numberOf(node.disk_free_limit),
      }));
    },
    async permissions(of) {
      const { status, body } = await get(`users/${encodeURIComponent(of)}/permissions`);
      if (status !== 200 || !Array.isArray(body)) return undefined;
      const here = body.map(asObject).find((each) => each.vhost === vhost);
      if (here === undefined) return 'none';
      const { configure, write, read } = here;
      return { configure: String(configure), write: String(write), read: String(read) };
    },
  };
}
