/**
 * How far an input is done. Confirms come back out of order; the watermark is the longest run from the beginning in
 * which everything is settled, and only that may be saved: a resumed run that starts there misses nothing.
 */

export interface Ticket<T> {
  readonly value: T;
  settled: boolean;
}

export interface Watermark<T> {
  /** Takes an item, in reading order. */
  open(value: T): Ticket<T>;
  /** The item is confirmed or refused. `pass` is called for every item that the watermark moves over, in order. */
  settle(ticket: Ticket<T>): void;
  /** Items opened and not passed yet. */
  readonly behind: number;
}

export function createWatermark<T>(pass: (value: T) => void): Watermark<T> {
  let queue: Ticket<T>[] = [];
  let head = 0;
  return {
    open(value) {
      const ticket = { value, settled: false };
      queue.push(ticket);
      return ticket;
    },
    settle(ticket) {
      if (ticket.settled) return;
      ticket.settled = true;
      for (let first = queue[head]; first?.settled === true; first = queue[head]) {
        head += 1;
        pass(first.value);
      }
      // Trimmed in big steps, so that a long run costs no shifting.
      if (head > 4096 && head * 2 > queue.length) {
        queue = queue.slice(head);
        head = 0;
      }
    },
    get behind() {
      return queue.length - head;
    },
  };
}
