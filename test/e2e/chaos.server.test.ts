/**
 * Six rounds of faults by a fixed seed; and the proof that the check would have noticed: whatever is done to the stores,
 * the letters, the queues or the logs behind its back, it names.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { until } from '@inator/testkit';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from 'amqplib';
import pg from 'pg';
import { createProcessCheck } from '../chaos/check/processes.ts';
import { checkEmpty } from '../chaos/check/queues.ts';
import { describeViolation, type Violation } from '../chaos/check/violation.ts';
import { resumed } from '../chaos/round.ts';
import { type Run, startRun } from '../chaos/run.ts';
import type { Good } from '../chaos/workload.ts';
import type { RunningService } from '../support/service.ts';
import { openBroker } from '../support/stores.ts';

/** Kills, failpoints, a second replica, a frozen process, and links that are cut, slow, frozen and refused. */
const seed = 2620;

let run: Run;
beforeAll(async () => {
  run = await startRun({ seed, report: () => {} });
}, 300_000);
afterAll(() => run?.close(), 60_000);

const said = (found: readonly Violation[]): string[] => found.map(describeViolation);

describe('chaos', () => {
  it('six rounds of faults lose nothing, repeat nothing and condemn nobody', async () => {
    for (let round = 1; round <= 6; round += 1) expect(said((await run.next(700)).violations)).toEqual([]);
    const summary = run.summary();
    expect(summary).toMatchObject({ rounds: 6, lost: 0, duplicated: 0, goodDeadLettered: 0, violations: 0 });
    expect(summary.records).toBeGreaterThan(6 * 700);
    expect(Object.keys(summary.faults).length).toBeGreaterThan(5);
  }, 300_000);
});

