/**
 * The tracer of the SDK that somebody has loaded into the process, and nothing where nobody has: then a batch costs one
 * look, and no header is read.
 */
import { type Tracer, type TracerProvider, trace } from '@opentelemetry/api';

/** The name by which the spans' library is known. */
export const scope = 'inator';

/** What the API puts before the SDK's own provider. Its class is to go one day, so that only its methods are asked for. */
interface Proxy extends TracerProvider {
  getDelegate?(): TracerProvider & { forceFlush?(): Promise<void> };
  getDelegateTracer?(name: string, version?: string): Tracer | undefined;
}

export interface FoundTracer {
  /** Undefined while no SDK is loaded. */
  get(): Tracer | undefined;
  /** Hands over what the SDK still holds; resolves within the deadline, never rejects. */
  flush(deadlineMs: number): Promise<void>;
}

export function findTracer(version: string): FoundTracer {
  let found: Tracer | undefined;
  return {
    get() {
      if (found === undefined) {
        const provider: Proxy = trace.getTracerProvider();
        found =
          provider.getDelegateTracer === undefined
            ? provider.getTracer(scope, version)
            : provider.getDelegateTracer(scope, version);
      }
      return found;
    },
    async flush(deadlineMs) {
      if (found === undefined) return;
      const provider: Proxy = trace.getTracerProvider();
      const sdk = provider.getDelegate?.() ?? provider;
      if (!('forceFlush' in sdk) || typeof sdk.forceFlush !== 'function') return;
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, deadlineMs);
      });
      const flushed = Promise.resolve(sdk.forceFlush() as unknown).then(
        () => {},
        () => {},
      );
      await Promise.race([flushed, late]);
      clearTimeout(timer);
    },
  };
}

/**
 * Version of an API that somebody has registered an SDK with, where ours cannot see it: ours must not be the newer one. Two
 * copies of the API meet in a property of the global object, whose name is part of the API's contract.
 */
export function unseenApi(): string | undefined {
  const registered = (globalThis as Record<symbol, unknown>)[Symbol.for('opentelemetry.js.api.1')];
  if (typeof registered !== 'object' || registered === null || !('trace' in registered)) return undefined;
  return 'version' in registered ? String(registered.version) : 'unknown';
}
