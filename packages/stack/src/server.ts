/** A server that can be started, hurt and stopped: what the stack hands out, wherever the server runs. */

export type ServerKind = 'rabbitmq' | 'postgres' | 'neo4j';
export const serverKinds: readonly ServerKind[] = ['rabbitmq', 'postgres', 'neo4j'];

/** Receives one line of progress at a time, for people: "neo4j: answers on 127.0.0.1:23187 after 8.1 s". */
export type Report = (line: string) => void;

export interface ToolResult {
  readonly stdout: string;
  readonly stderr: string;
}

export interface Server {
  readonly kind: ServerKind;
  /** Tells instances of one kind apart, in reports and as the broker's node name. */
  readonly name: string;
  /** Where it runs. A server named by the environment (`given`) can be used and neither stopped nor hurt. */
  readonly runs: 'local' | 'container' | 'given';
  /** The environment that the services need to reach it, under the product's names. */
  readonly env: Readonly<Record<string, string>>;
  /** Where clients connect; for PostgreSQL and RabbitMQ with user and password. Unchanged by `restart`. */
  readonly url: string;
  readonly port: number;
  /** Data and logs; undefined where they are not ours. */
  readonly dir: string | undefined;
  /** True when it was running already and was found rather than started: whoever started it stops it. */
  readonly attached: boolean;
  /** The server's main process (postmaster, beam, JVM); undefined while it is stopped. */
  pid(): number | undefined;
  /** Starts it again with the same port and data; resolves when it answers. Does nothing while it runs. */
  start(): Promise<void>;
  /** Stops it gracefully, by force after a deadline; resolves when no process of it is left. Idempotent. */
  stop(): Promise<void>;
  /** SIGKILL to the server and everything below it, as a power cut would; resolves when all are gone. */
  kill(): Promise<void>;
  /** `stop` and `start`. */
  restart(): Promise<void>;
  /** Freezes every process of it (SIGSTOP): connections stay open and nothing answers. */
  pause(): Promise<void>;
  /** Lets it go on. */
  resume(): Promise<void>;
  /** Runs a tool that came with the server (`rabbitmqctl`, `psql`) against it; rejects when it does not exit with 0. */
  run(tool: string, args: readonly string[]): Promise<ToolResult>;
  /** Stops it, an ephemeral one by force where that is quicker, and deletes its data. */
  remove(): Promise<void>;
}

/** A first start on a machine that is busy with other things has been seen to take two minutes; it usually takes ten seconds. */
export const defaultStartTimeoutMs = 300_000;

export interface ServerOptions {
  /** Folder for data and logs, created when absent. It must be the server's own. */
  readonly dir: string;
  /** Port on 127.0.0.1. Default: the one used with this `dir` before, else a free one. */
  readonly port?: number;
  readonly name?: string;
  /**
   * Extra configuration, in the server's own words: PostgreSQL settings (`max_connections`), lines of rabbitmq.conf, or
   * Neo4j settings (`dbms.transaction.timeout`).
   */
  readonly settings?: Readonly<Record<string, string>>;
  /** The image of a container: `rabbitmq:4.0-management`. A local server has none. Default: that of the compose file. */
  readonly image?: string;
  /** RabbitMQ only: plugins to enable besides management. */
  readonly plugins?: readonly string[];
  /** Neo4j only: the largest heap, as `-Xmx` takes it. Default 1g. */
  readonly heap?: string;
  /** Neo4j only: further arguments of the Java machine. */
  readonly java?: readonly string[];
  /** Neo4j only: the password of the user `neo4j`, at least eight characters. */
  readonly password?: string;
  /** Extra environment of the server process. */
  readonly env?: Readonly<Record<string, string>>;
  /** When this process ends, however it ends, the server is killed. Default false: the server stays up. */
  readonly ownedByParent?: boolean;
  /** The data is worth nothing after the run: it is deleted with the server when the owning parent dies. */
  readonly ephemeral?: boolean;
  /** Milliseconds until a server that does not answer counts as failed. Default 300,000. */
  readonly startTimeoutMs?: number;
  readonly report?: Report;
}

export type StackErrorCode =
  /** Something must be installed first, and may not or cannot be installed from here. */
  | 'not-installed'
  /** Installing or downloading was tried and failed. */
  | 'install-failed'
  /** The server ended or did not answer in time. */
  | 'start-failed'
  /** The server did not end, even by force. */
  | 'stop-failed'
  /** A tool of the server failed. */
  | 'tool-failed'
  /** Not possible with this server: stopping one that the environment named. */
  | 'not-ours'
  /** No container engine, or no image. */
  | 'no-containers'
  /** An option or a variable cannot be understood. */
  | 'bad-option';

/** What went wrong, in a sentence that tells what to do; `blame` is `operator` where only they can mend it. */
export class StackError extends Error {
  readonly code: StackErrorCode;
  readonly blame: 'operator' | 'us' | 'server';
  constructor(
    code: StackErrorCode,
    blame: 'operator' | 'us' | 'server',
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
    this.name = 'StackError';
    this.code = code;
    this.blame = blame;
  }
}
