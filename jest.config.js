// Two projects: `unit` needs nothing; `servers` shares one set of real servers, started once by test/setup/global.mjs.
// Sources are run as they stand (swc strips the types), so a test never sees a stale build; the services under test in
// test/ are real processes and run from dist.
const common = {
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' } }],
  },
  moduleNameMapper: {
    '^@inator/(tableinator|graphinator)$': '<rootDir>/services/$1/src/index.ts',
    '^@inator/([a-z0-9]+)$': '<rootDir>/packages/$1/src/index.ts',
    '^@inator/testkit/hurt$': '<rootDir>/packages/testkit/src/hurt.ts',
  },
  modulePathIgnorePatterns: ['<rootDir>/.stack', '/dist/'],
  testEnvironment: 'node',
};
const places = [
  '<rootDir>/packages/*/test/**',
  '<rootDir>/services/*/test/**',
  '<rootDir>/test/**',
  '<rootDir>/bench/test/**',
];

export default {
  projects: [
    {
      ...common,
      displayName: 'unit',
      testMatch: places.map((place) => `${place}/*.test.ts`),
      testPathIgnorePatterns: ['/node_modules/', '/dist/', '\\.server\\.test\\.ts$'],
    },
    {
      ...common,
      displayName: 'servers',
      // One file at a time: the servers take the other core, and the graph is one for all tests.
      runner: '<rootDir>/test/setup/in-turn.mjs',
      testMatch: places.map((place) => `${place}/*.server.test.ts`),
      setupFilesAfterEnv: ['<rootDir>/test/setup/retry.mjs'],
      globalSetup: '<rootDir>/test/setup/global.mjs',
      globalTeardown: '<rootDir>/test/setup/teardown.mjs',
    },
  ],
  testTimeout: 120_000,
  // Of the project `unit`, which has the machine for itself before or after the other.
  maxWorkers: 2,
  // A socket that a test has frozen on purpose may outlive it; the run must not wait for its time-out.
  forceExit: true,
};
