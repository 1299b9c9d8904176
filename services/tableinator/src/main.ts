import { tableinator } from '@inator/config';
import { runService, versionOf } from '@inator/service';
import { wire } from './wiring.ts';

await runService({ spec: tableinator, wire }, versionOf(import.meta.url));
