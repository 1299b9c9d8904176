export { boundHeapGrowth } from './heap.ts';
export { type Kit, revisionOf, runService, type ServiceParts, type Store, versionOf } from './run.ts';
export { brokerSettings, laneSettings, purgeSettings, queueSpec, returnLimits } from './settings.ts';
