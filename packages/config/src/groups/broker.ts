/** Keys of the broker: where it is, and how queues are consumed. */
import { boolean, choice, integer, path, secret, text, url } from '../key.ts';

/** Largest window that AMQP 0-9-1 can ask for: `prefetch-count` is 16 bits wide. */
const largestWindow = 65_535;

export const broker = {
  title: 'RabbitMQ',
  intro:
    'Give `RABBITMQ_URL`, or its parts, or both: a part completes the url (a password from a file, say). A part and a url that say different things are an error, because either could be the forgotten one.',
  keys: {
    url: url({
      name: 'RABBITMQ_URL',
      schemes: ['amqp', 'amqps'],
      otherwise: 'amqp://localhost:5672',
      sample: 'amqp://localhost:5672',
      sentence:
        'The broker; `amqps` means TLS. No path, or a bare slash, means the virtual host `/`; without credentials `guest` / `guest` is tried, except when `NODE_ENV` is `production`.',
      when: 'Always, outside of a first try.',
    }),
    host: text({
      name: 'RABBITMQ_HOST',
      pattern: /^[A-Za-z0-9._:[\]-]+$/,
      allowed: 'a host name or an address',
      otherwise: "the url's, else localhost",
      sample: 'localhost',
      sentence: 'Host of the broker.',
      when: 'When host and credentials come from different places.',
    }),
    port: integer({
      name: 'RABBITMQ_PORT',
      min: 1,
      max: 65_535,
      otherwise: "the url's, else 5672, or 5671 with TLS",
      sample: '5672',
      sentence: 'Port of the broker.',
      when: 'When the broker does not listen on its usual port.',
    }),
    username: text({
      name: 'RABBITMQ_USERNAME',
      pattern: /^[^\p{Cc}]{1,255}$/u,
      allowed: 'a user name of 1 to 255 characters',
      otherwise: "the url's, else guest",
      sample: 'guest',
      sentence: 'User at the broker: needs to read its queues and to write to its dead-letter exchanges.',
      when: 'Always in production: `guest` may only connect from the same machine.',
    }),
    password: secret({
      name: 'RABBITMQ_PASSWORD',
      otherwise: "the url's, else guest",
      sample: 'guest',
      sentence: 'Password at the broker; it is read again at every connect when it comes from a file.',
      when: 'Always in production, as `RABBITMQ_PASSWORD_FILE`.',
    }),
    vhost: text({
      name: 'RABBITMQ_VHOST',
      pattern: /^[^\p{Cc}]{1,255}$/u,
      allowed: 'the name of a virtual host, as it is (not percent-encoded)',
      otherwise: "the url's, else /",
      sample: '/',
      sentence: 'Virtual host on the broker.',
      when: 'When several applications share one broker.',
    }),
    caFile: path({
      name: 'RABBITMQ_CA_FILE',
      sentence: "PEM file of the authorities that the broker's certificate is checked against; needs `amqps`.",
      when: "When the broker's certificate is not signed by a public authority.",
    }),
    managementUrl: url({
      name: 'RABBITMQ_MANAGEMENT_URL',
      schemes: ['http', 'https'],
      otherwise: 'not used',
      sentence: 'HTTP API of the broker, for `inator doctor`; the services work without it.',
      when: 'When `inator doctor` shall see what AMQP does not tell: version, alarms, disk, rights and arguments of queues.',
    }),
    exchangePrefix: text({
      name: 'RABBITMQ_EXCHANGE_PREFIX',
      pattern: /^[A-Za-z0-9._:-]{1,100}$/,
      allowed: 'letters, digits and . _ : - (1 to 100)',
      default: 'discogs',
      sentence: 'Exchanges are named `{prefix}-{type}`, queues `{service}-{prefix}-{type}`.',
      when: 'To consume what another producer publishes (`discogsography-discogs`), or to run two sets side by side.',
    }),
    queueType: choice({
      name: 'RABBITMQ_QUEUE_TYPE',
      choices: ['quorum', 'classic'],
      default: 'quorum',
      sentence: 'Type of the queues that the service declares; an existing queue keeps its type and must agree.',
      when: '`classic` when the queues exist already as classic ones, or on a throw-away single node.',
    }),
    passive: boolean({
      name: 'RABBITMQ_PASSIVE',
      default: false,
      sentence:
        'Declare nothing: queues and their dead-letter pairs must exist, and are checked; how messages get into the queues, by which exchanges and bindings, is not.',
      when: 'When the topology is managed elsewhere, or the user has no right to configure.',
    }),
    prefetch: integer({
      name: 'RABBITMQ_PREFETCH',
      min: 1,
      max: largestWindow,
      unit: 'messages',
      otherwise:
        'batch size × writers × 2, at least 50 (tableinator) or 10 (graphinator), at most BATCH_MAX_PENDING ÷ types',
      sentence:
        'Window of each queue: messages handed out and not yet acknowledged. A window smaller than a batch makes batches as small as the window, with a warning; together the windows never pass `BATCH_MAX_PENDING`.',
      when: 'To reproduce the behaviour of another consumer, or to share a queue more evenly between replicas.',
    }),
    heartbeat: integer({
      name: 'RABBITMQ_HEARTBEAT',
      min: 1,
      max: 3_600,
      unit: 's',
      default: 15,
      sentence: 'Interval of heartbeats: a dead connection is noticed after at most three of them.',
      when: 'Longer over links that stall for seconds; shorter to fail over sooner.',
    }),
    consumerTimeoutSeconds: integer({
      name: 'RABBITMQ_CONSUMER_TIMEOUT',
      min: 1,
      max: 31_536_000,
      unit: 's',
      default: 1_800,
      sentence:
        "The broker's own `consumer_timeout`, told to the service: a batch held through an outage is let go at a quarter of it, before the broker would close the channel.",
      when: 'When it was changed on the broker.',
    }),
    deliveryLimit: integer({
      name: 'RABBITMQ_DELIVERY_LIMIT',
      // Fewer leave no room for trying a record alone before it is condemned.
      min: 4,
      max: 1_000_000,
      unit: 'returns',
      default: 20,
      sentence:
        "The delivery limit of the quorum queues, told to the service, which declares none: a record that ends the process again and again is dead-lettered with its reason two returns before, ahead of the broker, which would give none and take the record's neighbours along.",
      when: 'When a policy or the queue itself has another limit than RabbitMQ 4 has by default.',
    }),
  },
} as const;
