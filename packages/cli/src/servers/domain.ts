/** Which kinds of records there are and what their queues are called: as the services derive it from the same variables. */
import type { Environment } from '../io.ts';
import { domainOf, type PublishDomain, prefixOf } from '../publish/domain.ts';
import { type BrokerTarget, brokerTarget, dataTypesOf } from './settings.ts';

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
  const names = domain.model.kinds.filter((kind) => kind[has] !== undefined).map(({ name }) => name);
  return names.filter((name) => domain.types.includes(name));
}

/** The domain with those of its types that the service would consume: its own environment may choose some. */
export function narrowed(domain: PublishDomain, env: Environment, service: ServiceName): PublishDomain {
  const chosen = dataTypesOf(env, service);
  return chosen === undefined ? domain : { ...domain, types: domain.types.filter((type) => chosen.includes(type)) };
}
