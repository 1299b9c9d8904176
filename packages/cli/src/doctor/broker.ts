/** The broker itself: reachable, version, alarms and disk, clock, encryption, rights; then the queues of the services. */
import { createBroker } from '@inator/rabbitmq';
import { messageOf } from '../exit.ts';
import type { Environment } from '../io.ts';
import { domainTarget, narrowed, type ServiceName, serviceNames } from '../servers/domain.ts';
import { createManagement, type ManagedNode, type Management } from '../servers/management.ts';
import type { BrokerTarget } from '../servers/settings.ts';
import type { Finding, Findings } from './finding.ts';
import { clockFinding, tlsFinding } from './judgements.ts';
import { examineQueues } from './queues.ts';
import { examineRights } from './rights.ts';
import { examineVersion } from './versions.ts';

/** For one question to the broker. */
const askMs = 5_000;
const what = 'RabbitMQ';

/** `service`: the one that is looked at alone; undefined for both. */
export async function* examineBroker(env: Environment, service?: ServiceName): Findings {
  const { domain: all, broker: target } = domainTarget(env);
  const domain = service === undefined ? all : narrowed(all, env, service);
  const services = service === undefined ? serviceNames : [service];
  const broker = createBroker(target.settings);
  try {
    try {
      const channel = await broker.channel();
      await broker.within(channel.close(), askMs, 'closing a channel');
    } catch (error) {
      const next = 'check RABBITMQ_URL and that the broker runs, or inator stack up';
      yield { is: 'fail', what, says: messageOf(error), next };
      return;
    }
    yield { is: 'ok', what, says: `answers at ${target.address}` };
    yield tlsFinding({
      what,
      host: target.settings.host,
      encrypted: target.settings.tls !== undefined,
      verified: target.settings.tls !== undefined,
      advice: 'use amqps:// in RABBITMQ_URL, with RABBITMQ_CA_FILE where the authority is your own',
    });
    const management = target.managementUrl === undefined ? undefined : createManagement(target);
    const managed = yield* examineManagement(target, management);
    for (const finding of await examineRights(domain, target, managed, services)) yield finding;
    yield* examineQueues(broker, domain, target, managed, services);
  } finally {
    await broker.close();
  }
}

/** What only the management API tells; resolves with it when it answers. */
async function* examineManagement(
  { managementUrl }: BrokerTarget,
  management: Management | undefined,
): AsyncGenerator<Finding, Management | undefined, undefined> {
  if (management === undefined || managementUrl === undefined) {
    const next = 'set RABBITMQ_MANAGEMENT_URL (http://HOST:15672) to see them';
    const says = 'version, alarms, disk, rights and queue arguments cannot be seen over AMQP';
    yield { is: 'skip', what: 'RabbitMQ management', says, next };
    return undefined;
  }
  try {
    yield examineVersion('rabbitmq', await management.version());
    const clock = await management.clock();
    // The Date header tells whole seconds.
    if (clock !== undefined) yield clockFinding(what, clock.now, clock.beganAt, clock.endedAt, 1_000);
    const nodes = await management.nodes();
    if (nodes === undefined) {
      const next = 'give the user of RABBITMQ_MANAGEMENT_URL the tag monitoring';
      yield { is: 'skip', what: 'alarms of RabbitMQ', says: 'the management user may not see the nodes', next };
    } else for (const node of nodes) yield examineNode(node);
    return management;
  } catch (error) {
    const says = `the management API does not answer: ${messageOf(error)}`;
    yield { is: 'warn', what: 'RabbitMQ management', says, next: 'check RABBITMQ_MANAGEMENT_URL' };
    return undefined;
  }
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
/** With less than so many times the limit left, a burst of messages brings the alarm. */
const diskHeadroom = 3;

function examineNode({ name, running, memoryAlarm, diskAlarm, diskFree, diskFreeLimit }: ManagedNode): Finding {
  const about = `alarms of ${name}`;
  const next = 'producers and dead letters are blocked until it clears: add disk or memory, or drain queues';
  if (!running)
    return { is: 'fail', what: about, says: 'the node does not run', next: 'look at its log, and start it' };
  if (memoryAlarm) return { is: 'fail', what: about, says: 'the memory alarm is on', next };
  const disk = diskFree === undefined ? '' : `, ${gigabytes(diskFree)} of disk free`;
  const limit = diskFreeLimit === undefined ? '' : ` (alarm below ${gigabytes(diskFreeLimit)})`;
  if (diskAlarm) return { is: 'fail', what: about, says: `the disk alarm is on${disk}${limit}`, next };
  const scarce = diskFree !== undefined && diskFreeLimit !== undefined && diskFree < diskHeadroom * diskFreeLimit;
  if (scarce)
    return { is: 'warn', what: about, says: `none yet${disk}${limit}`, next: 'add disk before it blocks producers' };
  return { is: 'ok', what: about, says: `none${disk}${limit}` };
}
