/**
 * What can be known of deploy/kubernetes without a cluster: that the documents fit each other, the image and the services'
 * configuration. Field names were compared once with the published types of the APIs; the list below keeps them.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ConfigResult, type Environment, graphinator, keysOf, readConfig, tableinator } from '@inator/config';
import { recordTypes } from '@inator/discogs';
import { queueNames } from '@inator/rabbitmq';
import { describe, expect, it } from '@jest/globals';
import { root } from '../support/root.ts';
import { type Document, fieldsOf, folder, generated, type Node, node, readManifests } from './manifests.ts';

const documents = readManifests();
const empty: Document = { ...node(undefined), file: '', kind: '', name: '' };
const find = (kind: string, name: string): Document =>
  documents.find((each) => each.kind === kind && each.name === name) ?? empty;
const base = documents.find(({ file }) => file === 'base/kustomization.yaml') ?? empty;
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const services = [
  { name: 'tableinator', spec: tableinator, secrets: ['rabbitmq-password', 'postgres-password'] },
  { name: 'graphinator', spec: graphinator, secrets: ['rabbitmq-password', 'neo4j-password'] },
] as const;

/** What the process would see: the image's variables, the maps, then its own. */
function environmentOf(name: string, container: Node): Environment {
  const image = [...read('Dockerfile').matchAll(/^(?:ENV|\s{4})\s*(NODE_ENV|HEALTH_HOST)=(\S+)/gm)];
  const maps = container.at('envFrom').list.map((each) => generated(base, each.at('configMapRef', 'name').text));
  const own = container.at('env').list.map((each) => [each.at('name').text, each.at('value').text]);
  return Object.assign({}, Object.fromEntries(image.map(([, key, value]) => [key, value])), ...maps, {
    ...Object.fromEntries(own),
    INSTANCE: `${name}-0`,
  });
}

const apis: Readonly<Record<string, string>> = {
  Namespace: 'v1',
  ServiceAccount: 'v1',
  Service: 'v1',
  Deployment: 'apps/v1',
  PodDisruptionBudget: 'policy/v1',
  NetworkPolicy: 'networking.k8s.io/v1',
  ServiceMonitor: 'monitoring.coreos.com/v1',
  ScaledObject: 'keda.sh/v1alpha1',
  TriggerAuthentication: 'keda.sh/v1alpha1',
  Kustomization: 'kustomize.config.k8s.io/v1beta1',
  Component: 'kustomize.config.k8s.io/v1alpha1',
};

/** A mistyped field would be ignored, or refused, only by the cluster. */
const fields = new Set(
  `apiVersion kind metadata name namespace labels spec automountServiceAccountToken clusterIP publishNotReadyAddresses selector
  ports port targetPort protocol app.kubernetes.io/name allowPrivilegeEscalation capabilities command configMapRef containerPort
  containers defaultMode drop emptyDir enableServiceLinks env envFrom failureThreshold fsGroup httpGet image imagePullPolicy
  labelSelector limits livenessProbe matchLabels maxSkew maxSurge maxUnavailable medium mountPath path periodSeconds readOnly
  readOnlyRootFilesystem readinessProbe replicas requests resources revisionHistoryLimit rollingUpdate runAsGroup runAsNonRoot
  runAsUser seccompProfile secret secretName securityContext serviceAccountName sizeLimit startupProbe strategy template
  terminationGracePeriodSeconds timeoutSeconds topologyKey topologySpreadConstraints type value volumeMounts volumes
  whenUnsatisfiable unhealthyPodEvictionPolicy advanced authenticationRef behavior horizontalPodAutoscalerConfig
  maxReplicaCount minReplicaCount mode policies pollingInterval queueName scaleDown scaleTargetRef scaleUp
  stabilizationWindowSeconds triggers vhostName key parameter secretTargetRef endpoints interval jobLabel scrapeTimeout egress
  from ingress namespaceSelector podSelector policyTypes to`.split(/\s+/),
);

describe('every document', () => {
  it('is of a known kind and version', () => {
    expect(documents.length).toBeGreaterThan(15);
    expect(documents.map(({ file, kind, ...rest }) => [file, kind, rest.at('apiVersion').text])).toEqual(
      documents.map(({ file, kind }) => [file, kind, apis[kind]]),
    );
  });

  it('has no field that the API does not know', () => {
    const objects = documents.filter(({ kind }) => kind !== 'Kustomization' && kind !== 'Component');
    const unknown = objects.flatMap((each) => fieldsOf(each.value).filter((name) => !fields.has(name)));
    expect(unknown).toEqual([]);
  });

  it('stands in a kustomization, which names nothing that is not there', () => {
    const kustomizations = documents.filter(({ kind }) => kind === 'Kustomization' || kind === 'Component');
    const named = kustomizations.flatMap((each) =>
      ['resources', 'components'].flatMap((list) =>
        each.at(list).list.map(({ text }) => join(dirname(each.file), text)),
      ),
    );
    expect(named.filter((path) => !existsSync(join(folder, path)))).toEqual([]);
    const loose = documents.filter((each) => !kustomizations.includes(each) && !named.includes(each.file));
    expect(loose.map(({ file }) => file)).toEqual([]);
  });

  it('holds no secret', () => {
    expect(documents.filter(({ kind }) => kind === 'Secret')).toEqual([]);
    const maps = base
      .at('configMapGenerator')
      .list.flatMap((each) => Object.keys(generated(base, each.at('name').text)));
    const hidden = services.flatMap(({ spec }) => keysOf(spec.groups).filter((key) => key.type === 'secret'));
    expect(hidden.length).toBeGreaterThan(0);
    expect(maps.filter((name) => hidden.some((key) => key.name === name))).toEqual([]);
  });
});

