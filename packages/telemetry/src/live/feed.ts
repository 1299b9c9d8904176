/**
 * Server-sent events: one text a second to everybody who listens, made once for all. A listener costs a socket and what
 * the kernel buffers; one that does not read is dropped, and there is a bound on how many there are.
 */
import type { ServerResponse } from 'node:http';

export interface Feed {
  readonly listeners: number;
  readonly full: boolean;
  /** Adds a listener and greets it. Does nothing more after `close`. */
  add(response: ServerResponse): void;
  /** To everybody. */
  send(event: string, data: string): void;
  /** A comment: keeps idle connections, and what stands between, from timing out. */
  beat(): void;
  /** Says that this is the end, and ends every connection. Idempotent. */
  close(): void;
}

/** Browsers and dashboards beyond this are asked to come back later. */
export const mostListeners = 16;
/** What a listener may leave unread before it is dropped: more than a minute of snapshots of four lanes. */
const mostUnreadBytes = 1024 * 1024;
/** How long a browser waits before it connects again. */
const retryMs = 2_000;

export function createFeed(greet: () => { readonly event: string; readonly data: string }): Feed {
  const listeners = new Set<ServerResponse>();
  let closed = false;

  const write = (response: ServerResponse, text: string): void => {
    if (response.destroyed || response.writableLength > mostUnreadBytes) {
      listeners.delete(response);
      response.destroy();
      return;
    }
    response.write(text);
  };

  return {
    get listeners() {
      return listeners.size;
    },
    get full() {
      return listeners.size >= mostListeners;
    },
    add(response) {
      if (closed) return void response.end();
      listeners.add(response);
      response.on('close', () => listeners.delete(response));
      const { event, data } = greet();
      write(response, `retry: ${retryMs}\n\n${framed(event, data)}`);
    },
    send(event, data) {
      const text = framed(event, data);
      for (const response of [...listeners]) write(response, text);
    },
    beat() {
      for (const response of [...listeners]) write(response, ':\n\n');
    },
    close() {
      closed = true;
      for (const response of [...listeners]) {
        write(response, framed('end', '{}'));
        response.end();
      }
      listeners.clear();
    },
  };
}

/** JSON has no line breaks outside of its strings' escapes, so one `data` line carries it. */
function framed(event: string, data: string): string {
  return `event: ${event}\ndata: ${data}\n\n`;
}
