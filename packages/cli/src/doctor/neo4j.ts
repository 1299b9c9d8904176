/** Neo4j as graphinator meets it: version, encryption, clock, writes, and the constraints that merging stands on. */
import { createGraphModels } from '@inator/declared';
import { graphModels } from '@inator/discogs';
import { duplicatesStatement } from '@inator/neo4j';
import { messageOf } from '../exit.ts';
import type { Environment } from '../io.ts';
import type { PublishDomain } from '../publish/domain.ts';
import { neo4jTarget } from '../servers/settings.ts';
import { type GraphStore, openGraph } from '../servers/stores.ts';
import type { Finding, Findings } from './finding.ts';
import { clockFinding, tlsFinding } from './judgements.ts';
import { examineVersion } from './versions.ts';

const what = 'Neo4j';

interface Constrained {
  readonly label: string;
  readonly key: string;
}

/** Every label that the domain's records bring, with the property that must be unique. */
function labelsOf({ model, types }: PublishDomain): readonly Constrained[] {
  const models = model === undefined ? Object.entries(graphModels) : [...createGraphModels(model)];
  const keys = new Map<string, string>();
  for (const [type, { nodes, edges }] of models) {
    if (!types.includes(type)) continue;
    for (const { label, key } of [...nodes, ...edges.flatMap(({ from, to }) => [from, to])]) keys.set(label, key);
  }
  return [...keys].map(([label, key]) => ({ label, key })).sort((a, b) => (a.label < b.label ? -1 : 1));
}

export async function* examineNeo4j(env: Environment, domain: PublishDomain): Findings {
  const store = openGraph(env);
  try {
    let version: string;
    try {
      version = await store.neo4j.version();
    } catch (error) {
      const says = `${store.address}: ${messageOf(error)}`;
      yield { is: 'fail', what, says, next: 'check NEO4J_URI and that the server runs, or inator stack up' };
      return;
    }
    yield examineVersion('neo4j', version, ` at ${store.address}`);
    const beganAt = Date.now();
    const [clock] = await ask(store, 'RETURN timestamp() AS now');
    yield clockFinding(what, Number(clock?.now), beganAt, Date.now());
    const { protocol, hostname } = new URL(neo4jTarget(env).endpoint.uri);
    yield tlsFinding({
      what,
      host: hostname,
      encrypted: protocol.includes('+'),
      verified: protocol.endsWith('+s:'),
      advice: 'use neo4j+s:// or bolt+s:// in NEO4J_URI, with NEO4J_CA_FILE where the authority is your own',
    });
    yield await examineWrites(store);
    yield* examineConstraints(store, labelsOf(domain));
  } finally {
    await store.close();
  }
}

async function ask({ neo4j }: GraphStore, text: string) {
  const transaction = await neo4j.begin();
  try {
    return (await transaction.run(text)).rows;
  } finally {
    await transaction.rollback();
  }
}

async function examineWrites({ neo4j }: GraphStore): Promise<Finding> {
  try {
    await neo4j.check();
    return { is: 'ok', what: 'Neo4j writes', says: 'it takes writes (a node was made and taken back)' };
  } catch (error) {
    const next = 'give the user the role publisher or higher, and check that the database is not read-only';
    return { is: 'fail', what: 'Neo4j writes', says: messageOf(error), next };
  }
}

async function* examineConstraints(store: GraphStore, labels: readonly Constrained[]): Findings {
  const constraints = await ask(
    store,
    `SHOW CONSTRAINTS YIELD name, type, entityType, labelsOrTypes, properties
WHERE entityType = 'NODE' AND type IN ['UNIQUENESS', 'NODE_PROPERTY_UNIQUENESS', 'NODE_KEY'] RETURN *`,
  );
  const indexes = await ask(store, 'SHOW INDEXES YIELD owningConstraint, state RETURN owningConstraint, state');
  for (const { label, key } of labels) {
    const about = `constraint ${label}.${key}`;
    const found = constraints.find(
      ({ labelsOrTypes, properties }) => isJust(labelsOrTypes, label) && isJust(properties, key),
    );
    if (found === undefined) {
      yield await examineDuplicates(store, { label, key }, about);
      continue;
    }
    const state = String(indexes.find(({ owningConstraint }) => owningConstraint === found.name)?.state ?? 'missing');
    yield state === 'ONLINE'
      ? { is: 'ok', what: about, says: 'unique' }
      : {
          is: 'fail',
          what: about,
          says: `its index is ${state}`,
          next: 'look at SHOW INDEXES; drop and make it again',
        };
  }
}

/** Whether a constraint that is missing can be made. Without it there may be no index: the question reads every node of the label. */
async function examineDuplicates(store: GraphStore, constrained: Constrained, about: string): Promise<Finding> {
  const find = duplicatesStatement(constrained);
  let shared: Readonly<Record<string, unknown>> | undefined;
  try {
    [shared] = await ask(store, `${find} LIMIT 1`);
  } catch (error) {
    const says = `does not exist yet, and whether two nodes share a value could not be told: ${messageOf(error)}`;
    return { is: 'warn', what: about, says, next: `${find} finds them; graphinator makes it when there are none` };
  }
  if (shared === undefined) {
    const next = 'nothing to do: graphinator makes it when it starts';
    return { is: 'warn', what: about, says: 'does not exist yet, no two nodes share a value', next };
  }
  const says = `does not exist, and cannot be made: ${String(shared.c)} nodes share ${JSON.stringify(String(shared.k))}`;
  return { is: 'fail', what: about, says, next: `merge the nodes that share a value, ${find} finds them` };
}

const isJust = (list: unknown, only: string): boolean => Array.isArray(list) && list.length === 1 && list[0] === only;
