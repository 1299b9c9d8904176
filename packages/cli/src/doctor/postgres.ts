/** PostgreSQL as tableinator meets it: version, encryption, clock, rights, tables and their keys, connections. */
import { createTableModels } from '@inator/declared';
import { tableModels } from '@inator/discogs';
import { encodingComplaint, ledgerRights, qualified, tableComplaint } from '@inator/postgres';
import type { TableSpec } from '@inator/runtime';
import { messageOf } from '../exit.ts';
import { count, counted, type Environment } from '../io.ts';
import type { PublishDomain } from '../publish/domain.ts';
import { postgresTarget, purgeMode } from '../servers/settings.ts';
import { openTables, type TableStore } from '../servers/stores.ts';
import { type Finding, type Findings, judge } from './finding.ts';
import { clockFinding, tlsFinding } from './judgements.ts';
import { examineVersion } from './versions.ts';

const what = 'PostgreSQL';

export interface PostgresOptions {
  readonly domain: PublishDomain;
  /** Replicas that are planned; undefined takes those that are connected, at least one. */
  readonly replicas: number | undefined;
}

/** The tables that the domain's records become. */
function tablesOf({ model, types }: PublishDomain): readonly TableSpec[] {
  const models = model === undefined ? Object.entries(tableModels) : [...createTableModels(model)];
  return models.filter(([type]) => types.includes(type)).map(([, { table }]) => table);
}

interface Facts extends Record<string, unknown> {
  readonly now: string;
  readonly role: string;
  readonly database: string;
  readonly encoding: string;
  readonly ssl: boolean;
  readonly temp: boolean;
  readonly createSchema: boolean;
  readonly schemaExists: boolean;
  readonly schemaUsage: boolean | null;
  readonly schemaCreate: boolean | null;
  readonly used: number;
  readonly replicas: number;
}

const factsSql = `
SELECT (extract(epoch FROM clock_timestamp()) * 1000)::text AS "now", current_user AS "role",
       current_database() AS "database", current_setting('server_encoding') AS "encoding",
       coalesce((SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS "ssl",
       has_database_privilege(current_database(), 'TEMPORARY') AS "temp",
       has_database_privilege(current_database(), 'CREATE') AS "createSchema",
       n.oid IS NOT NULL AS "schemaExists",
       has_schema_privilege(n.oid, 'USAGE') AS "schemaUsage", has_schema_privilege(n.oid, 'CREATE') AS "schemaCreate",
       (SELECT count(*)::int FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend') AS "used",
       (SELECT count(DISTINCT application_name)::int FROM pg_catalog.pg_stat_activity
         WHERE application_name LIKE 'tableinator %') AS "replicas"
  FROM (SELECT 1) AS one LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = $1`;

export async function* examinePostgres(env: Environment, options: PostgresOptions): Findings {
  const store = openTables(env);
  try {
    let limits: Awaited<ReturnType<TableStore['postgres']['limits']>>;
    try {
      limits = await store.postgres.limits();
    } catch (error) {
      const says = `${store.address}: ${messageOf(error)}`;
      yield { is: 'fail', what, says, next: 'check POSTGRES_URL and that the server runs, or inator stack up' };
      return;
    }
    yield examineVersion('postgres', limits.version, ` at ${store.address}`);
    const { host, sslMode } = postgresTarget(env).endpoint;
    const beganAt = Date.now();
    const { rows } = await store.postgres.query<Facts>(factsSql, [store.schema]);
    const [facts] = rows;
    if (facts === undefined) return;
    yield clockFinding(what, Number(facts.now), beganAt, Date.now());
    yield tlsFinding({
      what,
      host,
      encrypted: facts.ssl,
      verified: facts.ssl && sslMode.startsWith('verify-'),
      advice: 'set POSTGRES_SSLMODE=verify-full, with POSTGRES_CA_FILE where the authority is your own',
    });
    const encoded = encodingComplaint(facts.database, facts.encoding);
    yield encoded === undefined
      ? { is: 'ok', what: 'encoding', says: facts.encoding }
      : { is: 'fail', what: 'encoding', says: encoded.says, ...(encoded.mend && { next: encoded.mend }) };
    yield* examineRights(store, facts);
    yield await examineWrites(store);
    const mode = purgeMode(env);
    // Without the right to the schema, which is told above, nothing in it can be asked for.
    const keepsBooks = mode !== 'off' && (!facts.schemaExists || facts.schemaUsage === true);
    for (const table of tablesOf(options.domain)) {
      yield await examineTable(store, table, facts);
      if (keepsBooks) yield await examineLedger(store, table, facts, mode);
    }
    yield examinePool(store, limits, facts, options.replicas);
  } finally {
    await store.close();
  }
}