describe('the check finds', () => {
  /** One record of a round, and what the check says of it now. */
  let good: Good;
  const look = async (): Promise<string> => said(await run.inspector.inspect([good], 0)).join('\n');
  const sql = (text: string, values: readonly unknown[] = []) => run.arena.tables.query(text, values);
  const cypher = (text: string) => run.arena.graph.query(text, { id: String(good.id) });
  const rows = (): string => `"${run.arena.schema}".releases`;

  beforeAll(() => {
    const found = run.ledger.all('releases').find(({ version }) => version > 1);
    if (found === undefined) throw new Error('no round brought a second version');
    good = found;
  });

  /** Does harm, looks, and makes it good again: each of these ends as it began. */
  async function after(harm: () => Promise<unknown>, remedy: () => Promise<unknown>): Promise<string> {
    expect(await look()).toBe('');
    try {
      await harm();
      return await look();
    } finally {
      await remedy();
    }
  }

  it('a row that is missing, and where', async () => {
    const found = await after(
      () => sql(`with gone as (delete from ${rows()} where data_id = $1 returning *) select 1`, [String(good.id)]),
      () => restoreRow(),
    );
    expect(found).toMatch(/^I1 .*table releases: rows missing \(1\): \d+$/m);
    expect(found).toContain(String(good.id));
  });

  it('a row of an older version, of another hash and of another body', async () => {
    const set = (what: string) => () => sql(`update ${rows()} set ${what} where data_id = $1`, [String(good.id)]);
    expect(await after(set('seq = seq - 1'), set('seq = seq + 1'))).toMatch(/I1 .*rows of another version \(1\)/);
    expect(await after(set(`hash = 'x' || hash`), set('hash = substr(hash, 2)'))).toMatch(/I1 .*rows of another hash/);
    expect(await after(set(`data = data || '{"zz_more":1}'`), set(`data = data - 'zz_more'`))).toMatch(
      /I1 .*rows of another body/,
    );
  });

  it('a row that nobody published', async () => {
    const found = await after(
      () => sql(`insert into ${rows()} (data_id, hash, data) values ('stranger', 'h', '{}')`),
      () => sql(`delete from ${rows()} where data_id = 'stranger'`),
    );
    expect(found).toMatch(/I3 .*table releases: rows that nobody published \(1\): stranger/);
  });

  it('a node that lacks its record, or is of an older version or another name', async () => {
    const set = (what: string) => () => cypher(`match (n:Release {id: $id}) ${what}`);
    expect(
      await after(set('set n.kept = n.sha256 remove n.sha256'), set('set n.sha256 = n.kept remove n.kept')),
    ).toMatch(/I1 .*nodes Release: only named, never written \(1\)/);
    expect(await after(set('set n.seq = n.seq - 1'), set('set n.seq = n.seq + 1'))).toMatch(
      /nodes Release: of another version/,
    );
    expect(
      await after(set('set n.title = n.title + "!"'), set('set n.title = left(n.title, size(n.title) - 1)')),
    ).toMatch(/nodes Release: of another name/);
  });

  it('a node that nobody published, by its id', async () => {
    const found = await after(
      () => cypher(`create (:Artist {id: 'stranger'})`),
      () => cypher(`match (n:Artist {id: 'stranger'}) delete n`),
    );
    expect(found).toMatch(/I3 .*nodes Artist: nodes that nobody published \(1\): stranger/);
  });

  it('a relationship that is missing, one too many, and one that points elsewhere', async () => {
    const cut = () => cypher('match (n:Release {id: $id})-[e:ON]->(o) set n.kept = o.id delete e');
    const mend = () =>
      cypher('match (n:Release {id: $id}), (o:Label {id: n.kept}) create (n)-[:ON]->(o) remove n.kept');
    expect(await after(cut, mend)).toMatch(/nodes Release: with other relationships[\s\S]*relationships ON: too few/);
    const twice = () => cypher('match (n:Release {id: $id})-[:ON]->(o) create (n)-[:ON {twice: true}]->(o)');
    const once = () => cypher('match (:Release {id: $id})-[e:ON {twice: true}]->() delete e');
    expect(await after(twice, once)).toMatch(
      /nodes Release: with a relationship twice[\s\S]*relationships ON: too many/,
    );
    const turn = async () => {
      await cut();
      await cypher(
        'match (n:Release {id: $id}), (o:Label) where o.id <> n.kept with n, o limit 1 create (n)-[:ON]->(o)',
      );
    };
    const back = async () => {
      await cypher('match (:Release {id: $id})-[e:ON]->() delete e');
      await mend();
    };
    expect(await after(turn, back)).toMatch(/nodes Release: with other relationships/);
  });

  it('a letter that never came, and a letter of a good record', async () => {
    const queue = `tableinator-${run.arena.prefix}-releases.dlq`;
    const exchange = `${run.arena.prefix}-releases`;
    const bad = {
      exchange,
      body: Buffer.from(''),
      messageId: 'r99-1',
      bad: { type: 'releases', kind: 'empty' },
    } as const;
    run.ledger.confirm(bad);
    const missing = await look();
    expect(missing).toMatch(/I2 .*tableinator: bad records without a letter \(1\): r99-1 \(empty\)/);
    expect(missing).toMatch(/I2 .*graphinator: bad records without a letter/);

    const connection = await connect(run.arena.brokerUrl);
    const channel = await connection.createConfirmChannel();
    // Now it really comes, by way of both services.
    channel.publish(exchange, '', bad.body, { messageId: bad.messageId });
    channel.sendToQueue(queue, Buffer.from('{}'), { messageId: 'r1-1' });
    await channel.waitForConfirms();
    await connection.close();
    await until(async () => (await run.inspector.unfinished()) === undefined, 'all quiet');
    expect(await look()).toMatch(/I2 .*releases\.dlq: a good record was dead-lettered \(1\): r1-1/);
    expect(await look()).toBe('');
  });

  it('a transaction left open and a temporary table left behind', async () => {
    const client = new pg.Client({ connectionString: run.arena.environment.tableinator.POSTGRES_URL });
    await client.connect();
    try {
      await client.query('create temp table left_over (a int)');
      await client.query('begin; select 1');
      await until(async () => (await look()).includes('idle transactions'), 'the idle transaction is found', 5_000);
      expect(await look()).toMatch(/temporary tables left \(1\): \S*left_over/);
    } finally {
      await client.end();
    }
    await until(async () => (await look()) === '', 'it is gone again', 5_000);
  });

  it('a secret in a log', () => {
    const lines = ['{"event":"batch.held","reason":"password hunter2 refused"}', '{"event":"batch.released"}'];
    const service = { name: 'tableinator', pid: process.pid, lines } as unknown as RunningService;
    const check = createProcessCheck(['hunter2']);
    expect(said(check.check([], [service], []))).toEqual([
      expect.stringMatching(/^I8 .*the log of tableinator: lines that tell a secret or a payload \(1\): batch\.held$/),
    ]);
    expect(check.check([], [service], [])).toEqual([]);
  });

  it('a process that holds ever more files open', async () => {
    // A process of its own: that of the tests may well be larger than a service is allowed to be.
    const script =
      "process.stdin.once('data', () => { for (let i = 0; i < 60; i += 1) fs.openSync('/dev/null'); process.stdout.write('.'); })";
    const child = spawn(process.execPath, ['-e', `process.stdout.write('.'); ${script}`]);
    try {
      await once(child.stdout, 'data');
      const service = { name: 'tableinator', pid: child.pid, lines: [] } as unknown as RunningService;
      const check = createProcessCheck([]);
      expect(check.check([service], [], [])).toEqual([]);
      child.stdin.write('go on');
      await once(child.stdout, 'data');
      expect(said(check.check([service], [], []))).toEqual([
        expect.stringMatching(/^I5 .*tableinator: \d+ open files, \d+ at first/),
      ]);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('a service that does not get on', async () => {
    const link = run.arena.links['tableinator-postgres'];
    const text = run.workload.bodyOf(good);
    link.freeze();
    try {
      const connection = await connect(run.arena.brokerUrl);
      const channel = await connection.createConfirmChannel();
      // The same again: whoever stores it, nothing changes.
      channel.publish(`${run.arena.prefix}-releases`, '', text, {
        headers: { 'x-seq': good.version },
        messageId: 'r99-2',
      });
      await channel.waitForConfirms();
      await connection.close();
      const { arena, fleet, inspector } = run;
      const slow = await resumed({ scene: { arena, fleet }, inspector }, performance.now(), 1_500);
      expect(slow).toMatch(/^(tableinator|graphinator) .*, 1\.5 s after the fault ended$/);
    } finally {
      link.thaw();
    }
    await until(async () => (await run.inspector.unfinished()) === undefined, 'all quiet');
    expect(await look()).toBe('');
  });

  it('nothing in the end: every record once more, and no message left when the services have stopped', async () => {
    expect(said(await run.finish())).toEqual([]);
    const exchange = `${run.arena.prefix}-releases`;
    const broker = await openBroker(run.arena.brokerUrl);
    await broker.publish(exchange, [run.workload.bodyOf(good)]);
    expect(said(await checkEmpty(broker, run.arena.prefix))).toEqual([
      expect.stringMatching(/^I4 .*tableinator-\S+-releases: messages left \(1\)$/),
      expect.stringMatching(/^I4 .*graphinator-\S+-releases: messages left \(1\)$/),
    ]);
    await broker.close();
  });

  it('a process that ended by itself', async () => {
    const replica = await run.fleet.start('tableinator');
    process.kill(replica.pid, 'SIGKILL');
    await replica.exited;
    expect(await look()).toMatch(new RegExp(`^I7 .*tableinator: ended by itself .*process ${replica.pid}$`, 'm'));
  });

  /** As the service would have written it. */
  async function restoreRow(): Promise<void> {
    const body = String(run.workload.bodyOf(good));
    const { sha256 } = JSON.parse(body) as { readonly sha256: string };
    await sql(`insert into ${rows()} (data_id, hash, data, seq) values ($1, $2, $3, $4)`, [
      String(good.id),
      sha256,
      body,
      good.version,
    ]);
  }
});
