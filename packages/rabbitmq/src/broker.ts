/**
 * One supervised connection, made when somebody needs it and made again after it was lost.
 *
 *     idle ──channel()──▶ connecting ──▶ up ──lost──▶ idle        any ──close()──▶ closed
 *                             └─failed──▶ idle (the next attempt waits for its turn)
 *
 * Several lanes share a broker: they share one attempt to connect, and each has channels of its own, so that a fault of
 * one channel never disturbs the others. amqplib's own recovery is not used: it keeps "connected" handles whose channels
 * are dead. Losses are seen by the `close` event alone, because a graceful stop of the broker (320) raises no `error`.
 */
import { type BackoffOptions, backoffMs, delay, type Fault, within } from '@inator/runtime';
import type { Channel, ChannelModel, ConfirmChannel } from 'amqplib';
import { connect, IllegalOperationError } from './amqp.ts';
import { brokerError, brokerFault, classifyConnect } from './faults.ts';
import { address, type BrokerSettings, connectArguments, settingsDefaults } from './settings.ts';
import { orAborted } from './waiting.ts';

/** Changes of the connection, for logs and metrics. A listener that throws is reported as a process warning. */
export interface BrokerListeners {
  readonly onUp?: () => void;
  readonly onDown?: (fault: Fault) => void;
  /** An attempt failed; the next one is made no sooner than after `delayMs`. */
  readonly onFailed?: (fault: Fault, attempt: number, delayMs: number) => void;
  /** The broker does not read from this connection (memory or disk alarm): what is published waits, and so do its acks. */
  readonly onBlocked?: (reason: string) => void;
  readonly onUnblocked?: () => void;
}

export interface BrokerStatus {
  readonly state: 'idle' | 'connecting' | 'up' | 'closed';
  /** Epoch milliseconds of the last change of state. */
  readonly since: number;
  /** Set while the broker is in alarm and does not read what we publish. */
  readonly blocked: string | undefined;
  /** The last failure or loss; undefined while up. */
  readonly fault: Fault | undefined;
  /** Connections made since the first one, each after a loss. */
  readonly reconnects: number;
}

export interface Broker {
  /** Host and port, for messages. */
  readonly address: string;
  status(): BrokerStatus;
  /**
   * Opens a channel, connecting first where needed. Rejects with `SourceError`; while the broker is away, attempts are
   * spaced out, so a call may wait for the next one. Every channel comes with an `error` listener: without one an error
   * of the channel would end the process.
   */
  channel(signal?: AbortSignal): Promise<Channel>;
  confirmChannel(signal?: AbortSignal): Promise<ConfirmChannel>;
  /**
   * The result of an operation on a channel, or `DeadlineError` after `ms`. When the broker sent nothing at all in that
   * time, not even a heartbeat, the connection is destroyed: the link swallows packets, and waiting for the heartbeat
   * would only take longer.
   */
  within<T>(operation: Promise<T>, ms: number, what: string): Promise<T>;
  /** Closes in order within the deadline, else destroys the socket. Resolves in either case. */
  close(): Promise<void>;
}

/** Between attempts to connect. Short at the top, because a lane backs off as well and consuming must resume soon. */
const reconnect: BackoffOptions = { firstMs: 200, maxMs: 5_000 };
/** A connection that lived this long resets the back-off; one that the broker closes at once does not. */
const stableMs = 5_000;
/** Heartbeats come every half interval; below this much silence nothing can be concluded. */
const silenceMs = 8_000;

interface Link {
  readonly model: ChannelModel;
  readonly socket: Socket;
  readonly upSince: number;
}

/** The part of amqplib's connection that its types do not show: the socket, or what wraps it. */
interface Socket {
  readonly bytesRead?: number;
  destroy(error?: Error): void;
  destroySoon?(): void;
}

function socketOf(model: ChannelModel): Socket {
  return (model.connection as unknown as { readonly stream: Socket }).stream;
}

