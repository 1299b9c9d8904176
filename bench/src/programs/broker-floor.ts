/** The broker alone: amqplib takes messages and acks them, several at a time, and does nothing else with them. */
import { connect } from 'amqplib';
import { consuming, given, processed } from './report.ts';

const window = Number(given('BENCH_PREFETCH'));
/** Half a window, so that the broker always has something to hand out while an ack is on its way. */
const ackEvery = Math.max(1, Math.min(500, window >> 1));

const connection = await connect(given('RABBITMQ_URL'));
const channel = await connection.createChannel();
await channel.prefetch(window);

let count = 0;
let left = Number(given('BENCH_RECORDS'));
let began = performance.now();
await channel.consume(given('BENCH_QUEUE'), (message) => {
  if (message === null) return;
  count += 1;
  left -= 1;
  if (count < ackEvery && left > 0) return;
  channel.ack(message, true);
  processed(count, began);
  count = 0;
  began = performance.now();
});
consuming();
