/** Where bodies go: the broker, or nowhere at all in a dry run. Narrow, so that the pump knows no broker. */

export interface Outlet {
  /** Resolves when another body may be sent: back-pressure of the connection, and of too many unconfirmed ones. */
  ready(signal: AbortSignal): Promise<void> | undefined;
  /**
   * Resolves when the broker has confirmed the body, `unroutable` when no queue was bound to receive it. Rejects when it
   * can not be confirmed any more: nobody knows then whether it arrived.
   */
  send(body: Uint8Array): Promise<'routed' | 'unroutable'>;
}

const routed = Promise.resolve('routed' as const);

/** Takes everything, publishes nothing. */
export const nowhere: Outlet = { ready: () => undefined, send: () => routed };
