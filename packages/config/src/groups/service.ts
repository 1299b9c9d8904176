/** Keys that both services share: limits, brake, order, health, log, and the service itself. */
import { boolean, choice, integer, list, number, seconds, secret, text } from '../key.ts';
import { domainKey } from './domain.ts';

const mebibyte = 1024 * 1024;

export const limits = {
  title: 'Limits',
  intro: 'What is larger is dead-lettered before anything is parsed: a guard against broken or hostile producers.',
  keys: {
    recordBytes: integer({
      name: 'MAX_RECORD_BYTES',
      min: 1,
      max: 512 * mebibyte,
      unit: 'bytes',
      default: 8 * mebibyte,
      sentence: 'Largest body of a message.',
      when: 'When real records are larger; memory must then allow for it.',
    }),
    depth: integer({
      name: 'MAX_RECORD_DEPTH',
      min: 1,
      max: 4_000,
      unit: 'levels',
      default: 100,
      sentence: 'Deepest nesting of arrays and objects in a body.',
      when: 'When real records nest deeper; at about 5,000 Neo4j drops the connection.',
    }),
    members: integer({
      name: 'MAX_RECORD_MEMBERS',
      min: 1,
      max: 100_000_000,
      unit: 'members',
      default: 100_000,
      sentence: 'Most members of all objects in one body.',
      when: 'When real records are wider.',
    }),
  },
} as const;

export const brake = {
  title: 'Brake',
  intro:
    'A lane that refuses too much stops, holds its messages and is shown as not ready, instead of emptying the queue into the dead letters after a schema change or a bad deployment.',
  keys: {
    window: integer({
      name: 'BRAKE_WINDOW',
      min: 10,
      max: 1_000_000,
      unit: 'records',
      default: 1_000,
      sentence: 'How many of the last records of a lane are looked at.',
      when: 'Larger to tolerate short bursts of bad records.',
    }),
    share: number({
      name: 'BRAKE_SHARE',
      min: 0,
      max: 1,
      default: 0.05,
      sentence: "Refused on the store's word alone: at most this share of the window.",
      when: '1 to never brake on a share.',
    }),
    minimum: integer({
      name: 'BRAKE_MINIMUM',
      min: 0,
      max: 1_000_000,
      unit: 'records',
      default: 20,
      sentence: 'So many refusals in the window never brake, however large their share.',
      when: 'Larger when bad records are common and known.',
    }),
    inARow: integer({
      name: 'BRAKE_IN_A_ROW',
      min: 1,
      max: 1_000_000,
      unit: 'records',
      default: 10,
      sentence: "So many refusals in a row with one code, on the store's word alone, always brake.",
      when: 'Larger when bad records come in bursts.',
    }),
    provenShare: number({
      name: 'BRAKE_PROVEN_SHARE',
      min: 0,
      max: 1,
      default: 0.5,
      sentence: 'Refused with a fault that the record itself proves: at most this share of a full window.',
      when: '1 to never brake on proven faults, for a producer that is known to send rubbish.',
    }),
  },
} as const;

export const ordering = {
  title: 'Order',
  intro:
    'Inside one process the versions of a key keep their order. Across replicas, redeliveries and replays an older version may come last; a version, where there is one, decides then.',
  keys: {
    seqSource: choice({
      name: 'SEQ_SOURCE',
      choices: ['auto', 'header', 'body', 'timestamp', 'none'],
      default: 'auto',
      sentence:
        'Where a record has its version: header `x-seq` or `x-version`, the body field of `SEQ_FIELD`, the stamp `timestamp_in_ms` of the broker; `auto` takes the first that is there.',
      when: '`header` or `body` to be certain which one counts; `none` when versions must be ignored.',
    }),
    seqField: text({
      name: 'SEQ_FIELD',
      pattern: /^[^\p{Cc}]{1,255}$/u,
      allowed: 'the name of a member of the body, 1 to 255 characters',
      otherwise: 'no field',
      sentence: 'Top-level member of the body that holds the version, an integer from 0 to 2^63 - 1.',
      when: 'When the producer numbers its records inside the body.',
    }),
    singleActiveConsumer: boolean({
      name: 'SINGLE_ACTIVE_CONSUMER',
      default: false,
      sentence:
        'Declare the queues so that only one replica consumes and the others stand by: order without versions. A queue that exists already must be recreated.',
      when: 'With several replicas and records that have no version.',
    }),
  },
} as const;

