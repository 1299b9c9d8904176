/** The domain: a preset by its name, or the file of a model of one's own. */
import { type DeclaredModel, faultLines, parseModel } from '@inator/declared';
import { type About, type Key, quote, reasonOf } from '../key.ts';
import type { ServiceName } from '../spec.ts';

/** The types of records of each preset. */
export const domains = { discogs: ['artists', 'labels', 'masters', 'releases'] } as const;

export type Domain =
  | { readonly is: 'preset'; readonly name: keyof typeof domains }
  | { readonly is: 'declared'; readonly name: string; readonly file: string; readonly model: DeclaredModel };

const preset: Domain = { is: 'preset', name: 'discogs' };

/** A value that is a path: it has a directory or an ending of a model file. */
const pathShape = /[/\\]|\.(ya?ml|json)$/i;

/** Reads the model file that a value names; all its faults are told at once. */
export function domainKey(about: About): Key<Domain> {
  return {
    ...about,
    type: 'path',
    unit: undefined,
    allowed: 'discogs, or the path of a model file (.yaml, .yml, .json)',
    default: 'discogs',
    hidden: false,
    absent: preset,
    parse({ text, readFile }) {
      if (text === preset.name) return { ok: preset };
      if (!pathShape.test(text)) return { wrong: `is ${quote(text)}` };
      let content: string;
      try {
        content = readFile(text);
      } catch (error) {
        return { wrong: `is ${quote(text)}, which cannot be read (${reasonOf(error)})` };
      }
      const parsed = parseModel(content);
      if ('model' in parsed)
        return { ok: { is: 'declared', name: parsed.model.name, file: text, model: parsed.model } };
      const { faults } = parsed;
      const many = faults.length === 1 ? '1 fault' : `${faults.length} faults`;
      const lines = faultLines(text, faults).map((line) => `\n      ${line}`);
      return { wrong: `is ${quote(text)}, a model file with ${many}:${lines.join('')}\n   ` };
    },
  };
}

/** The types that a service consumes: of a declared model, those that have something in its store. */
export function typesOfDomain(domain: Domain, service: ServiceName): readonly string[] {
  if (domain.is === 'preset') return domains[domain.name];
  const lands = service === 'tableinator' ? 'table' : 'graph';
  return domain.model.kinds.filter((kind) => kind[lands] !== undefined).map(({ name }) => name);
}
