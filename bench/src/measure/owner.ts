/** Which process listens on a port of this machine, as Linux tells it. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { parentOf } from './usage.ts';

/** Processes that hold a port for somebody else: what they use says nothing about the server behind them. */
const forwarders = ['docker-proxy', 'rootlesskit', 'rootlessport', 'slirp4netns', 'pasta', 'conmon', 'ssh', 'kubectl'];
const listening = '0A';

/**
 * Sockets that listen on `port`, by inode, out of `/proc/net/tcp` or `/proc/net/tcp6` (proc(5)): addresses in hexadecimal,
 * the state in the fourth column, the inode in the tenth.
 */
export function listeningInodes(table: string, port: number): string[] {
  return table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const fields = line.trim().split(/\s+/);
      const local = fields[1]?.split(':')[1];
      const inode = fields[9];
      if (local === undefined || inode === undefined || fields[3] !== listening) return [];
      return Number.parseInt(local, 16) === port ? [inode] : [];
    });
}

/**
 * The process that listens on `port`; of several that share the socket the one above the others. Undefined where it
 * cannot be told: another system than Linux, a process of another user, a container or a forwarder in between.
 */
export function listeningOwner(port: number, proc = '/proc'): number | undefined {
  const inodes = new Set(['tcp', 'tcp6'].flatMap((name) => listeningInodes(read(join(proc, 'net', name)), port)));
  if (inodes.size === 0) return undefined;
  const owners = processes(proc).filter((pid) => sockets(proc, pid).some((inode) => inodes.has(inode)));
  const owner = owners.find((pid) => !owners.includes(parentOf(pid, proc) ?? 0));
  if (owner === undefined || forwarders.includes(read(join(proc, String(owner), 'comm')).trim())) return undefined;
  return owner;
}

/** The owner of the port that a server's URL names, when the URL names this machine. */
export function serverPid(url: string, proc = '/proc'): number | undefined {
  if (!URL.canParse(url)) return undefined;
  const { hostname, port } = new URL(url);
  const here = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
  return here && port !== '' ? listeningOwner(Number(port), proc) : undefined;
}

export function processes(proc = '/proc'): number[] {
  try {
    return readdirSync(proc)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

function sockets(proc: string, pid: number): string[] {
  const folder = join(proc, String(pid), 'fd');
  try {
    return readdirSync(folder).flatMap((name) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(join(folder, name)))?.[1] ?? [];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
