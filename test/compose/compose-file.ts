/** docker-compose.yml as compose would read it: aliases merged, variables put in. Only what the file uses is understood. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

export const root = join(import.meta.dirname, '../..');

export interface Service {
  readonly image: string;
  readonly build?: string;
  readonly command?: readonly string[] | string;
  /** A variable without a value is handed on from the environment of whoever starts the container. */
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly ports?: readonly string[];
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly container_name?: string;
  readonly hostname?: string;
  readonly stop_grace_period?: string;
  readonly security_opt?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly read_only?: boolean;
  readonly init?: boolean;
  readonly mem_limit?: string;
  readonly cpus?: string | number;
  readonly pids_limit?: number;
  readonly profiles?: readonly string[];
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
}

export type Env = Readonly<Record<string, string>>;

export const readText = (path: string): string => readFileSync(join(root, path), 'utf8');
export const readYaml = (path: string): unknown => parse(readText(path), { merge: true });

/** `${NAME:-default}` and `$$`; anything else with a dollar is an error, because it would go unnoticed here. */
export function interpolate(text: string, env: Env): string {
  return text.replace(/\$\$|\$\{([A-Z0-9_]+):-([^}]*)\}|\$/g, (match, name?: string, otherwise?: string) => {
    if (match === '$$') return '$';
    if (name === undefined) throw new Error(`cannot read the variable in "${text}"`);
    return env[name] || (otherwise ?? '');
  });
}

function fill(value: unknown, env: Env): unknown {
  if (typeof value === 'string') return interpolate(value, env);
  if (Array.isArray(value)) return value.map((each) => fill(each, env));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, fill(each, env)]));
}

export function readCompose(env: Env = {}): ComposeFile {
  return fill(readYaml('docker-compose.yml'), env) as ComposeFile;
}

/** Names of the variables that compose itself puts into the file. */
export function interpolatedNames(): readonly string[] {
  return [...new Set([...readText('docker-compose.yml').matchAll(/\$\{([A-Z0-9_]+)/g)].map(([, name]) => name ?? ''))];
}
