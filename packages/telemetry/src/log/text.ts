/** The text format: `2026-11-22T07:08:09.123Z INFO tableinator Batch processed data_type=artists batch_size=500 …`. */

/** Fields that stand before the others, or that every line of a terminal would only repeat. */
const placed = new Set(['level', 'time', 'service', 'version', 'instance', 'event', 'msg']);

/** A line of the JSON log as text. */
export function textLine(json: string): string {
  const line = JSON.parse(json) as Readonly<Record<string, unknown>>;
  const head = [line.time, String(line.level).toUpperCase(), line.service, line.msg].join(' ');
  return `${head}${pairs(line, '')}\n`;
}

function pairs(fields: Readonly<Record<string, unknown>>, prefix: string): string {
  let text = '';
  for (const [name, value] of Object.entries(fields)) {
    if (prefix === '' && placed.has(name)) continue;
    if (typeof value === 'object' && value !== null) text += pairs(value as Record<string, unknown>, `${name}.`);
    else text += ` ${prefix}${name}=${plain(value)}`;
  }
  return text;
}

/** As it is when it is one word, else quoted as JSON, so that a line stays a line and can be taken apart again. */
function plain(value: unknown): string {
  const text = String(value);
  return /^[^\s"=\\\p{Cc}]+$/u.test(text) ? text : JSON.stringify(text);
}
