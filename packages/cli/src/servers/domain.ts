/** Which kinds of records there are and what their queues are called: as the services derive it from the same variables. */
import type { Environment } from '../io.ts';
import { domainOf, type PublishDomain, prefixOf } from '../publish/domain.ts';
import { type BrokerTarget, brokerTarget } from './settings.ts';

export interface DomainTarget {
  readonly domain: PublishDomain;
  /** The broker, its exchange prefix that of the domain. */
  readonly broker: BrokerTarget;
}

/** Throws `CliError` for a model file that cannot be read. */
export function domainTarget(env: Environment): DomainTarget {
  const domain = domainOf(env.DOMAIN?.trim());
  const broker = brokerTarget(env);
  return { domain, broker: { ...broker, exchangePrefix: prefixOf(domain, broker.exchangePrefix, env) } };
}

export const serviceNames = ['tableinator', 'graphinator'] as const;
export type ServiceName = (typeof serviceNames)[number];

/** The types that a service has queues of: a model may have a table and no graph, or the other way round. */
export function typesOf(domain: PublishDomain, service: ServiceName): readonly string[] {
  if (domain.model === undefined) return domain.types;
  const has = service === 'tableinator' ? 'table' : 'graph';
  return domain.model.kinds.filter((kind) => kind[has] !== undefined).map(({ name }) => name);
}
