/** All scenarios, in the order in which they are listed. */
import type { Scenario } from '../scenario.ts';
import { growthScenario, latencyScenario, memoryScenario, poisonScenario } from './course.ts';
import { beforeAfterScenario, fixesScenario } from './fixes.ts';
import { floorBroker, floorNeo4j, floorPostgres, naiveLoop } from './floors.ts';
import { externalScenario } from './peers.ts';
import {
  bothScenario,
  graphinatorScenario,
  replayScenario,
  tableinatorScenario,
  touchScenario,
  updateScenario,
} from './services.ts';
import { ginScenario, replicasScenario, sizesScenario, writePathsScenario } from './settings.ts';
import {
  batchSizeScenario,
  graphBatchSizeScenario,
  graphTypesScenario,
  graphWritersScenario,
  prefetchScenario,
  writersScenario,
} from './sweeps.ts';

export const scenarios: readonly Scenario[] = [
  tableinatorScenario,
  graphinatorScenario,
  bothScenario,
  replayScenario,
  updateScenario,
  touchScenario,
  floorPostgres,
  floorNeo4j,
  floorBroker,
  naiveLoop,
  poisonScenario,
  latencyScenario,
  ginScenario,
  writePathsScenario,
  sizesScenario,
  replicasScenario,
  batchSizeScenario,
  graphBatchSizeScenario,
  writersScenario,
  graphTypesScenario,
  graphWritersScenario,
  prefetchScenario,
  fixesScenario,
  beforeAfterScenario,
  externalScenario,
  growthScenario,
  memoryScenario,
];
