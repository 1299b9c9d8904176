export { type Broker, type BrokerListeners, type BrokerStatus, createBroker } from './broker.ts';
export type { KeptLetter, LetterProperties } from './kept-letter.ts';
export { letterId, maxHeaderBytes } from './letter.ts';
export {
  type LentLetter,
  type LetterReader,
  type LetterReaderOptions,
  letterQueue,
  openLetterReader,
} from './letter-reader.ts';
export {
  createPublisher,
  PublishError,
  type Publisher,
  type PublisherOptions,
  type PublishProperties,
} from './publisher.ts';
export { replaysOf } from './replay.ts';
export { openReplayer, type Replayer } from './replayer.ts';
export { type BrokerSettings, brokerSettingsFromUrl, settingsDefaults, type TlsSettings } from './settings.ts';
export { createQueueSource, type QueueSourceOptions } from './source.ts';
export {
  deadLetterArguments,
  declareDeadLetters,
  declareQueue,
  declareTopology,
  type QueueArguments,
  type QueueNames,
  type QueueSpec,
  type QueueType,
  queueArguments,
  queueNames,
} from './topology.ts';