function* examineRights({ schema }: TableStore, facts: Facts): Generator<Finding> {
  const { role, database } = facts;
  yield judge(
    facts.temp,
    'fail',
    'right to stage',
    facts.temp ? `${role} may make temporary tables` : `${role} may not make temporary tables, which COPY goes into`,
    `GRANT TEMPORARY ON DATABASE "${database}" TO "${role}"`,
  );
  if (!facts.schemaExists) {
    const says = `schema ${schema} does not exist, and ${role} may ${facts.createSchema ? '' : 'not '}make it`;
    yield judge(
      facts.createSchema,
      'fail',
      'right to the schema',
      says,
      `CREATE SCHEMA "${schema}" AUTHORIZATION "${role}"`,
    );
    return;
  }
  yield judge(
    facts.schemaUsage === true,
    'fail',
    'right to the schema',
    `${role} may ${facts.schemaUsage === true ? '' : 'not '}use schema ${schema}${facts.schemaCreate === true ? ' and make tables in it' : ''}`,
    `GRANT USAGE, CREATE ON SCHEMA "${schema}" TO "${role}"`,
  );
}

async function examineWrites({ postgres }: TableStore): Promise<Finding> {
  try {
    await postgres.check();
    return { is: 'ok', what: 'PostgreSQL writes', says: 'it takes writes' };
  } catch (error) {
    const next = 'name the primary, not a standby; look at default_transaction_read_only';
    return { is: 'fail', what: 'PostgreSQL writes', says: messageOf(error), next };
  }
}

async function examineTable({ postgres, schema }: TableStore, table: TableSpec, facts: Facts): Promise<Finding> {
  const name = qualified(schema, table.name);
  const { rows } = await postgres.query<{ rights: boolean }>(
    `SELECT has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
              AND has_table_privilege(c.oid, 'UPDATE') AS "rights"
       FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND c.relname = $2`,
    [schema, table.name],
  );
  const row = rows[0];
  const about = `table ${schema}.${table.name}`;
  if (row === undefined) {
    const next =
      facts.schemaExists && facts.schemaCreate !== true
        ? `GRANT CREATE ON SCHEMA "${schema}" TO "${facts.role}", or make the table beforehand`
        : 'nothing to do: tableinator makes it when it starts';
    const may = !facts.schemaExists || facts.schemaCreate === true;
    return { is: may ? 'warn' : 'fail', what: about, says: 'does not exist yet', next };
  }
  if (!row.rights) {
    const next = `GRANT SELECT, INSERT, UPDATE ON ${name} TO "${facts.role}"`;
    return { is: 'fail', what: about, says: `${facts.role} may not read and write it`, next };
  }
  const complaint = await tableComplaint(postgres, table);
  if (complaint === undefined) return { is: 'ok', what: about, says: `${table.key} is unique` };
  return {
    is: 'fail',
    what: about,
    says: complaint.says,
    next: complaint.mend ?? 'alter it, or let tableinator make one',
  };
}

/** What tableinator needs besides when PURGE_MODE is on: its own tables, and rights on them. */
async function examineLedger(
  { postgres, schema }: TableStore,
  table: TableSpec,
  { role, schemaExists, schemaCreate }: Facts,
  mode: string,
): Promise<Finding> {
  const what = `purge of ${schema}.${table.name}`;
  const { absent, lacking } = await ledgerRights(postgres, schema, table, mode === 'purge');
  const grants = lacking.map((on) => `GRANT ${on.rights.join(', ')} ON ${on.table} TO "${role}"`);
  const mayCreate = !schemaExists || schemaCreate === true;
  if (absent.length > 0 && !mayCreate) grants.unshift(`GRANT CREATE ON SCHEMA "${schema}" TO "${role}"`);
  if (grants.length > 0) {
    const lacks = lacking.map((on) => `${on.rights.join(', ')} on ${on.table}`);
    if (absent.length > 0 && !mayCreate) lacks.unshift(`the right to make ${absent.join(', ')}`);
    return {
      is: 'fail',
      what,
      says: `PURGE_MODE is ${mode}, and ${role} lacks ${lacks.join('; ')}`,
      next: grants.join('; '),
    };
  }
  if (absent.length > 0) {
    const next = 'nothing to do: tableinator makes it when it starts';
    return { is: 'warn', what, says: 'its bookkeeping does not exist yet', next };
  }
  return { is: 'ok', what, says: `PURGE_MODE is ${mode}, and ${role} may do what that needs` };
}

/** Connections of all replicas against what the server gives to everybody. */
function examinePool(
  { poolMax }: TableStore,
  limits: Awaited<ReturnType<TableStore['postgres']['limits']>>,
  { used, replicas: running }: Facts,
  planned: number | undefined,
): Finding {
  const { maxConnections, reserved, roleLimit, databaseLimit } = limits;
  const free = Math.min(maxConnections - reserved, roleLimit ?? Infinity, databaseLimit ?? Infinity);
  const replicas = planned ?? Math.max(1, running);
  const wanted = poolMax * replicas;
  const says = `${counted(replicas, 'replica')} × ${poolMax} are up to ${counted(wanted, 'connection')}; the server gives ${count(free)} to everybody (max_connections ${count(maxConnections)}), ${count(used)} are in use now`;
  const next = 'lower POSTGRES_POOL_MAX, raise max_connections, or put a pooler in between';
  return judge(wanted <= free, 'fail', 'pool', says, next);
}
