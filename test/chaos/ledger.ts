/** The books: what the broker has confirmed, and so what must be found. Knows neither the stores nor the services. */

import { hash } from 'node:crypto';
import { type RecordType, recordTypes } from '@inator/discogs';
import type { Letter } from '../support/stores.ts';
import { type BadKind, badKinds } from './bad.ts';
import { type ServiceTarget, serviceNames } from './plan.ts';
import type { Good, Message } from './workload.ts';

export interface BadEntry {
  readonly messageId: string;
  readonly type: RecordType;
  readonly kind: BadKind;
  readonly bodyHash: string;
  /** Letters seen of it, by service. */
  readonly letters: Record<ServiceTarget, number>;
}

export interface LetterFinding {
  readonly is: 'expected' | 'good' | 'unknown' | 'changed' | 'unreasoned';
  readonly messageId: string;
  readonly detail: string;
}

export interface Ledger {
  confirm(message: Message): void;
  /** Keys that were confirmed since the last `closeRound`, at the version that must stand. */
  touched(): Good[];
  /** How many keys of a type must stand. */
  size(type: RecordType): number;
  /** Every key of a type, at the version that must stand. */
  all(type: RecordType): Good[];
  /** The version that stood before this round, undefined for a new key. */
  before(good: Good): Good | undefined;
  /** Bad records that are confirmed and whose letter a service still owes. */
  owed(service: ServiceTarget): readonly BadEntry[];
  letter(service: ServiceTarget, queue: string, letter: Letter): LetterFinding;
  closeRound(): void;
  readonly messages: number;
  readonly goodKeys: number;
  readonly bad: number;
  /** Letters that came more than once: allowed, and counted. */
  readonly repeatedLetters: number;
}

export function createLedger(canaries: readonly string[]): Ledger {
  const standing = Object.fromEntries(recordTypes.map((type) => [type, new Map<number, number>()])) as Record<
    RecordType,
    Map<number, number>
  >;
  const touched = new Map<string, { readonly good: Good; readonly before: number | undefined }>();
  const entries = new Map<string, BadEntry>();
  const owed: Record<ServiceTarget, Map<string, BadEntry>> = { tableinator: new Map(), graphinator: new Map() };
  let messages = 0;
  let repeatedLetters = 0;

  const judge = (service: ServiceTarget, queue: string, letter: Letter): LetterFinding => {
    const messageId = String(letter.messageId);
    const { 'x-inator-code': code, 'x-inator-reason': reason, 'x-inator-queue': from } = letter.headers;
    const said = `${String(code)}: ${String(reason)}`;
    const entry = entries.get(messageId);
    if (entry === undefined) {
      const is = /^(world-|r\d+-)/.test(messageId) ? 'good' : 'unknown';
      return { is, messageId, detail: said };
    }
    if (hash('sha256', letter.body) !== entry.bodyHash)
      return { is: 'changed', messageId, detail: 'its body is another' };
    if (code !== badKinds[entry.kind] || typeof reason !== 'string' || reason === '' || from !== queue)
      return { is: 'unreasoned', messageId, detail: `${entry.kind}, but says ${said} of ${String(from)}` };
    if (canaries.some((canary) => reason.includes(canary)))
      return { is: 'unreasoned', messageId, detail: 'its reason quotes the payload' };
    if (entry.letters[service] > 0) repeatedLetters += 1;
    entry.letters[service] += 1;
    owed[service].delete(messageId);
    return { is: 'expected', messageId, detail: said };
  };

  return {
    confirm({ good, bad, messageId, body }) {
      messages += 1;
      if (bad !== undefined) {
        const letters = { tableinator: 0, graphinator: 0 };
        const entry = { messageId, ...bad, bodyHash: hash('sha256', body), letters };
        entries.set(messageId, entry);
        for (const service of serviceNames) owed[service].set(messageId, entry);
      }
      if (good === undefined) return;
      const versions = standing[good.type];
      const before = versions.get(good.id);
      const version = Math.max(before ?? -1, good.version);
      versions.set(good.id, version);
      const key = `${good.type} ${good.id}`;
      const first = touched.get(key);
      touched.set(key, { good: { ...good, version }, before: first === undefined ? before : first.before });
    },
    touched: () => [...touched.values()].map(({ good }) => good),
    size: (type) => standing[type].size,
    all: (type) => [...standing[type]].map(([id, version]) => ({ type, id, version })),
    before({ type, id }) {
      const version = touched.get(`${type} ${id}`)?.before;
      return version === undefined ? undefined : { type, id, version };
    },
    owed: (service) => [...owed[service].values()],
    letter: judge,
    closeRound: () => touched.clear(),
    get messages() {
      return messages;
    },
    get goodKeys() {
      return recordTypes.reduce((sum, type) => sum + standing[type].size, 0);
    },
    get bad() {
      return entries.size;
    },
    get repeatedLetters() {
      return repeatedLetters;
    },
  };
}
