/** What a container says: a file as a local server has one, and its last lines for an error. */
import { createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import type { ContainerRuntimeClient } from 'testcontainers';

type Container = ReturnType<ContainerRuntimeClient['container']['getById']>;

/** Appends to `file` what the container says from `sinceMs` (Unix time) on, until it stops or the result is called. */
export async function followLog(container: Container, file: string, sinceMs: number): Promise<() => void> {
  const said = (await container.logs({
    follow: true,
    stdout: true,
    stderr: true,
    since: Math.floor(sinceMs / 1000),
  })) as Readable;
  const log = createWriteStream(file, { flags: 'a' });
  // A log that cannot be kept is no reason to end anything.
  log.on('error', () => said.destroy());
  said.on('error', () => {});
  said.once('close', () => log.end());
  container.modem.demuxStream(said, log, log);
  return () => void said.destroy();
}

/** The last lines of both outputs. */
export async function lastLines(container: Container, lines: number): Promise<string> {
  const said = await container.logs({ stdout: true, stderr: true, tail: lines });
  const texts: Buffer[] = [];
  // Every piece has a head of eight bytes: the output it belongs to, and in the last four its length.
  for (let at = 0; at + 8 <= said.length; ) {
    const end = at + 8 + said.readUInt32BE(at + 4);
    texts.push(said.subarray(at + 8, end));
    at = end;
  }
  return Buffer.concat(texts).toString('utf8');
}
