// Makes a clone ready to run: dependencies as locked, everything compiled. Plain JavaScript without dependencies,
// because it runs before any are there. What npm and the compiler say goes to stderr: stdout belongs to the command.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** See "engines" in package.json. */
const oldestNode = [20, 19];
/** `tsc` is TypeScript 7; the package `typescript` is 6, for the tools that need its API, and brings a `tsc6`. */
const compilerMajor = '7';

/** Checks Node, then installs and builds what is missing or out of date. Ends the process with a sentence if it cannot. */
export function ensureReady() {
  checkNode();
  if (!isInstalled()) {
    say('installing the dependencies, as package-lock.json has them');
    if (!install() && !install()) fail('npm failed twice; what it said stands above');
  }
  checkCompiler();
  if (!existsSync(join(root, 'packages/stack/dist/index.js'))) say('compiling');
  // The compiler knows best what is up to date, and takes half a second to find that nothing is to be done.
  if (!run(bin('tsc'), ['-b'])) fail('the sources do not compile; what the compiler said stands above');
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  fail(`Node ${oldestNode.join('.')} or later is needed, and this is ${process.versions.node} (${process.execPath})`);
}

/** True when what is installed is what package-lock.json asks for. By content: a checkout changes times, not contents. */
function isInstalled() {
  const wanted = readJson('package-lock.json')?.packages;
  const found = readJson('node_modules/.package-lock.json')?.packages;
  if (wanted === undefined) fail('package-lock.json cannot be read: is this a complete checkout?');
  if (found === undefined) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.startsWith('node_modules/') || entry.extraneous === true) return true;
    // Packages for other systems are locked as well, and rightly absent.
    if (found[path] === undefined) return entry.optional === true || entry.peer === true;
    return found[path].version === entry.version && existsSync(join(root, path));
  });
}

function install() {
  // npm ci begins by deleting node_modules; where there is one already, only the difference is wanted.
  const how = existsSync(join(root, 'node_modules')) ? ['install', '--no-save'] : ['ci'];
  const args = [...how, '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund'];
  // Under `npm start` this is the npm that is running; else the one on the path.
  const npm = process.env.npm_execpath;
  return npm !== undefined && /npm-cli\.c?js$/.test(npm) ? run(process.execPath, [npm, ...args]) : run('npm', args);
}

function checkCompiler() {
  const { stdout } = spawnSync(bin('tsc'), ['--version'], { cwd: root, encoding: 'utf8' });
  const version = /Version (\S+)/.exec(stdout ?? '')?.[1] ?? 'none';
  if (version.split('.')[0] === compilerMajor) return;
  fail(`tsc must be TypeScript ${compilerMajor}, and is ${version}: remove node_modules and run npm ci`);
}

/** A program of an installed package. */
export function bin(name) {
  return join(root, 'node_modules/.bin', name);
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (error !== undefined) say(`cannot run ${command}: ${error.message}`);
  return status === 0;
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8'));
  } catch {
    return undefined;
  }
}

function say(line) {
  process.stderr.write(`inator: ${line}\n`);
}

function fail(line) {
  say(line);
  process.exit(1);
}
