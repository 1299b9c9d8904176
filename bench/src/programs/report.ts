/** What a program of ours says on standard output: the lines by which the services are timed. */

/** Everything is ready; the clock `queue` starts. From here SIGTERM ends the process in an orderly way, as it ends a service. */
export function consuming(): void {
  // A process that a signal ends writes no profile.
  process.once('SIGTERM', () => process.exit(0));
  process.stdout.write(`${JSON.stringify({ event: 'consumer.started' })}\n`);
}

/** A batch is durable and settled. */
export function processed(records: number, beganAt: number): void {
  const line = { msg: 'Batch processed', batch_size: records, duration_ms: Math.round(performance.now() - beganAt) };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** A variable that the harness sets for this program. */
export function given(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set: the harness sets it`);
  return value;
}
