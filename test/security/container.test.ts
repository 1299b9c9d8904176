/** What can be known of the image and of docker-compose.yml without an engine; test/compose holds how they work together. */
import { describe, expect, it } from '@jest/globals';
import { readCompose, readText, type Service } from '../compose/compose-file.ts';

interface Hardened extends Service {
  readonly privileged?: boolean;
  readonly network_mode?: string;
  readonly pid?: string;
  readonly cap_add?: readonly string[];
  readonly user?: string;
  readonly volumes?: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly memswap_limit?: string;
  readonly devices?: readonly string[];
}

/** Instructions of the Dockerfile, continued lines joined, comments and `# syntax` left out. */
const instructions = readText('Dockerfile')
  .replace(/^#.*$/gm, '')
  .replace(/\\\n/g, ' ')
  .split('\n')
  .map((line) => line.trim().replace(/\s+/g, ' '))
  .filter((line) => line !== '');
const of = (word: string): readonly string[] => instructions.filter((line) => line.startsWith(`${word} `));
const last = instructions.slice(instructions.findLastIndex((line) => line.startsWith('FROM ')));

const services: Readonly<Record<string, Hardened>> = readCompose().services;
const ours = ['tableinator', 'graphinator', 'inator'];

describe('the image', () => {
  it('runs as a numeric user that is not root, set after the last step that needs to be root', () => {
    const users = last.filter((line) => line.startsWith('USER '));
    expect(users).toEqual([expect.stringMatching(/^USER [1-9]\d*:[1-9]\d*$/)]);
    const after = last.slice(last.findIndex((line) => line.startsWith('USER ')) + 1);
    expect(after.filter((line) => /^(RUN|COPY|ADD|USER) /.test(line))).toEqual([]);
  });

  it('has no secret in its variables, arguments or layers', () => {
    const named = [...of('ENV'), ...of('ARG'), ...of('LABEL')].join(' ');
    expect(named).not.toMatch(/PASSW|SECRET|TOKEN|CREDENTIAL|API_?KEY|_URL=|:\/\/[^ ]*@/i);
    expect(instructions.filter((line) => /\.env\b|id_rsa|\.pem\b|\.npmrc .*(_auth|token)/i.test(line))).toEqual([]);
    expect(instructions.filter((line) => line.startsWith('RUN') && /--mount=type=secret/.test(line))).toEqual([]);
    // What npm needs to know of a registry stays in the stages before.
    expect(of('RUN').some((line) => line.includes('npm ci --omit=dev') && line.includes('rm -f .npmrc'))).toBe(true);
  });

  it('takes nothing from addresses, and runs no script of a package', () => {
    expect(of('ADD')).toEqual([]);
    expect(of('RUN').filter((line) => /curl|wget|\| ?(ba)?sh\b/.test(line))).toEqual([]);
    const installs = of('RUN').filter((line) => /\bnpm (ci|install|i)\b/.test(line));
    expect(installs.length).toBeGreaterThan(0);
    for (const line of installs) expect(line).toMatch(/npm ci .*--ignore-scripts/);
  });

  it('is made in stages: production dependencies only, no package manager, its base fixed by one argument', () => {
    expect(of('FROM')[0]).toMatch(/^FROM \$\{NODE_IMAGE\} AS /);
    expect(of('ARG')[0]).toMatch(/^ARG NODE_IMAGE=node:\d+-[a-z]+-slim$/);
    expect(last.filter((line) => /^COPY (?!--from=)/.test(line))).toEqual([]);
    expect(last.join(' ')).toContain('rm -rf /usr/local/lib/node_modules');
    expect(of('RUN').some((line) => line.includes('npm ci --omit=dev'))).toBe(true);
  });

  it('is started and probed without a shell, and is stopped by SIGTERM', () => {
    expect(of('CMD').at(-1)).toMatch(/^CMD \["node", "[^"]+"\]$/);
    expect(of('HEALTHCHECK')).toEqual([expect.stringMatching(/ CMD \["node", "deploy\/healthcheck\.mjs"\]$/)]);
    expect(of('STOPSIGNAL')).toEqual(['STOPSIGNAL SIGTERM']);
    expect(of('ENTRYPOINT')).toEqual([]);
  });
});

describe('docker-compose.yml', () => {
  it.each(Object.keys(services))('%s gains nothing of the host, and may not fill it', (name) => {
    const {
      privileged,
      network_mode,
      pid,
      cap_add,
      devices,
      security_opt,
      volumes = [],
      ...each
    } = services[name] ?? ({} as Hardened);
    expect({ privileged, network_mode, pid, cap_add, devices }).toEqual({});
    expect(security_opt).toEqual(['no-new-privileges:true']);
    expect(volumes.filter((volume) => /docker\.sock|^\/(?!\/)|^~/.test(volume))).toEqual([]);
    expect(volumes.filter((volume) => volume.startsWith('./') && !volume.endsWith(':ro'))).toEqual([]);
    expect(each.mem_limit).toMatch(/^\d+[mg]$/);
    expect(each.pids_limit).toBeGreaterThan(0);
    for (const port of each.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  it.each(ours)('%s has a root it cannot write, no capability, no user of its own, and limits', (name) => {
    const found = services[name];
    expect(found).toMatchObject({ read_only: true, cap_drop: ['ALL'], init: true });
    expect(found?.user).toBeUndefined();
    // For model files, which it only reads.
    expect(found?.volumes).toEqual(['./models:/models:ro']);
    expect(found?.tmpfs).toEqual([expect.stringMatching(/^\/tmp:.*size=\d+m.*noexec.*nosuid/)]);
    // Swap would let a leak slow the host down instead of ending the leak.
    expect(found?.memswap_limit).toBe(found?.mem_limit);
    expect(Number(found?.cpus)).toBeGreaterThan(0);
  });

  it('leaves memory outside the heap: at most three quarters of the limit go to V8', () => {
    for (const name of ours) {
      const options = services[name]?.environment?.NODE_OPTIONS ?? '';
      const percentage = Number(/--max-old-space-size-percentage=(\d+)/.exec(options)?.[1]);
      expect(percentage).toBeGreaterThan(0);
      expect(percentage).toBeLessThanOrEqual(75);
    }
  });

  it('publishes loopback only by default, and nothing that is secret outside of development stands in it', () => {
    const text = readText('docker-compose.yml');
    const passwords = [...text.matchAll(/(?:PASSWORD|PASS|AUTH): *(\S+)/g)].map(([, value = '']) => value);
    expect(passwords.length).toBeGreaterThan(5);
    for (const value of passwords) expect(value).toMatch(/\$\{[A-Z0-9]+_PASSWORD:-(guest|inator|inatorinator)\}$/);
  });
});

it('what stays out of the repository: .env, and what is written while it runs', () => {
  const ignored = readText('.gitignore').split('\n');
  expect(ignored).toEqual(expect.arrayContaining(['.env', 'node_modules/', '.stack/']));
});
