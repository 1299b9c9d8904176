/** What the machine, the stores and the broker do at best: each alone, with nothing of ours around it but the sink. */
import type { Scenario } from '../scenario.ts';
import { brokerFloor } from '../subjects/broker-runs.ts';
import { graphFloor } from '../subjects/graph-runs.ts';
import { naive, postgresFloor } from '../subjects/table-runs.ts';

export const floorPostgres: Scenario = {
  name: 'floor-postgres',
  sentence:
    'PostgreSQL and our sink fed from memory: COPY and merge, batches of 500, as many writers as tableinator has.',
  want: ['postgres'],
  records: 60_000,
  plan: () => ({
    contestants: [
      postgresFloor('new', 'writes records that are new'),
      postgresFloor('unchanged', 'writes records that are there already', { preload: 1 }),
      postgresFloor('changed', 'writes another version of every record', { version: 2, preload: 1 }),
    ],
    headline: { of: 'unchanged', over: 'new' },
    ratios: [{ of: 'changed', over: 'new' }],
  }),
};

export const floorNeo4j: Scenario = {
  name: 'floor-neo4j',
  sentence:
    'Neo4j fed from memory: the statements of our sink replayed bare, and the one statement one would write by hand.',
  want: ['neo4j'],
  records: 20_000,
  plan: () => ({
    contestants: [
      graphFloor('new', 'replays the statements of new records', 'statements'),
      graphFloor('foreach', 'sends UNWIND with FOREACH for new records', 'foreach'),
      graphFloor('unchanged', 'replays the statements of unchanged records', 'statements', { preload: 1 }),
    ],
    headline: { of: 'new', over: 'foreach' },
    ratios: [{ of: 'unchanged', over: 'new' }],
  }),
};

export const floorBroker: Scenario = {
  name: 'floor-broker',
  sentence:
    'RabbitMQ drained by amqplib: messages are taken and acked, several at a time, and nothing else is done with them.',
  want: ['rabbitmq'],
  records: 60_000,
  plan: () => ({
    contestants: [
      brokerFloor('prefetch 2000', 'takes up to 2,000 messages and acks 500 at a time', 2_000),
      brokerFloor('prefetch 10', 'takes up to 10 messages and acks 5 at a time', 10),
      brokerFloor('prefetch 1', 'takes one message at a time', 1),
    ],
    headline: { of: 'prefetch 2000', over: 'prefetch 1' },
    ratios: [{ of: 'prefetch 2000', over: 'prefetch 10' }],
  }),
};

export const naiveLoop: Scenario = {
  name: 'naive',
  sentence: 'The shortest loop one would write by hand (bench/src/programs/naive.ts) against PostgreSQL alone.',
  want: ['rabbitmq', 'postgres'],
  records: 60_000,
  plan: () => ({
    contestants: [
      naive('naive', 'consumes, copies, merges, commits and acks, one batch after the other'),
      postgresFloor('floor', 'writes the same records from memory'),
    ],
    headline: { of: 'naive', over: 'floor' },
  }),
};
