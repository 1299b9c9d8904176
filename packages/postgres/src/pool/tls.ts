/** The TLS options of a connection. Given to pg as an object: a URL's sslmode means something else there. */
import type { ConnectionOptions } from 'node:tls';
import type { ResolvedSettings } from './settings.ts';

export function tlsOptions({ sslMode, ca }: Pick<ResolvedSettings, 'sslMode' | 'ca'>): false | ConnectionOptions {
  const authorities = ca === undefined ? {} : { ca };
  switch (sslMode) {
    case 'disable':
      return false;
    case 'require':
      return ca === undefined ? { rejectUnauthorized: false } : { ...authorities, ...signedOnly };
    case 'verify-ca':
      return { ...authorities, ...signedOnly };
    case 'verify-full':
      return { ...authorities, rejectUnauthorized: true };
  }
}

const signedOnly: ConnectionOptions = { rejectUnauthorized: true, checkServerIdentity: () => undefined };
