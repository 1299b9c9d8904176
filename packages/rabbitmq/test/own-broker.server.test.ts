/** Everything that hurts a broker: one broker of their own for all of it, because its start takes longer than most of these. */
import { describe } from '@jest/globals';
import { describeAlarms } from './alarms.ts';
import { describeChannel } from './channel.ts';
import { describeConnection } from './connection.ts';
import { useOwnBroker } from './own-broker.ts';

const broker = useOwnBroker('own');

describe('alarms and limits', () => describeAlarms(broker));
describe('a loss while the connection lives', () => describeChannel(broker));
describe('a loss of the connection', () => describeConnection(broker));
