/** Prometheus and Grafana speak of things that exist: targets, metrics, labels, data sources. */
import { type MetricKind, metricKinds } from '@inator/telemetry';
import { describe, expect, it } from '@jest/globals';
import { readCompose, readText, readYaml } from './compose-file.ts';

const kinds: Readonly<Record<string, MetricKind>> = metricKinds;

/** Metrics of others that rules and dashboards use; the test against a running stack asks each for data. */
const foreign = new Set([
  'up',
  'nodejs_eventloop_lag_p99_seconds',
  'process_cpu_seconds_total',
  'process_resident_memory_bytes',
  'process_start_time_seconds',
  'rabbitmq_alarms_free_disk_space_watermark',
  'rabbitmq_alarms_memory_used_watermark',
  'rabbitmq_detailed_queue_consumers',
  'rabbitmq_detailed_queue_messages_ready',
]);

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}
interface Panel {
  readonly id: number;
  readonly title: string;
  readonly description: string;
  readonly datasource: { readonly uid: string };
  readonly targets: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[];
  readonly fieldConfig: { readonly defaults: { readonly unit?: string } };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
}
interface Dashboard {
  readonly uid: string;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly current: { readonly value: unknown } }[];
  };
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
}

const rules = (readYaml('deploy/prometheus/alerts.yml') as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
const dashboard = JSON.parse(readText('deploy/grafana/dashboards/overview.json')) as Dashboard;

/** Every selector of an expression: the metric and the labels it is narrowed by. */
function selectors(expr: string): { metric: string; base: string; labels: string[] }[] {
  return [...expr.matchAll(/\b((?:inator|nodejs|process|rabbitmq)_[a-z0-9_]+|up)\b(?=[{[\s)]|$)(?:\{([^}]*)\})?/g)].map(
    ([, metric = '', inside = '']) => ({
      metric,
      base: metric in kinds ? metric : metric.replace(/_(bucket|sum|count)$/, ''),
      labels: [...inside.matchAll(/([a-z_]+)\s*[=!]/g)].map(([, label = '']) => label),
    }),
  );
}

const exprs = [
  ...rules.map((rule) => ({ of: rule.alert, expr: rule.expr })),
  ...dashboard.panels.flatMap((panel) => panel.targets.map(({ expr }) => ({ of: panel.title, expr }))),
  ...dashboard.annotations.list.map(({ expr }) => ({ of: 'annotation', expr })),
];

describe('expressions', () => {
  it('use only metrics that somebody exports', () => {
    const used = exprs.flatMap(({ of, expr }) => selectors(expr).map(({ metric, base }) => ({ of, metric, base })));
    expect(used.length).toBeGreaterThan(40);
    const strangers = used.filter(({ metric, base }) => {
      const kind = kinds[base];
      if (kind === undefined) return !foreign.has(metric);
      return (metric !== base) !== (kind.type === 'histogram');
    });
    expect(strangers).toEqual([]);
  });

  it('narrow our metrics only by labels that these have', () => {
    const always = ['service', 'instance', 'job', 'le'];
    const strangers = exprs.flatMap(({ of, expr }) =>
      selectors(expr)
        .filter(({ base }) => base in kinds)
        .flatMap(({ base, labels }) => labels.map((label) => ({ of, base, label })))
        .filter(({ base, label }) => !always.includes(label) && !(label in (kinds[base]?.labels ?? {}))),
    );
    expect(strangers).toEqual([]);
  });

  it('look at a counter only through what it gained', () => {
    const bare = exprs.filter(({ expr }) =>
      selectors(expr)
        .filter(({ metric, base }) => metric.endsWith('_total') || kinds[base]?.type === 'histogram')
        .some(({ metric }) => !new RegExp(`(rate|increase|changes)\\(${metric}(\\{[^}]*\\})?\\[`).test(expr)),
    );
    expect(bare).toEqual([]);
  });

  it('never add up the depth of a queue over the replicas that all report it', () => {
    const direct = /\b(sum|avg)\s*(by \([^)]*\)\s*)?\(\s*(avg_over_time\()?inator_queue_messages/;
    expect(direct.test('sum by (service) (inator_queue_messages)')).toBe(true);
    const added = exprs.filter(({ expr }) => direct.test(expr));
    expect(added).toEqual([]);
  });
});

describe('alerts', () => {
  it('each say how bad it is, what happened and what to do', () => {
    for (const { alert, labels, annotations } of rules) {
      expect({ alert, severity: labels.severity }).toEqual({
        alert,
        severity: expect.stringMatching(/^(critical|warning|info)$/),
      });
      expect({ alert, said: Object.keys(annotations).sort() }).toEqual({
        alert,
        said: ['action', 'description', 'summary'],
      });
    }
  });

  it('each fire in a test of their own', () => {
    const { tests } = readYaml('deploy/prometheus/alerts.test.yml') as {
      tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[];
    };
    const fired = new Set(
      tests.flatMap((each) =>
        each.alert_rule_test.filter((one) => one.exp_alerts.length > 0).map((one) => one.alertname),
      ),
    );
    expect(rules.map((rule) => rule.alert).filter((alert) => !fired.has(alert))).toEqual([]);
  });
});

describe('Prometheus', () => {
  it('scrapes every replica of both services, on the port that they listen on', () => {
    const { scrape_configs } = readYaml('deploy/prometheus/prometheus.yml') as {
      scrape_configs: { job_name: string; dns_sd_configs?: { names: string[]; type: string; port: number }[] }[];
    };
    const { services } = readCompose();
    for (const name of ['tableinator', 'graphinator']) {
      const found = scrape_configs.find((each) => each.job_name === name)?.dns_sd_configs?.[0];
      expect(found).toMatchObject({ names: [name], type: 'A', port: Number(services[name]?.environment?.HEALTH_PORT) });
    }
  });
});

describe('the overview dashboard', () => {
  it('finds its data source: the uid is the provisioned one', () => {
    const { datasources } = readYaml('deploy/grafana/provisioning/datasources/prometheus.yml') as {
      datasources: { uid: string; url: string }[];
    };
    expect(datasources.map(({ uid }) => uid)).toEqual(['inator-prometheus']);
    expect(dashboard.templating.list.map(({ name }) => name)).toEqual(['datasource', 'service', 'data_type']);
    expect(dashboard.templating.list[0]?.current.value).toBe('inator-prometheus');
    const uids = dashboard.panels.flatMap((panel) => [
      panel.datasource,
      ...panel.targets.map((each) => each.datasource),
    ]);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of Grafana, not of JavaScript.
    expect([...new Set(uids.map(({ uid }) => uid))]).toEqual(['${datasource}']);
  });

  it('lies where the provider and the start page look for it', () => {
    const { providers } = readYaml('deploy/grafana/provisioning/dashboards/inator.yml') as {
      providers: { options: { path: string } }[];
    };
    const path = providers[0]?.options.path;
    expect(readText('docker-compose.yml')).toContain(`./deploy/grafana/dashboards:${path}:ro`);
    expect(readText('docker-compose.yml')).toContain(`${path}/overview.json`);
  });

  it('has at most 20 panels, each with a unit and a sentence, none on top of another', () => {
    expect(dashboard.panels.length).toBeLessThanOrEqual(20);
    const taken = new Map<string, string>();
    for (const { title, description, fieldConfig, gridPos } of dashboard.panels) {
      expect({ title, unit: fieldConfig.defaults.unit }).toEqual({ title, unit: expect.stringMatching(/\w/) });
      expect(description).toMatch(/\w{3}.*[.]$/);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect({ title, on: taken.get(`${x} ${y}`) }).toEqual({ title, on: undefined });
          taken.set(`${x} ${y}`, title);
        }
      }
    }
  });
});
