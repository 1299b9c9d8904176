import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { nameAsStep, parsePath } from '../src/path/path.ts';
import { createPicker, textOf } from '../src/path/picker.ts';
import { relativeTo, valueAt, valuesAt } from '../src/path/walk.ts';
import { Wrong } from '../src/value/wrong.ts';

function path(text: string) {
  const parsed = parsePath(text);
  if ('wrong' in parsed) throw new Error(parsed.wrong);
  return parsed.path;
}

/** The source texts of all values at a path. */
function find(json: string, text: string): string[] | string {
  const body = Buffer.from(json);
  const picker = createPicker([path(text)]);
  const found = valuesAt(picker.pick(body), [], relativeTo(picker.route(path(text)), 0));
  return found instanceof Wrong ? found.says : found.map((one) => textOf(body, one));
}

describe('a path', () => {
  it.each([
    ['a.b', ['a', 'b']],
    ['Release Date', ['Release Date']],
    ['items[].sku', ['items', '[]', 'sku']],
    ['m[][2].x', ['m', '[]', '[2]', 'x']],
    ['["a.b"].c', ['a.b', 'c']],
    ['a["b]"]', ['a', 'b]']],
    ['a.["b.c"]', ['a', 'b.c']],
    ['$id', ['$id']],
  ])('%s is read', (text, steps) => {
    const read = path(text).steps.map((step) =>
      step.is === 'member' ? step.name : step.is === 'each' ? '[]' : `[${step.index}]`,
    );
    expect(read).toEqual(steps);
  });

  it.each([
    '',
    '.a',
    'a.',
    'a..b',
    '$.a',
    '$[0]',
    '[]',
    '[0].a',
    'a[',
    'a[x]',
    'a[*]',
    'a.*',
    'a]b',
    'a[0]b',
    'a.[0]',
    'a["b',
    'a'.repeat(1001),
  ])('%j is refused', (text) => expect(parsePath(text)).toHaveProperty('wrong'));

  it('reaches a member of any name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 20 }), (name) => {
        expect(find(JSON.stringify({ [name]: 'x', other: 1 }), nameAsStep(name))).toEqual(['x']);
      }),
    );
  });
});

describe('picking', () => {
  it.each([
    ['{"a":{"b":1.50}}', 'a.b', ['1.50']],
    ['{"a":123456789012345678901234567890.10}', 'a', ['123456789012345678901234567890.10']],
    ['{"items":[{"sku":"x","n":[1]},{"sku":"y"},{}]}', 'items[].sku', ['x', 'y']],
    ['{"m":[[1,2],[3]]}', 'm[][]', ['1', '2', '3']],
    ['{"m":["a","b"]}', 'm[1]', ['b']],
    ['{"m":["a"]}', 'm[1]', []],
    ['{"s":"a\\"}{[\\\\","t":"\\u00e9"}', 't', ['é']],
    ['{"\\u0061":"escaped name"}', 'a', ['escaped name']],
    [' { "x" : [ ] , "a" : null , "b" : true } ', 'b', ['true']],
    ['{"a":null}', 'a.b.c', []],
    ['{}', 'a', []],
  ])('of %s the values at %s', (json, text, values) => expect(find(json, text)).toEqual(values));

  it('takes the last of a member that stands twice, with all that is in it', () => {
    expect(find('{"a":{"b":1},"a":{"c":2}}', 'a.b')).toEqual([]);
    expect(find('{"a":1,"a":2}', 'a')).toEqual(['2']);
  });

  it('says what stands in the way', () => {
    expect(find('{"a":"text"}', 'a.b')).toBe('a text stands where an object is expected');
    expect(find('{"a":{}}', 'a[].b')).toBe('an object stands where a list is expected');
  });

  it('finds in any record what JSON.parse would', () => {
    const names = fc.constantFrom('a', 'b', 'c"', 'd.e', '');
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        fc.string(),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.boolean(),
        fc.constant(null),
        tie('list'),
        tie('object'),
      ),
      list: fc.array(tie('tree'), { maxLength: 3 }),
      object: fc.dictionary(names, tie('tree'), { maxKeys: 4 }),
    }));
    fc.assert(
      fc.property(
        fc.dictionary(names, tree, { maxKeys: 4 }),
        fc.array(names, { minLength: 1, maxLength: 3 }),
        fc.constantFrom(undefined, 1, 2),
        (record, steps, indent) => {
          const text = steps.map((name) => `[${JSON.stringify(name)}]`).join('');
          const body = Buffer.from(JSON.stringify(record, null, indent));
          const picker = createPicker([path(text)]);
          const found = valueAt(picker.pick(body), [], relativeTo(picker.route(path(text)), 0));
          let expected: unknown = record;
          for (const name of steps) {
            if (expected === null || expected === undefined) break;
            if (typeof expected !== 'object' || Array.isArray(expected)) {
              expected = Wrong;
              break;
            }
            expected = Object.hasOwn(expected, name) ? (expected as Record<string, unknown>)[name] : undefined;
          }
          if (expected === Wrong) expect(found).toBeInstanceOf(Wrong);
          else if (expected === null || expected === undefined) expect(found).toBeUndefined();
          else {
            if (found === undefined || found instanceof Wrong) throw new Error('not found');
            const { kind, start, end } = found;
            expect(
              JSON.parse(
                body.toString('utf8', kind === 'string' ? start - 1 : start, kind === 'string' ? end + 1 : end),
              ),
            ).toEqual(JSON.parse(JSON.stringify(expected)));
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
