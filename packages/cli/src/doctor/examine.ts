/** The examinations, one after the other; none of them changes anything, and none stops the next. */
import { faultLine, graphinator, readConfig, tableinator, warningLine } from '@inator/config';
import { messageOf } from '../exit.ts';
import type { Environment } from '../io.ts';
import { openGraph, openTables } from '../servers/stores.ts';
import { examineBroker } from './broker.ts';

export interface Finding {
  /** `odd` works and deserves a look; `bad` means that a service would not work. */
  readonly is: 'good' | 'odd' | 'bad' | 'skipped';
  readonly what: string;
  readonly says: string;
  /** What to do about it. */
  readonly next?: string;
}

export type Findings = AsyncGenerator<Finding, void, undefined>;

/** Oldest Node.js that the packages run on, as in their `engines`. */
const oldestNode: readonly [major: number, minor: number] = [20, 19];

export function examineNode(version: string): Finding {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const [oldMajor, oldMinor] = oldestNode;
  const isGood = major > oldMajor || (major === oldMajor && minor >= oldMinor);
  return isGood
    ? { is: 'good', what: 'Node.js', says: version }
    : { is: 'bad', what: 'Node.js', says: version, next: `install ${oldestNode.join('.')} or newer` };
}

function* examineConfiguration(env: Environment): Generator<Finding> {
  for (const [name, result] of [
    ['tableinator', readConfig(tableinator, env)],
    ['graphinator', readConfig(graphinator, env)],
  ] as const) {
    const what = `configuration of ${name}`;
    if ('ok' in result) yield { is: 'good', what, says: 'no fault' };
    else
      for (const fault of result.faults)
        yield { is: 'bad', what, says: faultLine(fault), next: 'inator config --check' };
    for (const warning of result.warnings) yield { is: 'odd', what, says: warningLine(warning) };
  }
}

async function* examinePostgres(env: Environment): Findings {
  const what = 'PostgreSQL';
  const store = openTables(env);
  try {
    const limits = await store.postgres.limits();
    yield { is: 'good', what, says: `${limits.version} at ${store.address}` };
    const free = Math.min(
      limits.maxConnections - limits.reserved,
      limits.roleLimit ?? Number.POSITIVE_INFINITY,
      limits.databaseLimit ?? Number.POSITIVE_INFINITY,
    );
    const says = `a replica opens up to ${store.poolMax} connections, the server has ${free} for everybody`;
    yield store.poolMax <= free
      ? { is: 'good', what: 'pool', says }
      : { is: 'odd', what: 'pool', says, next: 'lower POSTGRES_POOL_MAX or raise max_connections of the server' };
  } catch (error) {
    yield {
      is: 'bad',
      what,
      says: `${store.address}: ${messageOf(error)}`,
      next: 'check POSTGRES_URL, or inator stack up',
    };
  } finally {
    await store.close();
  }
}

async function* examineNeo4j(env: Environment): Findings {
  const what = 'Neo4j';
  const store = openGraph(env);
  try {
    yield { is: 'good', what, says: `${await store.neo4j.version()} at ${store.address}` };
  } catch (error) {
    yield {
      is: 'bad',
      what,
      says: `${store.address}: ${messageOf(error)}`,
      next: 'check NEO4J_URI, or inator stack up',
    };
  } finally {
    await store.close();
  }
}

/** An examination that could not even begin, because a variable it needs is wrong, is a finding too. */
async function* guarded(what: string, examine: () => Findings): Findings {
  try {
    yield* examine();
  } catch (error) {
    yield { is: 'bad', what, says: messageOf(error), next: 'inator config --check' };
  }
}

/** `env` is what the services would see; `reaching` is how to reach the servers from here. */
export async function* examineAll(env: Environment, reaching: Environment): Findings {
  yield examineNode(process.version);
  yield* examineConfiguration(env);
  yield* guarded('RabbitMQ', () => examineBroker(reaching));
  yield* guarded('PostgreSQL', () => examinePostgres(reaching));
  yield* guarded('Neo4j', () => examineNeo4j(reaching));
}
