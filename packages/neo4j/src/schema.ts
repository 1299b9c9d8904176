/**
 * The uniqueness constraints that merging by key stands on. Without one, writers side by side each make a node of the
 * same key; so a sink does not open before every constraint exists and its index is online.
 */
import { backoffMs, delay, SinkError } from '@inator/runtime';
import type { Neo4j } from './driver.ts';
import { misconfigured } from './settings.ts';
import type { ShapeLabel } from './shape.ts';
import { quoted } from './statements.ts';

/** The statements import variables by `CALL (…) { }`, which is known from this version on. */
const oldest = { major: 5, minor: 23 };
/** Building the index of a constraint over a graph that is already large takes minutes. */
const buildTimeoutMs = 600_000;
/** Several services opening at once may deadlock on the schema; each try starts over. */
const tries = 8;

export async function prepareSchema(neo4j: Neo4j, labels: readonly ShapeLabel[], signal: AbortSignal): Promise<void> {
  await requireVersion(neo4j, signal);
  for (const wanted of labels) await ensure(neo4j, wanted, signal);
}

/**
 * Short and the same since the first version, but two labels may come to one name: `Tag` and `TAG`, or `A` with `b_c` and
 * `A_b` with `c`. Whoever comes second takes the other, which is no other's: it keeps the case, and its
 * lengths say where the label ends.
 */
function namesOf({ label, key }: ShapeLabel): readonly [string, string] {
  return [`${label}_${key}_unique`.toLowerCase(), `${label}_${key}_unique_${label.length}_${key.length}`];
}

/** `IF NOT EXISTS` says nothing when the name belongs to another label: so it is looked whether the constraint is there. */
async function ensure(neo4j: Neo4j, wanted: ShapeLabel, signal: AbortSignal): Promise<void> {
  if (await isUnique(neo4j, wanted, signal)) return;
  for (const name of namesOf(wanted)) {
    await create(neo4j, wanted, name, signal);
    if (await isUnique(neo4j, wanted, signal)) return;
  }
  throw misconfigured(
    `Neo4j accepted a uniqueness constraint on ${wanted.label}.${wanted.key}, but its index is not online: look at SHOW INDEXES`,
  );
}

async function requireVersion(neo4j: Neo4j, signal: AbortSignal): Promise<void> {
  const version = await neo4j.version(signal);
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > oldest.major || (major === oldest.major && minor >= oldest.minor)) return;
  throw misconfigured(`Neo4j is ${version}; ${oldest.major}.${oldest.minor} or later is needed`);
}

async function query(neo4j: Neo4j, text: string, parameters: Readonly<Record<string, unknown>>, signal: AbortSignal) {
  const transaction = await neo4j.begin({ signal, timeoutMs: buildTimeoutMs });
  try {
    const answer = await transaction.run(text, parameters);
    await transaction.commit();
    return answer;
  } finally {
    await transaction.rollback();
  }
}

/** True when a constraint (a node key will do) exists and its index can be used. */
async function isUnique(neo4j: Neo4j, { label, key }: ShapeLabel, signal: AbortSignal): Promise<boolean> {
  const constraints = await query(
    neo4j,
    `SHOW CONSTRAINTS YIELD name, type, entityType, labelsOrTypes, properties
WHERE entityType = 'NODE' AND type IN ['UNIQUENESS', 'NODE_PROPERTY_UNIQUENESS', 'NODE_KEY']
  AND labelsOrTypes = [$label] AND properties = [$key]
RETURN name`,
    { label, key },
    signal,
  );
  if (constraints.rows.length === 0) return false;
  const indexes = await query(
    neo4j,
    `SHOW INDEXES YIELD state, labelsOrTypes, properties, owningConstraint
WHERE owningConstraint IN $names AND state = 'ONLINE'
RETURN owningConstraint`,
    { names: constraints.rows.map(({ name }) => name) },
    signal,
  );
  return indexes.rows.length > 0;
}

/** Makes the constraint, unless the name is taken by something else. */
async function create(neo4j: Neo4j, { label, key }: ShapeLabel, name: string, signal: AbortSignal): Promise<void> {
  const text = `CREATE CONSTRAINT ${quoted(name)} IF NOT EXISTS FOR (n:${quoted(label)}) REQUIRE n.${quoted(key)} IS UNIQUE`;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await query(neo4j, text, {}, signal);
      return;
    } catch (error) {
      if (!(error instanceof SinkError)) throw error;
      // Another service may have been faster, or the two got in each other's way.
      const concurrent =
        error.is === 'unavailable' || /SchemaRuleAlreadyExists|ConstraintAlreadyExists/.test(native(error));
      if (concurrent && attempt < tries && !signal.aborted && error.fault.code !== 'store-unreachable') {
        await delay(backoffMs(attempt, { firstMs: 50, maxMs: 1_000 }), signal);
        if (await isUnique(neo4j, { label, key }, signal)) return;
        continue;
      }
      if (error.is === 'unavailable') throw error;
      if (/WithNameAlreadyExists$/.test(native(error))) return;
      throw refusal(label, key, error);
    }
  }
}

function native(error: SinkError): string {
  return error.fault.native ?? '';
}

/** Finds the values that several nodes share, which stand in the way of the constraint. A node without a value does not. */
export function duplicatesStatement({ label, key }: Pick<ShapeLabel, 'label' | 'key'>): string {
  const value = `n.${quoted(key)}`;
  return `MATCH (n:${quoted(label)}) WHERE ${value} IS NOT NULL WITH ${value} AS k, count(*) AS c WHERE c > 1 RETURN k, c`;
}

function refusal(label: string, key: string, error: SinkError): SinkError {
  const where = `${label}.${key}`;
  const code = native(error);
  if (code.endsWith('Schema.ConstraintCreationFailed') || code.endsWith('Schema.ConstraintValidationFailed')) {
    const find = duplicatesStatement({ label, key });
    return misconfigured(
      `Neo4j cannot make ${where} unique, because several nodes share one value: merge them, ${find} finds them`,
      error,
    );
  }
  if (code.endsWith('Schema.IndexAlreadyExists')) {
    return misconfigured(`a plain index on ${where} stands where a uniqueness constraint must be: drop it`, error);
  }
  return misconfigured(`the uniqueness constraint on ${where} cannot be created: ${error.message}`, error);
}
