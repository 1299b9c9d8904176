/** The sink behind a whole lane: what the server does to it costs time, and never a good record. */
import { type BenchLane, benchSettings, startBenchLane, until } from '@inator/testkit';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createTableSink, type PostgresSettings } from '../src/index.ts';
import { bodies, documents } from './support/lane.ts';
import { newPlace, type Place } from './support/place.ts';

let place: Place;
let running: BenchLane[];
beforeEach(() => {
  place = newPlace();
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map((one) => one.stop()));
  await place.dispose();
});

async function start(
  settings: PostgresSettings = {},
  more: Parameters<typeof startBenchLane>[2] = {},
): Promise<BenchLane> {
  const one = startBenchLane(documents, createTableSink(place.pool(settings), documents), more);
  running.push(one);
  await until(() => one.lane.snapshot().consuming, 'the lane consumes');
  return one;
}

const count = async (): Promise<number> => (await place.rows('SELECT FROM %s.things')).length;

/** A trigger that does this before a row is inserted. */
async function trigger(statement: string): Promise<void> {
  await place.rows(
    `CREATE FUNCTION %s.hurt() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${statement} RETURN NEW; END $$`,
  );
  await place.rows('CREATE TRIGGER hurt BEFORE INSERT ON %s.things FOR EACH ROW EXECUTE FUNCTION %s.hurt()');
}
const healed = (): Promise<unknown> => place.rows('DROP TRIGGER hurt ON %s.things');

describe('a server that is slow', () => {
  it('with every row gets smaller batches, until they pass', async () => {
    const one = await start({ statementTimeoutMs: 300 });
    await trigger('PERFORM pg_sleep(0.02);');
    one.publish(bodies('k', 60));
    await one.drained();
    expect([await count(), one.letters()]).toEqual([60, []]);
    expect(one.told['batch.split'].length).toBeGreaterThan(0);
  });

  it('with one record, and with no other, is rid of it after five tries, and the neighbours are stored', async () => {
    const one = await start({ statementTimeoutMs: 150 });
    await trigger("IF NEW.data_id = 'k7' THEN PERFORM pg_sleep(10); END IF;");
    one.publish(bodies('k', 20));
    await until(() => one.told['batch.held'].length > 0, 'the record is alone');
    let more = 0;
    await until(() => {
      one.publish(bodies(`more${more}-`, 5));
      more += 1;
      return one.letters().length > 0;
    }, 'the letter');
    await one.drained();
    expect(one.letters()).toEqual([['k7', 'suspect-condemned']]);
    expect(one.source.letters[0]?.letter).toMatchObject({ attempts: 5, fault: { native: '57014', proven: false } });
    expect(await count()).toBe(19 + 5 * more);
  });

  it('with everything is waited for: many times five tries condemn nobody', async () => {
    const one = await start({ statementTimeoutMs: 60 });
    await trigger('PERFORM pg_sleep(10);');
    one.publish(bodies('k', 4));
    await until(() => one.lane.snapshot().totals.retries > 30, 'many tries');
    expect(one.letters()).toEqual([]);
    await healed();
    await one.drained();
    expect([await count(), one.letters()]).toEqual([4, []]);
  });

  it('is not suspected of anything when somebody cancels its statements by hand', async () => {
    const one = await start({ applicationName: `cancelled ${place.schema}` });
    await trigger('PERFORM pg_sleep(0.05);');
    one.publish(bodies('k', 60));
    let cancelled = 0;
    while (cancelled < 6) {
      const hit = await place.rows<{ hit: boolean }>(
        "SELECT pg_cancel_backend(pid) AS hit FROM pg_stat_activity WHERE application_name = $1 AND state = 'active'",
        [`cancelled ${place.schema}`],
      );
      cancelled += hit.length;
    }
    await healed();
    await one.drained();
    expect([await count(), one.letters(), one.told['batch.split']]).toEqual([60, [], []]);
  });
});

