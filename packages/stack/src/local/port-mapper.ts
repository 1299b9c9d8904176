/**
 * Erlang's port mapper (epmd), which a RabbitMQ node and its tools meet through. Erlang would start one for the whole
 * machine by itself and leave it behind; this one belongs to one server and goes with it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { until } from '../wait.ts';
import { accepts } from './probe.ts';
import { runTool } from './tool.ts';
import { startWatchdog, type Watchdog } from './watchdog.ts';

export interface PortMapper {
  /** Resolves when it listens; does nothing when it does already. */
  start(): Promise<void>;
  /** Ends it, also one that an earlier process has started. Idempotent. */
  stop(): Promise<void>;
}

export function portMapper(options: {
  /** Path of the program. */
  readonly epmd: string;
  readonly port: number;
  readonly env: Readonly<Record<string, string>>;
  /** True when it must not outlive this process. */
  readonly owned: boolean;
}): PortMapper {
  const { epmd, port, env, owned } = options;
  let running: ChildProcess | undefined;
  let watchdog: Watchdog | undefined;
  return {
    async start() {
      if (await accepts(port)) return;
      running = spawn(epmd, ['-port', String(port), '-address', '127.0.0.1'], {
        env: { ...env },
        cwd: '/',
        detached: true,
        stdio: 'ignore',
      });
      // Without it the server does not come up, and says why in its log.
      running.on('error', () => {});
      running.unref();
      if (owned && running.pid !== undefined) {
        watchdog ??= startWatchdog([]);
        watchdog.watch(running.pid);
      }
      await until(() => accepts(port), { timeoutMs: 5_000, everyMs: 20 });
    },
    async stop() {
      const ours = running !== undefined && running.exitCode === null && running.signalCode === null;
      if (ours) running?.kill('SIGTERM');
      // It refuses while a node is registered with it, which is then somebody's reason to keep it.
      else if (await accepts(port)) await runTool(epmd, ['-port', String(port), '-kill'], { env }).catch(() => {});
      await until(async () => !(await accepts(port)), { timeoutMs: 2_000, everyMs: 20 });
      running = undefined;
      watchdog?.dismiss();
      watchdog = undefined;
    },
  };
}
