/** What a case of the zoo is made of, and the shapes that most of them have. */
import type { FaultCode } from '@inator/runtime';

export type Expected =
  /** One letter with this code, and nothing in the store. */
  | { readonly refused: FaultCode }
  /** A row and a node under this key; the row's document is one of the bodies as PostgreSQL itself reads it, by default the last. */
  | {
      readonly key: string;
      /** Members of the document as `data->>name` gives them: the documented normal forms. */
      readonly members?: Readonly<Record<string, string | null>>;
      /** The title on the node; null where the node has none. Left out where the title is not what the case is about. */
      readonly title?: string | null;
      readonly seq?: string;
      readonly document?: number;
    }
  /** Not a record: acked, and nothing in the store. */
  | 'signal';

/** What an animal is made of: its own id, fifteen digits, is a safe integer and the beginning of every key it uses. */
export type Animal = readonly [
  name: string,
  body: (id: string) => string | Buffer | readonly (string | Buffer)[],
  expected: (id: string) => Expected | { readonly discogs: Expected; readonly declared: Expected },
  headers?: readonly Readonly<Record<string, unknown>>[],
];

export const refused = (code: FaultCode) => (): Expected => ({ refused: code });
export const stored =
  (more: { members?: Record<string, string | null>; title?: string | null; seq?: string } = {}) =>
  (id: string): Expected => ({ key: id, ...more });
/** What a text property of a declared model refuses, and the preset's graph leaves out. */
export const noScalar = (id: string): { discogs: Expected; declared: Expected } => ({
  discogs: { key: id, title: null },
  declared: { refused: 'value-refused' },
});

export const record =
  (members: string) =>
  (id: string): string =>
    `{"type":"data","id":"${id}",${members}}`;
export const fixed = (body: string | Buffer) => () => body;
/** A record whose title has these raw bytes. */
export const titled =
  (...bytes: readonly number[]) =>
  (id: string): Buffer =>
    Buffer.concat([Buffer.from(`{"id":"${id}","title":"a`), Buffer.from(bytes), Buffer.from('z"}')]);
/** A record with this JSON text as its title. */
export const title =
  (json: string) =>
  (id: string): string =>
    record(`"title":${json}`)(id);
export const keyed =
  (json: (id: string) => string) =>
  (id: string): string =>
    `{"id":${json(id)},"title":"t"}`;
export const big = (count: number, part: string): string => part.repeat(count);
export const noise = (length: number): string =>
  Array.from({ length }, (_, i) => ((i * 7919 + 13) % 36).toString(36)).join('');
export const text = (value: string): Animal => [
  `the text ${JSON.stringify(value)}`,
  title(JSON.stringify(value)),
  stored({ members: { title: value }, title: value }),
];
export const number = (written: string, kept: string): Animal => [
  `the number ${written.length > 40 ? `${written.slice(0, 40)}…` : written}`,
  record(`"n":${written},"list":[${written}]`),
  stored({ members: { n: kept } }),
];

export type Cages = Readonly<Record<string, readonly Animal[]>>;
