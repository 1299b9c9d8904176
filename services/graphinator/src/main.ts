import { graphinator } from '@inator/config';
import { runService, versionOf } from '@inator/service';
import { wire } from './wiring.ts';

await runService({ spec: graphinator, wire }, versionOf(import.meta.url));
