/** The profile of docs/guides/upgrading.md gives the behaviour before tuning, by environment alone. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ConfigResult, graphinator, readConfig, tableinator } from '@inator/config';
import { expect, it } from '@jest/globals';
import { root } from './support/root.ts';

const guide = readFileSync(join(root, 'docs/guides/upgrading.md'), 'utf8');

function profile(service: string): Readonly<Record<string, string>> {
  const block = new RegExp(`^\`\`\`sh profile=${service}\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(guide)?.[1] ?? '';
  return Object.fromEntries(
    [...block.matchAll(/^([A-Z0-9_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
}

/** The configuration; a fault is an error here. */
function taken<C>(result: ConfigResult<C>): C {
  if ('faults' in result) throw new Error(JSON.stringify(result.faults));
  return result.ok;
}

const before = { batchSize: 100, flushInterval: 5, window: 1 };

it('tableinator takes one message at a time, row by row, with small batches and a small pool', () => {
  const config = taken(readConfig(tableinator, profile('tableinator')));
  expect(config.batch).toMatchObject(before);
  expect(config.postgres).toMatchObject({ poolMax: 20, poolMin: 2, writePath: 'row' });
});

it('graphinator takes one message at a time, with small batches', () => {
  const config = taken(readConfig(graphinator, profile('graphinator')));
  expect(config.batch).toMatchObject(before);
});

it('without the profile both are as shipped, so that the profile is what makes the difference', () => {
  for (const config of [taken(readConfig(tableinator, {})), taken(readConfig(graphinator, {}))])
    expect(config.batch).toMatchObject({ batchSize: 500, flushInterval: 2, window: 1_250 });
  expect(taken(readConfig(tableinator, {})).postgres).toMatchObject({ poolMax: 50, poolMin: 5, writePath: 'copy' });
});

it('the compose file hands every variable of the profile on', () => {
  const compose = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
  const names = Object.keys({ ...profile('tableinator'), ...profile('graphinator') });
  expect(names.filter((name) => !new RegExp(`^ {2}${name}:`, 'm').test(compose))).toEqual([]);
});
