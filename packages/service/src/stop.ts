/** How a service ends: on SIGTERM or SIGINT it drains within the deadline, on a second one it ends at once. */
import { milliseconds, type ServiceConfig } from '@inator/config';
import { describeError, type Log } from '@inator/telemetry';

/** Never resolves: when a signal has come and everything is closed, it ends the process. */
export function stopOnSignal(
  { log, config, lastLines }: { log: Log; config: ServiceConfig; lastLines: () => void },
  stop: (deadline: AbortSignal) => Promise<number>,
): Promise<never> {
  return new Promise(() => {
    let stopping = false;
    const begin = async (cause: string, exitCode: number): Promise<void> => {
      if (stopping) return;
      stopping = true;
      const began = performance.now();
      const timeoutMs = milliseconds(config.service.drainTimeoutSeconds);
      log.write('shutdown.begin', { cause, timeout_ms: timeoutMs });
      const left = await stop(AbortSignal.timeout(timeoutMs));
      log.write('shutdown.complete', { left, duration_ms: Math.round(performance.now() - began) });
      log.flush();
      // Whatever a library still holds open must not keep a drained process alive.
      process.exit(exitCode);
    };
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (stopping) {
          lastLines();
          process.exit(130);
        }
        void begin(signal, 0);
      });
    }
    // A promise without an owner, or a listener that threw: a defect. What is in hand is still written and settled.
    for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
      process.on(event, (error: unknown) => {
        log.write('defect', {
          code: 'defect',
          blame: 'us',
          stage: 'settle',
          reason: `${event}: the service drains and ends`,
          ...describeError(error),
        });
        void begin(event, 1);
      });
    }
  });
}
