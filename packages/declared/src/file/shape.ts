/** Every key of a model file: what it takes and what it means. Check, JSON schema and reference are made of this. */
import { columnTypes, epochUnits } from '../value/convert.ts';
import { propertyTypes } from '../value/property.ts';
import type { Field, Fields, Kind, NamePattern } from './kinds.ts';

const typeName: NamePattern = {
  pattern: /^[a-z][a-z0-9_]{0,39}$/,
  noun: 'type',
  expects: 'lower-case letters, digits and _, at most 40, beginning with a letter',
};
/** PostgreSQL cuts names at 63 bytes; lower case needs no quotes in anybody's query. */
const sqlName = /^[a-z_][a-z0-9_]{0,62}$/;
const sqlExpects = 'lower-case letters, digits and _, at most 63, beginning with a letter or _';
/** The rule of the graph's property names, which labels and types share. */
const graphName = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;
const graphExpects = 'letters, digits and _, at most 64, beginning with a letter';

const path: Kind = { is: 'path' };
const paths: Kind = { is: 'either', of: [path, { is: 'list', of: path, least: 2 }] };
const flag: Kind = { is: 'boolean' };
const label: Field = {
  kind: { is: 'text', pattern: graphName, expects: graphExpects },
  required: true,
  means: 'Label of the node.',
};
const as: Field = {
  kind: { is: 'text', pattern: graphName, expects: graphExpects },
  means: 'Name of the property that holds the key. It is unique: a constraint is created.',
  otherwise: 'what the label has elsewhere in the file, else `id`',
};

const time: Fields = {
  zone: {
    kind: { is: 'text', pattern: /^(Z|[+-](0\d|1[0-5]):?[0-5]\d)$/, expects: 'Z or an offset such as +02:00' },
    means: 'For `timestamptz`: what a time without an offset is taken for.',
    otherwise: 'such a time is refused',
  },
  epoch: {
    kind: { is: 'choice', of: epochUnits },
    means: 'For `timestamptz`: the value is a number of these since 1970-01-01 UTC.',
    otherwise: 'the value is a text such as 2024-05-31T12:00:00Z',
  },
};

const columnFields: Fields = {
  type: { kind: { is: 'choice', of: columnTypes }, required: true, means: 'PostgreSQL type of the column.' },
  path: { kind: path, means: 'Where the value stands in the record.', otherwise: "the member of the column's name" },
  required: {
    kind: flag,
    means: 'A record without a value is refused, and the column is NOT NULL.',
    otherwise: '`false`: absent and null are NULL',
  },
  index: { kind: flag, means: 'Create the index `idx_{table}_{column}`.', otherwise: '`false`' },
  ...time,
};

const propertyFields: Fields = {
  type: {
    kind: { is: 'choice', of: propertyTypes },
    required: true,
    means: 'How the value is stored: Neo4j has no decimals, so `numeric` is exact text; times are texts in UTC.',
  },
  path: { kind: path, means: 'Where the value stands in the record.', otherwise: "the member of the property's name" },
  ...time,
};

const properties: Kind = {
  is: 'map',
  names: { pattern: graphName, noun: 'property', expects: graphExpects },
  of: {
    is: 'either',
    of: [
      { is: 'choice', of: propertyTypes },
      { is: 'object', fields: propertyFields },
    ],
  },
  least: 0,
  most: 60,
};

const nodeFields: Fields = {
  label,
  key: {
    kind: paths,
    required: true,
    means: 'Where the key stands; `items[].sku` makes a node of each element. Absent, null or empty: no node.',
  },
  as,
  properties: {
    kind: properties,
    means: 'Set when the node is created and never overwritten: the record that the node belongs to knows better.',
  },
};
const node: Kind = { is: 'object', fields: nodeFields };

const tableFields: Fields = {
  name: {
    kind: { is: 'text', pattern: sqlName, expects: sqlExpects },
    means: 'Name of the table.',
    otherwise: "the type's name",
  },
  columns: {
    kind: {
      is: 'map',
      names: { pattern: sqlName, noun: 'column', expects: sqlExpects },
      of: {
        is: 'either',
        of: [
          { is: 'choice', of: columnTypes },
          { is: 'object', fields: columnFields },
        ],
      },
      least: 0,
      most: 500,
    },
    means:
      'Columns besides `data_id`, `hash`, `data` (the body as it came), `seq`, `created_at`, `updated_at`. Short form: `price: numeric`.',
    otherwise: 'none',
  },
  indexes: {
    kind: {
      is: 'list',
      of: { is: 'list', of: { is: 'text', pattern: sqlName, expects: 'the name of a column' }, least: 1 },
      least: 0,
    },
    means: 'Indexes over several columns: a list of lists of column names.',
    otherwise: 'none',
  },
  gin: {
    kind: flag,
    means:
      'The index on `data` that serves `@>`. It is the larger part of what writing costs; without it writing is faster.',
    otherwise: '`true`',
  },
};

