/** The servers that `inator stack up` or `npm start` has brought up here, for commands in another terminal. */
import { join } from 'node:path';
import { readState } from '@inator/stack';
import type { Environment } from '../io.ts';
import { repositoryRoot } from '../repository.ts';

/** Where the local stack keeps its servers, unless a command is told otherwise. */
export function defaultStackDir(): string {
  return join(repositoryRoot(), '.stack');
}

const prefixes = ['RABBITMQ_', 'POSTGRES_', 'NEO4J_'] as const;
/** Any of these in the environment names a server: then the stack's is not meant. */
const naming = [/^RABBITMQ_(URL|URL_FILE|HOST)$/, /^POSTGRES_(URL|URL_FILE|HOST)$/, /^NEO4J_(URI|URI_FILE)$/] as const;

/** The environment, completed by the stack's variables for every server that the environment does not name. */
export function withStack(env: Environment, dir: string = defaultStackDir()): Environment {
  const stack = Object.entries(readState(dir)?.env ?? {});
  const named = Object.entries(env).flatMap(([name, value]) => (value ? [name] : []));
  const added = prefixes.flatMap((prefix, kind) =>
    named.some((name) => naming[kind]?.test(name)) ? [] : stack.filter(([name]) => name.startsWith(prefix)),
  );
  return { ...Object.fromEntries(added), ...env };
}
