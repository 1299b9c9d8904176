/** The container engine, reached through testcontainers, which is loaded only when somebody asks for containers. */
import { hostname } from 'node:os';
import type { ContainerRuntimeClient } from 'testcontainers';
import { type Report, StackError } from '../server.ts';

export type Testcontainers = typeof import('testcontainers');

export interface Engine {
  readonly testcontainers: Testcontainers;
  readonly client: ContainerRuntimeClient;
}

/** An engine that is there answers in well under a second; on a machine with ten times the work it can do, in several. */
const engineTimeoutMs = 30_000;
/** Silence of a download after which it counts as failed; one that goes on may take as long as it takes. */
const pullSilenceMs = 30_000;

let reached: Promise<Engine> | undefined;

/** The engine of this machine. Rejects with `no-containers` when none answers, or one that runs elsewhere. */
export function engine(): Promise<Engine> {
  // Loading the library reads files of this machine for up to ten seconds; that tells nothing about the engine.
  reached ??= import('testcontainers').then((testcontainers) =>
    deadline(reach(testcontainers), engineTimeoutMs, 'no container engine answered'),
  );
  reached.catch(() => {
    reached = undefined;
  });
  return reached;
}

async function reach(testcontainers: Testcontainers): Promise<Engine> {
  const client = await testcontainers.getContainerRuntimeClient().catch((cause: unknown) => {
    throw new StackError('no-containers', 'operator', 'no container engine answers', { cause });
  });
  const { host } = client.info.containerRuntime;
  // Ports are published on the loopback of the engine's machine; from another one, or from inside a container that was
  // handed the engine's socket, nobody can reach them. What testcontainers says of the host is a guess: it takes every
  // system with a /.dockerenv for a container.
  const name: unknown = (await client.container.dockerode.info()).Name;
  if (host !== 'localhost' && host !== '127.0.0.1' && name !== hostname()) {
    throw new StackError('no-containers', 'operator', `the container engine runs on another machine (${host})`);
  }
  return { testcontainers, client };
}

/** Resolves when the image is on this machine, loading it if it is not. Rejects with `no-containers`. */
export async function ensureImage({ testcontainers, client }: Engine, image: string, report: Report): Promise<void> {
  if (await client.image.exists(testcontainers.ImageName.fromString(image))) return;
  report(`containers: loading the image ${image}; this is done once`);
  const { dockerode } = client.container;
  const stream = await deadline(dockerode.pull(image), pullSilenceMs, `the image ${image} cannot be loaded`);
  await new Promise<void>((resolve, reject) => {
    const fail = (reason: string): void =>
      reject(new StackError('no-containers', 'operator', `the image ${image} cannot be loaded: ${reason}`));
    const silent = (): void => {
      fail(`no progress for ${pullSilenceMs} ms`);
      (stream as NodeJS.ReadableStream & { destroy?: () => void }).destroy?.();
    };
    let timer = setTimeout(silent, pullSilenceMs);
    dockerode.modem.followProgress(
      stream,
      (error) => {
        clearTimeout(timer);
        if (error) fail(error.message);
        else resolve();
      },
      () => {
        clearTimeout(timer);
        timer = setTimeout(silent, pullSilenceMs);
      },
    );
  });
}

async function deadline<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new StackError('no-containers', 'operator', `${what} within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } catch (cause) {
    if (cause instanceof StackError) throw cause;
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new StackError('no-containers', 'operator', `${what}: ${said}`, { cause });
  } finally {
    clearTimeout(timer);
  }
}