const graphFields: Fields = {
  label: { ...label, means: "Label of the record's own node." },
  as,
  properties: { kind: properties, means: "Properties of the record's own node; what a record lacks is removed." },
  nodes: {
    kind: { is: 'list', of: node, least: 0 },
    means: 'Further nodes that a record brings, beyond those at the ends of its edges.',
  },
  edges: {
    kind: {
      is: 'list',
      of: {
        is: 'object',
        fields: {
          type: {
            kind: { is: 'text', pattern: graphName, expects: graphExpects },
            required: true,
            means: 'Type of the relationship.',
          },
          from: { kind: node, means: 'Where it begins.', otherwise: "the record's own node" },
          to: { kind: node, means: 'Where it ends.', otherwise: "the record's own node" },
          properties: {
            kind: properties,
            means: 'Properties of the relationship. Only where one record owns it: one end is its own node.',
          },
        },
      },
      least: 0,
    },
    means:
      'Relationships. An end that has not arrived yet is a stub; one that a changed record no longer names is removed.',
  },
};

export const typeFields: Fields = {
  key: {
    kind: paths,
    required: true,
    means:
      'What makes two records the same thing: a text or an integer. Several paths are joined by `/`; in a part, `~` and `/` are written `~0` and `~1`.',
  },
  version: {
    kind: path,
    means: 'An integer: a later version is never overwritten by an earlier one. Header `x-seq` counts before it.',
    otherwise: 'none',
  },
  hash: {
    kind: path,
    means: 'A text: equal hashes mean equal records, and the store is not touched.',
    otherwise: 'the SHA-256 of the body',
  },
  table: { kind: { is: 'object', fields: tableFields }, means: 'The rows in PostgreSQL.', otherwise: 'no table' },
  graph: { kind: { is: 'object', fields: graphFields }, means: 'The nodes and edges in Neo4j.', otherwise: 'no graph' },
};

export const fileFields: Fields = {
  $schema: {
    kind: { is: 'text', pattern: /^.{1,2000}$/s, expects: 'an address' },
    means: 'For editors of JSON: where the schema is.',
  },
  format: { kind: { is: 'choice', of: [1] }, means: 'Version of this format.', otherwise: '`1`' },
  name: {
    kind: {
      is: 'text',
      pattern: /^[a-z][a-z0-9_-]{0,39}$/,
      expects: 'lower-case letters, digits, _ and -, at most 40, beginning with a letter',
    },
    required: true,
    means: 'Name of the domain, and of its exchanges unless `RABBITMQ_EXCHANGE_PREFIX` is set: `{name}-{type}`.',
  },
  types: {
    kind: { is: 'map', names: typeName, of: { is: 'object', fields: typeFields }, least: 1, most: 64 },
    required: true,
    means: 'The kinds of records: one exchange, and in each service one queue, a type.',
  },
};

export const fileKind: Kind = { is: 'object', fields: fileFields };

// ---- what a file holds once the check has passed ---------------------------------------------------------------------

export interface TimeFile {
  readonly zone?: string;
  readonly epoch?: (typeof epochUnits)[number];
}
export interface ColumnFile extends TimeFile {
  readonly type: (typeof columnTypes)[number];
  readonly path?: string;
  readonly required?: boolean;
  readonly index?: boolean;
}
export interface PropertyFile extends TimeFile {
  readonly type: (typeof propertyTypes)[number];
  readonly path?: string;
}
export type PropertiesFile = Readonly<Record<string, PropertyFile | PropertyFile['type']>>;
export interface NodeFile {
  readonly label: string;
  readonly key: string | readonly string[];
  readonly as?: string;
  readonly properties?: PropertiesFile | null;
}
export interface EdgeFile {
  readonly type: string;
  readonly from?: NodeFile | null;
  readonly to?: NodeFile | null;
  readonly properties?: PropertiesFile | null;
}
export interface TableFile {
  readonly name?: string;
  readonly columns?: Readonly<Record<string, ColumnFile | ColumnFile['type']>> | null;
  readonly indexes?: readonly (readonly string[])[] | null;
  readonly gin?: boolean;
}
export interface GraphFile {
  readonly label: string;
  readonly as?: string;
  readonly properties?: PropertiesFile | null;
  readonly nodes?: readonly NodeFile[] | null;
  readonly edges?: readonly EdgeFile[] | null;
}
export interface TypeFile {
  readonly key: string | readonly string[];
  readonly version?: string;
  readonly hash?: string;
  readonly table?: TableFile | null;
  readonly graph?: GraphFile;
}
export interface ModelFile {
  readonly name: string;
  readonly types: Readonly<Record<string, TypeFile>>;
}
