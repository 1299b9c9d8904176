/** One binary COPY on a leased connection, and the statements that follow it in the same message. */
import { failpoint, failpointsArmed } from '@inator/runtime';
import pg from 'pg';
import { type CopyStreamQuery, from as copyFrom } from 'pg-copy-streams';
import { copyHeaderLength } from '../encode/rows.ts';
import type { Lease } from '../pool/lease.ts';

/** What the statements of the message returned. */
export interface Copied {
  /** Rows that the server has taken. */
  readonly taken: number;
  /** The rows of each statement behind the COPY that returns any. */
  readonly results: readonly (readonly unknown[])[];
}

/**
 * One COPY message each. The server reads a message whole before it parses the rows in it, so there is a limit; below it
 * fewer messages are cheaper for us (a batch of 700 KB in one took a quarter less of our CPU than in slices of 64 KiB).
 */
const sliceBytes = 1024 * 1024;

/**
 * Sends `text`, of whose statements one is COPY … FROM STDIN, and `body`. Resolves when all of them are done; `onReady` is
 * called when the server has asked for the rows. Rejects with what the driver threw.
 */
export function copyIn(lease: Lease, text: string, body: Buffer, onReady: () => void): Promise<Copied> {
  return lease.timed(sent(lease, text, body, onReady), 'COPY');
}

/** What the driver calls on a query whose statements return rows. pg-copy-streams expects none. */
interface RowHandlers {
  handleRowDescription(message: { readonly fields: pg.FieldDef[] }): void;
  handleDataRow(message: { readonly fields: unknown[] }): void;
}

/** pg's own reader of rows, with what its types leave out. */
interface Reader {
  readonly rows: readonly unknown[];
  addFields(fields: pg.FieldDef[]): void;
  addRow(row: unknown): void;
  parseRow(values: unknown[]): unknown;
}

function sent(lease: Lease, text: string, body: Buffer, onReady: () => void): Promise<Copied> {
  return new Promise((resolve, reject) => {
    const readers: Reader[] = [];
    let unread: unknown;
    const stream: CopyStreamQuery & RowHandlers = Object.assign(copyFrom(text), {
      handleRowDescription: ({ fields }: Parameters<RowHandlers['handleRowDescription']>[0]) => {
        const reader = new pg.Result('object', pg.types) as unknown as Reader;
        reader.addFields(fields);
        readers.push(reader);
      },
      handleDataRow: ({ fields }: Parameters<RowHandlers['handleDataRow']>[0]) => {
        const reader = readers.at(-1);
        try {
          reader?.addRow(reader.parseRow(fields));
        } catch (error) {
          // Thrown here it would end the process.
          unread ??= error;
        }
      },
    });
    stream.on('error', (error) => {
      // Without this the stream would go on writing rows to a session that has left COPY.
      stream.destroy();
      reject(error);
    });
    stream.on('finish', () => {
      if (unread !== undefined) reject(unread);
      else resolve({ taken: stream.rowCount, results: readers.map(({ rows }) => rows) });
    });
    lease.client.query(stream);
    // The header alone comes back when the server is ready for rows.
    stream.write(body.subarray(0, copyHeaderLength), (error) => {
      if (error) return;
      onReady();
      if (failpointsArmed) {
        const half = copyHeaderLength + Math.floor((body.length - copyHeaderLength) / 2);
        stream.write(body.subarray(copyHeaderLength, half));
        failpoint('mid-copy').then(
          () => stream.end(body.subarray(half)),
          (thrown: Error) => stream.destroy(thrown),
        );
        return;
      }
      for (let at = copyHeaderLength; at < body.length; at += sliceBytes) {
        stream.write(body.subarray(at, at + sliceBytes));
      }
      stream.end();
    });
  });
}
