/** Accounts of one test's own on the shared servers: made, given another password, and removed. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import neo4j from 'neo4j-driver';
import { openTables } from '../../support/stores.ts';
import { sharedServers } from '../../support/world.ts';

export interface Account {
  readonly username: string;
  setPassword(password: string): Promise<void>;
  remove(): Promise<void>;
}

export const uniqueName = (what: string): string => `${what}_${randomBytes(4).toString('hex')}`;

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** A role that may log in and nothing else; the rights are the test's to grant. */
export async function postgresAccount(password: string): Promise<Account> {
  const admin = openTables(sharedServers().postgres ?? '');
  const username = uniqueName('role');
  await admin.query(`create role ${username} login password ${literal(password)}`);
  return {
    username,
    async setPassword(next) {
      await admin.query(`alter role ${username} password ${literal(next)}`);
    },
    async remove() {
      await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [username]);
      await admin.query(`drop owned by ${username} cascade`);
      await admin.query(`drop role ${username}`);
      await admin.close();
    },
  };
}

/** Regular expressions over names, as RabbitMQ's permissions are. */
export interface Permissions {
  readonly configure: string;
  readonly write: string;
  readonly read: string;
}

export async function brokerAccount(permissions: Permissions, password: string): Promise<Account> {
  const username = uniqueName('user');
  const setPassword = (next: string): Promise<void> => manage('PUT', `users/${username}`, { password: next, tags: '' });
  await setPassword(password);
  await manage('PUT', `permissions/%2F/${username}`, permissions);
  return { username, setPassword, remove: () => manage('DELETE', `users/${username}`) };
}

/** Asks the broker's management API. */
export async function manage(method: string, path: string, body?: object): Promise<void> {
  const { origin, username, password } = new URL(process.env.TEST_RABBITMQ_MANAGEMENT_URL ?? '');
  const response = await fetch(`${origin}/api/${path}`, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
      'content-type': 'application/json',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(20_000),
  });
  const said = await response.text();
  if (!response.ok) throw new Error(`the management API answers ${method} ${path} with ${response.status}: ${said}`);
}

export async function graphAccount(password: string): Promise<Account> {
  const username = uniqueName('user');
  const ask = async (cypher: string, next: string): Promise<void> => {
    const { neo4j: server } = sharedServers();
    if (server === undefined) throw new Error('there is no Neo4j');
    const driver = neo4j.driver(server.uri, neo4j.auth.basic(server.username, server.password));
    try {
      await driver.executeQuery(cypher, { next }, { database: 'system' });
    } finally {
      await driver.close();
    }
  };
  await ask(`create user ${username} set plaintext password $next change not required`, password);
  return {
    username,
    setPassword: (next) => ask(`alter user ${username} set plaintext password $next change not required`, next),
    remove: () => ask(`drop user ${username}`, ''),
  };
}

/** The address with another user, another password, or another way to it. */
export function addressOf(url: string, as: { username?: string; password?: string; port?: number }): string {
  const changed = new URL(url);
  changed.username = as.username === undefined ? '' : encodeURIComponent(as.username);
  changed.password = as.password === undefined ? '' : encodeURIComponent(as.password);
  if (as.port !== undefined) {
    changed.hostname = '127.0.0.1';
    changed.port = String(as.port);
  }
  return changed.href;
}

/** Files with secrets, replaced as rotation does it: at once, under the same name, with a newline at the end. */
export interface SecretFiles {
  put(name: string, content: string): string;
  remove(): void;
}

export function secretFiles(): SecretFiles {
  const dir = mkdtempSync(join(tmpdir(), 'inator-secrets-'));
  return {
    put(name, content) {
      const path = join(dir, name);
      writeFileSync(`${path}.new`, `${content}\n`, { mode: 0o600 });
      renameSync(`${path}.new`, path);
      return path;
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}
