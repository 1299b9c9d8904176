// Tests of real servers meet real machines: a neighbour that takes a core for seconds can pass any deadline. Those of the
// packages are tried once more, on a line that says so and shows the first failure; what fails twice is a failure. Those
// in test/ count records in both stores: a record lost once in a hundred runs is what they are for, so they have one try.
import { expect, jest } from '@jest/globals';

const countsRecords = /[\\/]test[\\/](?:chaos|e2e|order|rollback|zoo)[\\/]/.test(expect.getState().testPath ?? '');
jest.retryTimes(countsRecords ? 0 : 1, { logErrorsBeforeRetry: true });
