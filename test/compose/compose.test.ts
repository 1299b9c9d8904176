/** What can be known of the compose file and the image without an engine. */
import { graphinator, type Key, keysOf, readConfig, type ServiceSpec, tableinator } from '@inator/config';
import { describe, expect, it } from '@jest/globals';
import { addressesOf } from '../../packages/cli/src/servers/lanes.ts';
import { interpolatedNames, readCompose, readText, type Service } from './compose-file.ts';

const { services } = readCompose();
const ours = { tableinator, graphinator } as const;
const names = ['tableinator', 'graphinator'] as const;

function service(name: string): Service {
  const found = services[name];
  if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
}

function environment(name: string): Readonly<Record<string, string | null>> {
  return service(name).environment ?? {};
}

/** What the container's environment is when whoever starts it has set `given` and nothing else. */
function inContainer(name: string, given: Record<string, string> = {}): Record<string, string> {
  const declared = readCompose(given).services[name]?.environment ?? {};
  const set = Object.entries(declared).map(([key, value]) => [key, value ?? given[key]] as const);
  return Object.fromEntries(set.filter((pair): pair is readonly [string, string] => pair[1] !== undefined));
}

function keysFor(name: (typeof names)[number]): readonly Key<unknown>[] {
  const spec: Pick<ServiceSpec<typeof tableinator.groups, unknown>, 'groups'> | typeof graphinator = ours[name];
  return keysOf(spec.groups);
}

describe('the four variables', () => {
  it('are "500" and "2.0" with nothing set', () => {
    expect(environment('tableinator')).toMatchObject({
      POSTGRES_BATCH_SIZE: '500',
      POSTGRES_BATCH_FLUSH_INTERVAL: '2.0',
    });
    expect(environment('graphinator')).toMatchObject({ NEO4J_BATCH_SIZE: '500', NEO4J_BATCH_FLUSH_INTERVAL: '2.0' });
  });

  it('follow the environment, with no rebuild', () => {
    const rollback = {
      POSTGRES_BATCH_SIZE: '100',
      POSTGRES_BATCH_FLUSH_INTERVAL: '5.0',
      NEO4J_BATCH_SIZE: '100',
      NEO4J_BATCH_FLUSH_INTERVAL: '5.0',
    };
    expect({ ...inContainer('tableinator', rollback), ...inContainer('graphinator', rollback) }).toMatchObject(
      rollback,
    );
  });
});

describe('the environment of the services', () => {
  /** Read by Node.js and its libraries, not by the services' configuration. */
  const nodes = ['NODE_ENV', 'NODE_OPTIONS'];

  /**
   * Keys that compose does not hand on. A url would speak of the host's view of a server; files of the host are not in
   * the container; a name would be the same for every replica; Neo4j Community has one database; HEALTH_HOST is the image's.
   */
  const withheld = [/_URL$/, /_CA_FILE$/, /^POSTGRES_SSLMODE$/, /^NEO4J_DATABASE$/, /^INSTANCE$/, /^HEALTH_HOST$/];

  it.each(names)('of %s holds only variables of its configuration', (name) => {
    const known = new Set([...keysFor(name).map((key) => key.name), ...nodes]);
    expect(Object.keys(environment(name)).filter((variable) => !known.has(variable))).toEqual([]);
  });

  it.each(names)('of %s hands on every variable that can be set, so that none is silently without effect', (name) => {
    const handed = environment(name);
    const missing = keysFor(name)
      .map((key) => key.name)
      .filter((variable) => !(variable in handed) && !withheld.some((pattern) => pattern.test(variable)));
    expect(missing).toEqual([]);
  });

  it.each(names)('of %s is a configuration that the service starts with, and warns of nothing', (name) => {
    const spec = ours[name];
    const env = { HEALTH_HOST: '0.0.0.0', ...inContainer(name) };
    const read = name === 'tableinator' ? readConfig(tableinator, env) : readConfig(graphinator, env);
    expect(spec.service).toBe(name);
    expect('faults' in read ? read.faults : []).toEqual([]);
    expect(read.warnings).toEqual([]);
  });

  it('gives the services the credentials that the servers are started with', () => {
    const chosen = {
      RABBITMQ_USERNAME: 'r',
      RABBITMQ_PASSWORD: 'rp',
      POSTGRES_USERNAME: 'p',
      POSTGRES_PASSWORD: 'pp',
      POSTGRES_DATABASE: 'd',
      NEO4J_PASSWORD: 'neopassword',
    };
    const { rabbitmq, postgres, neo4j } = readCompose(chosen).services;
    expect(rabbitmq?.environment).toMatchObject({ RABBITMQ_DEFAULT_USER: 'r', RABBITMQ_DEFAULT_PASS: 'rp' });
    expect(postgres?.environment).toMatchObject({ POSTGRES_USER: 'p', POSTGRES_PASSWORD: 'pp', POSTGRES_DB: 'd' });
    expect(neo4j?.environment).toMatchObject({ NEO4J_AUTH: 'neo4j/neopassword' });
    const { NEO4J_PASSWORD: _, ...read } = chosen;
    expect(inContainer('tableinator', chosen)).toMatchObject(read);
    expect(inContainer('graphinator', chosen)).toMatchObject({
      RABBITMQ_PASSWORD: 'rp',
      NEO4J_PASSWORD: 'neopassword',
    });
  });

  it('takes no variable of its own that a service would refuse as misspelt', () => {
    const own = interpolatedNames().filter((name) => /^(PUBLISH|INATOR|GRAFANA)_/.test(name));
    const env = Object.fromEntries(own.map((name) => [name, 'x']));
    expect(own.length).toBeGreaterThan(8);
    for (const read of [readConfig(tableinator, env), readConfig(graphinator, env)]) {
      expect('faults' in read ? read.faults : []).toEqual([]);
    }
  });
});

