/** Other people's consumers, side by side with ours. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Scenario } from '../scenario.ts';
import { UsageError } from '../scenario.ts';
import { external, isInstalled, type Peer, tableinatorAsPeer } from '../subjects/external.ts';
import { root } from '../world.ts';

interface Recipe {
  /** The program that must be on the path. */
  readonly needs: string;
  readonly what: string;
  readonly command: string;
  readonly query?: string;
  readonly feeds?: Peer['feeds'];
}

export function recipes(): Readonly<Record<string, Recipe>> {
  return JSON.parse(readFileSync(join(root, 'bench/peers/peers.json'), 'utf8')) as Readonly<Record<string, Recipe>>;
}

export const externalScenario: Scenario = {
  name: 'external',
  sentence:
    'Any other consumer, given as --command "..." or as --peer NAME of bench/peers, against tableinator timed alike.',
  want: ['rabbitmq', 'postgres'],
  records: 60_000,
  plan: ({ command, queue, table, query, peer }) => {
    const known = recipes();
    const ours = tableinatorAsPeer('tableinator', 'is timed as the others are, from the start of its process');
    const notes = [
      'the clock runs from the start of the process to the count that is asked for; its start-up counts',
      'tableinator flushes after 0.1 s, as the recipes do: here the last records count as well',
    ];
    if (command !== undefined) {
      if (peer !== undefined) throw new UsageError('external wants --command or --peer, not both');
      return {
        contestants: [external('external', `runs ${command}`, { command, queue, table, query }), ours],
        headline: { of: 'tableinator', over: 'external' },
        notes,
      };
    }
    const names = peer === undefined ? Object.keys(known) : [peer];
    const chosen = names.map((name) => {
      const recipe = known[name];
      if (recipe === undefined)
        throw new UsageError(`--peer is ${name}; there is a recipe for ${Object.keys(known).join(', ')}`);
      return { name, recipe };
    });
    const present = chosen.filter(({ recipe }) => isInstalled(recipe.needs));
    const skipped = chosen
      .filter(({ recipe }) => !isInstalled(recipe.needs))
      .map(({ name, recipe }) => `SKIPPED ${name}: the program ${recipe.needs} is not on the path`);
    const first = present[0];
    if (first === undefined) throw new UsageError(`nothing to compare with: ${skipped.join('; ')}`);
    return {
      contestants: [...present.map(({ name, recipe }) => external(name, recipe.what, recipe)), ours],
      headline: { of: 'tableinator', over: first.name },
      ratios: present.slice(1).map(({ name }) => ({ of: 'tableinator', over: name })),
      notes: [...notes, ...skipped],
    };
  },
};
