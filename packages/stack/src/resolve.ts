/** Which servers to use: those the environment names, else containers, else private processes of this machine. */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { images } from './containers/recipes.ts';
import { givenServer } from './given.ts';
import { withLock } from './local/lock.ts';
import { ensureInstalled } from './local/programs.ts';
import { type Report, type Server, type ServerKind, type ServerOptions, StackError } from './server.ts';
import { startServer } from './start.ts';

export interface ResolveOptions {
  /** Names servers (`RABBITMQ_URL`, `POSTGRES_URL`, `NEO4J_URI` and their like), and forces with `INATOR_STACK`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly want: readonly ServerKind[];
  /** Folder for what is started; every kind gets its own below it. */
  readonly dir: string;
  /** A kind with an image is a container of that image and nothing else, whatever `INATOR_STACK` says of the others. */
  readonly options?: Partial<Record<ServerKind, Pick<ServerOptions, 'image' | 'settings' | 'heap' | 'java' | 'env'>>>;
  readonly ownedByParent?: boolean;
  readonly ephemeral?: boolean;
  readonly report?: Report;
}

export interface ResolvedServers {
  readonly servers: Readonly<Partial<Record<ServerKind, Server>>>;
  /** The variables of all of them, for the services. */
  readonly env: Readonly<Record<string, string>>;
  /** Stops, side by side, those that were started here; given and attached ones are left alone. */
  stop(): Promise<void>;
  /** The same, and deletes their data. */
  remove(): Promise<void>;
}

type Source = 'local' | 'containers' | 'env';

/** Longer than the slowest start with all its downloads. */
const lockTimeoutMs = 30 * 60_000;

/** Resolves when all of them answer. When one cannot be had, those started are stopped and the first reason is thrown. */
export async function resolveServers(options: ResolveOptions): Promise<ResolvedServers> {
  const { env, want, report = () => {} } = options;
  const dir = resolve(options.dir);
  const forced = forcedSource(env.INATOR_STACK);
  const given = want.flatMap((kind) => {
    const server = givenServer(kind, env);
    return server === undefined ? [] : [server];
  });
  const rest = want.filter((kind) => !given.some((server) => server.kind === kind));
  for (const { kind } of given) {
    const image = options.options?.[kind]?.image;
    // Whoever asks for a version must not be shown the results of another one.
    if (image !== undefined)
      throw new StackError('bad-option', 'operator', `${kind}: a server is named, and the image ${image} as well`);
    report(`${kind}: as the environment names it`);
  }
  if (rest.length === 0) return resolved(given);
  if (forced === 'env') {
    throw new StackError(
      'bad-option',
      'operator',
      `INATOR_STACK is env, and nothing names a server for ${rest.join(', ')}`,
    );
  }

  mkdirSync(dir, { recursive: true });
  const onWait = (): void => report('another process is starting this stack, waiting for it');
  // Two at once would each find nothing running, and start it twice.
  return withLock(join(dir, 'starting'), { timeoutMs: lockTimeoutMs, onWait }, async () => {
    const hasImage = (kind: ServerKind): boolean => options.options?.[kind]?.image !== undefined;
    const free = rest.filter((kind) => !hasImage(kind));
    const local = async (): Promise<Server[]> => {
      await ensureInstalled(free, report);
      return startAll(rest, (kind) => (hasImage(kind) ? 'containers' : 'local'), dir, options);
    };
    if (forced === 'local') return resolved([...given, ...(await local())]);
    try {
      return resolved([...given, ...(await startAll(rest, () => 'containers', dir, options))]);
    } catch (error) {
      if (forced === 'containers' || free.length === 0) throw error;
      report(`containers: not used, because ${reason(error)}`);
      return resolved([...given, ...(await local())]);
    }
  });
}

function forcedSource(value: string | undefined): Source | undefined {
  if (value === undefined || value === '') return undefined;
  if (value === 'local' || value === 'containers' || value === 'env') return value;
  throw new StackError('bad-option', 'operator', `INATOR_STACK is "${value}"; it may be local, containers or env`);
}

async function startAll(
  kinds: readonly ServerKind[],
  sourceOf: (kind: ServerKind) => 'local' | 'containers',
  dir: string,
  { env, options = {}, ownedByParent, ephemeral, report }: ResolveOptions,
): Promise<Server[]> {
  const outcomes = await Promise.allSettled(
    kinds.map((kind) => {
      const source = sourceOf(kind);
      // A password without a server is the password to give to ours.
      const password = kind === 'neo4j' ? env.NEO4J_PASSWORD : undefined;
      const all: ServerOptions = {
        ...options[kind],
        dir: join(dir, source === 'local' ? kind : `${kind}-container`),
        ...(password === undefined ? {} : { password: checkedPassword(password) }),
        ...(ownedByParent === undefined ? {} : { ownedByParent }),
        ...(ephemeral === undefined ? {} : { ephemeral }),
        ...(report === undefined ? {} : { report }),
      };
      return startServer(kind, source === 'local' ? all : { ...all, image: all.image ?? images[kind] });
    }),
  );
  const started = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed === undefined) return started;
  const { stop, remove } = resolved(started);
  await (ephemeral ? remove() : stop()).catch(() => {});
  throw failed.reason;
}

function checkedPassword(password: string): string {
  if (password.length >= 8) return password;
  throw new StackError(
    'bad-option',
    'operator',
    'NEO4J_PASSWORD is shorter than the eight characters that Neo4j asks for',
  );
}

function resolved(servers: readonly Server[]): ResolvedServers {
  const ours = servers.filter((server) => server.runs !== 'given' && !server.attached);
  return {
    servers: Object.fromEntries(servers.map((server) => [server.kind, server])),
    env: Object.assign({}, ...servers.map((server) => server.env)),
    async stop() {
      await Promise.all(ours.map((server) => server.stop()));
    },
    async remove() {
      await Promise.all(ours.map((server) => server.remove()));
    },
  };
}

function reason(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