describe("the operator's command", () => {
  it('asks the services by their names and ports, which are nowhere on its own loopback', () => {
    // Whatever the same variable says for use on the host.
    const { urls, named } = addressesOf(undefined, inContainer('inator', { INATOR_URLS: 'http://127.0.0.1:8002' }));
    expect(named).toBe(true);
    expect(urls).toEqual(names.map((name) => `http://${name}:${environment(name).HEALTH_PORT}`));
  });
});

describe('every container', () => {
  it('runs an image of a stated version', () => {
    for (const [name, { image }] of Object.entries(services)) {
      expect(`${name}: ${image}`).toMatch(/^[\w-]+: [\w./-]+:[\w.-]+$/);
      expect(`${name}: ${image}`).not.toMatch(/:latest$/);
    }
  });

  it('publishes ports of its own', () => {
    const hosts = Object.values(services).flatMap(({ ports = [] }) => ports.map((port) => port.split(':')[1]));
    expect(hosts.filter((port) => port === '')).toEqual([]);
    expect(new Set(hosts).size).toBe(hosts.length);
  });

  it('publishes on loopback only', () => {
    const ports = Object.values(services).flatMap((each) => each.ports ?? []);
    expect(ports.length).toBeGreaterThan(8);
    expect(ports.filter((port) => !/^127\.0\.0\.1:\d+:\d+$/.test(port))).toEqual([]);
  });

  it('that stays up is probed', () => {
    const silent = Object.entries(services).filter(
      ([, { healthcheck, profiles }]) => profiles === undefined && healthcheck?.test === undefined,
    );
    expect(silent.map(([name]) => name)).toEqual([]);
  });

  it('gains no privileges, and the broker keeps its name, which its data is filed under', () => {
    for (const each of Object.values(services)) expect(each.security_opt).toContain('no-new-privileges:true');
    expect(service('rabbitmq').hostname).toBe('rabbitmq');
  });
});

describe.each(names)('%s', (name) => {
  it('has a root it cannot write, no capabilities, and limits', () => {
    expect(service(name)).toMatchObject({ read_only: true, cap_drop: ['ALL'], init: true });
    expect(service(name).mem_limit).toMatch(/^\d+m$/);
    expect(Number(service(name).cpus)).toBeGreaterThan(0);
    expect(service(name).pids_limit).toBeGreaterThan(0);
  });

  it('can be scaled: it has no fixed name and no port of the host', () => {
    expect(service(name).container_name).toBeUndefined();
    expect(service(name).ports).toBeUndefined();
  });

  it('answers where the documentation says, by way of the front', () => {
    const port = name === 'tableinator' ? 8002 : 8001;
    expect(service(name).environment?.HEALTH_PORT).toBe(`${port}`);
    expect(service('front').ports).toContain(`127.0.0.1:${port}:${port}`);
    expect(service('front').command).toContain(`${port}=${name}:${port}`);
    const elsewhere = readCompose({ [`PUBLISH_${name.toUpperCase()}`]: '127.0.0.1:9' }).services.front;
    expect(elsewhere?.ports).toContain(`127.0.0.1:9:${port}`);
  });

  it('gets longer to stop than it takes to drain', () => {
    const drain = keysFor(name).find((key) => key.name === 'DRAIN_TIMEOUT')?.default;
    expect(Number.parseFloat(service(name).stop_grace_period ?? '10')).toBeGreaterThan(Number(drain));
  });

  it('is started without a shell or npm between it and its signals', () => {
    expect(service(name).command).toEqual(['node', `services/${name}/dist/main.js`]);
  });
});

describe('the image', () => {
  const dockerfile = readText('Dockerfile');

  it('runs as a numeric user other than root, in exec form, and asks for SIGTERM', () => {
    expect(dockerfile).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m);
    expect(dockerfile).toMatch(/^CMD \["node", "services\/tableinator\/dist\/main\.js"\]$/m);
    expect(dockerfile).toMatch(/^STOPSIGNAL SIGTERM$/m);
  });

  it('is labelled with the version of the product', () => {
    const { version } = JSON.parse(readText('package.json')) as { version: string };
    expect(dockerfile).toContain(`ARG VERSION=${version}\n`);
  });

  it('is killed by no orchestrator for the outage of a store: its own probe is /livez', () => {
    expect(dockerfile).toMatch(/^HEALTHCHECK .*\\\n {2}CMD \["node", "deploy\/healthcheck\.mjs"\]$/m);
    expect(readText('deploy/healthcheck.mjs')).toContain("process.argv[2] ?? '/livez'");
  });

  it('is built of named parts of the checkout: history, data and .env stay outside', () => {
    const rules = readText('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(rules[0]).toBe('*');
    expect(rules).toContain('**/.env*');
    expect(rules).toContain('**/node_modules');
    const copied = dockerfile.match(/\/app\/deploy\/[\w.-]+/g) ?? [];
    expect(copied.length).toBeGreaterThan(1);
    for (const path of copied) expect(rules).toContain(path.replace('/app/', '!'));
  });
});
