import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';

// An engine without the flag would say so on the error output, in the midst of a service's log, and heed nothing.
it('the bound of the heap is one that this engine knows', () => {
  const service = fileURLToPath(new URL('../dist/index.js', import.meta.url));
  const script = `import { boundHeapGrowth } from ${JSON.stringify(service)}; boundHeapGrowth();`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
