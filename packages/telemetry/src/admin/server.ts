/**
 * A small HTTP server for probes, metrics, live state and the operator's word, on a port of its own. It answers what is in
 * its list of routes and nothing else, reads no bodies, gives every request a deadline, and never shows a stack or a secret.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { within } from '@inator/runtime';
import { createRedact, type Redact } from '../redact.ts';
import { createAuthority } from './authority.ts';
import { createFinder, type Reply, type Route } from './route.ts';

export interface AdminServer {
  /** Resolves with where it listens; rejects with an `AdminError` when it cannot. */
  listen(): Promise<{ readonly host: string; readonly port: number }>;
  /** Answers what is being asked, refuses the rest; resolves when the port is free, within a second. */
  close(): Promise<void>;
}

export interface AdminOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly routes: readonly Route[];
  readonly redact?: Redact;
  /** What callers must send to change something; without one, or while it is empty, nobody may. */
  readonly token?: (() => string) | undefined;
  /** Told of every try to change something, allowed or not; of refused ones only so many in a while. */
  readonly audit?: (entry: AuditEntry) => void;
  /** Told when a handler throws or does not answer; the caller only sees that it failed. */
  readonly failed?: (path: string, error: unknown) => void;
}

export interface AuditEntry {
  /** Method and path, as asked for. */
  readonly what: string;
  /** The peer's address: a proxy's where there is one in front. */
  readonly remote: string;
  /** What it was answered with; 401 and 403 were refused. */
  readonly status: number;
}

export class AdminError extends Error {
  readonly code: 'port-taken' | 'not-allowed' | 'no-such-address' | 'cannot-listen';
  readonly blame = 'operator';
  /** Which setting to change. */
  readonly variable: 'HEALTH_HOST' | 'HEALTH_PORT';
  constructor(code: AdminError['code'], message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'AdminError';
    this.code = code;
    this.variable = code === 'no-such-address' ? 'HEALTH_HOST' : 'HEALTH_PORT';
  }
}

/** What callers are promised, whatever hangs behind a route. */
const handlerDeadlineMs = 2_000;
const headersTimeoutMs = 5_000;
const requestTimeoutMs = 10_000;
/** How often the two are enforced. Node.js looks every 30 s, so that a client which trickles would stay for that long. */
const checkingMs = 1_000;
const keepAliveMs = 5_000;
const closeMs = 500;
/** Enough for every prober and dashboard there may be; more are refused, so that memory stays ours. */
const mostConnections = 128;

