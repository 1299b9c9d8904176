/** Every document that a reader is given, from the root of the checkout. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './root.ts';

export const documents: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'deploy/kubernetes/README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => join('docs', path))
    .sort(),
];
