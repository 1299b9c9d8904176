/** `inator doctor`: looks at everything a service needs, and says what is wrong and what to do. */
import { Command } from 'commander';
import { examineAll, type Finding } from '../doctor/examine.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { type Io, type Style, styled } from '../io.ts';
import { withNotes } from '../notes.ts';
import { withStack } from '../servers/stack-env.ts';
import type { Context } from './context.ts';

const styles: Readonly<Record<Finding['is'], Style>> = { good: 'green', odd: 'yellow', bad: 'red', skipped: 'dim' };
const words: Readonly<Record<Finding['is'], string>> = { good: 'good', odd: 'odd ', bad: 'bad ', skipped: 'skip' };

async function doctor(io: Io, flags: { readonly json?: boolean }): Promise<ExitCode> {
  const findings: Finding[] = [];
  for await (const finding of examineAll(io.env, withStack(io.env))) {
    findings.push(finding);
    if (flags.json === true) continue;
    const { is, what, says, next } = finding;
    io.stdout.write(`${styled(io, io.stdout, styles[is], words[is])}  ${what}: ${says}\n`);
    if (next !== undefined) io.stdout.write(`      next: ${next}\n`);
  }
  if (flags.json === true) io.stdout.write(`${JSON.stringify(findings)}\n`);
  return findings.some(({ is }) => is === 'bad') ? exitCodes.failed : exitCodes.ok;
}

export function doctorCommand({ io, exitWith }: Context): Command {
  const command = new Command('doctor')
    .description('Look for what is wrong: Node.js, configuration, the three servers, queues, and the pool.')
    .option('--json', 'print the findings as one JSON array')
    .action(async (flags: { readonly json?: boolean }) => exitWith(await doctor(io, flags)));
  return withNotes(
    command,
    `
It changes nothing. Every finding is good, odd (works, but look at it), bad (a service would not work) or skipped; the exit
code is 1 when anything is bad.

  inator doctor
`,
  );
}
