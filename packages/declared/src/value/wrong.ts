/** A value that is not what the model says, and the words for it. */
import type { FaultCode } from '@inator/runtime';
import type { Found } from '../path/picker.ts';

/** A class, so that a union with any value can be told apart; not an error: nothing is thrown. */
export class Wrong {
  readonly code: FaultCode;
  /** What is wrong, without the value: letters and logs are read by more people than the data is. */
  readonly says: string;
  constructor(code: FaultCode, says: string) {
    this.code = code;
    this.says = says;
  }
}

const nouns: Readonly<Record<Found['kind'], string>> = {
  string: 'a text',
  number: 'a number',
  boolean: 'a boolean',
  null: 'null',
  object: 'an object',
  array: 'a list',
};

export function nounOf({ kind }: Found): string {
  return nouns[kind];
}
