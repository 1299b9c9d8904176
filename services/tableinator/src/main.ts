import { tableinator } from '@inator/config';
import { revisionOf, runService, versionOf } from '@inator/service';
import { wire } from './wiring.ts';

await runService({ spec: tableinator, wire, revision: revisionOf(import.meta.url) }, versionOf(import.meta.url));
