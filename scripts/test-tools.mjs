// Installs what some tests use beside the servers, where that is possible: PgBouncer, Prometheus, Chromium. Where it is not,
// those tests are skipped, and say so.
import { ensureReady } from './setup.mjs';

ensureReady();
const { installTestTools } = await import('../packages/stack/dist/index.js');
const missing = await installTestTools((line) => process.stderr.write(`${line}\n`));
process.stdout.write(missing.length === 0 ? 'all there\n' : `missing: ${missing.join(', ')}\n`);
