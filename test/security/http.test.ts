/** The health server of a service whose stores and broker are all away, asked by clients that mean no good. Needs no server. */
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type RunningService, startService } from '../support/service.ts';

/** RFC 5737 keeps this address for documents: nobody answers, and nobody refuses. */
const nowhere = '192.0.2.1';

let service: RunningService;
let port: number;
const sockets: Socket[] = [];

beforeAll(async () => {
  service = await startService('tableinator', {
    RABBITMQ_URL: `amqp://u:p@${nowhere}:5672`,
    POSTGRES_URL: `postgres://u:p@${nowhere}:5432/d`,
  });
  port = Number(new URL(service.url).port);
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  service.kill('SIGKILL');
  await service.exited;
});

interface Heard {
  readonly text: string;
  readonly afterMs: number;
}

/** Sends, goes on sending one byte of `drip` every 200 ms, and resolves with what was answered when the other side closes. */
function speak(first: string, drip = ''): Promise<Heard> {
  const began = performance.now();
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(first));
    sockets.push(socket);
    const timer = setInterval(() => drip !== '' && socket.writable && socket.write(drip), 200);
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(timer);
      resolve({ text, afterMs: performance.now() - began });
    });
  });
}

describe('the health server', () => {
  it('is alive and started while broker and store are away, and is not ready', async () => {
    expect((await service.get('/livez')).status).toBe(200);
    expect((await service.get('/startupz')).status).toBe(200);
    expect((await service.get('/readyz')).status).toBe(503);
  });

  it('listens on the address it was given and on no other', async () => {
    const listening = service.lines.find((line) => line.includes('"admin.listening"')) ?? '';
    expect(JSON.parse(listening)).toMatchObject({ host: '127.0.0.1', port });
    const refused = await fetch(`http://127.0.0.2:${port}/livez`).catch((error: unknown) => error);
    expect(refused).toMatchObject({ name: 'TypeError', message: 'fetch failed' });
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('answers %s with 405 on every route', async (method) => {
    for (const path of ['/livez', '/readyz', '/health', '/startupz', '/metrics', '/version', '/lanes']) {
      const response = await fetch(service.url + path, { method });
      expect([path, response.status, response.headers.get('allow')]).toEqual([path, 405, 'GET, HEAD']);
      await response.arrayBuffer();
    }
  });

  it('shows no stack, no file name and no configuration, whatever is asked', async () => {
    const answers = await Promise.all([
      speak('GET /%00 HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n'),
      speak('GET /../../etc/passwd HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n'),
      speak('GET /constructor HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n'),
      speak('GET /lanes?debug=1 HTTP/1.1\r\nhost: h\r\nx-debug: 1\r\nconnection: close\r\n\r\n'),
      speak('TRACE / HTTP/1.1\r\nhost: h\r\ncookie: a=b\r\nconnection: close\r\n\r\n'),
      speak('nonsense\r\n\r\n'),
      speak('GET /livez HTTP/1.1\r\n\r\n'),
    ]);
    for (const { text } of answers) {
      expect(text).toMatch(/^HTTP\/1\.1 \d{3} /);
      expect(text).not.toMatch(
        /\bat .*:\d+:\d+|node:|\/(src|dist|node_modules)\/|x-powered-by|server: |cookie|POSTGRES_|RABBITMQ_/i,
      );
    }
    expect(answers.slice(0, 3).map(({ text }) => text.slice(9, 12))).toEqual(['404', '404', '404']);
  });

  it('closes a client that trickles its headers, sends none, never ends its body, or brings two hundred others', async () => {
    const slow = [
      speak('GET /livez HTTP/1.1\r\nhost: h\r\nx-slow: ', 'y'),
      speak(''),
      speak('POST /livez HTTP/1.1\r\nhost: h\r\ncontent-length: 100000\r\n\r\n', 'z'),
      speak('GET /livez HTTP/1.1\r\nhost: h\r\nx-slow: ', '\r\nx-more: 1'),
    ];
    expect((await service.get('/livez')).status).toBe(200);
    // More than there is room for, while those are still there: some are refused at once, nobody is harmed.
    const crowd = Array.from({ length: 200 }, () => speak(''));
    const ended = await Promise.all(slow);
    expect(ended[0]?.text).toMatch(/^HTTP\/1\.1 408 /);
    const gone = await Promise.all(crowd);
    expect(gone.filter(({ afterMs }) => afterMs < 4_000).length).toBeGreaterThan(0);
    // Five seconds for headers, ten for a request, looked at every second; and room for a busy machine.
    for (const { afterMs } of [...ended, ...gone]) expect(afterMs).toBeLessThan(18_000);
    expect((await service.get('/livez')).status).toBe(200);
    expect(service.exitCode).toBeUndefined();
  }, 60_000);
});
