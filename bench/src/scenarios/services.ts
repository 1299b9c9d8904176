/** The services from queue to commit, and what they are measured against. */
import type { Scenario } from '../scenario.ts';
import { bothAtOnce } from '../subjects/both.ts';
import { graphFloor, graphinator } from '../subjects/graph-runs.ts';
import { naive, postgresFloor, tableinator } from '../subjects/table-runs.ts';

export const tableinatorScenario: Scenario = {
  name: 'tableinator',
  sentence: 'tableinator, queue to commit, against the naive loop and against PostgreSQL alone.',
  want: ['rabbitmq', 'postgres'],
  records: 60_000,
  plan: () => ({
    contestants: [
      naive('naive', 'consumes, copies, merges, commits and acks, one batch after the other'),
      tableinator('tableinator', 'takes the same messages into the same table'),
      postgresFloor('floor', 'copies the same records from memory into a stage and merges, without a broker'),
    ],
    headline: { of: 'tableinator', over: 'naive' },
    ratios: [{ of: 'tableinator', over: 'floor' }],
    targets: [
      { of: 'tableinator', over: 'naive', what: 'rate', least: 1.2 },
      { of: 'tableinator', over: 'floor', what: 'rate', least: 0.65 },
      { of: 'tableinator', over: 'naive', what: 'cpu', most: 0.5 },
    ],
  }),
};

export const graphinatorScenario: Scenario = {
  name: 'graphinator',
  sentence: 'graphinator, queue to commit, against its own statements replayed bare, and against UNWIND with FOREACH.',
  want: ['rabbitmq', 'neo4j'],
  records: 20_000,
  plan: () => ({
    contestants: [
      graphFloor('floor', 'replays from memory what our sink sends', 'statements'),
      graphinator('graphinator', 'takes the messages into an empty graph'),
      graphFloor('foreach', 'sends from memory the one statement one would write by hand', 'foreach'),
    ],
    headline: { of: 'graphinator', over: 'floor' },
    ratios: [{ of: 'graphinator', over: 'foreach' }],
    targets: [{ of: 'graphinator', over: 'floor', what: 'rate', least: 0.9 }],
  }),
};

export const bothScenario: Scenario = {
  name: 'both',
  sentence: 'Both services at once, every record into the table and the graph, against each of them alone.',
  want: ['rabbitmq', 'postgres', 'neo4j'],
  records: 20_000,
  plan: () => ({
    contestants: [
      bothAtOnce('both', 'is done when the slower of the two is'),
      graphinator('graphinator', 'runs alone'),
      tableinator('tableinator', 'runs alone'),
    ],
    headline: { of: 'both', over: 'graphinator' },
    ratios: [{ of: 'both', over: 'tableinator' }],
  }),
};

export const replayScenario: Scenario = {
  name: 'replay',
  sentence: 'Everything arrives a second time, unchanged: what a replay costs.',
  want: ['rabbitmq', 'postgres', 'neo4j'],
  records: 20_000,
  plan: () => ({
    contestants: [
      tableinator('tableinator', 'meets records that are there already', { preload: 1 }),
      postgresFloor('floor', 'copies the same records from memory into a stage and merges, without a broker', {
        preload: 1,
      }),
      postgresFloor('sink', 'asks for the same records from memory as tableinator does', {
        preload: 1,
        asks: true,
      }),
      graphinator('graphinator', 'meets records that are there already', { preload: 1 }),
      graphinator('graphinator new', 'meets the same records in an empty graph'),
    ],
    headline: { of: 'tableinator', over: 'floor' },
    ratios: [
      { of: 'tableinator', over: 'sink' },
      { of: 'graphinator', over: 'graphinator new' },
    ],
    targets: [
      { of: 'tableinator', over: 'floor', what: 'rate', least: 0.6 },
      { of: 'graphinator', over: 'graphinator new', what: 'rate', least: 6 },
    ],
  }),
};

export const updateScenario: Scenario = {
  name: 'update',
  sentence: 'Everything arrives in another version, relationships included: what a full update costs.',
  want: ['rabbitmq', 'postgres', 'neo4j'],
  records: 20_000,
  plan: () => ({
    contestants: [
      tableinator('tableinator', 'updates every row', { version: 2, preload: 1 }),
      postgresFloor('floor', 'updates every row from memory', { version: 2, preload: 1 }),
      graphinator('graphinator', 'updates every node and its relationships', { version: 2, preload: 1 }),
      graphFloor('floor-neo4j', 'replays from memory what our sink sends', 'statements', { version: 2, preload: 1 }),
      graphFloor('foreach', 'sends UNWIND with FOREACH, and leaves old relationships', 'foreach', {
        version: 2,
        preload: 1,
      }),
    ],
    headline: { of: 'tableinator', over: 'floor' },
    ratios: [
      { of: 'graphinator', over: 'floor-neo4j' },
      { of: 'graphinator', over: 'foreach' },
    ],
    targets: [{ of: 'graphinator', over: 'foreach', what: 'rate', least: 1.8 }],
    notes: ['foreach does less: it leaves the relationships that the new version asserts no longer'],
  }),
};

export const touchScenario: Scenario = {
  name: 'touch',
  sentence: 'Every record arrives with another title and is else as it was: what the usual change costs a graph.',
  want: ['rabbitmq', 'neo4j'],
  records: 20_000,
  plan: () => {
    const run = { version: 1, retitled: true, preload: 1 };
    return {
      contestants: [
        graphinator('graphinator', 'updates every node', run),
        graphFloor('floor-neo4j', 'replays from memory what our sink sends', 'statements', run),
        graphFloor('foreach', 'sends UNWIND with FOREACH', 'foreach', run),
      ],
      headline: { of: 'graphinator', over: 'foreach' },
      ratios: [
        { of: 'graphinator', over: 'floor-neo4j' },
        { of: 'floor-neo4j', over: 'foreach' },
      ],
      targets: [{ of: 'graphinator', over: 'foreach', what: 'rate', least: 1.8 }],
      notes: ['the two others write from memory, without a broker, and foreach compares nothing with what is there'],
    };
  },
};
