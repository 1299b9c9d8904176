import type { TableModel } from '@inator/runtime';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createTableSink, qualified, writePathNames } from '../src/index.ts';
import { batchOf, cellsModel, doc, keyed, never, newPlace, type Place, refusal } from './support/place.ts';

let place: Place;
beforeEach(() => {
  place = newPlace();
});
afterEach(() => place.dispose());

const artists = (): TableModel<readonly (string | Uint8Array | null)[]> =>
  cellsModel({
    name: 'artists',
    indexes: [
      { name: 'idx_artists_hash', columns: ['hash'] },
      { name: 'idx_artists_gin', columns: ['data'], method: 'gin', operatorClass: 'jsonb_path_ops' },
    ],
  }) as TableModel<readonly (string | Uint8Array | null)[]>;

describe('opening', () => {
  it('creates schema, table, key and indices as the contract says', async () => {
    await createTableSink(place.postgres, artists()).open(never);
    const columns = await place.rows(
      `SELECT column_name AS name, data_type AS type, is_nullable AS null, column_default AS default
       FROM information_schema.columns WHERE table_schema = $1 ORDER BY ordinal_position`,
      [place.schema],
    );
    expect(columns).toEqual([
      { name: 'data_id', type: 'character varying', null: 'NO', default: null },
      { name: 'hash', type: 'character varying', null: 'NO', default: null },
      { name: 'data', type: 'jsonb', null: 'NO', default: null },
      { name: 'seq', type: 'bigint', null: 'YES', default: null },
      { name: 'created_at', type: 'timestamp with time zone', null: 'NO', default: 'now()' },
      { name: 'updated_at', type: 'timestamp with time zone', null: 'NO', default: 'now()' },
    ]);
    const indices = await place.rows<{ name: string; definition: string; primary: boolean }>(
      `SELECT c.relname AS name, pg_get_indexdef(c.oid) AS definition, i.indisprimary AS primary
       FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
       WHERE t.relnamespace = $1::regnamespace ORDER BY 1`,
      [place.schema],
    );
    expect(indices.map(({ name }) => name)).toEqual(['artists_pkey', 'idx_artists_gin', 'idx_artists_hash']);
    expect(indices.find(({ primary }) => primary)?.definition).toContain('(data_id)');
    expect(indices[1]?.definition).toContain('USING gin (data jsonb_path_ops)');
    expect(indices[2]?.definition).toContain('USING btree (hash)');
  });

  it.each([
    ['jsonb_ops', ['artists_pkey', 'idx_artists_gin', 'idx_artists_hash'], 'USING gin (data) WITH'],
    [false, ['artists_pkey', 'idx_artists_hash'], undefined],
  ] as const)('the GIN index is as the operator wants it: %s', async (gin, names, definition) => {
    await createTableSink(place.postgres, artists(), { gin }).open(never);
    const found = await place.rows<{ name: string; definition: string }>(
      'SELECT indexname AS name, indexdef AS definition FROM pg_indexes WHERE schemaname = $1 ORDER BY 1',
      [place.schema],
    );
    expect(found.map(({ name }) => name)).toEqual(names);
    expect(found.find(({ name }) => name === 'idx_artists_gin')?.definition ?? '').toContain(definition ?? '');
  });

  it('is done by eight replicas at once, and by one afterwards', async () => {
    const sinks = Array.from({ length: 8 }, (_, i) => {
      const pool = place.pool();
      return createTableSink(
        pool,
        i % 2 === 0 ? artists() : (cellsModel({ name: 'labels' }) as ReturnType<typeof artists>),
      );
    });
    await Promise.all(sinks.map((sink) => sink.open(never)));
    await createTableSink(place.postgres, artists()).open(never);
    const tables = await place.rows(
      'SELECT relname FROM pg_class WHERE relkind = $2 AND relnamespace = $1::regnamespace',
      [place.schema, 'r'],
    );
    expect(tables).toHaveLength(2);
  });

  it.each([
    [
      'a column of another type',
      'ALTER TABLE %s.things ALTER hash TYPE bigint USING 1',
      'column "hash" of',
      'is bigint, but varchar is wanted',
    ],
    ['a missing column', 'ALTER TABLE %s.things DROP seq', 'has no column "seq": ALTER TABLE', 'ADD "seq" bigint'],
    [
      'a missing key',
      'ALTER TABLE %s.things DROP CONSTRAINT things_pkey',
      'has no primary key on "data_id"',
      'PRIMARY KEY ("data_id")',
    ],
    [
      'a created_at that nobody fills',
      'ALTER TABLE %s.things ALTER created_at DROP DEFAULT',
      'column "created_at" of',
      'nothing fills it: ALTER TABLE',
      'ALTER "created_at" SET DEFAULT pg_catalog.now()',
    ],
    [
      'an updated_at that nobody fills',
      'ALTER TABLE %s.things ALTER updated_at DROP DEFAULT',
      'ALTER "updated_at" SET DEFAULT pg_catalog.now()',
    ],
    [
      'a seq that takes no NULL, whatever its default',
      'ALTER TABLE %s.things ALTER seq SET NOT NULL, ALTER seq SET DEFAULT 0',
      'column "seq" of',
      'is NOT NULL, but a record without a version has none: ALTER TABLE',
      'ALTER "seq" DROP NOT NULL',
    ],
    ['a column nobody fills', 'ALTER TABLE %s.things ADD shelf text NOT NULL', 'column "shelf" of', 'nothing fills it'],
  ])('refuses %s with a sentence that names it', async (_, change, ...said) => {
    const sink = createTableSink(place.postgres, cellsModel());
    await sink.open(never);
    await place.rows(change);
    const error = await refusal(sink.open(never));
    expect(error.is).toBe('misconfigured');
    for (const part of said) expect(error.fault.reason).toContain(part);
  });

  it('is lawful again after the statement that the refusal names', async () => {
    const model = cellsModel();
    const sink = createTableSink(place.postgres, model);
    await sink.open(never);
    await place.rows(`ALTER TABLE %s.things ALTER created_at DROP DEFAULT, ALTER updated_at DROP DEFAULT,
      ALTER seq SET NOT NULL, ALTER seq ADD GENERATED BY DEFAULT AS IDENTITY, ADD shelf text NOT NULL`);
    for (let mended = 0; mended < 4; mended += 1) {
      const { fault } = await refusal(sink.open(never));
      await place.rows(/ALTER TABLE .*$/.exec(fault.reason)?.[0] ?? 'no statement');
    }
    await sink.open(never);
    expect((await sink.write(batchOf(model, [doc('1')]), never)).counts.created).toBe(1);
  });

  it('accepts whatever fills a column by itself: a default, an identity, a generated value, a domain', async () => {
    const model = cellsModel();
    const sink = createTableSink(place.postgres, model);
    await sink.open(never);
    await place.rows("CREATE DOMAIN %s.colour AS text DEFAULT 'red'");
    await place.rows(`ALTER TABLE %s.things ADD a int NOT NULL DEFAULT 1, ADD b int GENERATED ALWAYS AS IDENTITY,
      ADD c int NOT NULL GENERATED ALWAYS AS (1 + 1) STORED, ADD d %s.colour NOT NULL, ADD e text`);
    await sink.open(never);
    expect((await sink.write(batchOf(model, [doc('1')]), never)).counts.created).toBe(1);
  });

  it('refuses a view', async () => {
    await place.rows('CREATE SCHEMA %s');
    await place.rows('CREATE VIEW %s.things AS SELECT 1 AS data_id');
    const error = await refusal(createTableSink(place.postgres, cellsModel()).open(never));
    expect([error.is, error.fault.reason]).toEqual(['misconfigured', expect.stringContaining('it is not a table')]);
  });

  it('accepts text for varchar, a length limit and a domain, and names the record beyond the limit', async () => {
    await place.rows('CREATE SCHEMA %s');
    await place.rows('CREATE DOMAIN %s.doc AS jsonb');
    await place.rows(
      `CREATE TABLE %s.things (data_id varchar(5) PRIMARY KEY, hash text NOT NULL, data %s.doc NOT NULL, seq bigint,
       created_at timestamptz DEFAULT now(), updated_at timestamptz)`,
    );
    const model = cellsModel();
    const sink = createTableSink(place.postgres, model);
    await sink.open(never);
    const error = await refusal(sink.write(batchOf(model, [doc('1'), doc('123456'), doc('3')]), never));
    expect([error.is, error.culprit, error.fault.code]).toEqual(['refused', 1, 'value-refused']);
    expect((await sink.write(batchOf(model, [doc('1'), doc('12345')]), never)).counts.created).toBe(2);
  });

  it('leaves a table in use without its indices alone, and says so; an empty one gets them', async () => {
    const model = cellsModel({ name: 'artists' });
    const sink = createTableSink(place.postgres, model);
    await sink.open(never);
    const said: string[] = [];
    const warn = (sentence: string): void => void said.push(sentence);
    await sink.write(batchOf(model, [doc('1')]), never);
    await createTableSink(place.postgres, artists(), { warn }).open(never);
    expect(said).toEqual([expect.stringContaining('lacks the indices idx_artists_hash, idx_artists_gin')]);
    await place.rows('TRUNCATE %s.artists');
    await createTableSink(place.postgres, artists(), { warn }).open(never);
    expect(said).toHaveLength(1);
    const indices = await place.rows('SELECT indexname FROM pg_indexes WHERE schemaname = $1', [place.schema]);
    expect(indices).toHaveLength(3);
  });
});

