/** What the modes of `npm run chaos` share on the command line. */

/** The command line cannot be understood: the usage is printed, and it ends with 2. */
export class UsageError extends Error {}

export function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new UsageError(`--${name} must be a number above 0, and is ${text}`);
  return value;
}

/** Progress, for people. */
export const say = (line: string): void => void process.stderr.write(`${line}\n`);
