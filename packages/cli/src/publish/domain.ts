/** Whose records are published: those of the preset, or of a model file. */
import { readFileSync } from 'node:fs';
import { createMessageReader, type DeclaredModel, faultLines, parseModel } from '@inator/declared';
import { recordTypes } from '@inator/discogs';
import { CliError, exitCodes, messageOf } from '../exit.ts';
import type { Environment } from '../io.ts';
import { type Check, checkOf } from './check.ts';

export interface PublishDomain {
  /** Undefined with the preset. */
  readonly model: DeclaredModel | undefined;
  readonly types: readonly string[];
  /** The check of one kind of record; without a kind, a record is any JSON object that both stores can hold. */
  checkOf(type: string | undefined): Check;
}

export const discogsDomain: PublishDomain = {
  model: undefined,
  types: recordTypes,
  checkOf: (type) => checkOf(recordTypes.find((one) => one === type)),
};

/** Reads a model file; a file with faults is an error that names every one of them. */
export function loadModel(path: string): DeclaredModel {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new CliError(`the model file ${path} cannot be read: ${messageOf(error)}`, { exitCode: exitCodes.usage });
  }
  const parsed = parseModel(text);
  if ('model' in parsed) return parsed.model;
  throw new CliError(faultLines(path, parsed.faults).join('\n       '), {
    exitCode: exitCodes.usage,
    next: 'what a model file holds: docs/reference/model.md, or inator model schema',
  });
}

/** `path`: of a model file; the preset when it is undefined or names it, as in the variable DOMAIN. */
export function domainOf(path: string | undefined): PublishDomain {
  if (path === undefined || path === '' || path === 'discogs') return discogsDomain;
  const model = loadModel(path);
  const checks = new Map(model.kinds.map((kind) => [kind.name, createMessageReader(kind)]));
  const any = checkOf(undefined);
  return {
    model,
    types: model.kinds.map(({ name }) => name),
    checkOf: (type) => (type === undefined ? any : (checks.get(type) ?? any)),
  };
}

/** As the services derive it: a model's name, unless the environment says otherwise. */
export function prefixOf({ model }: PublishDomain, configured: string, env: Environment): string {
  return model === undefined || env.RABBITMQ_EXCHANGE_PREFIX?.trim() ? configured : model.name;
}