describe('what only an operator can mend', () => {
  it.each([
    [
      'a renamed column',
      'ALTER TABLE %s.things RENAME data TO body',
      'ALTER TABLE %s.things RENAME body TO data',
      '42703',
    ],
    ['a table that is gone', 'ALTER TABLE %s.things RENAME TO away', 'ALTER TABLE %s.away RENAME TO things', '42P01'],
    [
      'a column of another type',
      'ALTER TABLE %s.things ALTER data TYPE int USING 0',
      "ALTER TABLE %s.things ALTER data TYPE jsonb USING '{}'",
      '42804',
    ],
    ['a schema that is gone', 'ALTER SCHEMA %s RENAME TO %s_away', 'ALTER SCHEMA %s_away RENAME TO %s', '42P01|3F000'],
  ])('%s stops the lane without a letter, and mended it goes on', async (_, hurt, mend, native) => {
    const renamed = (text: string): string => text.replaceAll('%s_away', `"${place.schema}_away"`);
    const one = await start();
    one.publish(bodies('before', 100));
    await one.drained();
    await place.rows(renamed(hurt));
    one.publish(bodies('after', 200));
    await until(() => one.told['batch.held'].length >= 4, 'held again and again');
    expect(one.lane.snapshot()).toMatchObject({ state: 'holding' });
    for (const { fault } of one.told['batch.held']) {
      expect([fault.code, fault.native]).toEqual(['store-misconfigured', expect.stringMatching(new RegExp(native))]);
    }
    await place.rows(renamed(mend));
    await one.drained();
    expect([await count(), one.letters(), one.told['batch.split']]).toEqual([300, [], []]);
  });

  it('a role that loses its right to temporary tables, or to the table, likewise', async () => {
    const role = `role_${place.schema}`;
    await place.rows(`CREATE ROLE ${role} LOGIN PASSWORD 'x'`);
    // The right to TEMP comes from PUBLIC in a database: one of the test's own can lose it.
    await place.rows(`CREATE DATABASE ${role} OWNER ${role}`);
    const owner = place.pool({ database: role });
    try {
      await owner.query(`CREATE SCHEMA "${place.schema}" AUTHORIZATION ${role}`);
      const one = startBenchLane(
        documents,
        createTableSink(place.pool({ database: role, user: role, password: () => 'x' }), documents, {
          writePath: 'copy',
        }),
      );
      running.push(one);
      one.publish(bodies('before', 10));
      await one.drained();
      for (const [take, give] of [
        [`REVOKE TEMP ON DATABASE ${role} FROM PUBLIC, ${role}`, `GRANT TEMP ON DATABASE ${role} TO ${role}`],
        [
          `REVOKE INSERT ON "${place.schema}".things FROM ${role}`,
          `GRANT INSERT ON "${place.schema}".things TO ${role}`,
        ],
      ] as const) {
        const heldBefore = one.told['batch.held'].length;
        await owner.query(take);
        one.publish(bodies(take.slice(7, 11), 20));
        await until(() => one.told['batch.held'].length > heldBefore + 2, 'held again and again');
        expect(one.told['batch.held'].at(-1)?.fault).toMatchObject({ code: 'store-misconfigured', native: '42501' });
        await owner.query(give);
        await one.drained();
      }
      expect(one.letters()).toEqual([]);
      expect((await owner.query(`SELECT FROM "${place.schema}".things`)).rowCount).toBe(50);
      await one.stop();
    } finally {
      await owner.close();
      await place.rows(`DROP DATABASE ${role} WITH (FORCE)`);
      await place.rows(`DROP ROLE ${role}`);
    }
  });

  it('a rule that suddenly forbids every row brakes the lane: twenty letters at most, and lifted it goes on', async () => {
    const one = await start({}, { batchSize: 20, window: 100 });
    one.publish(bodies('before', 200));
    await one.drained();
    await place.rows("ALTER TABLE %s.things ADD CONSTRAINT drift CHECK (data_id LIKE 'before%') NOT VALID");
    one.publish(bodies('after', 300));
    await until(() => one.told['brake.on'].length > 0, 'the brake');
    await until(() => one.told['batch.held'].length >= 4, 'held again and again');
    await place.rows('ALTER TABLE %s.things DROP CONSTRAINT drift');
    await one.drained();
    // One may be on its way to the letters while the rule is lifted.
    const letters = one.letters().length;
    expect(letters).toBeLessThanOrEqual(20);
    expect(await count()).toBe(500 - letters);
  });
});

