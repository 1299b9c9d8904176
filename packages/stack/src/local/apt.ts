/** Installing packages of Debian and its kin, without letting them start services of their own. */
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Report, StackError } from '../server.ts';
import { withLock } from './lock.ts';
import { runTool } from './tool.ts';

/** Debian asks this script before a package may start a service; 101 means no. */
const policyFile = '/usr/sbin/policy-rc.d';
const installTimeoutMs = 15 * 60_000;

/** Why packages cannot be installed from here, to follow "because"; undefined when they can. */
export function whyNotInstallable(): string | undefined {
  if (!existsSync('/usr/bin/apt-get')) return 'this system has no apt-get';
  if (process.getuid?.() !== 0) return 'only root may install packages';
  return undefined;
}

/** Installs them; tries three times, because mirrors have bad moments. Rejects with what apt-get said last. */
export async function installPackages(names: readonly string[], report: Report): Promise<void> {
  const busy = (): void => report('another process is installing packages, waiting for it');
  await withLock(join(tmpdir(), 'inator-apt.lock'), { timeoutMs: installTimeoutMs, onWait: busy }, async () => {
    report(`installing ${names.join(', ')} with apt-get; this is done once and takes a minute or two`);
    await withoutServices(async () => {
      for (let attempt = 1; ; attempt++) {
        try {
          await aptGet(['update']);
          await aptGet(['install', '-y', '--no-install-recommends', ...names]);
          return;
        } catch (cause) {
          if (attempt === 3) {
            const said = cause instanceof Error ? cause.message : String(cause);
            throw new StackError('install-failed', 'operator', `could not install ${names.join(', ')}: ${said}`, {
              cause,
            });
          }
          report(`apt-get failed, trying again (${attempt} of 3)`);
          await sleep(2_000 * attempt);
        }
      }
    });
  });
}

async function aptGet(args: readonly string[]): Promise<void> {
  await runTool('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeoutMs: installTimeoutMs,
  });
}

/** Runs `work` while packages may not start services; a policy that exists already is respected and left alone. */
async function withoutServices(work: () => Promise<void>): Promise<void> {
  if (existsSync(policyFile)) return work();
  writeFileSync(policyFile, '#!/bin/sh\nexit 101\n');
  chmodSync(policyFile, 0o755);
  try {
    await work();
  } finally {
    rmSync(policyFile, { force: true });
  }
}
