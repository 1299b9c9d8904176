/** Keeps secrets out of texts that people read: log lines, reasons of checks, error messages of servers. */

/** The text without secrets. */
export type Redact = (text: string) => string;

/** Shorter secrets are words that harmless texts contain; replacing them would only make lines unreadable. */
const shortestSecret = 4;
/** Secrets may stand in files that are rotated; looking more often than this would read files for every line. */
const refreshMs = 5_000;

/** `scheme://user:password@` wherever it stands, greedy to the last @ before a space: passwords hold @ unencoded. */
const credentials = /([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s"']*@/gi;

/**
 * Masks credentials in urls, and every secret that `secrets` has ever named: as it is, percent-encoded, and as it stands
 * inside JSON. A secret that was rotated away stays masked.
 */
export function createRedact(secrets: () => readonly string[] = () => [], now: () => number = Date.now): Redact {
  const known = new Set<string>();
  let pattern: RegExp | undefined;
  let refreshedAt = Number.NEGATIVE_INFINITY;
  const refresh = (): void => {
    refreshedAt = now();
    const before = known.size;
    for (const secret of secrets()) {
      if (secret.length < shortestSecret) continue;
      known.add(secret);
      known.add(encodeURIComponent(secret));
      known.add(JSON.stringify(secret).slice(1, -1));
    }
    if (known.size === before) return;
    // The longest first, so that a secret which begins with another is masked whole.
    const sorted = [...known].sort((a, b) => b.length - a.length);
    pattern = new RegExp(sorted.map((text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'), 'g');
  };
  return (text) => {
    if (now() - refreshedAt >= refreshMs) refresh();
    const masked = pattern === undefined ? text : text.replace(pattern, '***');
    return masked.includes('://') ? masked.replace(credentials, '$1***@') : masked;
  };
}

/** The same value with every text in it redacted, at any depth. */
export function redactAll(value: unknown, redact: Redact): unknown {
  if (typeof value === 'string') return redact(value);
  if (Array.isArray(value)) return value.map((member) => redactAll(member, redact));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, redactAll(member, redact)]));
  }
  return value;
}
