/** What is judged and shown without servers: replicas added up, words, versions, clocks, rights, arguments. */
import { readFileSync } from 'node:fs';
import type { LaneSnapshot } from '@inator/runtime';
import { describe, expect, it } from '@jest/globals';
import { clockFinding, isLocal, tlsFinding } from '../src/doctor/judgements.ts';
import { deliveryLimit, differences, strangers } from '../src/doctor/queues.ts';
import { allows, missingRights } from '../src/doctor/rights.ts';
import { compatible, examineVersion } from '../src/doctor/versions.ts';
import { addressesOf, defaultUrls, type LaneReading, type ServiceReading } from '../src/servers/lanes.ts';
import { sumLanes } from '../src/status/sum.ts';
import { drainWord, rate, span, stateWords, statusText } from '../src/status/text.ts';
import { inator } from './support/command.ts';

function lane(changes: Partial<LaneReading> = {}): LaneReading {
  const totals: LaneSnapshot['totals'] = {
    consumed: 100,
    replayed: 0,
    redelivered: 0,
    acked: 90,
    deadLettered: 1,
    created: 90,
    updated: 0,
    unchanged: 0,
    stale: 0,
    collapsed: 0,
    signals: 0,
    batches: 1,
    retries: 0,
    sessionsLost: 0,
  };
  const spentMs = { idle: 5_000, decoding: 0, waiting: 0, writing: 5_000, holding: 0, settling: 0 };
  return {
    lane: 'artists',
    queue: 'tableinator-discogs-artists',
    state: 'consuming',
    since: 1,
    reason: undefined,
    consuming: true,
    paused: false,
    window: 400,
    batchSize: 100,
    pendingRecords: 10,
    pendingBytes: 1_000,
    writers: [],
    totals,
    lastCommitAt: 1_000,
    depth: 990,
    recent: { seconds: 10, settledPerSecond: 100, age: { medianMs: 80, maxMs: 200 }, spentMs },
    deadLetterQueue: 'tableinator-discogs-artists.dlq',
    lettersWaiting: 3,
    deadLettersBy: { 'json-invalid': 1 },
    ...changes,
  };
}

const up = (instance: string, ...lanes: LaneReading[]): ServiceReading => ({
  is: 'up',
  state: { url: `http://${instance}`, service: 'tableinator', instance, version: '1', ready: true, reasons: [], lanes },
});

describe('replicas of a service', () => {
  it('are added up by queue: rates and hands together, the queue and its letters once', () => {
    const [sum, ...others] = sumLanes([up('a', lane()), up('b', lane({ depth: 980, lettersWaiting: 4 }))]);
    expect(others).toEqual([]);
    expect(sum).toMatchObject({
      replicas: 2,
      recordsPerSecond: 200,
      depth: 990,
      inHand: 20,
      drainSeconds: 1_010 / 200,
      lettersWaiting: 4,
      deadLettersBy: { 'json-invalid': 2 },
      time: { writing: 0.5, idle: 0.5 },
      troubles: [],
    });
  });

  it('of different queues, and lanes of different services, stay apart', () => {
    const other = lane({ queue: 'tableinator-other-artists' });
    expect(sumLanes([up('a', lane(), lane({ lane: 'labels', queue: 'l' })), up('b', other)])).toHaveLength(3);
  });

  it('say each what holds them, and what to do', () => {
    const held = lane({ state: 'holding', reason: 'connection refused', advice: 'Bring the store back.' });
    const sums = sumLanes([up('a', lane()), up('b', held)]);
    expect(sums[0] && stateWords(sums[0])).toBe('1 consuming, 1 holding');
    const text = statusText({ env: {} }, { write: () => true }, [], sums);
    expect(text).toContain('holding: tableinator artists of b (connection refused)\n  next: Bring the store back.');
    expect(text).toContain('dead letters: 3 in tableinator-discogs-artists.dlq (since the start: json-invalid 2)');
    expect(text).toContain('next: inator dlq list --service tableinator --type artists');
  });

  it('of an older version, which tells less, are shown all the same', () => {
    const { depth, recent, deadLetterQueue, lettersWaiting, deadLettersBy, ...old } = lane();
    const sums = sumLanes([up('a', old)]);
    expect(sums[0]).toMatchObject({ depth: null, drainSeconds: null, lettersWaiting: null, time: null });
    expect(statusText({ env: {} }, { write: () => true }, [], sums)).toContain('consuming');
  });
});

