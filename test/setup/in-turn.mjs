// Jest's own runner, one file after the other whatever `maxWorkers` says: for tests that share servers.
import TestRunner from 'jest-runner';

export default class InTurn extends TestRunner {
  isSerial = true;
}
