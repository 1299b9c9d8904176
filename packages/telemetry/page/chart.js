// A line over the last five minutes, drawn into an SVG: no axis but its top, which the caption names.

const width = 300;
const height = 60;
const svg = 'http://www.w3.org/2000/svg';

/** Round tops, so that the scale does not jump with every second. */
function topOf(values) {
  const most = Math.max(...values);
  if (!(most > 0)) return 0;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((top) => top >= most) ?? most;
}

/** Straight pieces through neighbours in time; a value alone is a dot. */
function pieces(points) {
  const runs = [];
  let run = [];
  for (const point of points) {
    if (point === undefined) {
      if (run.length > 0) runs.push(run);
      run = [];
    } else run.push(point);
  }
  if (run.length > 0) runs.push(run);
  return runs;
}

const round = (value) => Math.round(value * 10) / 10;

/**
 * Draws `values` (null where there is none) that were measured at `at` (epoch ms), the last minutes up to `now`.
 * Returns the top of the scale, 0 when there is nothing to draw.
 */
export function draw(element, { at, values, now, spanMs, bridgeMs, area, label }) {
  const first = at.findIndex((time) => time >= now - spanMs);
  const times = first < 0 ? [] : at.slice(first);
  const shown = first < 0 ? [] : values.slice(first);
  const known = shown.filter((value) => value !== null && value !== undefined);
  const top = known.length === 0 ? 0 : topOf(known);
  const points = [];
  let last;
  times.forEach((time, index) => {
    const value = shown[index];
    if (value === null || value === undefined) return;
    if (last !== undefined && time - last > bridgeMs) points.push(undefined);
    last = time;
    points.push([
      round(width - ((now - time) / spanMs) * width),
      round(top === 0 ? height : height - (value / top) * height),
    ]);
  });
  const runs = pieces(points);
  const line = runs
    .map((run) => `M${run.map(([x, y]) => `${x} ${y}`).join('L')}${run.length === 1 ? 'h.01' : ''}`)
    .join('');
  const fill = runs
    .filter((run) => run.length > 1)
    .map((run) => `M${run[0][0]} ${height}L${run.map(([x, y]) => `${x} ${y}`).join('L')}L${run.at(-1)[0]} ${height}Z`)
    .join('');
  const parts = partsOf(element);
  parts.line.setAttribute('d', line);
  parts.fill.setAttribute('d', area ? fill : '');
  element.setAttribute('aria-label', label);
  return top;
}

function partsOf(element) {
  if (element.childElementCount === 0) {
    element.setAttribute('viewBox', `0 0 ${width} ${height}`);
    element.append(
      make('path', { class: 'grid', d: `M0 0H${width}M0 ${height / 2}H${width}` }),
      make('path', { class: 'fill' }),
      make('path', { class: 'line' }),
    );
  }
  return { fill: element.children[1], line: element.children[2] };
}

function make(name, attributes) {
  const element = document.createElementNS(svg, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
