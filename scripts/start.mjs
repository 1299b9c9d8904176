// npm start: everything, from a fresh clone. See `npx inator start --help`.
import { handOver } from './hand-over.mjs';

await handOver('packages/cli/bin/inator.js', ['start', ...process.argv.slice(2)]);
