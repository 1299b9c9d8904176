/**
 * The tracer of the SDK that somebody has loaded into the process, and nothing where nobody has: then a batch costs one
 * look, and no header is read.
 */
import { type Tracer, type TracerProvider, trace } from '@opentelemetry/api';
import { safely } from './guard.ts';

/** The name by which the spans' library is known. */
export const scope = 'inator';

/** What the API puts before the SDK's own provider. Its class is to go one day, so that only its methods are asked for. */
interface Proxy extends TracerProvider {
  getDelegate?(): TracerProvider;
  getDelegateTracer?(name: string, version?: string): Tracer | undefined;
}

/** Providers of SDKs can do this; the API does not ask for it. */
interface Flushes extends TracerProvider {
  forceFlush?(): Promise<void>;
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
      found ??= safely(() => {
        const provider: Proxy = trace.getTracerProvider();
        return provider.getDelegateTracer === undefined
          ? provider.getTracer(scope, version)
          : provider.getDelegateTracer(scope, version);
      });
      return found;
    },
    async flush(deadlineMs) {
      if (found === undefined) return;
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, deadlineMs);
      });
      const flushing = async (): Promise<void> => {
        const provider: Proxy = trace.getTracerProvider();
        const sdk: Flushes = provider.getDelegate?.() ?? provider;
        await sdk.forceFlush?.();
      };
      // What cannot be handed over is lost with the process, and told by the SDK itself.
      await Promise.race([flushing().catch(() => {}), late]);
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
