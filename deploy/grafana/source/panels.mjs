// @ts-check
/**
 * What a panel and a dashboard of ours are, and Grafana's JSON for them. Units are Grafana's names: `s`, `ops`, `bytes`.
 *
 * @typedef {readonly [expr: string, legend: string]} Query
 * @typedef {object} Panel
 * @property {'stat' | 'timeseries'} type
 * @property {string} title
 * @property {string} means A sentence: what it shows and what to make of it.
 * @property {string} unit
 * @property {readonly Query[]} queries
 * @property {number} [width] Of 24 columns; default 12, of a stat 4.
 * @property {readonly (readonly [colour: string, from: number | null])[]} [colours] Of a stat, by value.
 * @property {boolean} [stacked]
 * @property {boolean} [logarithmic] For latencies: a slow one must not flatten the others.
 * @property {string} [runbook] The alert that goes with it.
 *
 * @typedef {object} Board
 * @property {string} uid Fixed: links and bookmarks keep working.
 * @property {string} title
 * @property {string} means
 * @property {readonly Panel[]} panels
 */

// biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of Grafana, not of JavaScript.
const source = { type: 'prometheus', uid: '${datasource}' };

/** @param {Query} query @param {number} index @param {boolean} instant */
const target = ([expr, legendFormat], index, instant) => ({
  datasource: source,
  refId: String.fromCharCode(65 + index),
  expr,
  legendFormat,
  ...(instant ? { instant: true, range: false } : { range: true }),
});

/** @param {Panel} panel */
function statOf({ colours }) {
  const steps = (colours ?? [['text', null]]).map(([color, value]) => ({ color, value }));
  return {
    defaults: { thresholds: { mode: 'absolute', steps } },
    options: {
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
      colorMode: colours === undefined ? 'value' : 'background',
      graphMode: 'none',
      textMode: 'auto',
      justifyMode: 'center',
    },
  };
}

/** @param {Panel} panel */
function seriesOf({ stacked = false, logarithmic = false }) {
  return {
    defaults: {
      custom: {
        drawStyle: 'line',
        lineWidth: 1,
        fillOpacity: stacked ? 40 : 8,
        showPoints: 'never',
        spanNulls: false,
        stacking: { mode: stacked ? 'normal' : 'none', group: 'A' },
        scaleDistribution: logarithmic ? { type: 'log', log: 10 } : { type: 'linear' },
      },
    },
    options: {
      legend: { displayMode: 'table', placement: 'bottom', showLegend: true, calcs: ['lastNotNull', 'max'] },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
  };
}

/** Left to right, in rows as high as their panels. @param {readonly Panel[]} panels */
function layOut(panels) {
  let x = 0;
  let y = 0;
  let row = 0;
  return panels.map((panel, index) => {
    const w = panel.width ?? (panel.type === 'stat' ? 4 : 12);
    const h = panel.type === 'stat' ? 4 : 8;
    if (x + w > 24 || (x > 0 && h !== row)) {
      x = 0;
      y += row;
    }
    row = h;
    const gridPos = { x, y, w, h };
    x += w;
    const { defaults, options } = panel.type === 'stat' ? statOf(panel) : seriesOf(panel);
    return {
      id: index + 1,
      type: panel.type,
      title: panel.title,
      description:
        panel.runbook === undefined ? panel.means : `${panel.means} Runbook: docs/runbooks/${panel.runbook}.md.`,
      datasource: source,
      gridPos,
      targets: panel.queries.map((query, at) => target(query, at, panel.type === 'stat')),
      fieldConfig: {
        defaults: { unit: panel.unit, ...(panel.logarithmic ? {} : { min: 0 }), ...defaults },
        overrides: [],
      },
      options,
    };
  });
}

/** @param {string} name @param {string} label @param {string} query @param {string} allValue */
const variable = (name, label, query, allValue) => ({
  name,
  label,
  type: 'query',
  datasource: source,
  query: { query, refId: name },
  definition: query,
  refresh: 2,
  sort: 1,
  includeAll: true,
  multi: true,
  current: { selected: true, text: ['All'], value: ['$__all'] },
  options: [],
  allValue,
});

/** @param {string} name @param {string} iconColor @param {string} expr @param {string} textFormat */
const annotation = (name, iconColor, expr, textFormat) => ({
  name,
  datasource: source,
  enable: true,
  iconColor,
  expr,
  titleFormat: name,
  textFormat,
  step: '60s',
});

const templating = {
  list: [
    {
      name: 'datasource',
      label: 'Data source',
      type: 'datasource',
      query: 'prometheus',
      current: { selected: true, text: 'Prometheus', value: 'inator-prometheus' },
      options: [],
      refresh: 1,
      includeAll: false,
      multi: false,
      hide: 0,
    },
    variable('service', 'Service', 'label_values(inator_build_info, service)', 'tableinator|graphinator'),
    variable('data_type', 'Type', 'label_values(inator_lane_state{service=~"$service"}, data_type)', '.+'),
  ],
};

const annotations = {
  list: [
    annotation(
      'Braked',
      'red',
      'sum by (service, data_type) (changes(inator_brakes_total[1m])) > 0',
      '{{service}} {{data_type}}',
    ),
    annotation(
      'Paused',
      'orange',
      'max by (service, data_type) (inator_consumer_paused{cause="operator"}) == 1',
      '{{service}} {{data_type}}',
    ),
    annotation(
      'Batch size changed',
      'purple',
      'sum by (service, data_type) (changes(inator_batch_size_target[1m])) > 0',
      '{{service}} {{data_type}}',
    ),
    annotation(
      'Started',
      'blue',
      'changes(process_start_time_seconds{job=~"tableinator|graphinator"}[1m]) > 0',
      '{{service}} {{instance}}',
    ),
  ],
};

/** Grafana's JSON of a dashboard. @param {Board} board */
export function dashboard({ uid, title, means, panels }) {
  return {
    uid,
    title,
    description: means,
    tags: ['inator'],
    schemaVersion: 41,
    version: 1,
    editable: false,
    graphTooltip: 1,
    refresh: '10s',
    timezone: 'browser',
    time: { from: 'now-30m', to: 'now' },
    templating,
    annotations,
    links: [
      {
        title: 'inator',
        type: 'dashboards',
        tags: ['inator'],
        asDropdown: false,
        includeVars: true,
        keepTime: true,
        targetBlank: false,
      },
    ],
    panels: layOut(panels),
  };
}
