/** What `start` shows when the sample has drained: counts, and where everything is. */
import type { ResolvedServers, Server } from '@inator/stack';
import { count } from '../io.ts';
import { table } from '../table.ts';
import { type Held, total } from './drain.ts';
import type { RunningService } from './services.ts';

/** The last line of `start --once --json`. */
export interface StartResult {
  readonly records: number;
  readonly rows: number;
  readonly nodes: number;
  readonly relationships: number;
  readonly deadLettered: number;
  readonly seconds: number;
  readonly recordsPerSecond: number;
  readonly rowsByTable: Readonly<Record<string, number | null>>;
  readonly nodesByLabel: Readonly<Record<string, number>>;
  readonly relationshipsByType: Readonly<Record<string, number>>;
  /** True when the stores hold exactly what the sample makes. */
  readonly agrees: boolean;
}

export function resultOf(
  held: Held,
  run: {
    readonly records: number;
    readonly deadLettered: number;
    readonly milliseconds: number;
    readonly agrees: boolean;
  },
): StartResult {
  const seconds = Math.round(run.milliseconds) / 1000;
  return {
    records: run.records,
    rows: total(held.rows),
    nodes: total(held.graph.nodes),
    relationships: total(held.graph.relationships),
    deadLettered: run.deadLettered,
    seconds,
    recordsPerSecond: seconds === 0 ? 0 : Math.round(run.records / seconds),
    rowsByTable: held.rows,
    nodesByLabel: held.graph.nodes,
    relationshipsByType: held.graph.relationships,
    agrees: run.agrees,
  };
}

export function countsTable(held: Held): string {
  const lines = (kind: string, counts: Readonly<Record<string, number | null>>): string[][] =>
    Object.entries(counts).map(([name, found]) => [kind, name, count(found ?? 0)]);
  return table(
    ['', 'what', 'count'],
    [
      ...lines('rows', held.rows),
      ...lines('nodes', held.graph.nodes),
      ...lines('relationships', held.graph.relationships),
    ],
  );
}

/** A server of our own shows its password, which is one for development; one that was given never does. */
function shownUrl(server: Server): string {
  if (server.runs !== 'given' || !URL.canParse(server.url)) return server.url;
  const url = new URL(server.url);
  if (url.password !== '') url.password = '***';
  return url.href;
}

export function addressTable({ servers, env }: ResolvedServers, services: readonly RunningService[]): string {
  const rows: string[][] = [];
  const add = (what: string, address: string, login = ''): void => {
    rows.push([what, address, login]);
  };
  const { rabbitmq, postgres, neo4j } = servers;
  if (rabbitmq !== undefined) add('RabbitMQ', shownUrl(rabbitmq));
  const management = env.RABBITMQ_MANAGEMENT_URL;
  if (management !== undefined && URL.canParse(management)) {
    const url = new URL(management);
    const login = rabbitmq?.runs === 'given' || url.username === '' ? '' : `${url.username} / ${url.password}`;
    add('RabbitMQ management', `${url.origin}${url.pathname}`, login);
  }
  if (postgres !== undefined) add('PostgreSQL', shownUrl(postgres));
  if (neo4j !== undefined) {
    const login = neo4j.runs === 'given' ? '' : `${env.NEO4J_USERNAME ?? 'neo4j'} / ${env.NEO4J_PASSWORD ?? ''}`;
    add('Neo4j (Bolt)', shownUrl(neo4j), login);
  }
  for (const { name, url } of services) {
    add(`${name} health`, `${url}/readyz`);
    add(`${name} lanes`, `${url}/lanes`);
    add(`${name} metrics`, `${url}/metrics`);
  }
  return table(['', 'address', 'login'], rows);
}