describe('a role with INSERT, UPDATE, SELECT and TEMP alone', () => {
  const role = (): string => `role_${place.schema}`;
  const url = (): string => {
    const user = new URL(process.env.TEST_POSTGRES_URL ?? '');
    user.username = role();
    user.password = 'pass of the role';
    return user.href;
  };
  beforeEach(async () => {
    await createTableSink(place.postgres, artists()).open(never);
    await place.rows(`CREATE ROLE ${role()} LOGIN PASSWORD 'pass of the role'`);
  });
  afterEach(async () => {
    await place.rows(`DROP OWNED BY ${role()}`);
    await place.rows(`DROP ROLE ${role()}`);
  });

  it.each(writePathNames)('opens and writes by %s', async (writePath) => {
    await place.rows(`GRANT USAGE ON SCHEMA %s TO ${role()}`);
    await place.rows(`GRANT INSERT, UPDATE, SELECT ON %s.artists TO ${role()}`);
    const postgres = place.pool({ url: url() });
    const model = artists();
    const sink = createTableSink(postgres, model, { writePath });
    await sink.open(never);
    const receipt = await sink.write(batchOf(model, [doc('1') as never, doc('2') as never]), never);
    expect(receipt.counts.created).toBe(2);
    await postgres.close();
  });

  it('is told which rights it lacks', async () => {
    const postgres = place.pool({ url: url() });
    await place.rows(`GRANT USAGE ON SCHEMA %s TO ${role()}`);
    await place.rows(`GRANT SELECT ON %s.artists TO ${role()}`);
    const error = await refusal(createTableSink(postgres, artists()).open(never));
    expect([error.is, error.fault.reason]).toEqual([
      'misconfigured',
      expect.stringContaining(`GRANT INSERT, UPDATE ON ${qualified(place.schema, 'artists')} TO`),
    ]);
    const create = await refusal(createTableSink(postgres, cellsModel({ name: 'new' })).open(never));
    expect([create.is, create.fault.native]).toEqual(['misconfigured', '42501']);
    await postgres.close();
  });
});

