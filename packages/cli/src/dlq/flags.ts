/** The options that say which letters, alike for every command about letters. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { hintFor } from '../nearest.ts';
import { wholeNumber } from '../options.ts';
import { type Filter, timeOf } from './filter.ts';
import { codes, stages } from './letter.ts';
import { type Selection, type Service, services } from './places.ts';
import type { ReadOptions } from './read.ts';

export interface SelectionFlags {
  readonly service?: readonly Service[];
  readonly type?: readonly string[];
}

export interface FilterFlags extends SelectionFlags {
  readonly code?: readonly string[];
  readonly stage?: readonly string[];
  readonly key?: readonly string[];
  readonly since?: number;
  readonly before?: number;
  readonly limit?: number;
  readonly anyDeliveryLimit?: boolean;
}

/** An option with a closed list of values that may be given several times. */
function several(flags: string, description: string, values: readonly string[]): Option {
  const option = new Option(flags, `${description} (repeatable)`).argParser(
    (text: string, before: readonly string[] = []) => {
      if (values.includes(text)) return [...before, text];
      throw new InvalidArgumentError(hintFor(text, values));
    },
  );
  option.argChoices = [...values];
  return option;
}

const collected = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

function time(text: string): number {
  const at = timeOf(text, Date.now());
  if (at !== undefined) return at;
  throw new InvalidArgumentError(
    'It takes a time (2026-08-01, 2026-08-01T12:00:00Z) or how long ago (90s, 30m, 2h, 7d).',
  );
}

export function withSelection(command: Command): Command {
  return command
    .addOption(several('--service <name>', 'letters of this service', services))
    .option('--type <type>', 'letters of this kind of record, as DOMAIN has them (repeatable)', collected);
}

export function withFilter(command: Command): Command {
  return withSelection(command)
    .addOption(several('--code <code>', 'letters with this reason code', codes))
    .addOption(several('--stage <stage>', 'letters from this stage', stages))
    .option('--key <key>', 'letters about this key (repeatable)', collected)
    .option('--since <time>', 'letters that failed at this time or later: ISO 8601, or 30m, 2h, 7d ago', time)
    .option('--before <time>', 'letters that failed before this time', time)
    .option('--any-delivery-limit', 'read although the broker may drop letters that were returned too often');
}

export function withLimit(command: Command, otherwise?: number): Command {
  return command.option('--limit <n>', 'so many letters at most, oldest first', wholeNumber(1), otherwise);
}

export const selectionOf = ({ service = [], type = [] }: SelectionFlags): Selection => ({
  services: service,
  types: type,
});

export const filterOf = ({ code = [], stage = [], key = [], since, before }: FilterFlags): Filter => ({
  codes: code,
  stages: stage,
  keys: key,
  since,
  before,
});

export function readOptionsOf(flags: FilterFlags, signal: AbortSignal): ReadOptions {
  return {
    selection: selectionOf(flags),
    filter: filterOf(flags),
    limit: flags.limit,
    anyDeliveryLimit: flags.anyDeliveryLimit === true,
    signal,
  };
}
