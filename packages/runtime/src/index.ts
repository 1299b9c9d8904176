export * from './batch.ts';
export * from './delivery.ts';
export * from './events.ts';
export * from './fault.ts';
export * from './lane.ts';
export * from './model.ts';
export * from './sink.ts';