describe('other sessions', () => {
  it('a table that is locked is waited for, without a letter and without more in hand than the window', async () => {
    const one = await start({ lockTimeoutMs: 100 }, { window: 60 });
    await place.postgres.lease(async (lease) => {
      await lease.query(`BEGIN; LOCK TABLE "${place.schema}".things IN ACCESS EXCLUSIVE MODE`);
      one.publish(bodies('k', 400));
      await until(() => one.told['batch.held'].length >= 4, 'held again and again');
      expect(one.source.unsettled).toBeLessThanOrEqual(60);
      await lease.query('ROLLBACK');
    });
    await one.drained();
    expect([await count(), one.letters(), one.told['batch.split']]).toEqual([400, [], []]);
  });

  it('a row that is locked is waited for, however often, while others are written: a lock is not slowness', async () => {
    // Without more said, the wait for a lock would outlast the statement.
    const one = await start({ statementTimeoutMs: 150 });
    one.publish(bodies('k', 10));
    await one.drained();
    await place.postgres.lease(async (lease) => {
      await lease.query(`BEGIN; UPDATE "${place.schema}".things SET updated_at = updated_at WHERE data_id = 'k3'`);
      one.publish(bodies('k', 10, 2));
      for (let more = 0; one.told['batch.held'].length < 12; more += 1) {
        const held = one.told['batch.held'].length;
        one.publish(bodies(`more${more}-`, 5));
        await until(() => one.told['batch.held'].length > held, 'another try');
      }
      expect(one.letters()).toEqual([]);
      await lease.query('ROLLBACK');
    });
    await one.drained();
    expect(one.letters()).toEqual([]);
    expect(await place.rows("SELECT FROM %s.things WHERE data->>'version' = '2'")).toHaveLength(10);
  });

  it('a job that updates the same rows the other way round costs deadlocks, and no record', async () => {
    const role = `role_${place.schema}`;
    await place.rows(`CREATE ROLE ${role} LOGIN SUPERUSER PASSWORD 'x'`);
    // Ours is always the victim: of two that wait for each other it is the one that looks first, once both do.
    await place.rows(`ALTER ROLE ${role} SET deadlock_timeout = '300ms'`);
    try {
      const one = startBenchLane(
        documents,
        createTableSink(place.pool({ user: role, password: () => 'x' }), documents),
        { writers: 1, hold: { ...benchSettings.hold, retry: { firstMs: 5, maxMs: 20 } } },
      );
      running.push(one);
      one.publish(bodies('k', 50));
      await one.drained();
      let version = 1;
      const deadlocks = (): number => one.told['batch.held'].filter(({ fault }) => fault.native === '40P01').length;
      await place.postgres.lease(async (lease) => {
        await lease.query("SET deadlock_timeout = '1h'");
        await until(async () => {
          version += 1;
          // The job holds the last row, and takes the first when the merge has come to the last.
          await lease.query(`BEGIN; UPDATE "${place.schema}".things SET updated_at = updated_at WHERE data_id = 'k9'`);
          one.publish(bodies('k', 50, version));
          await until(
            async () =>
              (await place.rows("SELECT FROM pg_stat_activity WHERE usename = $1 AND wait_event_type = 'Lock'", [role]))
                .length > 0,
            'the merge waits for the job',
          );
          await lease.query(`UPDATE "${place.schema}".things SET updated_at = updated_at WHERE data_id = 'k0'; COMMIT`);
          await one.drained();
          return deadlocks() >= 3;
        }, 'three deadlocks');
      });
      expect(one.letters()).toEqual([]);
      expect(await place.rows("SELECT DISTINCT data->>'version' AS v FROM %s.things")).toEqual([
        { v: String(version) },
      ]);
      await one.stop();
    } finally {
      await place.rows(`DROP OWNED BY ${role}`);
      await place.rows('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [role]);
      await place.rows(`DROP ROLE ${role}`);
    }
  });
});
