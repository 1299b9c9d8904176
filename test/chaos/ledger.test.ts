/** The books: what must stand, and which letters are in order. */
import { hash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { createLedger } from './ledger.ts';
import type { Message } from './workload.ts';

const good = (id: number, version: number): Message => ({
  exchange: 'p-artists',
  body: Buffer.from(`${id} ${version}`),
  messageId: `r1-${id}-${version}`,
  good: { type: 'artists', id, version },
});
const body = Buffer.from('');
const bad: Message = { exchange: 'p-artists', body, messageId: 'r1-9', bad: { type: 'artists', kind: 'empty' } };
const letter = (more: { body?: Buffer; headers?: Record<string, unknown>; messageId?: string } = {}) => ({
  body,
  messageId: 'r1-9',
  headers: { 'x-inator-code': 'json-invalid', 'x-inator-reason': 'the body is empty', 'x-inator-queue': 'q' },
  ...more,
});

describe('the ledger', () => {
  it('expects the highest version, in whatever order they were confirmed', () => {
    const ledger = createLedger([]);
    for (const version of [2, 3, 1]) ledger.confirm(good(1, version));
    expect(ledger.touched()).toEqual([{ type: 'artists', id: 1, version: 3 }]);
    expect(ledger.before({ type: 'artists', id: 1, version: 3 })).toBeUndefined();
    ledger.closeRound();
    ledger.confirm(good(1, 2));
    ledger.confirm(good(1, 5));
    expect(ledger.all('artists')).toEqual([{ type: 'artists', id: 1, version: 5 }]);
    expect(ledger.before({ type: 'artists', id: 1, version: 5 })?.version).toBe(3);
  });

  it('owes a letter of a bad record to each service, until it has seen it', () => {
    const ledger = createLedger([]);
    ledger.confirm(bad);
    expect(ledger.letter('tableinator', 'q', letter()).is).toBe('expected');
    expect(ledger.owed('tableinator')).toEqual([]);
    expect(ledger.owed('graphinator')).toHaveLength(1);
    expect(ledger.letter('tableinator', 'q', letter()).is).toBe('expected');
    expect(ledger.repeatedLetters).toBe(1);
  });

  it('tells letters that should not be', () => {
    const ledger = createLedger(['secret']);
    ledger.confirm(bad);
    ledger.confirm(good(1, 1));
    const judge = (of: ReturnType<typeof letter>) => ledger.letter('tableinator', 'q', of).is;
    expect(judge(letter({ messageId: 'r1-1-1' }))).toBe('good');
    expect(judge(letter({ messageId: 'somebody else' }))).toBe('unknown');
    expect(judge(letter({ body: Buffer.from('{') }))).toBe('changed');
    expect(judge(letter({ headers: {} }))).toBe('unreasoned');
    expect(judge(letter({ headers: { ...letter().headers, 'x-inator-code': 'utf8-invalid' } }))).toBe('unreasoned');
    expect(judge(letter({ headers: { ...letter().headers, 'x-inator-reason': 'it says secret' } }))).toBe('unreasoned');
    expect(judge(letter({ headers: { ...letter().headers, 'x-inator-queue': 'another' } }))).toBe('unreasoned');
    expect(ledger.owed('tableinator')).toHaveLength(1);
  });

  it('keeps no body, only its hash', () => {
    const ledger = createLedger([]);
    ledger.confirm(bad);
    expect(ledger.owed('tableinator')[0]?.bodyHash).toBe(hash('sha256', body));
  });
});
