/** The public JSON parsing test suite, and Markus Kuhn's UTF-8 stress test, where they are at hand. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { createScanner, defaultLimits, examine } from '../../src/index.ts';

const hostile = new URL('../../../../../shared/data/hostile/', import.meta.url);
const present = existsSync(hostile);
if (!present) console.warn(`skipped: the hostile corpora are not at ${hostile.pathname}`);
const scan = createScanner(defaultLimits, ['id']);

function parses(body: Buffer): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)) };
  } catch {
    return undefined;
  }
}

(present ? describe : describe.skip)('JSONTestSuite', () => {
  const files = present ? readdirSync(new URL('JSONTestSuite/', hostile)).filter((name) => name.endsWith('.json')) : [];

  it('is there', () => {
    expect(files.length).toBeGreaterThan(100);
  });

  it.each(files)('%s has the verdict its name and JSON.parse demand, in an object or alone', (name) => {
    const body = readFileSync(new URL(`JSONTestSuite/${encodeURIComponent(name)}`, hostile));
    const parsed = parses(body);
    const alone = examine(body);
    expect(scan(body).is).toBe(alone.is);
    const isObject = typeof parsed?.value === 'object' && parsed.value !== null && !Array.isArray(parsed.value);
    if (name.startsWith('n_')) expect(alone.is).toBe('refused');
    if (name.startsWith('y_') && isObject && !/\\u0000/.test(body.toString())) expect(alone.is).toBe('ok');
    if (alone.is === 'ok') expect(alone.value).toEqual(parsed?.value);

    // Any document as a member: now scalars and arrays count too.
    const wrapped = Buffer.concat([Buffer.from('{"id":"1","a":'), body, Buffer.from('}')]);
    const verdict = examine(wrapped);
    expect(scan(wrapped).is).toBe(verdict.is);
    const again = parses(wrapped);
    if (again === undefined) {
      expect(verdict.is === 'refused' && verdict.fault.code).toMatch(/^(json-invalid|utf8-invalid|record-too-deep)$/);
    } else if (verdict.is === 'ok') {
      expect(verdict.value).toEqual(again.value);
    } else {
      expect(verdict.fault.code).toMatch(/^(text-nul|text-surrogate|number-out-of-range|record-too-deep)$/);
    }
  });
});

(present ? describe : describe.skip)('the UTF-8 test cases', () => {
  const text = present ? readFileSync(new URL('utf8tests.txt', hostile), 'latin1') : '';
  const cases = [...text.matchAll(/^([\w.-]+):(valid|invalid at \d+|invalid) hex:([0-9a-f ]+)/gim)].map(
    ([, name, verdict, hex]) => [name, verdict, Buffer.from((hex ?? '').replaceAll(' ', ''), 'hex')] as const,
  );

  it('are there', () => {
    expect(cases.filter(([, verdict]) => verdict === 'valid').length).toBeGreaterThan(20);
    expect(cases.filter(([, verdict]) => verdict !== 'valid').length).toBeGreaterThan(20);
  });

  it.each(cases)('%s is %s as a text', (_, verdict, bytes) => {
    if (bytes.some((byte) => byte < 0x20 || byte === 0x22 || byte === 0x5c)) return;
    const scanned = scan(Buffer.concat([Buffer.from('{"id":"1","a":"'), bytes, Buffer.from('"}')]));
    expect(scanned.is === 'ok' ? 'ok' : scanned.fault.code).toBe(verdict === 'valid' ? 'ok' : 'utf8-invalid');
  });
});
