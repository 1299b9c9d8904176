/** Values of a record as properties in Neo4j, which has no decimals: they stay text, exact, and so do times. */
import type { PropertyValue } from '@inator/runtime';
import { type Found, textOf } from '../path/picker.ts';
import { createToTime, type TimeOptions, toBigint, toBoolean, toDate, toNumeric, toText } from './convert.ts';
import { timeText } from './time.ts';
import { Wrong } from './wrong.ts';

/** The types of declared properties. */
export const propertyTypes = ['text', 'bigint', 'double', 'numeric', 'boolean', 'timestamptz', 'date'] as const;
export type PropertyType = (typeof propertyTypes)[number];

export type ToProperty = (body: Uint8Array, found: Found) => PropertyValue | null | Wrong;

function toDouble(body: Uint8Array, found: Found): number | null | Wrong {
  const text = toNumeric(body, found);
  if (typeof text !== 'string') return text;
  const value = Number(text);
  return Number.isFinite(value) ? value : new Wrong('number-out-of-range', 'the number does not fit into a double');
}

export function propertyOf(type: PropertyType, time: TimeOptions = {}): ToProperty {
  switch (type) {
    case 'text':
      return toText;
    case 'bigint':
      return toBigint;
    case 'double':
      return toDouble;
    case 'numeric':
      return toNumeric;
    case 'boolean':
      return toBoolean;
    case 'timestamptz': {
      const read = createToTime(time);
      return (body, found) => {
        const moment = read(body, found);
        return typeof moment === 'bigint' ? timeText(moment) : moment;
      };
    }
    case 'date':
      return (body, found) => {
        const days = toDate(body, found);
        return typeof days === 'number' ? textOf(body, found) : days;
      };
  }
}
