/** PostgreSQL against the books: I1, I3 and I5. Compared in SQL, so that a body means what the column's type means. */
import { type RecordType, recordTypes } from '@inator/discogs';
import type { Tables } from '../../support/stores.ts';
import type { Good, Workload } from '../workload.ts';
import { type Violation, violation } from './violation.ts';

/** Records compared in one question. */
const page = 2_000;

export interface TableCheck {
  readonly tables: Tables;
  readonly schema: string;
  readonly workload: Pick<Workload, 'bodyOf'>;
}

/** I1 for these records. */
export async function checkRows(
  { tables, schema, workload }: TableCheck,
  goods: readonly Good[],
): Promise<Violation[]> {
  const found: Violation[] = [];
  for (const type of recordTypes) {
    const wanted = goods.filter((good) => good.type === type);
    const wrong = new Map<string, string[]>();
    for (let from = 0; from < wanted.length; from += page) {
      const part = wanted.slice(from, from + page);
      const bodies = part.map((good) => String(workload.bodyOf(good)));
      const rows = await tables.query<{ id: string; wrong: string }>(
        `with e as (select * from unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) as e(id, hash, seq, body))
         select e.id, case when t.data_id is null then 'missing' when t.seq is distinct from e.seq then 'of another version'
           when t.hash <> e.hash then 'of another hash' else 'of another body' end as wrong
         from e left join "${schema}"."${type}" t on t.data_id = e.id
         where t.data_id is null or t.seq is distinct from e.seq or t.hash <> e.hash or t.data <> e.body::jsonb`,
        [part.map(({ id }) => String(id)), bodies.map(hashIn), part.map(({ version }) => version || null), bodies],
      );
      for (const row of rows) wrong.set(row.wrong, [...(wrong.get(row.wrong) ?? []), row.id]);
    }
    for (const [what, ids] of wrong)
      found.push(violation('I1', `table ${type}`, `rows ${what}`, ids, { mayHeal: true, as: 'lost' }));
  }
  return found;
}

/** The hash that a body declares. */
export function hashIn(body: string): string {
  return (JSON.parse(body) as { readonly sha256: string }).sha256;
}

/** I3: as many rows as there are keys; when there are more, which. */
export async function checkNoOtherRows(
  { tables, schema }: Pick<TableCheck, 'tables' | 'schema'>,
  ledger: { size(type: RecordType): number; all(type: RecordType): readonly Good[] },
): Promise<Violation[]> {
  const found: Violation[] = [];
  for (const type of recordTypes) {
    const rows = await tables.count(schema, type);
    const wanted = ledger.size(type);
    if (rows === wanted) continue;
    const known = new Set(ledger.all(type).map(({ id }) => String(id)));
    const present = await tables.query<{ id: string }>(`select data_id as id from "${schema}"."${type}"`);
    const extra = present.map(({ id }) => id).filter((id) => !known.has(id));
    if (extra.length > 0)
      found.push(violation('I3', `table ${type}`, 'rows that nobody published', extra, { as: 'duplicated' }));
    const there = new Set(present.map(({ id }) => id));
    const missing = [...known].filter((id) => !there.has(id));
    if (missing.length > 0)
      found.push(violation('I1', `table ${type}`, 'rows missing', missing, { mayHeal: true, as: 'lost' }));
  }
  return found;
}

/** I5 on the server's side. A killed process's session goes when its socket does: it may take a moment. */
export async function checkSessions(tables: Tables, user: string): Promise<Violation[]> {
  const found: Violation[] = [];
  const idle = await tables.query<{ pid: number }>(
    `select pid from pg_stat_activity where usename = $1 and state like 'idle in transaction%'
     and clock_timestamp() - state_change > interval '1 second'`,
    [user],
  );
  if (idle.length > 0)
    found.push(
      violation(
        'I5',
        'PostgreSQL',
        'idle transactions',
        idle.map(({ pid }) => `backend ${pid}`),
        { mayHeal: true },
      ),
    );
  const left = await tables.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c where c.relpersistence = 't' and c.relkind = 'r'`,
  );
  if (left.length > 0)
    found.push(
      violation(
        'I5',
        'PostgreSQL',
        'temporary tables left',
        left.map(({ name }) => name),
        { mayHeal: true },
      ),
    );
  return found;
}
