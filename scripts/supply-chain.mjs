// What we build and run on comes from where we think, unchanged, under licences that let us: checked without a network.
//
//     node scripts/supply-chain.mjs [folder]
//
// - The lockfile: every package has a SHA-512, none names an address (a mirror's, or an attacker's), and none is fetched from
//   a git repository or a file.
// - What is installed for running is under a permissive licence, as the package itself says.
// Exit codes: 0 all well, 1 something is not, 2 it could not be checked.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** SPDX identifiers of licences that ask for no more than their text and a name. */
const permissive = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'Python-2.0',
  'Unlicense',
  'Zlib',
]);

/** What an installation runs: the same three as in the image. */
const roots = ['services/tableinator', 'services/graphinator', 'packages/cli'];

/** `A OR B` when one is permissive, `A AND B` when all are. */
function isPermissive(expression) {
  const inner = expression.trim().replace(/^\((.*)\)$/, '$1');
  if (/ OR /.test(inner)) return inner.split(/ OR /).some(isPermissive);
  if (/ AND /.test(inner)) return inner.split(/ AND /).every(isPermissive);
  return permissive.has(inner);
}

const folder = process.argv[2] ?? join(import.meta.dirname, '..');

function readLock() {
  try {
    const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'));
    if (lock.lockfileVersion !== 3) throw new Error(`its version is ${lock.lockfileVersion}, not 3`);
    return Object.entries(lock.packages);
  } catch (error) {
    console.error(`package-lock.json cannot be checked: ${error.message}`);
    process.exit(2);
  }
}

/** From the lockfile, else from the package as it is installed: older ones have an object there. */
function licenceOf(path, entry) {
  if (typeof entry.license === 'string') return entry.license;
  try {
    const { license, licenses } = JSON.parse(readFileSync(join(folder, path, 'package.json'), 'utf8'));
    return typeof license === 'string' ? license : (license?.type ?? licenses?.map(({ type }) => type).join(' OR '));
  } catch {
    return undefined;
  }
}

/**
 * Paths of what the services and the command need to run. Found by walking the dependencies as Node.js resolves them: the
 * lockfile's own `dev` does not tell, because the packages of our tests are dependencies of a workspace.
 */
function neededToRun(packages) {
  const entries = new Map(packages);
  const needed = new Set();
  const visit = (path) => {
    const entry = entries.get(path);
    if (entry?.link) return visit(entry.resolved);
    if (entry === undefined || needed.has(path)) return;
    needed.add(path);
    const optionalPeers = Object.entries(entry.peerDependenciesMeta ?? {}).filter(([, meta]) => meta.optional);
    const peers = Object.keys(entry.peerDependencies ?? {}).filter(
      (name) => !optionalPeers.some(([peer]) => peer === name),
    );
    const names = [...Object.keys({ ...entry.dependencies, ...entry.optionalDependencies }), ...peers];
    for (const name of names) {
      const places = path
        .split('/node_modules/')
        .map((_, i, parts) => parts.slice(0, parts.length - i).join('/node_modules/'));
      const found = [...places.map((place) => `${place}/node_modules/${name}`), `node_modules/${name}`];
      visit(found.find((place) => entries.has(place)));
    }
  };
  for (const start of roots) visit(start);
  return needed;
}

const packages = readLock();
const running = neededToRun(packages);
const faults = [];
let production = 0;
for (const [path, entry] of packages) {
  const isOurs = !path.includes('node_modules/');
  if (entry.link) {
    const target = packages.find(([other]) => other === entry.resolved);
    if (target === undefined || target[0].includes('node_modules/')) faults.push(`${path} links to ${entry.resolved}`);
    continue;
  }
  if (isOurs) continue;
  if (entry.resolved !== undefined) faults.push(`${path} names an address: ${new URL(entry.resolved, 'file:').host}`);
  if (/^(git|github:|file:|https?:)/.test(entry.version ?? '')) faults.push(`${path} comes from ${entry.version}`);
  const needed = running.has(path);
  // npm records no checksum for a build tool's binary of another platform, which it did not look up; for nothing else.
  const foreign = !needed && entry.optional === true && entry.os !== undefined && entry.integrity === undefined;
  // Packages inside another's archive are covered by its checksum.
  if (!entry.inBundle && !foreign && !/^sha512-[A-Za-z0-9+/]{86}==$/.test(entry.integrity ?? '')) {
    faults.push(`${path} has no SHA-512`);
  }
  if (!needed) continue;
  production += 1;
  const licence = licenceOf(path, entry);
  if (licence === undefined) faults.push(`${path} does not say its licence`);
  else if (!isPermissive(licence)) faults.push(`${path} is under ${licence}`);
}

if (production === 0) faults.push('no package is needed for running, which cannot be');
for (const fault of faults) console.error(fault);
const external = packages.filter(([path, { link }]) => path.includes('node_modules/') && !link).length;
console.log(`${external} packages, ${production} of them for running: ${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);
