/** A Neo4j whose transactions wait at chosen places, so that two writers meet exactly where it hurts. */
import type { Neo4j } from '../../src/driver.ts';
import type { Transaction } from '../../src/transaction.ts';

export interface Gate {
  readonly neo4j: Neo4j;
  /** Resolves when the first transaction has come to the gate. */
  readonly reached: Promise<void>;
  open(): void;
}

/** `after statement n` of the first transaction (from 1), or before its commit. Later transactions pass. */
export function gated(inner: Neo4j, where: number | 'before commit'): Gate {
  let arrive = (): void => undefined;
  let open = (): void => undefined;
  const reached = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  let first = true;
  const begin: Neo4j['begin'] = async (options) => {
    const transaction = await inner.begin(options);
    if (!first) return transaction;
    first = false;
    let statements = 0;
    const held: Transaction = {
      async run(text, parameters) {
        const answer = await transaction.run(text, parameters);
        statements += 1;
        if (statements === where) {
          arrive();
          await opened;
        }
        return answer;
      },
      async commit(sent) {
        if (where === 'before commit') {
          arrive();
          await opened;
        }
        return transaction.commit(sent);
      },
      rollback: () => transaction.rollback(),
    };
    return held;
  };
  return { neo4j: { ...inner, begin }, reached, open: () => open() };
}