describe.each(services)('$name', ({ name, spec, secrets }) => {
  const deployment = find('Deployment', name);
  const pod = deployment.at('spec', 'template', 'spec');
  const container = pod.at('containers', 0);
  const environment = environmentOf(name, container);
  const labels = deployment.at('spec', 'template', 'metadata', 'labels').map;
  const files = new Set(secrets.map((key) => `/run/secrets/inator/${key}`));
  const result: ConfigResult<{ readonly service: { readonly drainTimeoutSeconds: number } }> = readConfig(
    spec,
    environment,
    (path) => {
      if (!files.has(path)) throw new Error(`${path} is not in the Secret`);
      return 'a password for a test\n';
    },
  );

  it('would start with this environment: no fault, no unknown variable, no warning', () => {
    expect('faults' in result ? result.faults : []).toEqual([]);
    expect(result.warnings).toEqual([]);
    expect(environment).toMatchObject({ NODE_ENV: 'production', HEALTH_HOST: '0.0.0.0' });
  });

  it('sets nothing but variables of the configuration, and NODE_OPTIONS', () => {
    const known = new Set(
      keysOf(spec.groups).flatMap((key) => (key.hidden ? [key.name, `${key.name}_FILE`] : [key.name])),
    );
    const others = Object.keys(environment).filter((each) => !known.has(each));
    expect(others.sort()).toEqual(['NODE_ENV', 'NODE_OPTIONS']);
    expect(environment.NODE_OPTIONS).toMatch(/^--max-old-space-size-percentage=\d\d$/);
  });

  it('has longer to stop than it takes to drain', () => {
    const drain = 'ok' in result ? result.ok.service.drainTimeoutSeconds : Number.NaN;
    const byDefault = Number(keysOf(spec.groups).find((key) => key.name === 'DRAIN_TIMEOUT')?.default);
    // Connections are closed after the drain, each step within 5 s.
    expect(pod.at('terminationGracePeriodSeconds').number).toBeGreaterThanOrEqual(Math.max(drain, byDefault) + 15);
  });

  it('mounts the files that the variables name, and nothing writable but /tmp', () => {
    const mounts = container.at('volumeMounts').list;
    const secret = mounts.find((each) => each.at('mountPath').text === '/run/secrets/inator');
    expect(secret?.at('readOnly').value).toBe(true);
    expect(
      mounts.filter((each) => each.at('readOnly').value !== true).map((each) => each.at('mountPath').text),
    ).toEqual(['/tmp']);
    const volumes = pod.at('volumes').list;
    expect(mounts.map((each) => each.at('name').text)).toEqual(volumes.map((each) => each.at('name').text));
    const volume = volumes.find((each) => each.at('name').text === secret?.at('name').text);
    expect(volume?.at('secret').map).toEqual({ secretName: name, defaultMode: 0o440 });
  });

  it('is selected by everything that means it', () => {
    const own = { 'app.kubernetes.io/name': name };
    expect(labels).toMatchObject({ ...own, 'app.kubernetes.io/part-of': 'inator' });
    expect(deployment.at('spec', 'selector', 'matchLabels').map).toEqual(own);
    expect(pod.at('topologySpreadConstraints', 0, 'labelSelector', 'matchLabels').map).toEqual(own);
    expect(find('Service', name).at('spec', 'selector').map).toEqual(own);
    expect(find('PodDisruptionBudget', name).at('spec', 'selector', 'matchLabels').map).toEqual(own);
    expect(find('NetworkPolicy', name).at('spec', 'podSelector', 'matchLabels').map).toEqual(own);
    const monitored = find('ServiceMonitor', name).at('spec', 'selector', 'matchLabels').map;
    expect(find('Service', name).at('metadata', 'labels').map).toMatchObject(monitored);
    expect(pod.at('serviceAccountName').text).toBe(find('ServiceAccount', name).name);
    expect(find('ScaledObject', name).at('spec', 'scaleTargetRef', 'name').text).toBe(name);
  });

  it('is asked on the port it listens on', () => {
    const port = Number(keysOf(spec.groups).find((key) => key.name === 'HEALTH_PORT')?.default);
    expect(environment.HEALTH_PORT).toBe(String(port));
    expect(container.at('ports', 0).map).toMatchObject({ name: 'admin', containerPort: port });
    expect(find('Service', name).at('spec', 'ports', 0).map).toMatchObject({
      name: 'admin',
      port,
      targetPort: 'admin',
    });
    expect(find('ServiceMonitor', name).at('spec', 'endpoints', 0).map).toMatchObject({
      port: 'admin',
      path: '/metrics',
    });
    const probes = { startupProbe: '/startupz', livenessProbe: '/livez', readinessProbe: '/readyz' };
    for (const [probe, path] of Object.entries(probes))
      expect(container.at(probe, 'httpGet').map).toEqual({ path, port: 'admin' });
    // Answers may take two seconds.
    for (const probe of Object.keys(probes)) expect(container.at(probe, 'timeoutSeconds').number).toBeGreaterThan(2);
  });

  it('runs as the image does: no root, no capabilities, nothing writable, bounded', () => {
    const [, user, group] = /^USER (\d+):(\d+)$/m.exec(read('Dockerfile')) ?? [];
    expect(pod.at('securityContext').map).toMatchObject({
      runAsNonRoot: true,
      runAsUser: Number(user),
      runAsGroup: Number(group),
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(container.at('securityContext').map).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    for (const each of [pod, find('ServiceAccount', name)])
      expect(each.at('automountServiceAccountToken').value).toBe(false);
    expect(Object.keys(container.at('resources', 'limits').map)).toEqual(['cpu', 'memory']);
    expect(read('docker-compose.yml')).toContain(
      `INATOR_MEMORY:-${container.at('resources', 'limits', 'memory').text.replace('Mi', 'm')}`,
    );
    expect(existsSync(join(root, 'services', name, 'src/main.ts'))).toBe(true);
    expect(container.at('command').value).toEqual(['node', `services/${name}/dist/main.js`]);
  });

  it('is of this version, never of whatever is latest', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    expect(container.at('image').text).toBe(`inator:${version}`);
    const example = documents.find(({ file }) => file === 'example/kustomization.yaml');
    expect(example?.at('images', 0, 'newTag').text).toBe(version);
  });

  it('has two replicas, of which one may go at a time', () => {
    expect(deployment.at('spec', 'replicas').number).toBe(2);
    expect(find('PodDisruptionBudget', name).at('spec').map).toMatchObject({
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    });
  });

  it('is scaled by the queues it consumes, and never to nothing', () => {
    const scaled = find('ScaledObject', name).at('spec');
    const triggers = scaled.at('triggers').list;
    const prefix = keysOf(spec.groups).find((key) => key.name === 'RABBITMQ_EXCHANGE_PREFIX')?.default ?? '';
    expect(triggers.map((each) => each.at('metadata', 'queueName').text)).toEqual(
      recordTypes.map((type) => queueNames(prefix, name, type).queue),
    );
    for (const each of triggers) {
      expect(each.at('type').text).toBe('rabbitmq');
      expect(each.at('metadata').map).toMatchObject({ protocol: 'http', mode: 'QueueLength', vhostName: '/' });
      expect(find('TriggerAuthentication', each.at('authenticationRef', 'name').text).kind).not.toBe('');
    }
    expect(scaled.at('minReplicaCount').number).toBeGreaterThan(0);
    // All replicas together within the 100 connections that a PostgreSQL allows unless told otherwise.
    const pool = Number(environment.POSTGRES_POOL_MAX ?? 0);
    expect(pool * (scaled.at('maxReplicaCount').number + 1)).toBeLessThan(100);
  });

  it('may reach its broker, its store and names, and be reached by Prometheus', () => {
    const shared = find('NetworkPolicy', 'inator').at('spec');
    expect(labels).toMatchObject(shared.at('podSelector', 'matchLabels').map);
    expect(shared.at('policyTypes').value).toEqual(['Ingress', 'Egress']);
    expect(shared.at('ingress', 0, 'ports').value).toEqual([{ port: 'admin', protocol: 'TCP' }]);
    const open = [...shared.at('egress').list, ...find('NetworkPolicy', name).at('spec', 'egress').list];
    for (const rule of open) expect([rule.at('to').list.length, rule.at('ports').list.length]).not.toContain(0);
    const ports = open.flatMap((rule) => rule.at('ports').list.map((each) => each.at('port').number));
    expect(ports.sort()).toEqual([53, 53, 5671, 5672, name === 'tableinator' ? 5432 : 7687].sort());
  });
});

it('kustomize renders the example', () => {
  const run = spawnSync('kubectl', ['kustomize', join(folder, 'example')], { encoding: 'utf8', timeout: 60_000 });
  if (run.error !== undefined || /unknown command/.test(run.stderr)) {
    process.emitWarning('not tried: there is no kubectl here');
    return;
  }
  expect([run.status, run.stderr]).toEqual([0, '']);
  expect(run.stdout).toContain('image: registry.example/inator:');
  expect(run.stdout).toMatch(/name: tableinator-[a-z0-9]{10}/);
  // KEDA owns the number.
  expect(run.stdout).not.toMatch(/^ {2}replicas:/m);
});
