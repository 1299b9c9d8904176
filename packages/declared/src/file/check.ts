/** Whether a file has the declared shape. Every fault is found, each with its place; what is faulty is not looked into. */
import { parsePath } from '../path/path.ts';
import type { ModelDocument, ModelFault, Way } from './document.ts';
import type { Fields, Kind } from './kinds.ts';
import { suggestion } from './nearest.ts';

/** Collects faults, each said once. */
export interface Reporter {
  value(way: Way, reason: string): void;
  name(way: Way, reason: string): void;
  readonly faults: readonly ModelFault[];
}

export function createReporter(document: ModelDocument): Reporter {
  const faults: ModelFault[] = [];
  const add = (fault: ModelFault): void => {
    const { line, column, reason } = fault;
    if (!faults.some((one) => one.line === line && one.column === column && one.reason === reason)) faults.push(fault);
  };
  return {
    value: (way, reason) => add({ ...document.placeOf(way), reason }),
    name: (way, reason) => add({ ...document.placeOfName(way), reason }),
    get faults() {
      return [...faults].sort((a, b) => a.line - b.line || a.column - b.column);
    },
  };
}

type JsonKind = 'text' | 'number' | 'boolean' | 'list' | 'object' | 'nothing';

function jsonKind(value: unknown): JsonKind {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'string') return 'text';
  if (typeof value === 'number' || typeof value === 'bigint') return 'number';
  return typeof value === 'boolean' ? 'boolean' : 'object';
}

/** In words, for "… is expected". */
function expected(kind: Kind): string {
  switch (kind.is) {
    case 'text':
      return kind.expects;
    case 'path':
      return 'a path such as price.amount or items[].sku';
    case 'choice':
      return kind.of.length === 1 ? String(kind.of[0]) : `one of ${kind.of.join(', ')}`;
    case 'boolean':
      return 'true or false';
    case 'list':
      return kind.least > 1 ? `a list of ${kind.least} or more` : 'a list';
    case 'object':
    case 'map':
      return 'a mapping of names to values';
    case 'either':
      return kind.of.map(expected).join(', or ');
  }
}

const takes: Readonly<Record<Exclude<Kind['is'], 'choice' | 'either'>, readonly JsonKind[]>> = {
  text: ['text'],
  path: ['text'],
  boolean: ['boolean'],
  list: ['list'],
  object: ['object', 'nothing'],
  map: ['object', 'nothing'],
};

function takesOf(kind: Kind): readonly JsonKind[] {
  if (kind.is === 'either') return kind.of.flatMap(takesOf);
  return kind.is === 'choice' ? kind.of.map(jsonKind) : takes[kind.is];
}

export function checkShape(kind: Kind, value: unknown, way: Way, report: Reporter): void {
  const found = jsonKind(value);
  if (kind.is === 'either') {
    const fitting = kind.of.find((one) => takesOf(one).includes(found));
    if (fitting === undefined) report.value(way, `${what(way)} is ${noun(found)}; ${expected(kind)} is expected`);
    else checkShape(fitting, value, way, report);
    return;
  }
  if (!takesOf(kind).includes(found)) {
    report.value(way, `${what(way)} is ${noun(found)}; ${expected(kind)} is expected`);
    return;
  }
  switch (kind.is) {
    case 'text':
      if (!kind.pattern.test(value as string)) {
        report.value(way, `${what(way)} is ${quoted(value)}; ${expected(kind)} is expected`);
      }
      return;
    case 'path': {
      const parsed = parsePath(value as string);
      if ('wrong' in parsed) report.value(way, `the path ${quoted(value)} ${parsed.wrong}`);
      return;
    }
    case 'choice':
      if (!kind.of.includes(value as string)) {
        const names = kind.of.map(String);
        report.value(
          way,
          `${what(way)} is ${quoted(value)}${suggestion(String(value), names) || `; ${expected(kind)} is expected`}`,
        );
      }
      return;
    case 'boolean':
      return;
    case 'list': {
      const items = value as readonly unknown[];
      if (items.length < kind.least)
        report.value(way, `${what(way)} has ${items.length} elements; ${expected(kind)} is expected`);
      for (const [index, item] of items.entries()) checkShape(kind.of, item, [...way, index], report);
      return;
    }
    case 'object':
      checkFields(kind.fields, value, way, report);
      return;
    case 'map': {
      const entries = Object.entries((value ?? {}) as Readonly<Record<string, unknown>>);
      if (entries.length < kind.least)
        report.value(way, `${what(way)} is empty; it has at least ${kind.least} ${kind.names.noun}`);
      if (entries.length > kind.most)
        report.value(way, `${what(way)} has ${entries.length} entries; at most ${kind.most} are allowed`);
      for (const [name, item] of entries) {
        const { pattern, noun: called, expects } = kind.names;
        if (!pattern.test(name)) report.name([...way, name], `${quoted(name)} is no name of a ${called}: ${expects}`);
        checkShape(kind.of, item, [...way, name], report);
      }
    }
  }
}

function checkFields(fields: Fields, value: unknown, way: Way, report: Reporter): void {
  const object = (value ?? {}) as Readonly<Record<string, unknown>>;
  const known = Object.keys(fields);
  const where = way.length === 0 ? 'the file' : what(way);
  for (const name of Object.keys(object)) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field === undefined) {
      const meant = suggestion(name, known);
      report.name([...way, name], `unknown key \`${name}\`${meant || `; ${where} has: ${known.join(', ')}`}`);
    } else checkShape(field.kind, object[name], [...way, name], report);
  }
  for (const [name, { required }] of Object.entries(fields)) {
    if (required === true && !Object.hasOwn(object, name)) {
      report.value(way, `${where} has no \`${name}\``);
    }
  }
}

/** How the thing at `way` is called. */
function what(way: Way): string {
  const last = way.at(-1);
  if (last === undefined) return 'the file';
  if (typeof last === 'string') return `\`${last}\``;
  return `element ${last + 1} of \`${String(way.at(-2) ?? '')}\``;
}

function noun(kind: JsonKind): string {
  return kind === 'nothing' ? 'empty' : kind === 'object' ? 'a mapping' : `a ${kind}`;
}

function quoted(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 64 ? `${text.slice(0, 64)}…` : text;
}
