/** Reads a configuration and insists on how it ends. */
import {
  type ConfigFault,
  type ConfigWarning,
  type Groups,
  type Loaded,
  readConfig,
  type ServiceSpec,
} from '../src/index.ts';

type Env = Readonly<Record<string, string>>;

/** A file system of these files; everything else does not exist. */
export function filesOf(files: Record<string, string>): (path: string) => string {
  return (path) => {
    const content = files[path];
    if (content === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' });
    return content;
  };
}

export function configOf<S extends ServiceSpec<Groups, object>>(
  spec: S,
  env: Env,
  files: Record<string, string> = {},
): ReturnType<S['finish']> & Loaded {
  const result = readConfig(spec, env, filesOf(files));
  if ('faults' in result) throw new Error(`unexpected faults: ${JSON.stringify(result.faults)}`);
  return result.ok;
}

export function faultsOf(
  spec: ServiceSpec<Groups, object>,
  env: Env,
  files: Record<string, string> = {},
): readonly ConfigFault[] {
  const result = readConfig(spec, env, filesOf(files));
  if ('ok' in result) throw new Error('no fault was found');
  return result.faults;
}

export function warningsOf(spec: ServiceSpec<Groups, object>, env: Env): readonly ConfigWarning[] {
  return readConfig(spec, env, filesOf({})).warnings;
}
