/**
 * Neo4j Community from Maven Central: its jars and our launcher, compiled, in a cache.
 *
 * The cache is the user's (`$XDG_CACHE_HOME/inator`, else `~/.cache/inator`) and not the checkout's: the jars are the same
 * for every clone, and 125 MB are worth loading once. Deleting it is always safe.
 */
import { createHash } from 'node:crypto';
import { accessSync, constants, copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Report, StackError } from '../server.ts';
import { withLock } from './lock.ts';
import { javaPrograms } from './programs.ts';
import { runTool } from './tool.ts';

export interface Neo4jJars {
  readonly java: string;
  readonly version: string;
  /** For `java -cp`. */
  readonly classPath: string;
}

/** pom.xml and Launcher.java lie beside `src` and `dist`. */
const sources = fileURLToPath(new URL('../../neo4j/', import.meta.url));
const downloadTimeoutMs = 20 * 60_000;

/** The jars and the launcher, from the cache or made now. Rejects with what to install, or with Maven's own words. */
export async function neo4jJars(report: Report): Promise<Neo4jJars> {
  const programs = await javaPrograms(report);
  const version = /<neo4j\.version>([^<]+)</.exec(readFileSync(join(sources, 'pom.xml'), 'utf8'))?.[1];
  if (version === undefined) throw new StackError('start-failed', 'us', 'neo4j: no version in pom.xml');
  const launcher = readFileSync(join(sources, 'Launcher.java'));
  const cache = cacheFolder();
  const jars = join(cache, `neo4j-${version}`);
  // Named after its source and the Java it was compiled by: neither an old launcher nor a newer Java's is ever run.
  const javaHome = programs.javac;
  const classes = join(
    cache,
    `launcher-${createHash('sha256').update(launcher).update(javaHome).digest('hex').slice(0, 12)}`,
  );
  const classPath = `${classes}:${join(jars, '*')}`;

  if (!existsSync(jars) || !existsSync(classes)) {
    const onWait = (): void => report('neo4j: another process is loading it, waiting for that');
    await withLock(join(cache, 'lock'), { timeoutMs: downloadTimeoutMs, onWait }, async () => {
      if (!existsSync(jars)) await download(programs.mvn, programs.java, jars, version, report);
      if (!existsSync(classes)) {
        const making = `${classes}.${process.pid}`;
        await runTool(programs.javac, ['-cp', join(jars, '*'), '-d', making, join(sources, 'Launcher.java')]);
        renameSync(making, classes);
      }
    });
  }
  return { java: programs.java, version, classPath };
}

async function download(mvn: string, java: string, target: string, version: string, report: Report): Promise<void> {
  report(`neo4j: loading version ${version} (about 125 MB) from Maven Central; this is done once`);
  const making = `${target}.${process.pid}`;
  mkdirSync(making, { recursive: true });
  const pom = join(making, 'pom.xml');
  const libraries = join(making, 'lib');
  try {
    // A copy, because Maven writes beside the file it reads.
    copyFileSync(join(sources, 'pom.xml'), pom);
    for (let attempt = 1; ; attempt++) {
      try {
        await runTool(
          mvn,
          [
            '-B',
            '-q',
            '-f',
            pom,
            'dependency:copy-dependencies',
            `-DoutputDirectory=${libraries}`,
            '-DincludeScope=runtime',
          ],
          { env: { ...process.env, JAVA_HOME: join(java, '../..') }, timeoutMs: downloadTimeoutMs },
        );
        break;
      } catch (cause) {
        if (attempt === 3) {
          const said = cause instanceof Error ? cause.message : String(cause);
          throw new StackError('install-failed', 'operator', `neo4j: could not be loaded from Maven Central: ${said}`, {
            cause,
          });
        }
        report(`neo4j: loading failed, trying again (${attempt} of 3)`);
        await sleep(3_000 * attempt);
      }
    }
    renameSync(libraries, target);
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}

function cacheFolder(): string {
  const wanted = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'inator');
  try {
    mkdirSync(wanted, { recursive: true });
    accessSync(wanted, constants.W_OK);
    return wanted;
  } catch {
    // A home that cannot be written to, as some containers have: the checkout then.
    const local = fileURLToPath(new URL('../../../../.stack/cache/', import.meta.url));
    mkdirSync(local, { recursive: true });
    return local;
  }
}
