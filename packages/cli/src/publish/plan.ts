/** What is to be published, and for every input: how it is read and where it goes. Decided before anything is sent. */
import type { Readable } from 'node:stream';
import { usageError } from '../exit.ts';
import { discogsDomain, type PublishDomain } from './domain.ts';
import { delimiterOf, type Format, formatOf, typeOf } from './format.ts';
import { type Input, openInput } from './input.ts';
import { findPlaces, type Places, withoutOwn } from './paths.ts';

export interface PublishOptions {
  /** Paths; `-` is standard input. */
  readonly files: readonly string[];
  readonly type: string | undefined;
  /** Default: the preset. */
  readonly domain?: PublishDomain;
  readonly format: Format | undefined;
  /** CSV: the column that holds the record's id; not needed with a model file, which says where the key is. */
  readonly key: string | undefined;
  /** CSV: new names of columns, by their name in the header. */
  readonly renames: ReadonlyMap<string, string>;
  readonly delimiter: string | undefined;
  readonly exchange: string | undefined;
  /** Undefined: `file_complete` after an XML dump, nothing after other files. */
  readonly complete: boolean | undefined;
  readonly dryRun: boolean;
  /** Records a second. */
  readonly rate: number | undefined;
  /** Items of one file. Such a run starts at the beginning and is not resumed. */
  readonly limit: number | undefined;
  readonly resume: boolean;
  /** Directory of the state files; undefined: next to each input. */
  readonly state: string | undefined;
  /** One reject file for all inputs; undefined: one next to each input. */
  readonly rejects: string | undefined;
  readonly allowUnroutable: boolean;
}

export interface Plan {
  readonly path: string;
  readonly name: string;
  readonly format: Format;
  /** Undefined where only the exchange was told: then a record is any JSON object. */
  readonly type: string | undefined;
  readonly exchange: string;
  readonly delimiter: string;
  readonly places: Places;
  /** Opens the input; once for standard input, any number of times for a file. */
  open(): Promise<Input>;
}

function planOf(
  path: string,
  input: Input,
  options: PublishOptions,
  exchangePrefix: string,
): Omit<Plan, 'open' | 'places'> {
  const { model, types } = options.domain ?? discogsDomain;
  const format = formatOf(path, input, options.format);
  if (options.type !== undefined && !types.includes(options.type)) {
    throw usageError(`--type ${options.type}: there is no such kind of record`, `name one: --type ${types.join('|')}`);
  }
  if (format === 'xml' && model !== undefined) {
    throw usageError(`${input.name}: XML is read for Discogs dumps only`, 'turn it into JSON, one object a line');
  }
  const type = typeOf(path, input, format, options.type, types);
  if (format === 'csv' && options.key === undefined && model === undefined) {
    throw usageError(`${input.name}: which column of the CSV file holds the record's id?`, 'name it: --key COLUMN');
  }
  if (type === undefined && (options.exchange === undefined || format === 'xml')) {
    throw usageError(
      `${input.name}: neither its name nor its content tells which records it holds`,
      `say it: --type ${types.join('|')}`,
    );
  }
  const exchange = options.exchange ?? `${exchangePrefix}-${type}`;
  return { path, name: input.name, format, type, exchange, delimiter: delimiterOf(path, options.delimiter) };
}

/**
 * One plan per input, in order; a fault of any of them is found before the first is read. `say` hears which of the files
 * are left out because an earlier run wrote them.
 */
export async function planAll(
  options: PublishOptions,
  exchangePrefix: string,
  stdin: Readable,
  say: (text: string) => void,
): Promise<Plan[]> {
  const { files, own } = withoutOwn(options.files);
  for (const path of own) say(`${path}: left out, an earlier run wrote it`);
  const plans: Omit<Plan, 'places'>[] = [];
  const isFile = new Map<string, boolean>();
  for (const path of files) {
    const input = await openInput(path, stdin);
    try {
      const plan = planOf(path, input, options, exchangePrefix);
      const open = input.file ? () => openInput(path, stdin) : () => Promise.resolve(input);
      plans.push({ ...plan, open });
      isFile.set(path, input.file);
    } finally {
      // What can be opened again does not keep a descriptor until its turn comes.
      if (input.file) input.close();
    }
  }
  const places = await findPlaces({ ...options, files }, isFile, stdin);
  return plans.map((plan) => ({ ...plan, places: places.get(plan.path) as Places }));
}
