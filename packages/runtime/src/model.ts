/** How one kind of message is read, and where its records land. Models are pure: they know no server. */
import type { Headers } from './delivery.ts';
import type { Fault } from './fault.ts';

/** A message that is not a record: a barrier. Everything delivered before it is durable when the sink is told of it. */
export type Signal =
  /** One file, hence one kind of record, was published completely. `total` is what the producer says it published. */
  | {
      readonly is: 'file_complete';
      readonly type: string;
      readonly total: number | undefined;
      readonly at: string | undefined;
    }
  /** A whole extraction was published; `counts` are the producer's records by type. */
  | {
      readonly is: 'extraction_complete';
      readonly version: string | undefined;
      readonly startedAt: string | undefined;
      readonly counts: Readonly<Record<string, number>>;
    };

export type Decoded<R> =
  | {
      readonly is: 'record';
      readonly key: string;
      /** Equal hashes mean equal records: the store is not touched. */
      readonly hash: string;
      readonly record: R;
      /** The version that the body itself carries, as text, where the model knows of one; judged by `sequence`. */
      readonly seq?: string;
    }
  | { readonly is: 'signal'; readonly signal: Signal }
  | { readonly is: 'refused'; readonly fault: Fault; readonly key?: string };

/** Limits against hostile or broken producers, checked before anything is parsed. */
export interface Limits {
  /** Bytes of one body. Default 8 MiB. */
  readonly recordBytes: number;
  /** Nesting of arrays and objects. Default 100: beyond about 5,000 the Neo4j server drops the connection. */
  readonly depth: number;
  /** Members of all objects in one body. Default 100,000. */
  readonly members: number;
}

export const defaultLimits: Limits = { recordBytes: 8 * 1024 * 1024, depth: 100, members: 100_000 };

/** `decode` is pure and total: whatever the bytes, it returns and never throws. It may keep `body`, never change it. */
export interface Model<R> {
  readonly name: string;
  decode(body: Uint8Array, headers: Headers): Decoded<R>;
  /**
   * The court of appeal: a strict check of a record that a store refused, off the hot path. A fault means that the record
   * itself proves it; undefined, that only the store's word stands against it.
   */
  examine?(record: R): Fault | undefined;
}

/** A record on its way through a lane. */
export interface Keyed<R> {
  readonly key: string;
  readonly hash: string;
  readonly record: R;
  readonly seq: bigint | undefined;
  /** Bytes of the body it came from. */
  readonly bytes: number;
}

// ---- tables --------------------------------------------------------------------------------------------------------

export type ColumnType =
  | 'varchar'
  | 'text'
  | 'jsonb'
  | 'bigint'
  | 'integer'
  | 'double precision'
  | 'boolean'
  | 'timestamptz'
  | 'date'
  | 'numeric';

/**
 * A value of a column: jsonb takes the JSON text as bytes or string, numeric its decimal text, timestamptz a Date or, as
 * a bigint, the microseconds since 1970 in UTC, date the days since 1970-01-01.
 */
export type Cell = null | string | number | bigint | boolean | Uint8Array | Date;

export interface ColumnSpec {
  readonly name: string;
  readonly type: ColumnType;
  /** Default false: the stage mirrors NOT NULL, so that COPY names the line that breaks it. */
  readonly nullable?: boolean;
}

export interface IndexSpec {
  readonly name: string;
  readonly columns: readonly string[];
  readonly method?: 'btree' | 'gin';
  /** For gin: the operator class. */
  readonly operatorClass?: string;
}

/**
 * A table as the sink creates and merges it. Besides `columns` (what `row` returns, in this order) every table has the
 * key and hash columns, `seq bigint`, `created_at` and `updated_at timestamptz`, which the sink fills.
 */
export interface TableSpec {
  readonly name: string;
  /** Column of the key, `varchar`, primary key `{table}_pkey`. */
  readonly key: string;
  /** Column of the content hash, `varchar not null`. */
  readonly hash: string;
  readonly columns: readonly ColumnSpec[];
  readonly indexes: readonly IndexSpec[];
}

export interface TableModel<R> extends Model<R> {
  readonly table: TableSpec;
  /** The cells of `table.columns`, same order, same length. */
  row(record: R): readonly Cell[];
}

// ---- graphs --------------------------------------------------------------------------------------------------------

/** What Neo4j can hold as a property. Integers are given as bigint; a number is stored as a float. */
export type PropertyValue = string | number | bigint | boolean | readonly string[];
export type Properties = Readonly<Record<string, PropertyValue | null>>;

export interface NodeRow {
  readonly key: string;
  readonly properties: Properties;
}

/**
 * Nodes that a record brings. Exactly one step of a model is `primary`: the record's own node, which carries the hash
 * and the version. The others are shared (genres) or stubs of targets that may not have arrived: merged by key,
 * `properties` set only when the node is created, never overwritten.
 */
export interface NodeStep<R> {
  readonly label: string;
  /** The constrained key property, `id` or `name`. */
  readonly key: string;
  readonly primary?: boolean;
  /**
   * Of the primary step: properties that the node keeps when its record has vanished and other records still name it.
   * The same names that steps of other records give its stubs.
   */
  readonly keptAsStub?: readonly string[];
  /**
   * Names of all properties that its rows may have, where they are known from the start: the statements are then planned
   * before the first batch. Left out, names are learned as they come, and each new one costs another planning.
   */
  readonly properties?: readonly string[];
  rows(record: R): readonly NodeRow[];
}

export interface Endpoint {
  readonly label: string;
  readonly key: string;
}

export interface EdgeRow {
  readonly from: string;
  readonly to: string;
  /** What the step's `properties` names; what is left out is absent. Of rows between the same two nodes the last counts. */
  readonly properties?: Properties;
}

/**
 * Relationships that a record asserts. A relationship of one type exists at most once between two nodes.
 *
 * `owner` says what happens when a record changes and asserts it no longer:
 * `from`/`to`: the record is that end, and the relationship goes unless the record at the other end asserts it as well
 * (a group lists its members and a member its groups: both models name the same type, one as `from`, one as `to`);
 * `shared`: asserted by many records about other nodes (a style is part of a genre), kept for good.
 */
export interface EdgeStep<R> {
  readonly type: string;
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly owner: 'from' | 'to' | 'shared';
  /** True when records at both ends may assert this type, so that a removal must ask who else does. Default false. */
  readonly twoSided?: boolean;
  /**
   * Names of the properties that the relationship carries. Only where one record alone owns it: not on `shared` and not on
   * two-sided ones, because nobody could say whose properties hold.
   */
  readonly properties?: readonly string[];
  rows(record: R): readonly EdgeRow[];
}

export interface GraphModel<R> extends Model<R> {
  readonly nodes: readonly NodeStep<R>[];
  readonly edges: readonly EdgeStep<R>[];
}