describe('words', () => {
  it('for rates and spans are short and never 0 for something', () => {
    expect([0, 0.44, 9.96, 12.3, 4_120].map(rate)).toEqual(['0', '0.4', '10.0', '12', '4,120']);
    expect([null, 0, 0.2, 59, 61, 600, 3_725, 90_000].map(span)).toEqual([
      '-',
      '0 s',
      '<1 s',
      '59 s',
      '1 min 1 s',
      '10 min',
      '1 h 2 min',
      '1 d 1 h',
    ]);
    const [sum] = sumLanes([up('a', lane({ recent: { ...lane().recent, backlogPerSecond: 7 } as never }))]);
    expect(sum && drainWord(sum)).toBe('10 s, grows');
  });
});

describe('where the services are', () => {
  it('comes from --url, else INATOR_URLS, else the usual ports', () => {
    expect(addressesOf(undefined, {})).toEqual({ urls: defaultUrls, named: false });
    expect(addressesOf(undefined, { INATOR_URLS: ' http://a:1/, http://b:2\nhttp://a:1' }).urls).toEqual([
      'http://a:1',
      'http://b:2',
    ]);
    expect(addressesOf(['https://c'], { INATOR_URLS: 'http://a:1' })).toEqual({ urls: ['https://c'], named: true });
    expect(() => addressesOf(undefined, { INATOR_URLS: 'a:1' })).toThrow(/INATOR_URLS: "a:1" is no address/);
  });
});

describe('an operator without a token', () => {
  it('is told which variable, and nothing is sent', async () => {
    const ran = await inator(['pause', 'artists', '--url', 'http://127.0.0.1:1']);
    expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('ADMIN_TOKEN') });
  });

  it('or with one, and nobody there, is told that nothing was changed', async () => {
    const ran = await inator(['resume', 'artists', '--url', 'http://127.0.0.1:1'], { env: { ADMIN_TOKEN: 't' } });
    expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('nothing was changed') });
  });
});

describe('a version', () => {
  it.each([
    ['postgres', '15.20 (Debian 15.20-0+deb12u1)', 'ok'],
    ['postgres', '17.1', 'ok'],
    ['postgres', '16.4', 'warn'],
    ['postgres', '18.6', 'ok'],
    ['postgres', '19.0', 'warn'],
    ['postgres', '11.22', 'fail'],
    ['rabbitmq', '3.10.8', 'ok'],
    ['rabbitmq', '4.0.9', 'ok'],
    ['rabbitmq', '4.1.0', 'warn'],
    ['rabbitmq', '4.3.6', 'ok'],
    ['rabbitmq', '4.30.0', 'warn'],
    ['rabbitmq', '3.7.28', 'fail'],
    ['rabbitmq', '3.13.7', 'warn'],
    ['neo4j', '5.26.30', 'ok'],
    ['neo4j', '5.22.0', 'fail'],
    ['neo4j', '2025.10.1', 'warn'],
    ['node', 'v20.18.3', 'fail'],
    ['node', 'v20.19.5', 'ok'],
    ['node', 'v22.12.0', 'warn'],
    ['node', 'v24.11.1', 'ok'],
    ['neo4j', 'unknown', 'skip'],
  ] as const)('%s %s is %s', (which, version, is) => {
    const finding = examineVersion(which, version);
    expect(finding.is).toBe(is);
    expect(finding.next === undefined).toBe(is === 'ok' || is === 'skip');
  });

  it.each([
    ['node', 'Node.js'],
    ['rabbitmq', 'RabbitMQ'],
    ['postgres', 'PostgreSQL'],
    ['neo4j', 'Neo4j'],
  ] as const)('of %s is judged as docs/compatibility.md tells it', (which, name) => {
    const page = readFileSync(new URL('../../../docs/compatibility.md', import.meta.url), 'utf8');
    const row = page.split('\n').find((line) => line.startsWith(`| ${name} |`)) ?? '';
    const [, , oldest = '', suite = '', compose = '', notTried = ''] = row.split('|');
    const versions = (text: string): string[] => text.match(/\d+(\.\d+)*/g) ?? [];
    const judged = (version: string): string => examineVersion(which, version).is;
    expect(compatible[which].oldest).toBe(versions(oldest)[0]);
    const tried = [...versions(suite), ...versions(compose)];
    // A line may be meant: its first release that is not too old.
    const { oldest: least } = compatible[which];
    for (const version of tried)
      expect([version, judged(least.startsWith(`${version}.`) ? least : version)]).toEqual([version, 'ok']);
    // Behind the semicolon stands what was tried in part.
    for (const version of versions(notTried.split(';')[0] ?? ''))
      expect([version, judged(version)]).toEqual([version, 'warn']);
    const untold = compatible[which].tested.filter((line) => !versions(row).includes(line));
    expect(untold).toEqual([]);
  });
});

