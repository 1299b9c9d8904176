// Two things Biome does not check: floating promises (the bug class of consumers) and the import rule of the house.
import tseslint from 'typescript-eslint';

/** Which rooms a room may import. Imports point inward; a wrong one is a red build. See docs/architecture.md. */
const mayImport = {
  runtime: [],
  stack: [],
  config: ['runtime', 'declared'],
  telemetry: ['runtime'],
  tracing: ['runtime'],
  rabbitmq: ['runtime'],
  postgres: ['runtime'],
  neo4j: ['runtime'],
  discogs: ['runtime'],
  declared: ['runtime'],
  service: ['runtime', 'config', 'telemetry', 'tracing', 'rabbitmq'],
  cli: ['runtime', 'config', 'rabbitmq', 'discogs', 'declared', 'stack', 'postgres', 'neo4j'],
  testkit: ['runtime', 'stack', 'rabbitmq', 'postgres', 'neo4j', 'discogs'],
  tableinator: ['runtime', 'config', 'telemetry', 'rabbitmq', 'service', 'postgres', 'discogs', 'declared'],
  graphinator: ['runtime', 'config', 'telemetry', 'rabbitmq', 'service', 'neo4j', 'discogs', 'declared'],
};

/** A library with one importer: what touches it stays in one place. */
const onlyImporter = {
  amqplib: 'rabbitmq',
  pg: 'postgres',
  'pg-copy-streams': 'postgres',
  'neo4j-driver': 'neo4j',
  pino: 'telemetry',
  'prom-client': 'telemetry',
  '@opentelemetry/api': 'tracing',
};

const boundaries = Object.entries(mayImport).map(([room, allowed]) => ({
  files: [`packages/${room}/src/**/*.ts`, `services/${room}/src/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        paths: Object.entries(onlyImporter)
          .filter(([, owner]) => owner !== room)
          .map(([name, owner]) => ({ name, message: `Only packages/${owner} imports ${name}.` })),
        patterns: [
          {
            group: [
              ...Object.keys(mayImport)
                .filter((other) => !allowed.includes(other))
                .map((other) => `@inator/${other}`),
              '@inator/*/*',
            ],
            message: `${room} may import: ${allowed.join(', ') || 'nothing of ours'}; and never the inside of a package.`,
          },
        ],
      },
    ],
  },
}));

export default [
  { ignores: ['**/dist/**', '**/node_modules/**', '.stack/**'] },
  {
    files: ['packages/*/{src,test}/**/*.ts', 'services/*/{src,test}/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts'],
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: {
        project: ['packages/*/tsconfig.json', 'services/*/tsconfig.json', 'bench/tsconfig.json', 'tsconfig.tests.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    plugins: { '@typescript-eslint': tseslint.plugin },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
    },
  },
  ...boundaries,
  {
    files: ['packages/rabbitmq/src/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { paths: [{ name: 'amqplib', allowTypeImports: true, message: 'Only types; the rest comes from amqp.ts.' }] },
      ],
    },
  },
];
