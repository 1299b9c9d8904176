/** Where the programs of the servers are: what is installed, else Debian's packages, else a sentence what to install. */
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Report, type ServerKind, StackError } from '../server.ts';
import { installPackages, whyNotInstallable } from './apt.ts';

export interface RabbitmqPrograms {
  /** Folder of rabbitmq-server, rabbitmqctl and the others. */
  readonly bin: string;
  /** Erlang's port mapper, undefined where it is not on the path. */
  readonly epmd: string | undefined;
}

export interface PostgresPrograms {
  /** Folder of initdb, postgres and psql. */
  readonly bin: string;
}

export interface JavaPrograms {
  readonly java: string;
  readonly javac: string;
  readonly mvn: string;
}

/** What each kind needs, as Debian names it, and as people know it. */
const packages: Readonly<Record<ServerKind, { readonly debian: readonly string[]; readonly words: string }>> = {
  rabbitmq: { debian: ['rabbitmq-server'], words: 'RabbitMQ 3.10 or later with its rabbitmqctl on the PATH' },
  postgres: { debian: ['postgresql'], words: 'PostgreSQL 15 or later with initdb and postgres on the PATH' },
  // javac is in the JDK alone; Neo4j 5.26 runs on 17 and 21, which is what Debian 12 and 13 have as their default.
  neo4j: { debian: ['default-jdk-headless', 'maven'], words: 'a JDK 17 or 21 and Maven' },
};

export function findRabbitmq(): RabbitmqPrograms | undefined {
  // Debian's own scripts first: the ones it puts on the path change to the user rabbitmq, and fail for anybody but root.
  const bin = ['/usr/lib/rabbitmq/bin', ...pathFolders(), ...versioned('/usr/lib/rabbitmq/lib', 'sbin')].find(
    (dir) => isProgram(join(dir, 'rabbitmq-server')) && isProgram(join(dir, 'rabbitmq-plugins')),
  );
  return bin === undefined ? undefined : { bin, epmd: onPath('epmd') };
}

export function findPostgres(): PostgresPrograms | undefined {
  const bin = [...versioned('/usr/lib/postgresql', 'bin'), ...pathFolders()].find(
    (dir) => isProgram(join(dir, 'initdb')) && isProgram(join(dir, 'postgres')),
  );
  return bin === undefined ? undefined : { bin };
}

export function findJava(): JavaPrograms | undefined {
  const home = process.env.JAVA_HOME;
  const folders = [
    ...(home === undefined ? [] : [join(home, 'bin')]),
    ...pathFolders(),
    ...versioned('/usr/lib/jvm', 'bin'),
  ];
  // The two must be of one installation: what a newer compiler makes an older machine cannot run.
  const bin = folders.find((dir) => isProgram(join(dir, 'java')) && isProgram(join(dir, 'javac')));
  const mvn = onPath('mvn');
  return bin === undefined || mvn === undefined
    ? undefined
    : { java: join(bin, 'java'), javac: join(bin, 'javac'), mvn };
}

const finders = { rabbitmq: findRabbitmq, postgres: findPostgres, neo4j: findJava };

/** Installs what these kinds lack, in one go. Rejects with a sentence naming what to install where that is not possible. */
export async function ensureInstalled(kinds: readonly ServerKind[], report: Report): Promise<void> {
  const missing = kinds.filter((kind) => finders[kind]() === undefined);
  if (missing.length === 0) return;
  const words = missing.map((kind) => packages[kind].words).join('; ');
  const reason = whyNotInstallable();
  if (reason !== undefined) {
    throw new StackError(
      'not-installed',
      'operator',
      `${missing.join(', ')}: not installed, and cannot be installed from here because ${reason}. Please install: ${words}`,
    );
  }
  await installPackages(
    missing.flatMap((kind) => packages[kind].debian),
    report,
  );
  const still = missing.filter((kind) => finders[kind]() === undefined);
  if (still.length > 0) {
    throw new StackError(
      'install-failed',
      'operator',
      `${still.join(', ')}: not found even after installing ${still.flatMap((kind) => packages[kind].debian).join(', ')}. Needed: ${words}`,
    );
  }
}

export async function rabbitmqPrograms(report: Report): Promise<RabbitmqPrograms> {
  await ensureInstalled(['rabbitmq'], report);
  return findRabbitmq() as RabbitmqPrograms;
}

export async function postgresPrograms(report: Report): Promise<PostgresPrograms> {
  await ensureInstalled(['postgres'], report);
  return findPostgres() as PostgresPrograms;
}

export async function javaPrograms(report: Report): Promise<JavaPrograms> {
  await ensureInstalled(['neo4j'], report);
  return findJava() as JavaPrograms;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function pathFolders(): string[] {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((dir) => dir !== '');
  return [...folders, '/usr/sbin', '/usr/local/sbin', '/opt/homebrew/sbin', '/opt/homebrew/bin'];
}

export function onPath(program: string): string | undefined {
  const dir = pathFolders().find((folder) => isProgram(join(folder, program)));
  return dir === undefined ? undefined : join(dir, program);
}

/** `{root}/{version}/{leaf}`, the highest version first. */
function versioned(root: string, leaf: string): string[] {
  if (!existsSync(root)) return [];
  const version = (name: string): number => Number(/(\d+(\.\d+)?)/.exec(name)?.[1] ?? 0);
  return readdirSync(root)
    .sort((a, b) => version(b) - version(a))
    .map((name) => join(root, name, leaf));
}
