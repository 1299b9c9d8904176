/** Certificates of an authority of the test's own, good ones and those that must not be believed, made by the openssl command. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Who signed it, whom it is for, how many days it is good from now. */
const kinds = {
  good: { by: 'authority', host: 'localhost', days: 2 },
  'of another host': { by: 'authority', host: 'elsewhere.test', days: 2 },
  expired: { by: 'authority', host: 'localhost', days: -1 },
  'signed by itself': { by: undefined, host: 'localhost', days: 2 },
  'of an unknown authority': { by: 'stranger', host: 'localhost', days: 2 },
} as const;

export type Kind = keyof typeof kinds;
export const badKinds = Object.keys(kinds).filter((kind): kind is Exclude<Kind, 'good'> => kind !== 'good');

export interface Identity {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface Authority {
  /** What clients are told to trust, PEM. */
  readonly caFile: string;
  readonly dir: string;
  identity(kind: Kind): Identity;
  remove(): void;
}

const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

export function makeAuthority(): Authority {
  const dir = mkdtempSync(join(tmpdir(), 'inator-certificates-'));
  // PostgreSQL runs as another user where we are root.
  chmodSync(dir, 0o711);
  const openssl = (...args: readonly string[]): void => void execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  for (const name of ['authority', 'stranger']) {
    openssl('req', '-x509', ...curve, '-keyout', `${name}.key`, '-out', `${name}.pem`, '-subj', `/CN=${name}`);
  }
  Object.values(kinds).forEach(({ by, host, days }, i) => {
    if (by === undefined) {
      const name = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`, '-days', String(days)];
      openssl('req', '-x509', ...curve, '-keyout', `${i}.key`, '-out', `${i}.pem`, ...name);
      return;
    }
    openssl('req', ...curve, '-keyout', `${i}.key`, '-out', `${i}.csr`, '-subj', `/CN=${host}`);
    writeFileSync(join(dir, `${i}.ext`), `subjectAltName=DNS:${host}`);
    const signing = ['-CA', `${by}.pem`, '-CAkey', `${by}.key`, '-CAcreateserial', '-extfile', `${i}.ext`];
    openssl('x509', '-req', '-in', `${i}.csr`, ...signing, '-out', `${i}.pem`, '-days', String(days));
  });
  return {
    caFile: join(dir, 'authority.pem'),
    dir,
    identity(kind) {
      const i = Object.keys(kinds).indexOf(kind);
      const [certFile, keyFile] = [join(dir, `${i}.pem`), join(dir, `${i}.key`)];
      return { certFile, keyFile, cert: readFileSync(certFile), key: readFileSync(keyFile) };
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}
