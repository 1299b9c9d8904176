/** The commands of the security guide, so that what is tested is what is written there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../support/root.ts';

/** The fenced block of the guide that begins with the comment `-- name` or `# name`. */
export function guideBlock(name: string): string {
  const guide = readFileSync(join(root, 'docs/guides/security.md'), 'utf8');
  const blocks = [...guide.matchAll(/```(?:sql|sh)[^\n]*\n(?:--|#) ([^\n]*)\n([\s\S]*?)```/g)];
  const found = blocks.find(([, title]) => title === name)?.[2];
  if (found === undefined) throw new Error(`docs/guides/security.md has no block that begins with "${name}"`);
  return found;
}
