/** The checkout, whether this runs from its source or compiled. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function find(from: string): string {
  if (existsSync(join(from, 'package-lock.json'))) return from;
  const above = dirname(from);
  if (above === from) throw new Error('no package-lock.json above the tests: is this a complete checkout?');
  return find(above);
}

export const root = find(dirname(fileURLToPath(import.meta.url)));
