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

/** The value of a body that a scan has passed; parsing it cannot fail, and if it does that is a defect of the scan. */
export function parseScanned(body: Uint8Array): Examined {
  try {
    return { is: 'ok', value: JSON.parse(asBuffer(body).toString('utf8')) as JsonObject };
  } catch (error) {
    const reason = `a body that passed the scan did not parse: ${error instanceof Error ? error.name : typeof error}`;
    return { is: 'refused', fault: fault('defect', 'decode', reason) };
  }
}
