/** Configuration in words: for the start-up log and for the terminal. Nothing here prints a secret. */
import type { Loaded } from './read.ts';
import type { ConfigFault, ConfigWarning } from './spec.ts';

/** Every value in force by its variable's name; secrets as `***`, urls without credentials, what is not set left out. */
export function describe(config: Loaded): Readonly<Record<string, string>> {
  return Object.fromEntries(
    config.settings.filter(({ value }) => value !== '').map(({ name, value }) => [name, value] as const),
  );
}

/** One line a fault: what is wrong, and which values are taken. */
export function faultLine({ name, reason, allowed }: ConfigFault): string {
  return `${name} ${reason}${reason.endsWith('?') ? '' : '.'} Allowed: ${allowed}.`;
}

/** All faults of a configuration for a person at a terminal. */
export function faultReport(service: string, faults: readonly ConfigFault[]): string {
  const many = faults.length === 1 ? '1 fault' : `${faults.length} faults`;
  return [
    `${service} cannot start: ${many} in its configuration`,
    ...faults.map((fault) => `  - ${faultLine(fault)}`),
    'Every variable is described in docs/reference/configuration.md.',
  ].join('\n');
}

export function warningLine({ name, reason }: ConfigWarning): string {
  return `${name} ${reason}`;
}