describe('names', () => {
  it.each(['a"b; DROP TABLE x', "o'clock", 'Mixed Case', '表', '$1 \\ %', 'select'])(
    'that need quoting are only names: %s',
    async (name) => {
      const model = cellsModel({
        name,
        columns: [
          { name: 'da"ta', type: 'jsonb' },
          { name: 'arrival', type: 'text' },
        ],
        indexes: [{ name: `idx ${name}`, columns: ['hash'] }],
      });
      for (const writePath of writePathNames) {
        const sink = createTableSink(place.postgres, model, { writePath });
        await sink.open(never);
        const receipt = await sink.write(batchOf(model, [keyed(writePath, 'h', ['{}', 'x'])]), never);
        expect(receipt.counts.created).toBe(1);
      }
      const { rowCount } = await place.postgres.query(`SELECT FROM ${qualified(place.schema, name)}`);
      expect(rowCount).toBe(writePathNames.length);
    },
  );
});

it('a trigger that swallows rows is noticed before the commit', async () => {
  const model = cellsModel();
  const sink = createTableSink(place.postgres, model);
  await sink.open(never);
  await place.rows(`CREATE FUNCTION %s.swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.data_id = '2' THEN RETURN NULL; END IF; RETURN NEW; END $$`);
  await place.rows('CREATE TRIGGER swallow BEFORE INSERT ON %s.things FOR EACH ROW EXECUTE FUNCTION %s.swallow()');
  const error = await refusal(sink.write(batchOf(model, [doc('1'), doc('2')]), never));
  expect([error.is, error.fault.reason]).toEqual(['misconfigured', expect.stringContaining('took 1 of 2 records')]);
  expect(await place.rows('SELECT FROM %s.things')).toHaveLength(0);
});
