/** What a reader finds in an input, one after the other, and where. */
import type { FaultCode } from '@inator/runtime';

/** Where an item starts. `byte` counts the decompressed input; `line` counts from 1 and is what an editor shows. */
export interface Place {
  readonly line: number | undefined;
  readonly byte: number;
}

/** Between two items: everything before it is read, `byte` and `line` are where the next one starts. */
export interface Position {
  /** Items before it, refused ones included. */
  readonly items: number;
  readonly byte: number;
  readonly line: number;
}

export const beginning: Position = { items: 0, byte: 0, line: 1 };

/** Why an item was refused: the fault codes of the services, and what only reading a file can meet. */
export type RejectCode = FaultCode | 'csv-invalid' | 'xml-invalid';

export type Item =
  | {
      readonly is: 'record' | 'signal';
      /** What is published, byte for byte. */
      readonly body: Uint8Array;
      readonly at: Place;
      readonly next: Position;
    }
  | {
      readonly is: 'refused';
      readonly fault: { readonly code: RejectCode; readonly reason: string };
      readonly key: string | undefined;
      /** The item as it stood in the input, where there is such a thing; of a line over the limit the beginning. */
      readonly raw: Uint8Array | undefined;
      readonly at: Place;
      readonly next: Position;
    };

/**
 * Items in groups, as they come out of a chunk: one await a group, not one an item. A reader that was given a position
 * starts there. It throws only for what ends the whole input (unreadable, truncated gzip, XML not well-formed).
 */
export type Items = AsyncIterable<readonly Item[]>;
