/** What inator runs with: the oldest version that has what it needs, and those that docs/compatibility.md says it was run with. */
import type { Finding } from './finding.ts';

export interface Compatible {
  readonly name: string;
  /** Older ones lack something that is used. */
  readonly oldest: string;
  /** What that is. */
  readonly because: string;
  /** Release lines that docs/compatibility.md names as tried, in the form that the server's version begins with. */
  readonly tested: readonly string[];
}

export const compatible = {
  node: { name: 'Node.js', oldest: '20.19', because: 'the packages say so', tested: ['20', '24'] },
  rabbitmq: {
    name: 'RabbitMQ',
    oldest: '3.8',
    because: 'quorum queues, and their count of deliveries',
    tested: ['3.10', '4.0', '4.3'],
  },
  postgres: { name: 'PostgreSQL', oldest: '12', because: 'older ones get no fixes', tested: ['15', '17', '18'] },
  neo4j: { name: 'Neo4j', oldest: '5.23', because: 'CALL (…) { } in statements', tested: ['5.26'] },
} as const satisfies Readonly<Record<string, Compatible>>;

const numbers = (version: string): number[] => (version.match(/\d+/g) ?? []).map(Number);

/** Compares as many parts as `wanted` has. */
function atLeast(version: string, wanted: string): boolean {
  const given = numbers(version);
  for (const [index, part] of numbers(wanted).entries()) {
    const own = given[index] ?? 0;
    if (own !== part) return own > part;
  }
  return true;
}

const isOf = (version: string, line: string): boolean =>
  numbers(line).every((part, index) => numbers(version)[index] === part);

export function examineVersion(which: keyof typeof compatible, version: string, where = ''): Finding {
  const { name, oldest, because, tested }: Compatible = compatible[which];
  const what = `${name} version`;
  const says = `${version.replace(/^v/, '')}${where}`;
  if (numbers(version).length === 0)
    return { is: 'skip', what, says: `cannot be told from ${JSON.stringify(version)}` };
  if (!atLeast(version, oldest)) {
    return {
      is: 'fail',
      what,
      says: `${says}, older than ${oldest} (${because})`,
      next: `upgrade to ${oldest} or later`,
    };
  }
  if (tested.some((line) => isOf(version, line))) return { is: 'ok', what, says };
  const next = `tested with ${tested.join(', ')}; it should work, try it where it costs nothing first`;
  return { is: 'warn', what, says: `${says}, which nobody tried`, next };
}
