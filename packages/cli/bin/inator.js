#!/usr/bin/env node
// Plain JavaScript on purpose: it stands in a fresh clone before anything is built, and says so.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const built = new URL('../dist/main.js', import.meta.url);
if (!existsSync(fileURLToPath(built))) {
  process.stderr.write('inator is not built yet: run "npm ci && npm run build" in the repository first.\n');
  process.exit(1);
}
const { main } = await import(built.href);
await main();
