/**
 * What of a channel is settled, and the fewest ack frames that say so.
 *
 * Deliveries are settled in any order, because several writers have batches in hand. Everything up to the first
 * unsettled delivery goes to the broker as one `multiple` ack; what lies behind it waits. That keeps frames few: single
 * acks cost the broker a search each, and a quorum queue can drop those still under way when the channel closes. When
 * what waits fills half the window, one slow delivery would starve the lane: then what waits is acked singly.
 *
 * The list holds what the broker counts as unacked, so the window bounds it.
 */

/** One delivery of the channel, in the order of tags. */
export interface AckEntry {
  readonly tag: number;
  settled: boolean;
  next: AckEntry | undefined;
}

export interface AckWindow {
  /** Notes a delivery; tags must rise. */
  push(tag: number): AckEntry;
  /** False when it was settled before. */
  settle(entry: AckEntry): boolean;
  /** Sends what is due. `everything`: also what waits behind an unsettled delivery, for the close. */
  flush(everything?: boolean): void;
  /** Noted and not settled. */
  readonly unsettled: number;
  /** Noted and not acked on the wire: what the broker counts against the window. */
  readonly lent: number;
  /** Tag of the first that is not acked on the wire. */
  readonly oldest: number | undefined;
}

export function createAckWindow(window: number, send: (tag: number, multiple: boolean) => void): AckWindow {
  let head: AckEntry | undefined;
  let tail: AckEntry | undefined;
  let unsettled = 0;
  let waiting = 0;
  const relief = Math.max(1, Math.floor(window / 2));

  function flushFront(): void {
    let last: AckEntry | undefined;
    while (head?.settled) {
      last = head;
      head = head.next;
      waiting -= 1;
    }
    if (head === undefined) tail = undefined;
    // `last` is unacked as yet, so the broker knows its tag; those before it that were acked singly it passes over.
    if (last !== undefined) send(last.tag, true);
  }

  function flushSingly(): void {
    let before = head;
    while (before?.next !== undefined) {
      const entry = before.next;
      if (entry.settled) {
        before.next = entry.next;
        if (entry === tail) tail = before;
        waiting -= 1;
        send(entry.tag, false);
      } else before = entry;
    }
  }

  return {
    push(tag) {
      const entry: AckEntry = { tag, settled: false, next: undefined };
      if (tail === undefined) head = entry;
      else tail.next = entry;
      tail = entry;
      unsettled += 1;
      return entry;
    },
    settle(entry) {
      if (entry.settled) return false;
      entry.settled = true;
      unsettled -= 1;
      waiting += 1;
      return true;
    },
    flush(everything = false) {
      flushFront();
      if (everything || waiting >= relief) flushSingly();
    },
    get unsettled() {
      return unsettled;
    },
    get lent() {
      return unsettled + waiting;
    },
    get oldest() {
      return head?.tag;
    },
  };
}
