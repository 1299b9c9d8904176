/** The word that was meant: letters in common, in any order, judged roughly. */

/** Undefined when nothing is near. */
export function nearest(text: string, values: readonly string[]): string | undefined {
  const pairs = (word: string): Set<string> =>
    new Set(Array.from({ length: Math.max(0, word.length - 1) }, (_, at) => word.slice(at, at + 2)));
  const given = pairs(text.toLowerCase());
  let best: { readonly value: string; readonly score: number } | undefined;
  for (const value of values) {
    const own = pairs(value);
    const common = [...own].filter((pair) => given.has(pair)).length;
    const score = (2 * common) / Math.max(1, own.size + given.size);
    if (score >= 0.4 && score > (best?.score ?? 0)) best = { value, score };
  }
  return best?.value;
}

/** What to say to a word that is none of `values`. */
export function hintFor(text: string, values: readonly string[]): string {
  const meant = nearest(text, values);
  return meant === undefined ? `It takes one of: ${values.join(', ')}.` : `(Did you mean ${meant}?)`;
}
