/** A model file understood: names checked, paths parsed, what is left out filled in. */
import type { IndexSpec } from '@inator/runtime';
import type { Path } from '../path/path.ts';
import type { DeclaredType as ColumnKind, TimeOptions } from '../value/convert.ts';
import type { PropertyType } from '../value/property.ts';

export interface DeclaredColumn {
  readonly name: string;
  readonly type: ColumnKind;
  readonly path: Path;
  readonly required: boolean;
  readonly time: TimeOptions;
}

export interface DeclaredTable {
  readonly name: string;
  readonly columns: readonly DeclaredColumn[];
  readonly indexes: readonly IndexSpec[];
}

export interface DeclaredProperty {
  readonly name: string;
  readonly type: PropertyType;
  readonly path: Path;
  readonly time: TimeOptions;
}

export interface DeclaredNode {
  readonly label: string;
  /** The property that holds the key. */
  readonly as: string;
  readonly key: readonly Path[];
  readonly properties: readonly DeclaredProperty[];
}

/** `from` or `to` left out: the record's own node. With both, nobody owns the edge and it is kept for good. */
export interface DeclaredEdge {
  readonly type: string;
  readonly from: DeclaredNode | undefined;
  readonly to: DeclaredNode | undefined;
  /** Records at both ends assert edges of this type between these labels. */
  readonly twoSided: boolean;
  readonly properties: readonly DeclaredProperty[];
}

export interface DeclaredGraph {
  readonly label: string;
  readonly as: string;
  readonly properties: readonly DeclaredProperty[];
  readonly nodes: readonly DeclaredNode[];
  readonly edges: readonly DeclaredEdge[];
}

/** One kind of records. */
export interface DeclaredKind {
  readonly name: string;
  readonly key: readonly Path[];
  readonly version: Path | undefined;
  readonly hash: Path | undefined;
  readonly table: DeclaredTable | undefined;
  readonly graph: DeclaredGraph | undefined;
}

export interface DeclaredModel {
  readonly name: string;
  readonly kinds: readonly DeclaredKind[];
}
