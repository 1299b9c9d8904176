/** The verdict on a body, and its value: for a model that needs the parsed record, and to explain a store's refusal. */
import { type Fault, fault } from '../fault.ts';
import { defaultLimits, type Limits } from '../model.ts';
import { asBuffer, createScanner } from './scan.ts';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
/** As `JSON.parse` makes it: a key such as `__proto__` is an own member like any other. Read own members only. */
export interface JsonObject {
  readonly [key: string]: JsonValue | undefined;
}

export type Examined =
  | { readonly is: 'ok'; readonly value: JsonObject }
  | { readonly is: 'refused'; readonly fault: Fault };

/**
 * Whether `body` is a record that both stores can hold, and its value. A pure function of the bytes: the fault is
 * `proven`, and the same whichever store asks. Never throws.
 */
export function examine(body: Uint8Array, limits: Limits = defaultLimits): Examined {
  const scanned = createScanner(limits, [])(body);
  return scanned.is === 'refused' ? scanned : parseScanned(body);
}

/** Bytes kept for the next excerpt; a larger one has memory of its own. */
const keptBytes = 64 * 1024;
let kept: Buffer | undefined;

/**
 * The value of some top-level members of a body that a scan has passed: `spans` are pairs of indexes, where a key begins
 * and after the last byte of its value. What is left out is not built, which is most of what parsing costs.
 */
export function parseExcerpt(body: Uint8Array, spans: readonly number[]): Examined {
  let size = 2;
  for (let s = 0; s < spans.length; s += 2) size += (spans[s + 1] as number) - (spans[s] as number) + 1;
  if (size <= keptBytes) kept ??= Buffer.allocUnsafeSlow(keptBytes);
  const out = size <= keptBytes && kept !== undefined ? kept : Buffer.allocUnsafeSlow(size);
  let length = 0;
  for (let s = 0; s < spans.length; s += 2) {
    out[length++] = s === 0 ? 0x7b : 0x2c;
    const end = spans[s + 1] as number;
    for (let i = spans[s] as number; i < end; i++) out[length++] = body[i] as number;
  }
  if (length === 0) out[length++] = 0x7b;
  out[length++] = 0x7d;
  return parseScanned(out.subarray(0, length));
}

/** The value of a body that a scan has passed; parsing it cannot fail, and if it does that is a defect of the scan. */
export function parseScanned(body: Uint8Array): Examined {
  try {
    return { is: 'ok', value: JSON.parse(asBuffer(body).toString('utf8')) as JsonObject };
  } catch (error) {
    const reason = `a body that passed the scan did not parse: ${error instanceof Error ? error.name : typeof error}`;
    return { is: 'refused', fault: fault('defect', 'decode', reason) };
  }
}
