/** What each kind of fault does. A fault resolves when it has ended: from then on the services have to get on. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningService } from '../support/service.ts';
import type { Arena } from './arena.ts';
import { openTransactions } from './check/graph.ts';
import type { Fleet } from './fleet.ts';
import type { FaultKind, LinkTarget, PlannedFault, ServerTarget, ServiceTarget } from './plan.ts';

export interface Scene {
  readonly arena: Arena;
  readonly fleet: Fleet;
  /** Publishes nothing more, and waits until every bad record so far has its letter in the books. */
  quiet(service: ServiceTarget): Promise<void>;
  /** Goes on publishing. */
  loud(): void;
}

/** Longest that a process armed with a failpoint is waited for; there may be too little left for it to reach it. */
const failpointMs = 6_000;

export function runFault(scene: Scene, fault: PlannedFault): Promise<void> {
  return acts[fault.kind](scene, fault);
}

type Act = (scene: Scene, fault: PlannedFault) => Promise<void>;

const acts: Readonly<Record<FaultKind, Act>> = {
  async 'service-kill'({ fleet }, { target, forMs, number }) {
    const service = target as ServiceTarget;
    await fleet.kill(chosen(fleet, service, number));
    await sleep(forMs / 6);
    await fleet.start(service);
  },
  async 'service-stop'({ fleet }, { target, number }) {
    const service = target as ServiceTarget;
    await fleet.stop(chosen(fleet, service, number));
    await fleet.start(service);
  },
  async 'service-freeze'({ arena, fleet }, { target, forMs, number }) {
    const process = chosen(fleet, target as ServiceTarget, number);
    process.kill('SIGSTOP');
    try {
      await sleep(forMs);
      // What the stores' own timeouts would do within a minute: the frozen process wakes to transactions that are gone.
      if (target === 'tableinator') await endIdleTransactions(arena);
      else await endGraphTransactions(arena);
      await sleep(2 * forMs);
    } finally {
      process.kill('SIGCONT');
    }
  },
  async 'service-failpoint'({ fleet }, { target, number, failpoint }) {
    const service = target as ServiceTarget;
    await fleet.kill(chosen(fleet, service, number));
    const doomed = await fleet.start(service, { INATOR_FAILPOINTS: `${failpoint}=kill@${number}` });
    fleet.expectEnd(doomed);
    await Promise.race([doomed.exited, sleep(failpointMs)]);
    if (doomed.exitCode === undefined) await fleet.kill(doomed);
    await fleet.start(service);
  },
  async 'service-replica'({ fleet }, { target, number }) {
    const service = target as ServiceTarget;
    if (fleet.replicas(service).length === 1) await fleet.start(service);
    else await fleet.stop(chosen(fleet, service, number));
  },
  async 'server-kill'({ arena }, { target, forMs }) {
    const server = arena.servers[target as ServerTarget];
    await server.kill();
    await sleep(forMs / 3);
    await server.start();
  },
  async 'server-restart'({ arena }, { target }) {
    await arena.servers[target as ServerTarget].restart();
  },
  async 'server-pause'({ arena }, { target, forMs }) {
    const server = arena.servers[target as ServerTarget];
    await server.pause();
    await sleep(forMs);
    await server.resume();
  },
  async 'postgres-terminate'({ arena }, { forMs }) {
    const all = 'select pg_terminate_backend(pid) from pg_stat_activity where usename = $1';
    await arena.tables.query(all, [arena.postgresUser]);
    await sleep(forMs / 5);
    await arena.tables.query(all, [arena.postgresUser]);
  },
  async 'postgres-lock'({ arena }, { forMs, number }) {
    const table = ['releases', 'releases', 'releases', 'artists', 'labels', 'masters'][number - 1] ?? 'releases';
    await arena.tables.query(
      `begin; lock table "${arena.schema}"."${table}" in access exclusive mode; select pg_sleep(${forMs / 1000}); commit`,
    );
  },
  async 'neo4j-terminate'({ arena }, { forMs }) {
    for (let i = 0; i < 4; i += 1) {
      await endGraphTransactions(arena);
      await sleep(forMs / 8);
    }
  },
  async 'broker-close-connections'({ arena }) {
    const open = (await arena.manage<{ name: string; user: string }[]>('GET', 'connections')) ?? [];
    for (const { name, user } of open)
      if (user === 'chaos') await arena.manage('DELETE', `connections/${encodeURIComponent(name)}`);
  },
  async 'broker-alarm'({ arena }, { forMs }) {
    const watermark = (share: string) =>
      arena.servers.rabbitmq.run('rabbitmqctl', ['set_vm_memory_high_watermark', share]);
    await watermark('0');
    await sleep(forMs);
    await watermark('0.4');
  },
  async 'letters-delete'({ arena, quiet, loud }, { number }) {
    const service = number % 2 === 0 ? 'tableinator' : 'graphinator';
    // A letter that nobody has read yet would be lost with its queue, and rightly so.
    await quiet(service);
    for (const type of ['artists', 'labels', 'masters', 'releases'])
      await arena.manage('DELETE', `queues/%2f/${service}-${arena.prefix}-${type}.dlq`);
    loud();
  },
  async 'link-cut'({ arena }, { target, number }) {
    for (let i = 0; i < number; i += 1) {
      arena.links[target as LinkTarget].cut();
      await sleep(150);
    }
  },
  async 'link-freeze'({ arena }, { target, forMs, number }) {
    const link = arena.links[target as LinkTarget];
    link.freeze();
    await sleep(forMs * 2);
    if (number % 2 === 0) link.cut();
    link.thaw();
  },
  async 'link-slow'({ arena }, { target, forMs, number }) {
    const link = arena.links[target as LinkTarget];
    link.slow(number * 100_000);
    await sleep(forMs);
    link.slow(0);
  },
  async 'link-refuse'({ arena }, { target, forMs }) {
    const link = arena.links[target as LinkTarget];
    await link.refuse();
    await sleep(forMs);
    await link.open();
  },
};

function chosen(fleet: Fleet, service: ServiceTarget, number: number): RunningService {
  const replicas = fleet.replicas(service);
  const one = replicas[number % Math.max(1, replicas.length)];
  if (one === undefined) throw new Error(`no ${service} runs: it must have ended by itself`);
  return one;
}

async function endIdleTransactions({ tables, postgresUser }: Arena): Promise<void> {
  await tables.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where usename = $1 and state like 'idle in transaction%'`,
    [postgresUser],
  );
}

async function endGraphTransactions({ graph }: Arena): Promise<void> {
  const ids = await openTransactions(graph);
  if (ids.length > 0) await graph.query('terminate transactions $ids', { ids });
}
