/** A cell that cannot be encoded: found before the store was asked, so it is proven and costs no round trip. */
import type { FaultCode } from '@inator/runtime';

export class CellError extends Error {
  readonly code: FaultCode;
  constructor(code: FaultCode, reason: string) {
    super(reason);
    this.name = 'CellError';
    this.code = code;
  }
}
