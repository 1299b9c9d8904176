/** A driver that keeps what is sent through it. */
import type { Neo4j } from '../../src/index.ts';

export interface Sent {
  readonly text: string;
  /** The lists of a statement of a batch. */
  readonly lists: Readonly<Record<string, readonly unknown[]>>;
}

/** `before` is told of every statement before it is sent. */
export function recording(neo4j: Neo4j, before?: (sent: Sent) => Promise<void>): Neo4j & { readonly sent: Sent[] } {
  const sent: Sent[] = [];
  return {
    ...neo4j,
    sent,
    async begin(options) {
      const transaction = await neo4j.begin(options);
      return {
        ...transaction,
        async run(text, parameters) {
          const { p: lists = {} } = (parameters ?? {}) as { readonly p?: Sent['lists'] };
          sent.push({ text, lists });
          await before?.({ text, lists });
          return transaction.run(text, parameters);
        },
      };
    },
  };
}
