/** The one port in front of a service's replicas, as a process before servers that stand for them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { until } from '@inator/testkit';
import { afterEach, describe, expect, it } from '@jest/globals';
import { root } from './compose-file.ts';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** A server that answers with what it was given, and streams at `/stream`. */
async function replica(host: string, port: number, says: string): Promise<{ port: number; stop(): Promise<void> }> {
  const server = createServer((asked, response) => {
    if (asked.url !== '/stream') return void response.end(says);
    response.write('one\n');
    setTimeout(() => response.end('two\n'), 50);
  }).listen(port, host);
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  stops.push(() => (server.listening ? stop() : undefined));
  return { port: (server.address() as AddressInfo).port, stop };
}

async function front(...routes: string[]): Promise<{ child: ChildProcess; port: number }> {
  const child = spawn(process.execPath, [join(root, 'deploy/front.mjs'), ...routes], { env: {} });
  stops.push(() => child.kill('SIGKILL'));
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { child, port: Number(/^front: (\d+) leads to/.exec(line)?.[1]) };
}

function ask(port: number, path = '/'): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => resolve(text)).on('error', reject);
    });
    asked.on('error', reject).end();
  });
}

describe('the front', () => {
  it('leads to the service, and carries a stream to its end', async () => {
    const { port } = await replica('127.0.0.1', 0, 'here');
    const door = await front(`0=127.0.0.1:${port}`);
    expect(await ask(door.port)).toBe('here');
    expect(await ask(door.port, '/stream')).toBe('one\ntwo\n');
  });

  it('outlives a service that is made anew, and hangs up while there is none', async () => {
    const first = await replica('127.0.0.1', 0, 'first');
    const door = await front(`0=127.0.0.1:${first.port}`);
    expect(await ask(door.port)).toBe('first');
    await first.stop();
    await expect(ask(door.port)).rejects.toThrow();
    await replica('127.0.0.1', first.port, 'second');
    await until(async () => (await ask(door.port).catch(() => '')) === 'second', 'the new one answers');
  });

  it('ends at once, with 0, when it is told to', async () => {
    const { port } = await replica('127.0.0.1', 0, 'here');
    const { child } = await front(`0=127.0.0.1:${port}`);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('names what it cannot read', async () => {
    const child = spawn(process.execPath, [join(root, 'deploy/front.mjs'), '8002:tableinator'], { env: {} });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      said += part;
    });
    expect(await once(child, 'close')).toEqual([2, null]);
    expect(said).toBe('front: "8002:tableinator" is not PORT=HOST:PORT\n');
  });
});
