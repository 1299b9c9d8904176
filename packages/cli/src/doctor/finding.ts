/** What an examination found, in words, with what to do. */

export interface Finding {
  /**
   * `ok` · `warn` works and deserves a look · `fail` a service would not work, or not safely · `skip` could not be told
   * from here.
   */
  readonly is: 'ok' | 'warn' | 'fail' | 'skip';
  readonly what: string;
  readonly says: string;
  /** What to do about it. */
  readonly next?: string;
}

export type Findings = AsyncGenerator<Finding, void, undefined>;

/** Judges a fact: when `good`, only what it says; else with what to do. */
export function judge(good: boolean, bad: 'warn' | 'fail', what: string, says: string, next: string): Finding {
  return good ? { is: 'ok', what, says } : { is: bad, what, says, next };
}
