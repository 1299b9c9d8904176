/** Values of options as people write them, refused with a sentence when they are not. */
import { InvalidArgumentError, Option } from 'commander';

/** A whole number from `min`; separators as in 1_000 or 1,000 are no digits and refused. */
export function wholeNumber(min: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || !Number.isSafeInteger(value)) {
      throw new InvalidArgumentError(`It takes a whole number from ${min}.`);
    }
    return value;
  };
}

/** A positive number, fractions allowed. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value <= 0) throw new InvalidArgumentError('It takes a number above 0.');
  return value;
}

/** An option with a closed list of values. */
export function choice(flags: string, description: string, values: readonly string[]): Option {
  return new Option(flags, description).choices([...values]);
}

export const jsonOption = (): Option =>
  new Option('--json', 'print the result as one JSON object on the last line; everything else goes to stderr');