export function createAdminServer(options: AdminOptions): AdminServer {
  const { host, port } = options;
  const redact = options.redact ?? createRedact();
  const find = createFinder(options.routes);
  const paths = [...new Set(options.routes.map((route) => route.path))];
  const authority = createAuthority(options.token);
  const refused = createQuota();

  const answer = async (request: IncomingMessage): Promise<Reply> => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const found = find(request.method ?? '', path);
    if (found.is === 'no such path') return { status: 404, body: { error: 'not found', paths } };
    if (found.is === 'no such method') {
      const allow = found.allow.join(', ');
      return { status: 405, body: { error: 'method not allowed', allow }, headers: { allow } };
    }
    const { route, parameters } = found;
    const audited = (reply: Reply): Reply => {
      const isRefusal = reply.status === 401 || reply.status === 403;
      if (route.needs === undefined || (isRefusal && !refused())) return reply;
      const what = `${route.method} ${path.slice(0, 256)}`;
      options.audit?.({ what, remote: request.socket.remoteAddress ?? 'unknown', status: reply.status });
      return reply;
    };
    if (route.needs === 'token') {
      const verdict = authority.judge(request.headers.authorization);
      if (verdict.is === 'refused') return audited(verdict);
    }
    try {
      return audited(
        await within(
          Promise.resolve().then(() => route.handle({ parameters })),
          handlerDeadlineMs,
          path,
        ),
      );
    } catch (error) {
      options.failed?.(path, error);
      return audited({ status: 500, body: { error: 'internal error' } });
    }
  };

  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    request.resume();
    const reply = await answer(request);
    if ('stream' in reply) {
      // Proxies that collect what passes would make events late.
      response.writeHead(200, { ...common, 'content-type': reply.type, 'x-accel-buffering': 'no' });
      if (request.method === 'HEAD') return void response.end();
      response.flushHeaders();
      return reply.stream(response);
    }
    const { status, body, type, headers } = reply;
    const text = typeof body === 'string' ? body : `${JSON.stringify(body, (_, value) => masked(value, redact))}\n`;
    const bytes = Buffer.from(text);
    response.writeHead(status, {
      ...common,
      'content-type': typeof body === 'string' ? (type ?? 'text/plain; charset=utf-8') : 'application/json',
      'content-length': bytes.length,
      ...headers,
    });
    response.end(request.method === 'HEAD' ? undefined : bytes);
  };

  const server: Server = createServer(
    { maxHeaderSize: 8 * 1024, keepAliveTimeout: keepAliveMs, connectionsCheckingInterval: checkingMs },
    (request, response) => {
      // A request that dies while it is answered concerns nobody else.
      request.on('error', () => {});
      response.on('error', () => {});
      respond(request, response).catch((error: unknown) => {
        options.failed?.(request.url ?? '', error);
        response.destroy();
      });
    },
  );
  server.headersTimeout = headersTimeoutMs;
  server.requestTimeout = requestTimeoutMs;
  server.maxConnections = mostConnections;
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const status = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? '408 Request Timeout' : '400 Bad Request';
    // A client that never closes its side must not keep the connection.
    const said = `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`;
    if (socket.writable) socket.end(said, () => socket.destroy());
    else socket.destroy();
  });

  return {
    listen() {
      return new Promise((resolve, reject) => {
        server.once('error', (error) => reject(cannotListen(host, port, error)));
        server.listen({ host, port, exclusive: true }, () => {
          const { address, port: bound } = server.address() as AddressInfo;
          resolve({ host: address, port: bound });
        });
      });
    },
    close() {
      return new Promise((resolve) => {
        if (!server.listening) return resolve();
        const timer = setTimeout(() => server.closeAllConnections(), closeMs);
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
        server.closeIdleConnections();
      });
    },
  };
}

const common = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;

/** Whoever guesses tokens must not fill the log: so many refusals a window are told, the rest are only answered. */
function createQuota(most = 20, windowMs = 10_000): () => boolean {
  let told = 0;
  let since = Number.NEGATIVE_INFINITY;
  return () => {
    const now = performance.now();
    if (now - since > windowMs) {
      since = now;
      told = 0;
    }
    told += 1;
    return told <= most;
  };
}

function masked(value: unknown, redact: Redact): unknown {
  if (typeof value === 'string') return redact(value);
  return typeof value === 'bigint' ? String(value) : value;
}

function cannotListen(host: string, port: number, error: NodeJS.ErrnoException): AdminError {
  const where = `${host}:${port}`;
  if (error.code === 'EADDRINUSE') {
    const message = `${where} is taken by another process; set HEALTH_PORT to a free port (0 takes any)`;
    return new AdminError('port-taken', message, error);
  }
  if (error.code === 'EACCES') {
    const message = `the process may not listen on ${where}; set HEALTH_PORT to a port above 1023`;
    return new AdminError('not-allowed', message, error);
  }
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND' || error.code === 'EAFNOSUPPORT') {
    const message = `${host} is no address of this machine; set HEALTH_HOST to one, or to 0.0.0.0 for all`;
    return new AdminError('no-such-address', message, error);
  }
  return new AdminError('cannot-listen', `cannot listen on ${where} (HEALTH_HOST, HEALTH_PORT): ${error.code}`, error);
}
