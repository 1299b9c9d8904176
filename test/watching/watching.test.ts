/** Prometheus and Grafana speak of things that exist: targets, metrics, labels, data sources. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type MetricKind, metricKinds } from '@inator/telemetry';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { readCompose, readText, readYaml, root } from '../compose/compose-file.ts';
import { boards, rules } from './boards.ts';
import { findTool } from './prometheus.ts';

const run = promisify(execFile);

const kinds: Readonly<Record<string, MetricKind>> = metricKinds;

/** Metrics of others that rules and dashboards use; the test with a real Prometheus asks each for data. */
const foreign = new Set([
  'up',
  'nodejs_eventloop_lag_p99_seconds',
  'nodejs_gc_duration_seconds_sum',
  'nodejs_heap_size_used_bytes',
  'process_cpu_seconds_total',
  'process_open_fds',
  'process_resident_memory_bytes',
  'process_start_time_seconds',
  'rabbitmq_alarms_free_disk_space_watermark',
  'rabbitmq_alarms_memory_used_watermark',
  'rabbitmq_detailed_queue_consumers',
  'rabbitmq_detailed_queue_messages_ready',
  'rabbitmq_detailed_queue_messages_unacked',
]);

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
  ...boards.flatMap((board) => [
    ...board.panels.flatMap((panel) => panel.targets.map(({ expr }) => ({ of: `${board.uid} ${panel.title}`, expr }))),
    ...board.annotations.list.map(({ expr }) => ({ of: `${board.uid} annotation`, expr })),
  ]),
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
    const direct =
      /\b(sum|avg)\s*(by \([^)]*\)\s*)?\(\s*(avg_over_time\()?(inator_queue_messages|inator_dead_letters_waiting)/;
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
        said: ['action', 'description', 'runbook_url', 'summary'],
      });
    }
  });

  it('that a service is down are a rule for each service, so that one that is not run can be taken out', () => {
    const down = rules.filter(({ alert }) => alert === 'InatorDown');
    expect(down.map(({ labels }) => labels.service)).toEqual(['tableinator', 'graphinator']);
    for (const { expr, labels } of down) {
      expect([...expr.matchAll(/job="(\w+)"/g)].map(([, job]) => job)).toEqual([labels.service, labels.service]);
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

const promtool = findTool('promtool');
(promtool === undefined ? describe.skip : describe)('promtool', () => {
  it('takes the rules, and every alert fires when it should and only then', async () => {
    const tool = (...args: string[]) => run(promtool ?? '', args, { cwd: join(root, 'deploy/prometheus') });
    expect((await tool('check', 'rules', 'alerts.yml')).stdout).toContain(`${rules.length} rules found`);
    expect((await tool('test', 'rules', 'alerts.test.yml')).stdout).toContain('SUCCESS');
  });

  it('takes the configuration, also when the way to an Alertmanager is no comment any more', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'inator-promtool-'));
    try {
      const text = readText('deploy/prometheus/prometheus.yml');
      const opened = text.replace(/^#(?=alerting:| {2})/gm, '');
      expect(parse(text)).not.toHaveProperty('alerting');
      expect(parse(opened)).toMatchObject({ alerting: { alertmanagers: [{ static_configs: [{}] }] } });
      writeFileSync(join(dir, 'alerts.yml'), readText('deploy/prometheus/alerts.yml'));
      for (const config of [text, opened]) {
        writeFileSync(join(dir, 'prometheus.yml'), config);
        expect((await run(promtool ?? '', ['check', 'config', join(dir, 'prometheus.yml')])).stdout).toContain(
          'SUCCESS',
        );
      }
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

describe('runbooks', () => {
  const pages = readdirSync(join(root, 'docs/runbooks')).filter((name) => name !== 'README.md');

  it('are one for each alert, where the alert says, and no more', () => {
    for (const { alert, annotations } of rules) {
      expect(annotations.runbook_url).toBe(`docs/runbooks/${alert}.md`);
    }
    expect(pages.sort()).toEqual([...new Set(rules.map(({ alert }) => `${alert}.md`))].sort());
  });

  it('each say what it means, what it costs, how to check, how to fix and how to verify', () => {
    for (const page of pages) {
      const sections = readText(`docs/runbooks/${page}`).split(/^## /m);
      const [title = '', ...rest] = sections;
      expect(title.trim()).toBe(`# ${page.replace('.md', '')}`);
      expect(rest.map((section) => section.split('\n', 1)[0])).toEqual(['Meaning', 'Impact', 'Check', 'Fix', 'Verify']);
      for (const section of rest) expect(section.split('\n').slice(1).join(' ').trim().length).toBeGreaterThan(15);
    }
  });

  it('and the guide link only to pages that there are', () => {
    const from = [
      ...pages.map((page) => `docs/runbooks/${page}`),
      'docs/runbooks/README.md',
      'docs/guides/watching.md',
    ];
    for (const file of from) {
      for (const [, link = ''] of readText(file).matchAll(/\]\(([^)#]+)\)/g)) {
        expect({ file, link, found: readText(join(file, '..', link)).length > 0 }).toEqual({ file, link, found: true });
      }
    }
  });
});

describe('dashboards', () => {
  it('are the five, as their source makes them, and so is the index of the runbooks', async () => {
    expect(boards.map(({ file }) => file)).toEqual([
      'graphinator.json',
      'overview.json',
      'queues-and-dead-letters.json',
      'runtime.json',
      'tableinator.json',
    ]);
    const { stdout } = await run(process.execPath, [join(root, 'scripts/dashboards.mjs'), '--check'], { cwd: root });
    expect(stdout).toContain('6 generated files, up to date');
  });

  it('find their data source: the uid is the provisioned one', () => {
    const { datasources } = readYaml('deploy/grafana/provisioning/datasources/prometheus.yml') as {
      datasources: { uid: string; url: string }[];
    };
    expect(datasources.map(({ uid }) => uid)).toEqual(['inator-prometheus']);
    for (const { templating, panels } of boards) {
      expect(templating.list.map(({ name }) => name)).toEqual(['datasource', 'service', 'data_type']);
      expect(templating.list[0]?.current.value).toBe('inator-prometheus');
      const uids = panels.flatMap((panel) => [panel.datasource, ...panel.targets.map((each) => each.datasource)]);
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of Grafana, not of JavaScript.
      expect([...new Set(uids.map(({ uid }) => uid))]).toEqual(['${datasource}']);
    }
  });

  it('have a uid of their own each, and lead to one another', () => {
    expect(new Set(boards.map(({ uid }) => uid)).size).toBe(boards.length);
    for (const { links } of boards) expect(links.flatMap(({ tags }) => tags)).toEqual(['inator']);
  });

  it('lie where the provider and the start page look for them', () => {
    const { providers } = readYaml('deploy/grafana/provisioning/dashboards/inator.yml') as {
      providers: { options: { path: string } }[];
    };
    const path = providers[0]?.options.path;
    expect(readText('docker-compose.yml')).toContain(`./deploy/grafana/dashboards:${path}:ro`);
    expect(readText('docker-compose.yml')).toContain(`${path}/overview.json`);
  });

  it.each(boards)('$file has at most 20 panels, each with a unit and a sentence, none on another', ({ panels }) => {
    expect(panels.length).toBeLessThanOrEqual(20);
    const taken = new Map<string, string>();
    for (const { title, description, fieldConfig, gridPos } of panels) {
      expect({ title, unit: fieldConfig.defaults.unit }).toEqual({ title, unit: expect.stringMatching(/\w/) });
      expect(description).toMatch(/\w{3}.*[.]$/);
      const [, runbook] = /Runbook: docs\/runbooks\/(\w+)[.]md/.exec(description) ?? [];
      if (runbook !== undefined) expect(rules.map(({ alert }) => alert)).toContain(runbook);
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect({ title, on: taken.get(`${x} ${y}`) }).toEqual({ title, on: undefined });
          taken.set(`${x} ${y}`, title);
        }
      }
    }
  });
});
