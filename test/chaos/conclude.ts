/** How a long run ends: its sum printed, what was found told, its logs kept where somebody will want them. */
import { describeViolation, type Violation } from './check/violation.ts';
import { say } from './options.ts';

interface Concluded {
  readonly arena: { keepLogs(): string };
  close(): Promise<void>;
}

/** Does `work`, closes the run whatever happens, and resolves with the exit code. */
export async function conclude(
  run: Concluded,
  work: () => Promise<{ readonly sum: string; readonly found: readonly Violation[] }>,
): Promise<number> {
  try {
    const { sum, found } = await work();
    process.stdout.write(`${sum}\n`);
    if (found.length === 0) return 0;
    for (const each of found) say(`  ${describeViolation(each)}`);
    say(`logs: ${run.arena.keepLogs()}`);
    return 1;
  } catch (error) {
    say(`the run itself failed; logs: ${run.arena.keepLogs()}`);
    throw error;
  } finally {
    await run.close();
  }
}
