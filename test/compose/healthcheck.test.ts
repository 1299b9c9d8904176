/** The container's health check, as a process against a server that answers what a service would. */
import { execFile } from 'node:child_process';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { root } from './compose-file.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

async function listen(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return String((server.address() as AddressInfo).port);
}

function check(env: Record<string, string>, ...args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const script = join(root, 'deploy/healthcheck.mjs');
    execFile(process.execPath, [script, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), output: stdout + stderr }),
    );
  });
}

describe('the health check', () => {
  it('asks /livez unless told otherwise, and is silent when all is well', async () => {
    const asked: string[] = [];
    const port = await listen((request, response) => {
      asked.push(request.url ?? '');
      response.end('{}');
    });
    expect(await check({ HEALTH_PORT: port, HEALTH_HOST: '0.0.0.0' })).toEqual({ code: 0, output: '' });
    expect(await check({ HEALTH_PORT: port }, '/readyz')).toEqual({ code: 0, output: '' });
    expect(asked).toEqual(['/livez', '/readyz']);
  });

  it('fails with the reasons of a service that is not ready', async () => {
    const port = await listen((_request, response) => {
      response.statusCode = 503;
      response.end('{"status":"not_ready","checks":[{"name":"store"}]}');
    });
    const { code, output } = await check({ HEALTH_PORT: port }, '/readyz');
    expect(code).toBe(1);
    expect(output).toContain(`http://127.0.0.1:${port}/readyz answered 503: {"status":"not_ready"`);
  });

  it('fails when nobody listens, naming every port that it tried', async () => {
    const port = await listen(() => {});
    for (const stop of stops.splice(0)) stop();
    expect(await check({ HEALTH_PORT: port })).toMatchObject({
      code: 1,
      output: expect.stringContaining(`:${port}/livez`),
    });
    const { code, output } = await check({ HEALTH_HOST: '127.255.255.254' });
    expect(code).toBe(1);
    expect(output).toMatch(/:8002\/livez: .*; .*:8001\/livez: /);
  });

  it('fails within its deadline when a service hangs', async () => {
    const port = await listen(() => {});
    const { code, output } = await check({ HEALTH_PORT: port });
    expect(code).toBe(1);
    expect(output).toContain('timeout');
  });
});
