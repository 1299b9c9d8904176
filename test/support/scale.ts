/** How much the end-to-end tests take on, and how long they may take for it. */

/** Records of each type; `INATOR_TEST_RECORDS=100000` is the full run. */
export const recordsPerType = Number(process.env.INATOR_TEST_RECORDS ?? 2_000);

/** Milliseconds: at least `leastMs`, and 30 a record, which Neo4j and two busy cores need for the four types of a replay. */
export function patience(leastMs: number): number {
  return Math.max(leastMs, recordsPerType * 30);
}