/** Each service has its own default port, so that both run on one host unconfigured. */
export function health(port: 8001 | 8002) {
  return {
    title: 'Health and metrics',
    intro: 'One small HTTP server for probes, metrics, the live page and the state of the lanes: see http.md.',
    keys: {
      host: text({
        name: 'HEALTH_HOST',
        pattern: /^[A-Za-z0-9._:-]+$/,
        allowed: 'an address or host name of this machine; 0.0.0.0 for all addresses, :: for IPv6 as well',
        default: '127.0.0.1',
        sentence: 'Address that the server binds to. The container image sets it to `0.0.0.0`.',
        when: '`0.0.0.0` when probes or Prometheus come from another machine.',
      }),
      port: integer({
        name: 'HEALTH_PORT',
        min: 0,
        max: 65_535,
        default: port,
        sentence: 'Port that the server binds to; 0 takes any free one and logs it.',
        when: 'When the port is taken, or several replicas run on one host.',
      }),
      token: secret({
        name: 'ADMIN_TOKEN',
        otherwise: 'nobody may',
        sample: 'a-long-random-text-of-your-own',
        sentence:
          'What callers must send to pause or resume a lane or to release its brake; everything else on the port is open to read. `inator pause` and its like read the same variable.',
        when: 'To work with lanes over HTTP: `openssl rand -hex 32`, as `ADMIN_TOKEN_FILE`.',
      }),
    },
  } as const;
}

export const log = {
  title: 'Log',
  intro: 'One line an event, on standard output: see log-events.md.',
  keys: {
    level: choice({
      name: 'LOG_LEVEL',
      choices: ['debug', 'info', 'warn', 'error'],
      default: 'info',
      sentence: 'Least severe events that are logged.',
      when: '`debug` to see every retry; `warn` to drop the line for every batch.',
    }),
    format: choice({
      name: 'LOG_FORMAT',
      choices: ['json', 'text'],
      default: 'json',
      sentence: '`json` for collectors, `text` for people and grep: key=value.',
      when: '`text` at a terminal.',
    }),
    batchLines: integer({
      name: 'LOG_BATCH_LINES',
      min: 0,
      max: 1_000_000,
      unit: 'lines',
      default: 10_000,
      sentence:
        'Lines `Batch processed` a second and type, at most; the batches beyond are summed up in one `Batches processed` every 10 s, so that no record is missing.',
      when: 'Less where logs are dear, for example 10; `0` for summaries only.',
    }),
  },
} as const;

export const service = {
  title: 'Service',
  intro: 'What the service consumes, what it is called, and how long it may take to stop.',
  keys: {
    domain: domainKey({
      name: 'DOMAIN',
      sentence:
        'Which models the service runs: how messages are read and where they land. A model file of your own: see docs/guides/your-own-model.md.',
      when: 'With records of your own: `DOMAIN=./my-model.yaml`.',
    }),
    dataTypes: list({
      name: 'DATA_TYPES',
      pattern: /^[a-z][a-z0-9_]*$/,
      allowed: 'types of the domain, separated by commas (discogs: artists, labels, masters, releases)',
      otherwise: 'all types of the domain',
      sample: 'artists,labels,masters,releases',
      sentence: 'Types that this process consumes.',
      when: 'To give one type a process of its own.',
    }),
    instance: text({
      name: 'INSTANCE',
      pattern: /^[^\p{Cc}\s]{1,128}$/u,
      allowed: 'a name of 1 to 128 characters without spaces',
      otherwise: "the host's name",
      sentence: 'Name of this process in log lines and connection names.',
      when: 'When several replicas run on one host.',
    }),
    drainTimeoutSeconds: seconds({
      name: 'DRAIN_TIMEOUT',
      min: 0,
      max: 3_600,
      default: 20,
      sentence:
        'How long a stopping service may take to write what it holds; what is left goes back to the broker, unharmed.',
      when: 'Must stay under the grace period of whatever stops the service (Kubernetes: 30 s, compose: 10 s).',
    }),
  },
} as const;
