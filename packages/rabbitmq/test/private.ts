/** A broker that one test file may hurt. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Server } from '@inator/stack';
import { startOwnServer } from '@inator/testkit';

export interface PrivateBroker {
  readonly server: Server;
  ctl(...args: readonly string[]): Promise<void>;
  /** Evaluates an Erlang expression on the node. */
  evaluate(expression: string): Promise<void>;
  /**
   * Resolves when what the node knows of its quorum queues is on disk. RabbitMQ 3.10 keeps it in memory for up to three
   * seconds: a queue that is younger when the node is killed comes back without a leader, and answers nothing any more.
   */
  remembered(): Promise<void>;
  remove(): Promise<void>;
}

export async function startPrivateBroker(name: string): Promise<PrivateBroker> {
  const dir = mkdtempSync(join(tmpdir(), `inator-${name}-`));
  const server = await startOwnServer('rabbitmq', { dir, name });
  const ctl = async (...args: readonly string[]): Promise<void> => {
    await server.run('rabbitmqctl', args);
  };
  return {
    server,
    ctl,
    evaluate: (expression) => ctl('eval', expression),
    remembered: () => ctl('eval', '[dets:sync(Table) || Table <- dets:all()].'),
    async remove() {
      await server.remove();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
