/**
 * amqplib, reading tables by `tables.ts`. It takes its own reader from a module at load, so this one must come before any
 * other that loads it: whatever of amqplib is more than a type is imported from here.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { readTable } from './tables.ts';

const require = createRequire(import.meta.url);
const codec = require(join(dirname(require.resolve('amqplib')), 'lib/codec.js')) as {
  decodeFields: typeof readTable;
};
codec.decodeFields = readTable;

export const { connect, credentials, IllegalOperationError } = require('amqplib') as typeof import('amqplib');
