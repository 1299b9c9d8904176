/** A TCP proxy that can cut its links, or swallow everything without a word. */
import { connect, createServer, type Socket } from 'node:net';

export interface HurtingProxy {
  readonly port: number;
  /** Ends every link with a reset. */
  cut(): void;
  /** From now on nothing passes, on old and new links, until `thaw`. */
  freeze(): void;
  /** Lets new links through; the frozen ones stay dead. */
  thaw(): void;
  close(): Promise<void>;
}

export async function startProxy(host: string, port: number): Promise<HurtingProxy> {
  const links = new Set<Socket>();
  let frozen = false;
  const server = createServer((near) => {
    const far = connect(port, host);
    for (const socket of [near, far]) {
      links.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        links.delete(socket);
        if (!frozen) (socket === near ? far : near).destroy();
      });
    }
    near.on('data', (chunk) => frozen || far.write(chunk));
    far.on('data', (chunk) => frozen || near.write(chunk));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  const cut = (): void => {
    for (const socket of links) socket.resetAndDestroy();
  };
  return {
    port: address.port,
    cut,
    freeze: () => {
      frozen = true;
    },
    thaw: () => {
      cut();
      links.clear();
      frozen = false;
    },
    async close() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
