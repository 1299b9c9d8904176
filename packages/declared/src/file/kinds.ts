/** The little language in which the model file's shape is declared, once, for the check, the JSON schema and the reference. */

export type Kind =
  | { readonly is: 'text'; readonly pattern: RegExp; readonly expects: string }
  | { readonly is: 'path' }
  | { readonly is: 'choice'; readonly of: readonly (string | number)[] }
  | { readonly is: 'boolean' }
  | { readonly is: 'list'; readonly of: Kind; readonly least: number }
  | { readonly is: 'object'; readonly fields: Fields }
  /** An object whose member names the author chooses. */
  | {
      readonly is: 'map';
      readonly names: NamePattern;
      readonly of: Kind;
      readonly least: number;
      readonly most: number;
    }
  /** One of several that differ in their JSON kind: a text for the short form, an object for the long one. */
  | { readonly is: 'either'; readonly of: readonly Kind[] };

export interface NamePattern {
  readonly pattern: RegExp;
  /** Completes "a … is". */
  readonly noun: string;
  readonly expects: string;
}

export interface Field {
  readonly kind: Kind;
  readonly required?: boolean;
  /** One sentence for the reference and for editors. */
  readonly means: string;
  /** What holds when it is left out, in words. */
  readonly otherwise?: string;
}

export type Fields = Readonly<Record<string, Field>>;
