/** The dashboards, the alerts and the runbooks as they stand in the repository. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readText, readYaml, root } from '../compose/compose-file.ts';

export interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}
export interface Panel {
  readonly id: number;
  readonly title: string;
  readonly description: string;
  readonly datasource: { readonly uid: string };
  readonly targets: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[];
  readonly fieldConfig: { readonly defaults: { readonly unit?: string } };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
}
export interface Dashboard {
  readonly uid: string;
  readonly panels: readonly Panel[];
  readonly links: readonly { readonly tags: readonly string[] }[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly current: { readonly value: unknown } }[];
  };
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
}

const folder = 'deploy/grafana/dashboards';

export const boards: readonly (Dashboard & { readonly file: string })[] = readdirSync(join(root, folder))
  .filter((name) => name.endsWith('.json'))
  .sort()
  .map((file) => ({ file, ...(JSON.parse(readText(`${folder}/${file}`)) as Dashboard) }));

export const rules = (readYaml('deploy/prometheus/alerts.yml') as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);

/** The query as Grafana would send it, everything chosen. */
export function filled(expr: string): string {
  return expr
    .replaceAll('$__rate_interval', '5m')
    .replaceAll('$service', 'tableinator|graphinator')
    .replaceAll('$data_type', '.+');
}