describe('a clock', () => {
  it('that is right within how long the question took and how coarse it tells is fine; one that is off is not', () => {
    const [began, ended] = [1_000_000, 1_000_400];
    expect(clockFinding('X', 1_000_200, began, ended).is).toBe('ok');
    expect(clockFinding('X', 999_000, began, ended, 1_000).is).toBe('ok');
    expect(clockFinding('X', 1_010_400, began, ended)).toMatchObject({
      is: 'warn',
      says: 'is 10.0 s ahead of this machine',
    });
    expect(clockFinding('X', 990_000, began, ended)).toMatchObject({
      is: 'warn',
      says: 'is 10.0 s behind this machine',
    });
  });
});

describe('encryption', () => {
  it('may be off on this machine alone, and must be checked elsewhere', () => {
    expect(['localhost', '127.0.0.1', '127.8.8.8', '::1', '[::1]', '/var/run'].every(isLocal)).toBe(true);
    expect(['10.0.0.1', 'db', '0.0.0.0', 'localhost.example', '::2'].some(isLocal)).toBe(false);
    const judge = (host: string, encrypted: boolean, verified: boolean) =>
      tlsFinding({ what: 'X', host, encrypted, verified, advice: 'do' }).is;
    expect([
      judge('db', true, true),
      judge('db', true, false),
      judge('db', false, false),
      judge('::1', false, false),
    ]).toEqual(['ok', 'warn', 'warn', 'ok']);
  });

  it('that Node.js was told not to check is a failure', async () => {
    const env = {
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
      RABBITMQ_URL: 'amqp://127.0.0.1:1',
      POSTGRES_URL: 'postgres://127.0.0.1:1/x',
      NEO4J_URI: 'bolt://127.0.0.1:1',
    };
    const ran = await inator(['doctor'], { env });
    expect(ran.stdout).toContain('fail  TLS: NODE_TLS_REJECT_UNAUTHORIZED is 0');
  });
});

describe('rights at the broker', () => {
  const names = {
    exchange: 'd-artists',
    queue: 't-d-artists',
    deadLetterExchange: 't-d-artists.dlx',
    deadLetterQueue: 't-d-artists.dlq',
  };

  it('match anywhere in a name, as the broker does, and an empty expression matches nothing', () => {
    expect([
      allows('.*', 'q'),
      allows('^t-', 't-q'),
      allows('^t-', 'x-t-q'),
      allows('', 'q'),
      allows('^$', 'q'),
    ]).toEqual([true, true, false, false, false]);
  });

  it('that are missing are named; a passive service needs fewer', () => {
    const narrow = { configure: '', write: '\\.dlx$', read: '^t-' };
    expect(missingRights(narrow, names, true)).toEqual([]);
    expect(missingRights(narrow, names, false)).toEqual([
      'configure d-artists',
      'configure t-d-artists',
      'configure t-d-artists.dlx',
      'configure t-d-artists.dlq',
      'write t-d-artists',
      'write t-d-artists.dlq',
      'read d-artists',
    ]);
  });
});

describe('arguments of a queue', () => {
  it('that differ are named with both values; what somebody added is nobody’s business', () => {
    const wanted = { 'x-queue-type': 'quorum', 'x-dead-letter-exchange': 'dlx' };
    expect(differences(wanted, { arguments: { ...wanted, 'x-max-length': 5 } })).toEqual([]);
    expect(differences(wanted, { arguments: { 'x-queue-type': 'classic' } })).toEqual([
      'x-queue-type is classic, the service declares quorum',
      'x-dead-letter-exchange is not set, the service declares dlx',
    ]);
  });

  it('and its policy: the lower delivery limit holds', () => {
    const queue = (args: object, policy: object) => deliveryLimit({ arguments: { ...args }, policy: { ...policy } });
    expect(queue({}, {})).toBeUndefined();
    expect(queue({ 'x-delivery-limit': 50 }, { 'delivery-limit': 5 })).toBe(5);
    expect(queue({ 'x-delivery-limit': -1 }, { 'delivery-limit': 7 })).toBe(7);
    expect(queue({ 'x-delivery-limit': -1 }, {})).toBe(-1);
  });
});

describe('consumers of a queue', () => {
  it('that are no replica of the service are named, and the rest of many counted', () => {
    const own = ['tableinator-6f1c', 'tableinator-77aa'];
    expect(strangers(own, 'tableinator')).toEqual([]);
    expect(strangers([...own, 'graphinator-1', 'amq.ctag-x'], 'tableinator')).toEqual(['graphinator-1', 'amq.ctag-x']);
    expect(strangers(['a', 'b', 'c', 'd', 'e'], 'tableinator')).toEqual(['a', 'b', 'c', 'and 2 more']);
  });
});
