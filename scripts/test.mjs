// npm test: all tests, or those that the arguments choose (`npm test -- packages/runtime`). Arguments are Jest's.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensureReady, root } from './setup.mjs';

ensureReady();
// Jest runs modules as modules only with the first flag; the second silences what Node says about it in every worker.
const flags = ['--experimental-vm-modules', '--no-warnings'];
const jest = spawn(process.execPath, [join(root, 'node_modules/jest/bin/jest.js'), ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    NODE_ENV: 'test',
    NODE_OPTIONS: [process.env.NODE_OPTIONS, ...flags].filter(Boolean).join(' '),
  },
});
// Ctrl-C reaches Jest by itself, being in the same group; a signal sent to this process alone is passed on.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => jest.kill(signal));
jest.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 143);
});
