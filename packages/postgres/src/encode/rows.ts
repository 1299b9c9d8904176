/**
 * Batches in PostgreSQL's binary formats: as the body of a COPY (row after row), as array parameters (column after
 * column) and as the parameters of one row. The first four columns of each are the same: arrival number, key, hash, seq.
 */
import { type Cell, fault, type Keyed, SinkError, type TableModel } from '@inator/runtime';
import { type Bytes, putInt16, putInt32, reserve } from './bytes.ts';
import { CellError } from './cell-error.ts';
import { type PutCell, putCellOf, putInt64, putText, typeOids } from './cells.ts';

/** `PGCOPY\n\377\r\n\0`, no flags, no extension: the header of every binary COPY. */
const copyHeader = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
export const copyHeaderLength = copyHeader.length;

export interface RowEncoder<R> {
  /** Appends header, a row per record and the trailer. `unnumbered` rows lack the arrival number: they go into the table. */
  copy(out: Bytes, records: readonly Keyed<R>[], unnumbered?: boolean): void;
  /** Keys, hashes and versions as binary arrays, of the records at `indices`. */
  keys(out: Bytes, records: readonly Keyed<R>[], indices: readonly number[]): readonly Buffer[];
  /** One binary array per column. */
  arrays(out: Bytes, records: readonly Keyed<R>[]): readonly Buffer[];
  /** The parameters of the record at `index`, each a value without its length, or null. */
  row(out: Bytes, records: readonly Keyed<R>[], index: number): readonly (Buffer | null)[];
}

type Range = readonly [start: number, end: number];

/** Only when everything is encoded: growing moves the buffer. */
function rangesOf(out: Bytes, ranges: readonly Range[]): readonly Buffer[] {
  return ranges.map(([start, end]) => out.buffer.subarray(start, end));
}

/** Dimensions, "may hold nulls", element type, length, lower bound. */
function putArrayHeader(out: Bytes, oid: number, length: number): void {
  for (const value of [1, 1, oid, length, 1]) putInt32(out, value);
}

function putSeq(out: Bytes, seq: bigint | undefined): void {
  if (seq === undefined) putInt32(out, -1);
  else putInt64(out, seq);
}

export function createRowEncoder<R>(model: TableModel<R>): RowEncoder<R> {
  const { columns } = model.table;
  const putters: readonly PutCell[] = columns.map((column) => putCellOf[column.type]);
  const width = 4 + columns.length;

  const cellsOf = (record: R): readonly Cell[] => {
    const cells = model.row(record);
    if (cells.length === columns.length) return cells;
    throw new CellError('defect', `model ${model.name} gave ${cells.length} cells for ${columns.length} columns`);
  };

  /** What failed is the record at `index`, whatever it was: the batch goes on without it. */
  const blame = (error: unknown, index: number, column: number): SinkError => {
    const where = column < 4 ? (['arrival', 'key', 'hash', 'seq'][column] ?? '') : (columns[column - 4]?.name ?? '');
    if (!(error instanceof CellError)) {
      const reason = `model ${model.name} failed on a record, at column "${where}"`;
      return new SinkError('suspect', fault('defect', 'copy', reason), { culprit: index, cause: error });
    }
    const is = error.code === 'defect' ? 'suspect' : 'refused';
    const proven = is === 'refused';
    const reason = `column "${where}": ${error.message}`;
    return new SinkError(is, fault(error.code, 'copy', reason, { proven }), { culprit: index, cause: error });
  };

  return {
    copy(out, records, unnumbered = false) {
      reserve(out, copyHeaderLength);
      out.buffer.set(copyHeader, out.at);
      out.at += copyHeaderLength;
      for (let index = 0; index < records.length; index += 1) {
        const keyed = records[index] as Keyed<R>;
        let column = 0;
        try {
          putInt16(out, unnumbered ? width - 1 : width);
          if (!unnumbered) {
            putInt32(out, 4);
            putInt32(out, index);
          }
          column = 1;
          putText(out, keyed.key);
          column = 2;
          putText(out, keyed.hash);
          column = 3;
          putSeq(out, keyed.seq);
          column = 4;
          const cells = cellsOf(keyed.record);
          for (let i = 0; i < putters.length; i += 1, column += 1) putters[i]?.(out, cells[i] ?? null);
        } catch (error) {
          throw blame(error, index, column);
        }
      }
      putInt16(out, -1);
    },

    arrays(out, records) {
      const rows = records.map(({ record }, index) => {
        try {
          return cellsOf(record);
        } catch (error) {
          throw blame(error, index, 4);
        }
      });
      const array = (oid: number, column: number, put: (index: number) => void): Range => {
        const start = out.at;
        putArrayHeader(out, oid, records.length);
        for (let index = 0; index < records.length; index += 1) {
          try {
            put(index);
          } catch (error) {
            throw blame(error, index, column);
          }
        }
        return [start, out.at];
      };
      const ranges = [
        array(typeOids.integer, 0, (index) => {
          putInt32(out, 4);
          putInt32(out, index);
        }),
        array(typeOids.varchar, 1, (index) => putText(out, records[index]?.key ?? '')),
        array(typeOids.varchar, 2, (index) => putText(out, records[index]?.hash ?? '')),
        array(typeOids.bigint, 3, (index) => putSeq(out, records[index]?.seq)),
        ...columns.map((column, i) =>
          array(typeOids[column.type], 4 + i, (index) => putters[i]?.(out, rows[index]?.[i] ?? null)),
        ),
      ];
      return rangesOf(out, ranges);
    },

    keys(out, records, indices) {
      const array = (oid: number, put: (keyed: Keyed<R>) => void): Range => {
        const start = out.at;
        putArrayHeader(out, oid, indices.length);
        for (const index of indices) put(records[index] as Keyed<R>);
        return [start, out.at];
      };
      return rangesOf(out, [
        array(typeOids.varchar, ({ key }) => putText(out, key)),
        array(typeOids.varchar, ({ hash }) => putText(out, hash)),
        array(typeOids.bigint, ({ seq }) => putSeq(out, seq)),
      ]);
    },

    row(out, records, index) {
      const keyed = records[index] as Keyed<R>;
      const starts: number[] = [];
      const put = (write: () => void): void => {
        starts.push(out.at);
        try {
          write();
        } catch (error) {
          throw blame(error, index, starts.length - 1);
        }
      };
      put(() => {
        putInt32(out, 4);
        putInt32(out, index);
      });
      put(() => putText(out, keyed.key));
      put(() => putText(out, keyed.hash));
      put(() => putSeq(out, keyed.seq));
      let cells: readonly Cell[] = [];
      columns.forEach((_, i) => {
        put(() => {
          if (i === 0) cells = cellsOf(keyed.record);
          putters[i]?.(out, cells[i] ?? null);
        });
      });
      return starts.map((start, i) =>
        out.buffer.readInt32BE(start) < 0 ? null : out.buffer.subarray(start + 4, starts[i + 1] ?? out.at),
      );
    },
  };
}
