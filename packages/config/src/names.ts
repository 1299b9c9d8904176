/**
 * Variables that nobody reads. A mistyped name must not silently mean "default", so a variable that begins like ours and
 * is none of ours stops the start.
 *
 * One `.env` file often serves both services and the servers' official images. Therefore a variable is fine, and left
 * unread, when it is a key of the other service, a variable of an official image (`POSTGRES_USER`, `NEO4J_AUTH`,
 * `NEO4J_server_…`, `RABBITMQ_NODENAME` …), or a service link of a container platform (`POSTGRES_SERVICE_HOST`,
 * `POSTGRES_PORT_5432_TCP_ADDR` …).
 */
import { closest, distance } from 'fastest-levenshtein';
import type { Key } from './key.ts';
import type { Environment } from './read.ts';
import { graphinator, tableinator } from './services.ts';
import { type ConfigFault, type ConfigWarning, keysOf } from './spec.ts';

/** What begins so is taken for ours. */
export const prefixes = [
  'RABBITMQ_',
  'POSTGRES_',
  'NEO4J_',
  'BATCH_',
  'LOG_',
  'HEALTH_',
  'ADMIN_',
  'DOMAIN',
  'DATA_TYPES',
  'SEQ_',
  'BRAKE_',
  'PURGE_',
  'DRAIN_',
  'MAX_RECORD_',
  'SINGLE_ACTIVE_',
] as const;

/** Of those, what other programs begin theirs with as well: one of these that resembles none of ours is only warned about. */
const common: readonly string[] = ['LOG_', 'HEALTH_', 'ADMIN_', 'DOMAIN'];

/** Variables of the servers' images and tools that share our prefixes. They are never read here. */
const foreign: readonly RegExp[] = [
  /^POSTGRES_(USER|DB|INITDB_ARGS)(_FILE)?$/,
  /^POSTGRES_(INITDB_WALDIR|HOST_AUTH_METHOD)$/,
  /^RABBITMQ_DEFAULT_(USER|PASS|VHOST|PERMISSIONS|USER_TAGS)(_FILE)?$/,
  /^RABBITMQ_(NODENAME|NODE_NAME|NODE_PORT|NODE_IP_ADDRESS|DIST_PORT|USE_LONGNAME|ERLANG_COOKIE|HOME|DATA_DIR|VERSION)$/,
  /^RABBITMQ_(MNESIA_BASE|MNESIA_DIR|QUORUM_DIR|STREAM_DIR|LOG_BASE|LOGS|LOG|PID_FILE|PGP_KEY_ID|IO_THREAD_POOL_SIZE)$/,
  /^RABBITMQ_(CONFIG_FILE|CONFIG_FILES|ADVANCED_CONFIG_FILE|CONF_ENV_FILE|GENERATED_CONFIG_DIR|SCHEMA_DIR)$/,
  /^RABBITMQ_(ENABLED_PLUGINS|ENABLED_PLUGINS_FILE|PLUGINS_DIR|PLUGINS_EXPAND_DIR|FEATURE_FLAGS|FEATURE_FLAGS_FILE)$/,
  /^RABBITMQ_(SERVER_ADDITIONAL_ERL_ARGS|SERVER_ERL_ARGS|SERVER_START_ARGS|CTL_ERL_ARGS|DEFAULT_ALLOC_ARGS|DISTRIBUTION_BUFFER_SIZE)$/,
  // Settings of the Neo4j image: the setting's own name, in lower case, after the prefix.
  /^NEO4J_[a-z]/,
  /^NEO4J_(AUTH|AUTH_PATH|PLUGINS|ACCEPT_LICENSE_AGREEMENT|EDITION|HOME|CONF|DEBUG|ADDRESS|SHA256|TARBALL|DEPRECATION_WARNING)$/,
  // Service links of Kubernetes and of old Docker.
  /_SERVICE_(HOST|PORT)(_[A-Z0-9_]+)?$/,
  /_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$/,
];

/** Variables of the images that people mistake for ours: what they were probably meant to be. */
const mistaken: Readonly<Record<string, readonly string[]>> = {
  POSTGRES_USER: ['POSTGRES_USERNAME'],
  POSTGRES_DB: ['POSTGRES_DATABASE'],
  RABBITMQ_DEFAULT_USER: ['RABBITMQ_USERNAME'],
  RABBITMQ_DEFAULT_PASS: ['RABBITMQ_PASSWORD'],
  RABBITMQ_DEFAULT_VHOST: ['RABBITMQ_VHOST'],
  NEO4J_AUTH: ['NEO4J_USERNAME', 'NEO4J_PASSWORD'],
};

/** Misspelt prefixes are only warned about: the variable may be somebody else's. */
const farthestWarning = 2;

export function judgeUnknown(
  env: Environment,
  own: readonly Key<unknown>[],
): { readonly faults: readonly ConfigFault[]; readonly warnings: readonly ConfigWarning[] } {
  const faults: ConfigFault[] = [];
  const warnings: ConfigWarning[] = [];
  const known = new Set([...own, ...keysOf(tableinator.groups), ...keysOf(graphinator.groups)].flatMap(namesOf));
  const ownNames = new Set(own.map((key) => key.name));
  const isSet = (name: string): boolean => Boolean(env[name]) || Boolean(env[`${name}_FILE`]);

  for (const name of Object.keys(env).sort()) {
    if (known.has(name)) continue;
    const meant = mistaken[name]?.filter((candidate) => ownNames.has(candidate));
    if (meant !== undefined && meant.length > 0) {
      const url = `${name.slice(0, name.indexOf('_'))}_${name.startsWith('NEO4J') ? 'URI' : 'URL'}`;
      if (!meant.some(isSet) && !isSet(url)) {
        warnings.push({
          name,
          reason: `belongs to the server's image and is not read here; set ${meant.join(' and ')}`,
        });
      }
    } else if (foreign.some((pattern) => pattern.test(name))) {
    } else if (isSomebodyElses(name, known)) {
      warnings.push({ name, reason: 'is not read; if it is meant for inator, see docs/reference/configuration.md' });
    } else if (prefixes.some((prefix) => name.startsWith(prefix))) {
      faults.push({
        name,
        reason: strange(name, known),
        allowed: 'a name from docs/reference/configuration.md; unset it if it is for something else',
      });
    } else if (name.length > 8) {
      const nearest = closest(name.toUpperCase(), [...known]);
      if (distance(name.toUpperCase(), nearest) <= farthestWarning) {
        warnings.push({ name, reason: `is not read; did you mean ${nearest}?` });
      }
    }
  }
  return { faults, warnings };
}

function isSomebodyElses(name: string, known: ReadonlySet<string>): boolean {
  return common.some((prefix) => name.startsWith(prefix)) && !resembles(name, closest(name, [...known]));
}

function resembles(name: string, other: string): boolean {
  return distance(name, other) <= Math.max(3, name.length / 3);
}

function strange(name: string, known: ReadonlySet<string>): string {
  const plain = name.replace(/_FILE$/, '');
  if (known.has(plain)) return `is not known: only secrets and urls can stand in files, ${plain} cannot`;
  const nearest = closest(name, [...known]);
  return resembles(name, nearest) ? `is not known; did you mean ${nearest}?` : 'is not known';
}

function namesOf(key: Key<unknown>): string[] {
  return key.hidden ? [key.name, `${key.name}_FILE`] : [key.name];
}
