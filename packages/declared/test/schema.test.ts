import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { modelSchema, referencePages } from '../src/index.ts';
import { faultsOf } from './support.ts';

const accepts = new Ajv2020({ allErrors: true, allowUnionTypes: true, validateFormats: false }).compile(modelSchema());
const root = new URL('../../../', import.meta.url);

describe('the JSON schema', () => {
  it.each([
    ['name: a\ntypes: { t: { key: id, table: } }', true],
    [
      'name: a\ntypes: { t: { key: [a, b], version: v, table: { columns: { x: numeric, y: { type: text, index: true } }, gin: false } } }',
      true,
    ],
    ['name: a\ntypes: { t: { key: id, graph: { label: T, edges: [{ type: E, to: { label: U, key: u } }] } } }', true],
    ['name: A\ntypes: { t: { key: id, table: } }', false],
    ['name: a\ntypes: {}', false],
    ['name: a', false],
    ['name: a\ntypes: { t: { table: } }', false],
    ['name: a\ntypes: { t: { key: id, tables: {} } }', false],
    ['name: a\ntypes: { t: { key: [a], table: } }', false],
    ['name: a\ntypes: { t: { key: id, table: { columns: { X: text } } } }', false],
    ['name: a\ntypes: { t: { key: id, table: { columns: { x: int } } } }', false],
    ['name: a\ntypes: { t: { key: id, graph: { edges: [] } } }', false],
    ['format: 2\nname: a\ntypes: { t: { key: id, table: } }', false],
  ])('and the check agree on %j', (text, good) => {
    expect(accepts(parse(text))).toBe(good);
    expect(faultsOf(text).length === 0).toBe(good);
  });

  it.each(['airports.model.yaml', 'countries.model.yaml'])('and the check accept the example %s', (file) => {
    const text = readFileSync(new URL(`examples/${file}`, root), 'utf8');
    expect(faultsOf(text)).toEqual([]);
    expect([accepts(parse(text)), accepts.errors]).toEqual([true, null]);
  });

  it('stands in the reference as it is', () => {
    for (const { path, text } of referencePages()) expect(readFileSync(new URL(path, root), 'utf8')).toBe(text);
  });
});
