import { SinkError, type TableModel } from '@inator/runtime';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createTableSink, qualified, writePathNames } from '../src/index.ts';
import { batchOf, cellsModel, doc, keyed, never, newPlace, type Place } from './support/place.ts';

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

const refusal = async (promise: Promise<unknown>): Promise<SinkError> => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof SinkError)) throw new Error(`no SinkError but ${String(error)}`);
  return error;
};

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
    ['a column nobody fills', 'ALTER TABLE %s.things ADD shelf text NOT NULL', 'column "shelf" of', 'nothing fills it'],
  ])('refuses %s with a sentence that names it', async (_, change, ...said) => {
    const sink = createTableSink(place.postgres, cellsModel());
    await sink.open(never);
    await place.rows(change);
    const error = await refusal(sink.open(never));
    expect(error.is).toBe('misconfigured');
    for (const part of said) expect(error.fault.reason).toContain(part);
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

describe('the stage mirrors the table', () => {
  it('so that NOT NULL and CHECK name the record', async () => {
    const model = cellsModel({
      columns: [
        { name: 'price', type: 'numeric', nullable: true },
        { name: 'title', type: 'text', nullable: true },
      ],
    });
    const sink = createTableSink(place.postgres, model, { writePath: 'copy' });
    await sink.open(never);
    await place.rows('ALTER TABLE %s.things ADD CONSTRAINT not_free CHECK (price > 0 AND data_id <> $$x$$)');
    await place.rows('ALTER TABLE %s.things ALTER title SET NOT NULL');
    await sink.open(never);
    const free = await refusal(sink.write(batchOf(model, [keyed('2', 'h', ['0', 'a'])]), never));
    expect([free.is, free.culprit, free.fault]).toEqual([
      'refused',
      0,
      expect.objectContaining({
        code: 'constraint-refused',
        native: '23514',
        stage: 'copy',
        reason: expect.stringContaining('"not_free"'),
      }),
    ]);
    const bare = await refusal(sink.write(batchOf(model, [keyed('1', 'h', ['1', null])]), never));
    expect([bare.is, bare.culprit, bare.fault.native]).toEqual(['refused', 0, '23502']);
  });

  it('and of a batch all that break it are found in one further pass, with the words they would get alone', async () => {
    const model = cellsModel({
      columns: [
        { name: 'price', type: 'numeric', nullable: true },
        { name: 'title', type: 'text', nullable: true },
      ],
    });
    let leases = 0;
    const counting: typeof place.postgres = {
      ...place.postgres,
      lease(work, signal) {
        leases += 1;
        return place.postgres.lease(work, signal);
      },
    };
    const sink = createTableSink(counting, model, { writePath: 'copy' });
    await sink.open(never);
    await place.rows('ALTER TABLE %s.things ADD CONSTRAINT not_free CHECK (price > 0), ALTER title SET NOT NULL');
    await place.rows("ALTER TABLE %s.things ADD CONSTRAINT a_title CHECK (title <> 'none')");
    await sink.open(never);
    const rows: readonly (readonly [string, string, string | null])[] = [
      ['1', '1', 'a'],
      ['2', '0', 'a'],
      ['3', '1', null],
      // An earlier version of a key stands when the later one is refused.
      ['4', '2', 'first'],
      ['4', '0', 'none'],
      ['5', '1', 'b'],
      ['6', '-1', 'c'],
    ];
    const records = rows.map(([key, price, title], i) => keyed(key, `h${i}`, [price, title]));
    leases = 0;
    const { outcomes, counts } = await sink.write(batchOf(model, records), never);
    // The COPY that named the first, a look at the catalogue, and the pass that found them all.
    expect(leases).toBe(3);
    expect(counts).toEqual({ created: 3, updated: 0, unchanged: 0, stale: 0, collapsed: 0 });
    const bad = [1, 2, 4, 6];
    expect(outcomes.flatMap(({ is }, i) => (is === 'refused' ? [i] : []))).toEqual(bad);
    for (const index of bad) {
      const alone = await refusal(sink.write(batchOf(model, [records[index] as (typeof records)[number]]), never));
      expect(outcomes[index]).toEqual({ is: 'refused', fault: alone.fault, attempts: 1 });
    }
    expect(await place.rows('SELECT data_id, title FROM %s.things ORDER BY data_id')).toEqual([
      { data_id: '1', title: 'a' },
      { data_id: '4', title: 'first' },
      { data_id: '5', title: 'b' },
    ]);
  });

  it('and the demand of a domain is COPY’s to judge, one record at a time', async () => {
    const model = cellsModel({ columns: [{ name: 'price', type: 'numeric' }] });
    const sink = createTableSink(place.postgres, model, { writePath: 'copy' });
    await sink.open(never);
    await place.rows('CREATE DOMAIN %s.dear AS numeric CHECK (VALUE > 0)');
    await place.rows('ALTER TABLE %s.things ALTER price TYPE %s.dear');
    await sink.open(never);
    const records = ['1', '0', '-1'].map((price, i) => keyed(String(i), 'h', [price]));
    const error = await refusal(sink.write(batchOf(model, records), never));
    expect([error.is, error.culprit, error.fault.native]).toEqual(['refused', 1, '23514']);
  });

  it('and what the table does not enforce condemns nobody (from PostgreSQL 18 on)', async () => {
    const model = cellsModel({ columns: [{ name: 'price', type: 'numeric' }] });
    const sink = createTableSink(place.postgres, model, { writePath: 'copy' });
    await sink.open(never);
    const [{ version } = { version: 0 }] = await place.rows<{ version: number }>(
      "SELECT current_setting('server_version_num')::int AS version",
    );
    const alter = () => place.rows('ALTER TABLE %s.things ADD CONSTRAINT lax CHECK (price > 0) NOT ENFORCED');
    if (version < 180_000) {
      await expect(alter()).rejects.toMatchObject({ fault: { native: '42601' } });
      return;
    }
    await alter();
    await sink.open(never);
    const { outcomes } = await sink.write(batchOf(model, [keyed('1', 'h', ['0'])]), never);
    expect(outcomes.map(({ is }) => is)).toEqual(['stored']);
  });

  it('and a demand that fails itself leaves the verdict to COPY', async () => {
    const model = cellsModel({ columns: [{ name: 'price', type: 'numeric' }] });
    const sink = createTableSink(place.postgres, model, { writePath: 'copy' });
    await sink.open(never);
    await place.rows(
      'ALTER TABLE %s.things ADD CONSTRAINT a CHECK (price < 100), ADD CONSTRAINT b CHECK (1 / price > 0)',
    );
    await sink.open(never);
    const records = [keyed('1', 'h', ['200']), keyed('2', 'h', ['0']), keyed('3', 'h', ['1'])];
    const error = await refusal(sink.write(batchOf(model, records), never));
    expect([error.is, error.culprit, error.fault.native]).toEqual(['refused', 0, '23514']);
  });

  it('as it is now: a constraint dropped since the opening condemns nobody', async () => {
    const model = cellsModel({ columns: [{ name: 'price', type: 'numeric' }] });
    const sink = createTableSink(place.postgres, model, { writePath: 'copy' });
    await sink.open(never);
    await place.rows('ALTER TABLE %s.things ADD CONSTRAINT not_free CHECK (price > 0)');
    await sink.open(never);
    await place.rows('ALTER TABLE %s.things DROP CONSTRAINT not_free');
    const receipt = await sink.write(batchOf(model, [keyed('1', 'h', ['0'])]), never);
    expect(receipt.counts.created).toBe(1);
  });

  it('and a constraint added since the opening names who breaks it', async () => {
    const model = cellsModel({ columns: [{ name: 'price', type: 'numeric' }] });
    const sink = createTableSink(place.postgres, model, { writePath: 'copy' });
    await sink.open(never);
    await place.rows('ALTER TABLE %s.things ADD CONSTRAINT not_free CHECK (price > 0)');
    const { outcomes } = await sink.write(batchOf(model, [keyed('1', 'h', ['0']), keyed('2', 'h', ['1'])]), never);
    expect(outcomes.map(({ is }) => is)).toEqual(['refused', 'stored']);
  });
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
