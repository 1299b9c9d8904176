import { graphinator } from '@inator/config';
import { boundHeapGrowth, revisionOf, runService, versionOf } from '@inator/service';
import { wire } from './wiring.ts';

boundHeapGrowth();
await runService({ spec: graphinator, wire, revision: revisionOf(import.meta.url) }, versionOf(import.meta.url));
