/**
 * One slot of a lane. All records of a key go to one writer, and a writer has one batch in flight, so versions of a key
 * never overtake each other inside a process while writers run side by side. This holds across sessions too: after a
 * session is lost, its last write is awaited before the next begins, because the store may still commit it.
 */
import { type Accounting, createAccounting } from './accounting.ts';
import type { Batch, SealedBy } from './batch.ts';
import type { Delivery } from './delivery.ts';
import type { Loan } from './intake.ts';
import type { Keyed, Model } from './model.ts';

/** A batch, and the deliveries it was made of, record for record. */
export interface Sealed<R> {
  readonly batch: Batch<R>;
  readonly deliveries: readonly Delivery[];
  readonly loan: Loan;
  readonly oldestAt: number;
}

export interface WriterSettings {
  readonly batchSize: number;
  readonly batchBytes: number;
  readonly flushIntervalMs: number;
  /** Seal as soon as the writer is idle, instead of waiting for a full batch or the interval. */
  readonly natural: boolean;
}

export interface Writer<R> {
  readonly index: number;
  readonly accounting: Accounting;
  /** Records taken and not sealed yet. */
  readonly open: number;
  /** Something is sealed or being written. */
  readonly busy: boolean;
  add(loan: Loan, delivery: Delivery, record: Keyed<R>): void;
  /** Seals what is open, if anything is. */
  seal(by: SealedBy): void;
  /** Seals only when the writer has nothing else to do: a full window that nothing would empty otherwise. */
  sealIfIdle(by: SealedBy): void;
  /** Forgets what is open and what is sealed but not begun: its session has ended. */
  discard(): void;
  /** Resolves when nothing is in flight or sealed. */
  quiet(): Promise<void>;
}

export interface WriterParts<R> {
  readonly index: number;
  readonly model: Model<R>;
  readonly settings: () => WriterSettings;
  /** Writes and settles one batch; never rejects. */
  readonly write: (sealed: Sealed<R>, writer: Writer<R>) => Promise<void>;
  /** True when the broker will hand out nothing more until something is settled. */
  readonly windowFull: () => boolean;
}

export function createWriter<R>(parts: WriterParts<R>): Writer<R> {
  const accounting = createAccounting();
  let records: Keyed<R>[] = [];
  let deliveries: Delivery[] = [];
  let bytes = 0;
  let oldestAt = 0;
  let loan: Loan | undefined;
  let timer: NodeJS.Timeout | undefined;
  let naturally = false;
  let busy = false;
  const queue: Sealed<R>[] = [];
  let onQuiet: (() => void)[] = [];

  const reset = (): void => {
    records = [];
    deliveries = [];
    bytes = 0;
    loan = undefined;
    clearTimeout(timer);
    timer = undefined;
  };

  const drain = async (): Promise<void> => {
    busy = true;
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      await parts.write(next, writer);
      if (queue.length > 0) continue;
      // Acks leave at the end of the turn; only then can it be told whether the broker will lend more.
      await new Promise((resolve) => setImmediate(resolve));
      // What gathered meanwhile goes at once when waiting for more is pointless.
      if (queue.length === 0 && (parts.settings().natural || parts.windowFull()))
        writer.seal(parts.windowFull() ? 'window' : 'idle');
    }
    busy = false;
    accounting.enter('idle');
    const woken = onQuiet;
    onQuiet = [];
    for (const wake of woken) wake();
  };

  const writer: Writer<R> = {
    index: parts.index,
    accounting,
    get open() {
      return records.length;
    },
    get busy() {
      return busy;
    },
    add(from, delivery, record) {
      const settings = parts.settings();
      if (loan === undefined) {
        loan = from;
        oldestAt = delivery.arrivedAt;
        timer = setTimeout(
          () => writer.seal('age'),
          Math.max(0, settings.flushIntervalMs - (performance.now() - oldestAt)),
        );
      }
      records.push(record);
      deliveries.push(delivery);
      bytes += record.bytes;
      if (records.length >= settings.batchSize) writer.seal('records');
      else if (bytes >= settings.batchBytes) writer.seal('bytes');
      else if (settings.natural && !busy && !naturally) {
        // After the deliveries that came in the same read, so that a burst becomes one batch.
        naturally = true;
        setImmediate(() => {
          naturally = false;
          writer.sealIfIdle('idle');
        });
      }
    },
    seal(by) {
      if (loan === undefined) return;
      queue.push({ batch: { model: parts.model, records, bytes, sealedBy: by }, deliveries, loan, oldestAt });
      reset();
      if (!busy) void drain();
    },
    sealIfIdle(by) {
      if (!busy) writer.seal(by);
    },
    discard() {
      reset();
      queue.length = 0;
    },
    quiet() {
      if (!busy && queue.length === 0) return Promise.resolve();
      return new Promise((resolve) => onQuiet.push(resolve));
    },
  };
  return writer;
}
