/** The manifests of deploy/kubernetes as kustomize would see them: every document, and what the generators make. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { root } from '../support/root.ts';

export const folder = join(root, 'deploy/kubernetes');

/** Any part of a document. Reading past what is there gives an empty one, so that an expectation says what is missing. */
export interface Node {
  readonly value: unknown;
  at(...path: readonly (string | number)[]): Node;
  readonly list: readonly Node[];
  readonly text: string;
  readonly number: number;
  readonly map: Readonly<Record<string, unknown>>;
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function node(value: unknown): Node {
  return {
    value,
    at: (...path) =>
      node(
        path.reduce<unknown>((found, step) => {
          if (typeof step === 'number') return Array.isArray(found) ? found[step] : undefined;
          return isMap(found) ? found[step] : undefined;
        }, value),
      ),
    list: Array.isArray(value) ? value.map(node) : [],
    text: typeof value === 'string' ? value : '',
    number: typeof value === 'number' ? value : Number.NaN,
    map: isMap(value) ? value : {},
  };
}

export interface Document extends Node {
  readonly file: string;
  readonly kind: string;
  readonly name: string;
}

/** Every document of every file; throws where the YAML is not valid. */
export function readManifests(): readonly Document[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.yaml'));
  return files.sort().flatMap((file) =>
    parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((document) => {
      const [error] = document.errors;
      if (error !== undefined) throw new Error(`${file}: ${error.message}`);
      const parsed = node(document.toJS());
      return { ...parsed, file, kind: parsed.at('kind').text, name: parsed.at('metadata', 'name').text };
    }),
  );
}

/** Variables of a generated ConfigMap, as the base has them. */
export function generated(base: Node, map: string): Readonly<Record<string, string>> {
  const one = base.at('configMapGenerator').list.find((each) => each.at('name').text === map);
  return Object.fromEntries(
    (one?.at('literals').list ?? []).map(({ text }) => {
      const cut = text.indexOf('=');
      return [text.slice(0, cut), text.slice(cut + 1)];
    }),
  );
}

const inWords = new Set(['labels', 'matchLabels', 'data', 'requests', 'limits']);

/** Names of all fields, without those that the writer chooses: labels, resources. */
export function fieldsOf(value: unknown, below = ''): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((each) => fieldsOf(each, below));
  if (!isMap(value)) return [];
  const own = Object.keys(value);
  return [...(inWords.has(below) ? [] : own), ...own.flatMap((name) => fieldsOf(value[name], name))];
}
