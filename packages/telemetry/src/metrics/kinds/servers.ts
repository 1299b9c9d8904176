/** The servers a service talks to. */
import type { MetricKind } from './kind.ts';

export const serverMetrics = {
  inator_connection_up: {
    type: 'gauge',
    labels: { component: ['amqp', 'postgres', 'neo4j'] },
    from: 'component',
    help: '1 while the server answers: the broker by its connection, a store by what batches met and by its canary. A store is missing until it is known.',
  },
  inator_connection_blocked: {
    type: 'gauge',
    labels: { component: ['amqp'] },
    from: 'component',
    help: '1 while the broker is in alarm (memory, disk) and takes no dead letters; consuming and acking go on.',
  },
  inator_reconnects_total: {
    type: 'counter',
    labels: { component: ['amqp', 'postgres', 'neo4j'] },
    from: 'component',
    help: 'Connections made again after a loss; for a store, how often it answered again after it could not be reached.',
  },
  inator_pool_connections: {
    type: 'gauge',
    labels: { component: ['postgres', 'neo4j'], state: ['active', 'idle', 'waiting'] },
    from: 'component',
    help: 'Connections of the pool in use and idle, and writers that wait for one (which should be 0). Of Neo4j only the transactions under way (active) are known.',
  },
} as const satisfies Readonly<Record<string, MetricKind>>;
