/** A record that ends the process, whatever the process does: it costs itself, and none of those that were in hand with it. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ids } from './lanes.ts';
import { type Fixture, makeFixture } from './support.ts';

const script = fileURLToPath(new URL('crashing.mjs', import.meta.url));
let fixture: Fixture | undefined;
afterEach(() => fixture?.dispose(), 60_000);

/** One life: what it stored, and whether it came to the end of the queue. */
function live(spec: object): Promise<{ readonly stored: string[]; readonly ended: boolean }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script], {
      env: { ...process.env, NODE_OPTIONS: '', CRASHING_QUEUE: JSON.stringify(spec) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    let failed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      failed += text;
    });
    const timer = setTimeout(() => child.kill('SIGTERM'), 60_000);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code !== 0 && signal !== 'SIGKILL') reject(new Error(`it ended with ${code ?? signal}: ${failed}`));
      else resolve({ stored: said.split('\n').filter((line) => line !== ''), ended: code === 0 });
    });
  });
}

describe('a record that ends every process that touches it', () => {
  it('is dead-lettered alone before the delivery limit of 20 dead-letters its neighbours', async () => {
    fixture = await makeFixture({ spec: { arguments: { 'x-delivery-limit': 20 } } });
    const all = ids(500);
    all[123] = 'deadly';
    await fixture.publish(all);
    const stored = new Set<string>();
    let lives = 0;
    for (let ended = false; !ended && lives < 25; lives += 1) {
      const life = await live(fixture.spec);
      for (const key of life.stored) stored.add(key);
      ended = life.ended;
    }
    const letters = await fixture.takeLetters();
    expect(letters.map(({ content }) => content.toString())).toEqual(['deadly']);
    expect(letters[0]?.properties.headers).toMatchObject({
      'x-inator-code': 'crash-suspect',
      'x-inator-delivery-count': 18,
    });
    expect([...stored].sort()).toEqual(all.filter((key) => key !== 'deadly').sort());
    expect(await fixture.ready()).toBe(0);
    expect(lives).toBe(19);
  }, 180_000);
});
