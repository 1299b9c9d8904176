import { spawnSync } from 'node:child_process';
import { Events, fault } from '@inator/runtime';
import { describe, expect, it, jest } from '@jest/globals';
import { checkLine, createRedact, describeError, logEvents, logKinds } from '../src/index.ts';
import { collect, emitAll, oneOfEach, written } from './samples.ts';

describe('Batch processed', () => {
  it('prints 500 records in 487 ms as 1026 records a second', () => {
    const { log, objects } = collect();
    const events = new Events();
    logEvents(log, events);
    events.emit('batch.written', written());
    expect(objects()[0]).toMatchObject({
      level: 'info',
      service: 'tableinator',
      version: '1.2.3',
      instance: 'here',
      event: 'batch.processed',
      msg: 'Batch processed',
      data_type: 'artists',
      batch_size: 500,
      duration_ms: 487,
      records_per_sec: 1026,
      inserted: 480,
      updated: 15,
      unchanged: 5,
      stale: 0,
      duplicates: 0,
      dead_lettered: 0,
      flush_reason: 'records',
      attempt: 1,
      bytes: 600_000,
    });
    expect(objects()[0]?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it.each([
    [100, 523, 191],
    [500, 487, 1026],
    [1, 0.2, 1000],
    [500, 0, 500_000],
  ])('of %i records in %d ms is %i a second', (records, durationMs, rate) => {
    const { log, objects } = collect();
    const events = new Events();
    logEvents(log, events);
    events.emit('batch.written', written({ records, durationMs }));
    expect(objects()[0]?.records_per_sec).toBe(rate);
  });

  it('can be found with grep in the text format', () => {
    const { log, lines } = collect({ format: 'text' });
    const events = new Events();
    logEvents(log, events);
    events.emit('batch.written', written());
    expect(lines[0]).toContain(
      'Batch processed data_type=artists batch_size=500 duration_ms=487 records_per_sec=1026 ',
    );
    expect(lines[0]).toMatch(/^\S+Z INFO tableinator Batch processed [a-z_]+=/);
  });
});

describe('every line', () => {
  it('that an event of a lane makes is as the table says, and each event makes one', () => {
    const { log, objects } = collect();
    const events = new Events();
    logEvents(log, events);
    emitAll(events);
    expect(objects()).toHaveLength(Object.keys(oneOfEach).length);
    for (const line of objects()) expect([line.event, checkLine(line)]).toEqual([line.event, []]);
  });

  it('that is not as the table says is found by the check', () => {
    const { log, objects } = collect();
    log.write('brake.off', { data_type: 'artists', by: 'store' });
    const good = objects()[0] ?? {};
    expect(checkLine(good)).toEqual([]);
    expect(checkLine({ ...good, extra: 1 })).toEqual(['extra is not in the table']);
    expect(checkLine({ ...good, by: 5 })).toEqual(['by is 5, not text']);
    expect(checkLine({ ...good, by: undefined })).toHaveLength(1);
    expect(checkLine({ ...good, level: 'warn' })).toHaveLength(1);
    expect(checkLine({ ...good, event: 'nonsense' })).toHaveLength(1);
    expect(checkLine('text')).toHaveLength(1);
  });

  it('in the text format stays one line, whatever a value holds', () => {
    const { log, lines } = collect({ format: 'text' });
    log.write('config.warning', { variable: 'X', reason: 'two\nlines, "quotes" and a=b' });
    expect(lines[0]?.trimEnd().split('\n')).toHaveLength(1);
    expect(lines[0]).toContain('variable=X reason="two\\nlines, \\"quotes\\" and a=b"');
    log.write('config.loaded', { settings: { LOG_LEVEL: 'info', EMPTY: '' } });
    expect(lines[1]).toContain('settings.LOG_LEVEL=info settings.EMPTY=""');
  });

  it('has a sentence in the table', () => {
    for (const kind of Object.values(logKinds)) expect(kind.means).toMatch(/\.$/);
  });
});

describe('levels and floods', () => {
  it('leave out what is less severe', () => {
    const { log, lines } = collect({ level: 'warn' });
    log.write('brake.off', { data_type: 'a', by: 'store' });
    expect(lines).toEqual([]);
    log.write('config.warning', { variable: 'X', reason: 'odd' });
    expect(lines).toHaveLength(1);
  });

  it('write an outage for every tenth attempt, and for all of them with debug', () => {
    const { log, objects } = collect();
    const events = new Events();
    logEvents(log, events);
    for (let attempt = 1; attempt <= 21; attempt += 1)
      events.emit('batch.held', { ...oneOfEach['batch.held'], attempt });
    const lines = objects();
    expect(lines.filter((line) => line.event === 'batch.held').map((line) => line.attempt)).toEqual([1, 11, 21]);
    expect(lines.filter((line) => line.event === 'batch.retry')).toHaveLength(18);
    for (const line of lines) expect(checkLine(line)).toEqual([]);
  });

  it('write a flood of dead letters as 100 lines for each lane and a count of the rest', () => {
    jest.useFakeTimers();
    try {
      const { log, objects } = collect();
      const events = new Events();
      const stop = logEvents(log, events);
      for (let i = 0; i < 350; i += 1) events.emit('record.deadLettered', oneOfEach['record.deadLettered']);
      events.emit('record.deadLettered', { ...oneOfEach['record.deadLettered'], lane: 'labels' });
      expect(objects()).toHaveLength(101);
      jest.advanceTimersByTime(10_000);
      expect(objects()).toHaveLength(102);
      expect(objects()[101]).toMatchObject({ event: 'record.dead_letters_unlogged', data_type: 'artists', count: 250 });
      events.emit('record.deadLettered', oneOfEach['record.deadLettered']);
      expect(objects()).toHaveLength(103);
      stop();
      events.emit('record.deadLettered', oneOfEach['record.deadLettered']);
      expect(objects()).toHaveLength(103);
    } finally {
      jest.useRealTimers();
    }
  });
});

describe('a defect', () => {
  it('is told without a message that may quote a record, and with the place in the code', () => {
    const parsing = describeError(new SyntaxError('Unexpected token "payload-4711"'));
    expect(JSON.stringify(parsing)).not.toContain('4711');
    expect(parsing).toMatchObject({ error: 'SyntaxError' });
    expect(parsing.at).toMatch(/^at .*log\.test/);
    expect(describeError(new TypeError('x is not a function')).error).toBe('TypeError: x is not a function');
    expect(describeError('thrown text')).toEqual({ error: 'string', at: undefined });
  });

  it('whose message spans lines tells the frames only', () => {
    expect(describeError(new Error('one\n    at payload-4711 two\n')).at?.startsWith('at ')).toBe(true);
  });
});

describe('redaction', () => {
  it.each([
    ['amqp://joe:hush@broker:5672/x', 'amqp://***@broker:5672/x'],
    ['see postgres://u:p@ss@h/db, then', 'see postgres://***@h/db, then'],
    ['bolt+s://u:p@h', 'bolt+s://***@h'],
    ['http://host/path', 'http://host/path'],
    ['mail joe@example.org', 'mail joe@example.org'],
  ])('of %s is %s', (text, masked) => {
    expect(createRedact()(text)).toBe(masked);
  });

  it('masks secrets as they are, percent-encoded, and after they were rotated away', () => {
    let now = 0;
    let secrets = ['p$ss/word', 'p$ss/word-and-more', 'abc'];
    const redact = createRedact(
      () => secrets,
      () => now,
    );
    expect(redact('a p$ss/word b p%24ss%2Fword c p$ss/word-and-more d abc')).toBe('a *** b *** c *** d abc');
    secrets = ['second-one'];
    now = 10_000;
    expect(redact('p$ss/word second-one')).toBe('*** ***');
  });

  it('reaches texts at any depth of a line', () => {
    const { log, lines } = collect({ redact: createRedact(() => ['canary-9']) });
    log.write('config.loaded', { settings: { A: 'x canary-9', B: { c: ['canary-9'] } } });
    expect(lines.join('')).not.toContain('canary');
  });

  it('keeps a fault reason that quotes a url harmless', () => {
    const { log, lines } = collect();
    const events = new Events();
    logEvents(log, events);
    const told = fault('broker-unreachable', 'receive', 'cannot connect to amqp://u:canary@h');
    events.emit('session.lost', { lane: 'artists', fault: told, unsettled: 0 });
    expect(lines.join('')).not.toContain('canary');
  });
});

describe('standard output', () => {
  it('has every line that was written before the process exits at once', () => {
    const script = `
      import { createLog } from '@inator/telemetry';
      const log = createLog({ service: 's', version: 'v', instance: 'i', level: 'info', format: 'text' });
      for (let i = 0; i < 1000; i += 1) log.write('brake.off', { data_type: String(i), by: 'store' });
      log.flush();
      process.exit(0);`;
    const result = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    expect(result.stderr).toBe('');
    expect(result.stdout.trimEnd().split('\n')).toHaveLength(1000);
    expect(result.stdout).toContain('data_type=999');
  });
});
