/** The steps of docs/guides/your-own-model.md that need no server, as they stand, in a folder with nothing but a sample. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import { shellBlocks } from './support/reader.ts';
import { root } from './support/root.ts';

const folder = mkdtempSync(join(tmpdir(), 'own-model-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const order = (i: number): string =>
  JSON.stringify({ orderID: 100 + i, status: i % 2 === 0 ? 'open' : 'paid', customer: `C${i % 3}`, total: i + 0.5 });

it('a model is proposed from a sample and takes every record of it', () => {
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'orders.jsonl'), `${Array.from({ length: 12 }, (_, i) => order(i)).join('\n')}\n`);
  const blocks = shellBlocks('docs/guides/your-own-model.md').filter(({ marks }) => marks.run === 'model');
  expect(blocks).toHaveLength(2);
  let printed = '';
  for (const { text } of blocks) {
    const { status, stdout, stderr } = spawnSync('bash', ['-euo', 'pipefail', '-c', text], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 60_000,
    });
    if (status !== 0) throw new Error(`status ${status} of\n${text}\n${stdout}${stderr}`);
    printed += stdout + stderr;
  }
  expect(readFileSync(join(folder, 'shop.yaml'), 'utf8')).toMatch(/key: orderI[Dd]/);
  expect(printed).toContain('111');
}, 120_000);
