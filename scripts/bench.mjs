// npm run bench -- NAME: one benchmark, compared with its baseline in the same run.
import { handOver } from './hand-over.mjs';

await handOver('bench/dist/main.js', process.argv.slice(2));
