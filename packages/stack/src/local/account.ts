/** PostgreSQL refuses to run as root: who runs it then, and where that user can keep its data. */
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { StackError } from '../server.ts';

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Undefined when this process is not root and hence runs things as itself; else an unprivileged user of this system. */
export function unprivilegedAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const wanted of ['postgres', 'nobody']) {
    const [, , uid, gid] = lines.find((line) => line.startsWith(`${wanted}:`))?.split(':') ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new StackError(
    'start-failed',
    'operator',
    'postgres: refuses to run as root, and there is neither a user postgres nor a user nobody to run it as',
  );
}

/**
 * The folder for data that belongs to `account`: `dir` itself, or, where a folder above it is closed to others (a checkout
 * in /root), one under /var/lib that is derived from it. Created when absent.
 */
export function dataFolder(dir: string, account: Account | undefined): string {
  mkdirSync(dir, { recursive: true });
  if (account === undefined) return dir;
  // `dir` is ours, so we may open it; what lies above is not.
  chmodSync(dir, 0o755);
  const folder = canReach(dirname(dir), account)
    ? dir
    : join('/var/lib/inator', createHash('sha256').update(dir).digest('hex').slice(0, 16));
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  chownSync(folder, account.uid, account.gid);
  return folder;
}

function canReach(dir: string, account: Account): boolean {
  const { mode, uid, gid } = statSync(dir);
  const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
  return (mode & bit) !== 0 && (dirname(dir) === dir || canReach(dirname(dir), account));
}