export function createBroker(settings: BrokerSettings, listeners: BrokerListeners = {}): Broker {
  const at = address(settings);
  const connectMs = settings.connectTimeoutMs ?? settingsDefaults.connectTimeoutMs;
  const closeMs = settings.closeTimeoutMs ?? settingsDefaults.closeTimeoutMs;
  const closing = new AbortController();
  let status: BrokerStatus = { state: 'idle', since: Date.now(), blocked: undefined, fault: undefined, reconnects: 0 };
  let link: Link | undefined;
  let attempt: Promise<Link> | undefined;
  let failures = 0;
  let connections = 0;
  let notBefore = 0;

  function become(state: BrokerStatus['state'], fault?: Fault): void {
    const reconnects = Math.max(0, connections - 1);
    status = { state, since: Date.now(), blocked: undefined, fault, reconnects };
  }

  function tell<A extends unknown[]>(listener: ((...values: A) => void) | undefined, ...values: A): void {
    try {
      listener?.(...values);
    } catch (error) {
      process.emitWarning(`a listener of the broker threw: ${String(error)}`);
    }
  }

  /** Puts off the next attempt; every further failure in a row puts it off longer. */
  function postpone(): number {
    failures += 1;
    const delayMs = backoffMs(failures, reconnect);
    notBefore = performance.now() + delayMs;
    return delayMs;
  }

  async function attemptOnce(): Promise<Link> {
    await delay(Math.max(0, notBefore - performance.now()), closing.signal);
    if (closing.signal.aborted) throw brokerError('unavailable', `the connection to ${at} was closed by us`);
    become('connecting', status.fault);
    const giveUp = new AbortController();
    const abort = (): void => giveUp.abort();
    closing.signal.addEventListener('abort', abort, { once: true });
    try {
      const [where, how] = connectArguments(settings, giveUp.signal);
      const connecting = connect(where, how).then((model) => adopt(model, giveUp.signal));
      return await within(connecting, connectMs, `connecting to ${at}`, abort);
    } catch (error) {
      const is = classifyConnect(error);
      const failure = brokerError(is, `cannot connect to ${at} as ${who(settings)}`, error);
      const delayMs = postpone();
      if (!closing.signal.aborted) {
        become('idle', failure.fault);
        tell(listeners.onFailed, failure.fault, failures, delayMs);
      }
      throw failure;
    } finally {
      // From here on the connection is closed in order; the signal would destroy it.
      closing.signal.removeEventListener('abort', abort);
    }
  }

  function adopt(model: ChannelModel, givenUp: AbortSignal): Link {
    const adopted: Link = { model, socket: socketOf(model), upSince: performance.now() };
    let cause: unknown;
    model.on('error', (error) => {
      cause = error;
    });
    model.on('blocked', (reason: string) => {
      status = { ...status, blocked: reason };
      tell(listeners.onBlocked, reason);
    });
    model.on('unblocked', () => {
      status = { ...status, blocked: undefined };
      tell(listeners.onUnblocked);
    });
    model.on('close', (error?: Error) => {
      bury(adopted.socket, closeMs);
      lost(adopted, error ?? cause);
    });
    if (givenUp.aborted) {
      adopted.socket.destroy();
      throw brokerError('unavailable', `the connection to ${at} came too late`);
    }
    link = adopted;
    connections += 1;
    become('up');
    tell(listeners.onUp);
    return adopted;
  }

  function lost(gone: Link, cause: unknown): void {
    if (link !== gone) return;
    link = undefined;
    if (closing.signal.aborted) return;
    const wasBlocked = status.blocked !== undefined;
    const fault = brokerFault('unavailable', `the connection to ${at} was lost`, cause);
    if (performance.now() - gone.upSince >= stableMs) failures = 0;
    postpone();
    become('idle', fault);
    if (wasBlocked) tell(listeners.onUnblocked);
    tell(listeners.onDown, fault);
  }

  function connected(signal: AbortSignal | undefined): Promise<Link> {
    if (closing.signal.aborted) return Promise.reject(brokerError('unavailable', `the connection to ${at} is closed`));
    if (link !== undefined) return Promise.resolve(link);
    attempt ??= attemptOnce().finally(() => {
      attempt = undefined;
    });
    return orAborted(attempt, signal, `waiting for ${at}`);
  }

  async function open<C extends Channel>(
    signal: AbortSignal | undefined,
    create: (model: ChannelModel) => Promise<C>,
  ): Promise<C> {
    const adopted = await connected(signal);
    let late = false;
    try {
      const opening = create(adopted.model).then((channel) => {
        channel.on('error', () => {});
        if (late) channel.close().catch(() => {});
        return channel;
      });
      return await bounded(opening, connectMs, 'opening a channel');
    } catch (error) {
      late = true;
      // The connection was closed before anybody could listen: without this it would pass for connected for ever.
      if (error instanceof IllegalOperationError) lost(adopted, error);
      throw brokerError('unavailable', `no channel could be opened at ${at}`, error);
    }
  }

  async function bounded<T>(operation: Promise<T>, ms: number, what: string): Promise<T> {
    const watched = link;
    const before = watched?.socket.bytesRead;
    return within(operation, ms, what, () => {
      if (watched === undefined || before === undefined || ms < silenceMs) return;
      // After a stall of our own the bytes may wait unread in the socket: let the loop read before it is judged.
      setImmediate(() =>
        setImmediate(() => {
          if (watched.socket.bytesRead === before) {
            watched.socket.destroy(new Error(`nothing was received for ${ms} ms`));
          }
        }),
      );
    });
  }

  let closed: Promise<void> | undefined;
  async function shut(): Promise<void> {
    closing.abort();
    await attempt?.catch(() => {});
    const last = link;
    link = undefined;
    become('closed');
    if (last === undefined) return;
    await within(last.model.close(), closeMs, `closing the connection to ${at}`).catch((error: unknown) => {
      last.socket.destroy(error instanceof Error ? error : new Error(String(error)));
    });
  }

  return {
    address: at,
    status: () => status,
    channel: (signal) => open(signal, (model) => model.createChannel()),
    confirmChannel: (signal) => open(signal, (model) => model.createConfirmChannel()),
    within: bounded,
    close: () => {
      closed ??= shut();
      return closed;
    },
  };
}

function who(settings: BrokerSettings): string {
  const name = settings.username ?? settingsDefaults.username;
  return `user ${name} on virtual host ${settings.vhost ?? settingsDefaults.vhost}`;
}

/**
 * Ends a socket that amqplib is done with: what is written goes out (the reply to the broker's close), and a peer that
 * never answers does not keep the process alive.
 */
function bury(socket: Socket, ms: number): void {
  socket.destroySoon?.();
  setTimeout(() => socket.destroy(), ms).unref();
}
