/** Keys of the table store. */
import { choice, integer, path, seconds, secret, text, url } from '../key.ts';

export const sslModes = ['disable', 'require', 'verify-ca', 'verify-full'] as const;

export const postgres = {
  title: 'PostgreSQL',
  intro:
    'Give `POSTGRES_URL`, or its parts, or both: a part completes the url. A part and a url that say different things are an error. The variables of the official image (`POSTGRES_USER`, `POSTGRES_DB`) may stand in the same file and are not read.',
  keys: {
    url: url({
      name: 'POSTGRES_URL',
      schemes: ['postgres', 'postgresql'],
      otherwise: 'made of the parts',
      sample: 'postgres://inator:inator@localhost:5432/inator',
      sentence: 'The database; `?sslmode=` is the only parameter it may have.',
      when: 'Always, outside of a first try; or the parts.',
    }),
    host: text({
      name: 'POSTGRES_HOST',
      pattern: /^([A-Za-z0-9._:[\]-]+|\/[^\p{Cc}]+)$/u,
      allowed: 'a host name, an address, or the absolute path of a socket directory',
      otherwise: "the url's, else localhost",
      sample: 'localhost',
      sentence: 'Host of the database.',
      when: 'When host and credentials come from different places.',
    }),
    port: integer({
      name: 'POSTGRES_PORT',
      min: 1,
      max: 65_535,
      otherwise: "the url's, else 5432",
      sample: '5432',
      sentence: 'Port of the database.',
      when: 'When the database, or a pooler before it, listens on another port.',
    }),
    database: text({
      name: 'POSTGRES_DATABASE',
      pattern: /^[^\p{Cc}]{1,63}$/u,
      allowed: 'a name of 1 to 63 characters',
      otherwise: "the url's, else inator",
      sample: 'inator',
      sentence: 'Database; it must exist.',
      when: 'When the tables shall stand in a database of another name.',
    }),
    username: text({
      name: 'POSTGRES_USERNAME',
      pattern: /^[^\p{Cc}]{1,63}$/u,
      allowed: 'a user name of 1 to 63 characters',
      otherwise: "the url's, else inator",
      sample: 'inator',
      sentence: 'Role at the database: INSERT, UPDATE and SELECT on its tables and TEMP; CREATE for the first start.',
      when: 'Always in production.',
    }),
    password: secret({
      name: 'POSTGRES_PASSWORD',
      otherwise: "the url's, else inator",
      sample: 'inator',
      sentence: 'Password at the database; it is read again at every connect when it comes from a file.',
      when: 'Always in production, as `POSTGRES_PASSWORD_FILE`.',
    }),
    sslMode: choice({
      name: 'POSTGRES_SSLMODE',
      choices: sslModes,
      otherwise: "the url's, else disable",
      sample: 'disable',
      sentence:
        'TLS: `disable` none; `require` encrypts without checking whom it talks to; `verify-ca` checks the certificate against `POSTGRES_CA_FILE`; `verify-full` checks its host name as well.',
      when: '`verify-full` whenever the database is not on the same machine or private network.',
    }),
    caFile: path({
      name: 'POSTGRES_CA_FILE',
      sentence: "PEM file of the authorities that the database's certificate is checked against.",
      when: 'With `verify-ca` or `verify-full`, when the certificate is not signed by a public authority.',
    }),
    schema: text({
      name: 'POSTGRES_SCHEMA',
      pattern: /^(?!pg_)[A-Za-z_][A-Za-z0-9_$]{0,62}$/,
      allowed: 'a name of letters, digits, _ and $ (1 to 63, no digit first, no pg_ prefix)',
      default: 'public',
      sentence: 'Schema of the tables; created when absent.',
      when: 'To keep the tables apart from others in the same database.',
    }),
    poolMax: integer({
      name: 'POSTGRES_POOL_MAX',
      min: 1,
      max: 1_000,
      unit: 'connections',
      default: 50,
      sentence: 'Most connections of one service; only writers use them, so rarely more than types × writers are open.',
      when: 'Lower it when replicas × this comes near the max_connections of the server.',
    }),
    poolMin: integer({
      name: 'POSTGRES_POOL_MIN',
      min: 0,
      max: 1_000,
      unit: 'connections',
      default: 5,
      sentence: 'Idle connections kept open.',
      when: '0 to let an idle service hold no connection.',
    }),
    poolHealthCheckIntervalSeconds: seconds({
      name: 'POSTGRES_POOL_HEALTH_CHECK_INTERVAL',
      min: 1,
      max: 3_600,
      default: 30,
      sentence: 'How often idle connections are checked, and dead ones replaced.',
      when: 'Shorter behind a firewall that forgets idle connections.',
    }),
    poolMaxRetries: integer({
      name: 'POSTGRES_POOL_MAX_RETRIES',
      min: 1,
      max: 100,
      unit: 'tries',
      default: 5,
      sentence:
        'How often a connection is tried again, with back-off, before the store counts as away; batches are then held, never dropped.',
      when: 'Hardly ever: it only decides how soon an outage shows.',
    }),
    statementTimeoutSeconds: seconds({
      name: 'POSTGRES_STATEMENT_TIMEOUT',
      min: 0.05,
      max: 3_600,
      default: 60,
      sentence:
        'Longest a single statement may run; a batch that passes it is divided, unless the server is slow altogether.',
      when: 'Longer for large batches on slow disks.',
    }),
    lockTimeoutSeconds: seconds({
      name: 'POSTGRES_LOCK_TIMEOUT',
      min: 0.05,
      max: 3_600,
      default: 10,
      sentence:
        'Longest a statement waits for a lock, at most a third of `POSTGRES_STATEMENT_TIMEOUT`; the batch is then held and tried again.',
      when: 'Longer when maintenance locks the tables for longer and retries shall not show.',
    }),
    gin: choice({
      name: 'POSTGRES_GIN',
      choices: ['jsonb_path_ops', 'jsonb_ops', 'false'],
      default: 'jsonb_path_ops',
      sentence:
        'The GIN index on `data` of a table that is created: its operator class (`jsonb_path_ops` serves `@>`, `@?`, `@@`; `jsonb_ops` serves `?`, `?|`, `?&` as well), or `false` for none.',
      when: '`false` when nobody searches inside the documents: new rows then cost the database half.',
    }),
    writePath: choice({
      name: 'POSTGRES_WRITE_PATH',
      choices: ['copy', 'straight', 'multirow', 'row'],
      default: 'copy',
      sentence:
        'How a batch is written: `copy` binary COPY into a stage and one merge; `straight` new keys by COPY into the table itself, the others as `copy`; `multirow` one INSERT of many rows; `row` one INSERT a record. The result is the same.',
      when: 'To compare, or to roll back.',
    }),
  },
} as const;
