// Tests of real servers meet real machines: a neighbour that takes a core for seconds can pass any deadline. Each is tried
// once more, on a line that says so and shows the first failure; what fails twice is a failure.
import { jest } from '@jest/globals';

jest.retryTimes(1, { logErrorsBeforeRetry: true });
