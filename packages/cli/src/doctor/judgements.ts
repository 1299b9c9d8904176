/** What is judged alike for every server: clocks and encryption. */
import type { Finding } from './finding.ts';

/** Beyond this, ages of messages and times in logs mislead; below, it is how long a question takes. */
const clockToleranceMs = 2_000;

/**
 * `theirs` is what the server's clock said (epoch ms) to a question that began and ended at these times of ours;
 * `stepMs` is how coarse it tells the time.
 */
export function clockFinding(what: string, theirs: number, beganAt: number, endedAt: number, stepMs = 1): Finding {
  const early = beganAt - (theirs + stepMs);
  const late = theirs - endedAt;
  const off = Math.max(0, early, late);
  const direction = late > 0 ? 'ahead of' : 'behind';
  const says = off < 1_000 ? 'agrees with this machine' : `is ${(off / 1_000).toFixed(1)} s ${direction} this machine`;
  if (off <= clockToleranceMs) return { is: 'ok', what: `clock of ${what}`, says };
  const next =
    'run a time service (chrony, systemd-timesyncd) on both; ages, drain estimates and log times are wrong by it';
  return { is: 'warn', what: `clock of ${what}`, says, next };
}

/** Addresses whose packets stay on this machine. */
export function isLocal(host: string): boolean {
  return /^(localhost|127(\.\d+){3}|::1|\[::1\])$/i.test(host) || host.startsWith('/');
}

export interface Encryption {
  readonly what: string;
  readonly host: string;
  readonly encrypted: boolean;
  /** The server has to prove who it is. */
  readonly verified: boolean;
  /** What turns it on, and what makes it check. */
  readonly advice: string;
}

export function tlsFinding({ what, host, encrypted, verified, advice }: Encryption): Finding {
  const name = `TLS to ${what}`;
  if (encrypted && verified) return { is: 'ok', what: name, says: 'encrypted, and the certificate is checked' };
  if (isLocal(host)) return { is: 'ok', what: name, says: encrypted ? 'encrypted' : 'off; it is on this machine' };
  return encrypted
    ? { is: 'warn', what: name, says: 'encrypted, but nobody checks whom it is with', next: advice }
    : {
        is: 'warn',
        what: name,
        says: `off, and ${host} is another machine: passwords and records go in the clear`,
        next: advice,
      };
}

/** A switch of Node.js that turns every check of a certificate off, whatever else is set. */
export function examineTlsSwitch(env: Readonly<Record<string, string | undefined>>): readonly Finding[] {
  if (env.NODE_TLS_REJECT_UNAUTHORIZED !== '0') return [];
  return [
    {
      is: 'fail',
      what: 'TLS',
      says: 'NODE_TLS_REJECT_UNAUTHORIZED is 0: no certificate is checked, so anybody can be the server',
      next: 'unset it, and name the authority in RABBITMQ_CA_FILE, POSTGRES_CA_FILE or NEO4J_CA_FILE',
    },
  ];
}
