// @ts-check
/** The shapes that queries of ours have. Counters are looked at only through what they gained. */

/** Narrowed to what the variables of the dashboard choose. */
export const chosen = 'service=~"$service",data_type=~"$data_type"';
/** @param {string} labels */
const more = (labels) => (labels === '' ? '' : `,${labels}`);

/** A second, by these labels. @param {string} metric @param {string} by @param {string} [labels] */
export const rate = (metric, by, labels = '') =>
  `sum by (${by}) (rate(${metric}{${chosen}${more(labels)}}[$__rate_interval]))`;

/** Replicas report the same queue: a depth is the largest that one of them tells. @param {string} metric */
export const depth = (metric) => `max by (service, data_type) (${metric}{${chosen}})`;

/** @param {number} share @param {string} metric @param {string} by @param {string} [labels] */
export const quantile = (share, metric, by, labels = '') =>
  `histogram_quantile(${share}, sum by (${by}, le) (rate(${metric}_bucket{${chosen}${more(labels)}}[$__rate_interval])))`;

/** @param {string} metric @param {string} by @param {string} [labels] */
export const average = (metric, by, labels = '') =>
  `${rate(`${metric}_sum`, by, labels)} / ${rate(`${metric}_count`, by, labels)}`;

/** One service's own: its board looks at nothing else. @param {string} text @param {string} service */
export const of = (text, service) => text.replaceAll('service=~"$service"', `service="${service}"`);
