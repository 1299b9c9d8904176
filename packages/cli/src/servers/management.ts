/** RabbitMQ's management API: what AMQP itself does not tell. Read only. */
import type { BrokerTarget } from './settings.ts';

export interface ManagedQueue {
  readonly type: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly messages: number;
  readonly unacknowledged: number;
}

export interface Management {
  version(): Promise<string>;
  /** Undefined when there is no such queue, or the API does not answer for it. */
  queue(name: string): Promise<ManagedQueue | undefined>;
}

const httpMs = 5_000;

export function createManagement(target: BrokerTarget): Management {
  const url = new URL(target.managementUrl?.() ?? '');
  const { username, password, vhost } = target.settings;
  // Credentials in the management url stand before those of AMQP, which are usually the same.
  const user = url.username === '' ? (username ?? 'guest') : decodeURIComponent(url.username);
  const secret = url.password === '' ? (password?.() ?? 'guest') : decodeURIComponent(url.password);
  const authorization = `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`;
  const base = `${url.origin}${url.pathname.replace(/\/$/, '')}`;

  async function get(path: string): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
    const response = await fetch(`${base}/api/${path}`, {
      headers: { authorization },
      signal: AbortSignal.timeout(httpMs),
    });
    const body: unknown = await response.json().catch(() => undefined);
    return { status: response.status, body: typeof body === 'object' && body !== null ? { ...body } : {} };
  }

  return {
    async version() {
      const { status, body } = await get('overview');
      if (status !== 200) throw new Error(`it answers ${status}`);
      return String(body.rabbitmq_version ?? 'of unknown version');
    },
    async queue(name) {
      const { status, body } = await get(`queues/${encodeURIComponent(vhost ?? '/')}/${encodeURIComponent(name)}`);
      if (status !== 200) return undefined;
      return {
        type: String(body.type ?? ''),
        arguments: (body.arguments ?? {}) as ManagedQueue['arguments'],
        messages: Number(body.messages ?? 0),
        unacknowledged: Number(body.messages_unacknowledged ?? 0),
      };
    },
  };
}
