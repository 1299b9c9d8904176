/** What the broker's user must be allowed to do, against its permissions. */
import { queueNames } from '@inator/rabbitmq';
import type { PublishDomain } from '../publish/domain.ts';
import { type ServiceName, typesOf } from '../servers/domain.ts';
import type { Management, Permissions } from '../servers/management.ts';
import type { BrokerTarget } from '../servers/settings.ts';
import type { Finding } from './finding.ts';

const what = 'rights at RabbitMQ';

/** The broker matches anywhere in the name; an empty expression allows nothing. A pattern that is not ours to read counts as matching. */
export function allows(pattern: string, name: string): boolean {
  if (pattern === '') return false;
  try {
    return new RegExp(pattern).test(name);
  } catch {
    return true;
  }
}

/** What the services do with each name: declare (unless passive), bind, consume, publish letters. */
export function missingRights(
  permissions: Permissions,
  names: ReturnType<typeof queueNames>,
  passive: boolean,
): readonly string[] {
  const { exchange, queue, deadLetterExchange, deadLetterQueue } = names;
  const declared = passive ? [] : [exchange, queue, deadLetterExchange, deadLetterQueue];
  const wanted = {
    configure: declared,
    write: passive ? [deadLetterExchange] : [queue, deadLetterExchange, deadLetterQueue],
    read: passive ? [queue] : [queue, exchange, deadLetterExchange],
  };
  return (['configure', 'write', 'read'] as const).flatMap((right) =>
    wanted[right].filter((name) => !allows(permissions[right], name)).map((name) => `${right} ${name}`),
  );
}

export async function examineRights(
  domain: PublishDomain,
  target: BrokerTarget,
  management: Management | undefined,
  services: readonly ServiceName[],
): Promise<readonly Finding[]> {
  if (management === undefined) return [];
  const user = target.settings.username ?? 'guest';
  const permissions = await management.permissions(user);
  if (permissions === undefined) {
    const says = 'the management user may not see permissions';
    return [{ is: 'skip', what, says, next: 'an administrator sees them: rabbitmqctl list_permissions' }];
  }
  const vhost = target.settings.vhost ?? '/';
  if (permissions === 'none') {
    const next = `rabbitmqctl set_permissions -p ${vhost} ${user} '.*' '.*' '.*', or narrower`;
    return [{ is: 'fail', what, says: `${user} has none in the virtual host ${vhost}`, next }];
  }
  const missing = services.flatMap((service) =>
    typesOf(domain, service).flatMap((type) =>
      missingRights(permissions, queueNames(target.exchangePrefix, service, type), target.passive),
    ),
  );
  if (missing.length === 0)
    return [
      {
        is: 'ok',
        what,
        says: `${user} may do what ${services.length === 1 ? `${services[0]} needs` : 'both services need'}`,
      },
    ];
  const shown = missing.slice(0, 3).join(', ');
  const more = missing.length > 3 ? ` and ${missing.length - 3} more` : '';
  const next = `widen the permissions of ${user} in ${vhost}, or set RABBITMQ_PASSIVE where the queues exist already`;
  return [{ is: 'fail', what, says: `${user} may not ${shown}${more}`, next }];
}
