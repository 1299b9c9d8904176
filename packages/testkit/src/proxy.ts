/**
 * A TCP proxy that hurts: it cuts connections (RST), swallows everything without a word (a black hole), or lets bytes
 * trickle. Tests put it between a client and a real server; a server restart then keeps the client's port, too.
 */
import { createServer, connect as dial, type Server, type Socket } from 'node:net';

export interface ProxyTarget {
  readonly host: string;
  readonly port: number;
}

export interface ProxyOptions {
  /** Where connections go; a function is asked for every new one, as a balancer would choose. */
  readonly target: ProxyTarget | (() => ProxyTarget);
  /** Sees every chunk before it is passed on, for example to `cut` exactly when certain bytes go by. */
  readonly onData?: (chunk: Buffer, towards: 'server' | 'client') => void;
}

export interface Proxy {
  /** On 127.0.0.1. */
  readonly port: number;
  /** Connections that clients have open now. */
  readonly connections: number;
  /** Resets every connection, both ends. New ones are taken as before. */
  cut(): void;
  /** Passes on nothing more, in either direction, on old connections and new; nobody is told. */
  freeze(): void;
  /** Passes on again, beginning with what was held back. */
  thaw(): void;
  /** Passes on at most this many bytes a second in each direction of each connection; 0 lifts the limit. */
  slow(bytesPerSecond: number): void;
  /** Stops listening, so that new connections are refused, and resets the old ones; `open` listens on the same port again. */
  refuse(): Promise<void>;
  open(): Promise<void>;
  /** Ends everything. */
  close(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  readonly timers: Set<NodeJS.Timeout>;
}

export async function startProxy({ target, onData }: ProxyOptions): Promise<Proxy> {
  const pairs = new Set<Pair>();
  let frozen = false;
  let bytesPerSecond = 0;
  let port = 0;

  const listener: Server = createServer({ pauseOnConnect: true, noDelay: true }, (client) => {
    const { host, port: at } = typeof target === 'function' ? target() : target;
    const server = dial({ host, port: at, noDelay: true });
    const pair: Pair = { client, server, timers: new Set() };
    pairs.add(pair);
    pass(pair, client, server, 'server');
    pass(pair, server, client, 'client');
    if (frozen) server.pause();
    else client.resume();
  });

  function pass(pair: Pair, from: Socket, to: Socket, towards: 'server' | 'client'): void {
    from.on('data', (chunk: Buffer) => {
      onData?.(chunk, towards);
      from.pause();
      const resume = (): void => {
        if (!frozen && !from.destroyed) from.resume();
      };
      to.write(chunk, () => {
        if (bytesPerSecond === 0) return resume();
        const timer = setTimeout(
          () => {
            pair.timers.delete(timer);
            resume();
          },
          (chunk.length / bytesPerSecond) * 1000,
        );
        pair.timers.add(timer);
      });
    });
    from.on('end', () => to.end());
    from.on('error', () => end(pair));
    from.on('close', () => {
      if (pair.client.destroyed && pair.server.destroyed) end(pair);
    });
  }

  /** An error on one side is a reset on the other. */
  function end(pair: Pair): void {
    if (!pairs.delete(pair)) return;
    for (const timer of pair.timers) clearTimeout(timer);
    pair.client.resetAndDestroy();
    pair.server.resetAndDestroy();
  }

  function cut(): void {
    for (const pair of [...pairs]) end(pair);
  }

  function listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      listener.once('error', reject);
      listener.listen(port, '127.0.0.1', () => {
        listener.removeListener('error', reject);
        const address = listener.address();
        if (address !== null && typeof address === 'object') port = address.port;
        resolve();
      });
    });
  }

  function unlisten(): Promise<void> {
    return new Promise((resolve) => {
      listener.close(() => resolve());
      cut();
    });
  }

  await listen();
  return {
    get port() {
      return port;
    },
    get connections() {
      return pairs.size;
    },
    cut,
    freeze() {
      frozen = true;
      for (const { client, server } of pairs) {
        client.pause();
        server.pause();
      }
    },
    thaw() {
      frozen = false;
      for (const { client, server } of pairs) {
        client.resume();
        server.resume();
      }
    },
    slow(limit) {
      bytesPerSecond = limit;
    },
    refuse: unlisten,
    open: listen,
    close: unlisten,
  };
}
