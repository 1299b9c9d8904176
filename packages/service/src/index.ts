export { type Kit, runService, type ServiceParts, type Store, versionOf } from './run.ts';
export { brokerSettings, laneSettings, queueSpec } from './settings.ts';
