/** TLS in front of a real server, under a certificate that can be changed while clients come and go. */
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Identity } from './certificates.ts';

export interface Front {
  readonly port: number;
  /** Connections that clients hold open now. */
  readonly open: number;
  /** What is shown to those that connect from now on. */
  present(identity: Identity): void;
  /** Ends every connection. */
  cut(): void;
  close(): Promise<void>;
}

export interface FrontOptions {
  /** Port of the server on 127.0.0.1, which is spoken to in plain text. */
  readonly target: number;
  /** PostgreSQL asks for TLS inside its own protocol: eight bytes, answered with S. */
  readonly asksFirst?: boolean;
}

export async function startFront({ target, asksFirst = false }: FrontOptions, first: Identity): Promise<Front> {
  let identity = first;
  const clients = new Set<Socket>();
  const encrypt = (raw: Socket): void => {
    const secure = new TLSSocket(raw, { isServer: true, key: identity.key, cert: identity.cert });
    const server = dial(target, '127.0.0.1');
    for (const socket of [secure, server]) {
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        raw.destroy();
        server.destroy();
      });
    }
    secure.pipe(server).pipe(secure);
  };
  const listener = createServer((raw) => {
    clients.add(raw);
    raw.on('error', () => raw.destroy());
    raw.on('close', () => clients.delete(raw));
    if (!asksFirst) return encrypt(raw);
    raw.once('data', () => {
      raw.write('S');
      encrypt(raw);
    });
  });
  const cut = (): void => {
    for (const client of clients) client.destroy();
  };
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    port: (listener.address() as AddressInfo).port,
    get open() {
      return clients.size;
    },
    present(next) {
      identity = next;
    },
    cut,
    async close() {
      cut();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

/** A port of 127.0.0.1 that nobody listens on, for a server that must be told its port before it starts. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
