/** The specification of a service: groups of declared keys, and what is made of their values. */
import type { Key } from './key.ts';

export type ServiceName = 'tableinator' | 'graphinator';

export interface Group<K extends Readonly<Record<string, Key<unknown>>> = Readonly<Record<string, Key<unknown>>>> {
  readonly title: string;
  /** What the group is about: a few sentences for the reference. */
  readonly intro: string;
  readonly keys: K;
}

export type Groups = Readonly<Record<string, Group>>;

/** The values of the groups, typed by the declarations. */
export type ValuesOf<G extends Groups> = {
  readonly [N in keyof G]: {
    readonly [K in keyof G[N]['keys']]: G[N]['keys'][K] extends Key<infer T> ? T : never;
  };
};

/** Something is wrong: the service does not start. */
export interface ConfigFault {
  /** The variable, or several joined by " and ". */
  readonly name: string;
  /** Completes "NAME …". Holds no secret. */
  readonly reason: string;
  /** Which values are taken: completes "takes …". */
  readonly allowed: string;
}

/** Something is odd: the service starts and logs it. */
export interface ConfigWarning {
  readonly name: string;
  readonly reason: string;
}

/** What the rules that look at several keys work with. */
export interface Judge {
  /** True when the variable, or its `_FILE`, is set to something. */
  given(name: string): boolean;
  /** True when the variable has a fault of its own: what stands for its value is then its default. */
  faulty(name: string): boolean;
  /** Left out when one of the names already has a fault of its own, which would only be repeated in other words. */
  fault(names: readonly string[], reason: string, allowed: string): void;
  warn(name: string, reason: string): void;
  /** Tells what is in force for a key whose value was worked out, or corrected. Never for a secret. */
  effective(name: string, value: string | number): void;
  /** `NODE_ENV` is `production`: credentials must be given. */
  readonly production: boolean;
}

export interface ServiceSpec<G extends Groups, C> {
  readonly service: ServiceName;
  readonly groups: G;
  /** Judges the values together and derives the configuration; must return one even when it found faults. */
  finish(values: ValuesOf<G>, judge: Judge): C;
}

export function keysOf(groups: Groups): readonly Key<unknown>[] {
  return Object.values(groups).flatMap((group) => Object.values(group.keys));
}
