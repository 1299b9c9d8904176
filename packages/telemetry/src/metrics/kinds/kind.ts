/** What the lists of metrics are written in. */

/** Values of a label: these, or the lanes of the process. */
type Values = readonly string[] | 'lanes';

export interface MetricKind {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: Readonly<Record<string, Values>>;
  readonly help: string;
  readonly from: 'lane' | 'event' | 'component';
  readonly buckets?: readonly number[];
  /** Where only one of the services has it. */
  readonly only?: 'postgres' | 'neo4j';
}

export type SinkName = 'postgres' | 'neo4j';

export const lane = { data_type: 'lanes' } as const;
