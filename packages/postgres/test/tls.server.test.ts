import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { SslMode } from '../src/index.ts';
import { newPlace, type Place, serverUrl } from './support/place.ts';

/** What a certificate is: who signed it, whom it is for, how long it is good. */
const certificates = {
  good: { by: 'ca', host: 'localhost', days: 2 },
  'of another host': { by: 'ca', host: 'elsewhere.test', days: 2 },
  expired: { by: 'ca', host: 'localhost', days: -1 },
  'signed by nobody known': { by: 'stranger', host: 'localhost', days: 2 },
} as const;
type Kind = keyof typeof certificates;

let dir: string;
let place: Place;
let relay: Server | undefined;
const sockets = new Set<Socket>();

beforeAll(() => {
  place = newPlace();
  dir = mkdtempSync(join(tmpdir(), 'certificates-'));
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  for (const ca of ['ca', 'stranger']) {
    openssl('req', '-x509', ...key, '-keyout', `${ca}.key`, '-out', `${ca}.pem`, '-subj', `/CN=${ca}`, '-days', '2');
  }
  Object.values(certificates).forEach(({ by, host, days }, i) => {
    openssl('req', ...key, '-keyout', `${i}.key`, '-out', `${i}.csr`, '-subj', `/CN=${host}`);
    writeFileSync(join(dir, `${i}.ext`), `subjectAltName=DNS:${host}`);
    const signing = ['-CA', `${by}.pem`, '-CAkey', `${by}.key`, '-CAcreateserial', '-extfile', `${i}.ext`];
    openssl('x509', '-req', '-in', `${i}.csr`, ...signing, '-out', `${i}.pem`, '-days', `${days}`);
  });
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  relay?.close();
});
afterAll(async () => {
  await place.dispose();
  rmSync(dir, { recursive: true, force: true });
});

/** Speaks TLS in front of the real server, which may have none itself. */
const startRelay = async (kind: Kind): Promise<number> => {
  const i = Object.keys(certificates).indexOf(kind);
  const identity = { key: readFileSync(join(dir, `${i}.key`)), cert: readFileSync(join(dir, `${i}.pem`)) };
  const url = new URL(serverUrl);
  relay = createServer((raw) => {
    raw.once('data', () => {
      raw.write('S');
      const secure = new TLSSocket(raw, { isServer: true, ...identity });
      const server = dial(Number(url.port || 5432), url.hostname);
      for (const socket of [raw, secure, server]) sockets.add(socket.on('error', () => socket.destroy()));
      secure.pipe(server).pipe(secure);
    });
  });
  await new Promise<void>((resolve) => relay?.listen(0, '127.0.0.1', resolve));
  return (relay.address() as AddressInfo).port;
};

describe('TLS', () => {
  const yes = true;
  const no = false;
  it.each<[SslMode, boolean, Record<Kind, boolean>]>([
    ['require', no, { good: yes, 'of another host': yes, expired: yes, 'signed by nobody known': yes }],
    ['require', yes, { good: yes, 'of another host': yes, expired: no, 'signed by nobody known': no }],
    ['verify-ca', yes, { good: yes, 'of another host': yes, expired: no, 'signed by nobody known': no }],
    ['verify-full', yes, { good: yes, 'of another host': no, expired: no, 'signed by nobody known': no }],
    ['verify-full', no, { good: no, 'of another host': no, expired: no, 'signed by nobody known': no }],
  ])('sslmode=%s, with a CA: %s, takes and refuses certificates as it says', async (sslMode, withCa, accepted) => {
    for (const kind of Object.keys(certificates) as Kind[]) {
      const port = await startRelay(kind);
      const ca = withCa ? readFileSync(join(dir, 'ca.pem'), 'utf8') : undefined;
      const postgres = place.pool({ host: 'localhost', port, sslMode, ca });
      const outcome = await postgres.query('SELECT 1').then(
        () => 'accepted',
        (error: unknown) => error,
      );
      if (accepted[kind]) expect(outcome).toBe('accepted');
      else expect(outcome).toMatchObject({ is: 'misconfigured', fault: { code: 'store-misconfigured' } });
      await postgres.close();
      relay?.close();
    }
  });
});
