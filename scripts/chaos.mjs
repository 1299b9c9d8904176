// npm run chaos: faults of every kind under load, and after each the question whether anything is missing.
import { handOver } from './hand-over.mjs';

await handOver('test/dist/chaos/main.js', process.argv.slice(2));
