/** Keys of the graph store. */
import { path, seconds, secret, text, url } from '../key.ts';

export const neo4j = {
  title: 'Neo4j',
  intro:
    'Credentials may stand in the url or in their own variables; where both say something, they must agree. The settings of the official image (`NEO4J_AUTH`, `NEO4J_server_…`) may stand in the same file and are not read.',
  keys: {
    url: url({
      name: 'NEO4J_URI',
      schemes: ['bolt', 'bolt+s', 'neo4j', 'neo4j+s'],
      otherwise: 'bolt://localhost:7687',
      sample: 'bolt://localhost:7687',
      sentence:
        'The graph database; `+s` means TLS with a checked certificate, `neo4j` routes inside a cluster. Unchecked TLS (`+ssc`) is refused.',
      when: 'Always, outside of a first try.',
    }),
    username: text({
      name: 'NEO4J_USERNAME',
      pattern: /^[^\p{Cc}]{1,255}$/u,
      allowed: 'a user name of 1 to 255 characters',
      otherwise: "the url's, else neo4j",
      sample: 'neo4j',
      sentence: 'User at the graph database: needs to write and, for the first start, to create constraints.',
      when: 'Always in production.',
    }),
    password: secret({
      name: 'NEO4J_PASSWORD',
      otherwise: "the url's, else inatorinator",
      sample: 'inatorinator',
      sentence: 'Password at the graph database; it is read again at every connect when it comes from a file.',
      when: 'Always in production, as `NEO4J_PASSWORD_FILE`.',
    }),
    caFile: path({
      name: 'NEO4J_CA_FILE',
      sentence: "PEM file of the authorities that the server's certificate is checked against; needs a `+s` url.",
      when: 'When the certificate is not signed by a public authority.',
    }),
    database: text({
      name: 'NEO4J_DATABASE',
      pattern: /^[A-Za-z0-9][A-Za-z0-9.-]{2,62}$/,
      allowed: 'a name of 3 to 63 letters, digits, dots and dashes',
      default: 'neo4j',
      sentence: 'Database inside the server; it must exist.',
      when: 'On the Enterprise edition, with several databases.',
    }),
    transactionTimeoutSeconds: seconds({
      name: 'NEO4J_TRANSACTION_TIMEOUT',
      min: 1,
      max: 3_600,
      default: 30,
      sentence:
        'Longest a transaction may take before the server ends it; the batch is then tried again. A purge waits so long before it deletes, and all replicas must have the same value.',
      when: 'Longer for large batches on slow disks.',
    }),
  },
} as const;
