// Fills the figures of docs/guides/tuning.md from the results under docs/benchmarks/data and its settings from their
// declarations; with --check writes nothing and fails when the guide differs. Run `npm run build` first.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { keptResults, withFigures } from '../bench/dist/report/guide.js';

const root = join(import.meta.dirname, '..');
const [argument, ...rest] = process.argv.slice(2);
if (rest.length > 0 || (argument !== undefined && argument !== '--check')) {
  console.error('usage: node scripts/tuning.mjs [--check]');
  process.exit(2);
}

const guide = join(root, 'docs/guides/tuning.md');
const kept = keptResults(join(root, 'docs/benchmarks'));
const present = await readFile(guide, 'utf8');
const text = withFigures(present, kept, '../benchmarks/');
if (text !== present && argument === '--check') {
  console.error('Out of date: docs/guides/tuning.md. Run `node scripts/tuning.mjs` and commit the result.');
  process.exit(1);
}
if (text !== present) await writeFile(guide, text);
console.log(`figures of ${kept.size} scenarios, ${text === present ? 'up to date' : 'written'}`);
