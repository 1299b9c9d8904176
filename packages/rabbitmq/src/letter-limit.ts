/**
 * Looking at a letter returns it, and a quorum queue counts returns: past its delivery limit a message goes to the
 * dead-letter exchange, which a dead-letter queue has none of, so it would be gone. Our queues are declared with a limit
 * out of reach; one that somebody else declared may have the broker's default, which AMQP does not show.
 */
import type { Broker } from './broker.ts';
import type { KeptLetter } from './kept-letter.ts';
import { deadLetterArguments, type QueueSpec } from './topology.ts';

/** Half of RabbitMQ 4's default delivery limit: enough room for the attempts in which a person finds out. */
const returnsBeforeRefusal = 10;
const declareMs = 10_000;

/** True when the existing queue is declared as inator declares it, of either type. False when that cannot be told. */
export async function surelyUnlimited(broker: Broker, spec: QueueSpec): Promise<boolean> {
  // Declaring what exists changes nothing, and asks for the right to configure it, which passive users lack.
  if (spec.passive) return false;
  for (const type of spec.type === 'quorum' ? (['quorum', 'classic'] as const) : (['classic', 'quorum'] as const)) {
    const channel = await broker.channel();
    try {
      const declaring = channel.assertQueue(spec.deadLetterQueue, {
        arguments: deadLetterArguments({ ...spec, type }),
      });
      await broker.within(declaring, declareMs, `comparing the arguments of ${spec.deadLetterQueue}`);
      return true;
    } catch {
      // 406 other arguments, 403 no right: both mean that nothing is known. A lost connection shows in the next step.
    } finally {
      channel.close().catch(() => {});
    }
  }
  return false;
}

export function tooOften(letter: Pick<KeptLetter, 'returns' | 'redelivered'>): boolean {
  return letter.redelivered && letter.returns >= returnsBeforeRefusal;
}
