/** The name somebody probably meant. */
import { closest, distance } from 'fastest-levenshtein';

/** `, did you mean \`columns\`?`, or nothing where no known name is near. */
export function suggestion(name: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  const lower = name.toLowerCase();
  const nearest = closest(lower, [...known]);
  const prefixed = known.find((one) => one.startsWith(lower) || lower.startsWith(one));
  if (distance(lower, nearest) <= Math.max(2, Math.floor(name.length / 3))) return `, did you mean \`${nearest}\`?`;
  return prefixed === undefined ? '' : `, did you mean \`${prefixed}\`?`;
}
