/** `inator doctor`: looks at everything a service needs, and says what is wrong and what to do. */
import type { ServiceName } from '@inator/config';
import { Command, Option } from 'commander';
import { examineAll } from '../doctor/examine.ts';
import type { Finding } from '../doctor/finding.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { type Io, type Style, say, styled } from '../io.ts';
import { withNotes } from '../notes.ts';
import { wholeNumber } from '../options.ts';
import { withStack } from '../servers/stack-env.ts';
import type { Context } from './context.ts';

const styles: Readonly<Record<Finding['is'], Style>> = { ok: 'green', warn: 'yellow', fail: 'red', skip: 'dim' };

interface Flags {
  readonly json?: boolean;
  readonly strict?: boolean;
  readonly replicas?: number;
  readonly service?: ServiceName;
}

async function doctor(io: Io, flags: Flags): Promise<ExitCode> {
  const findings: Finding[] = [];
  const { replicas, service } = flags;
  for await (const finding of examineAll({ env: io.env, reaching: withStack(io.env), replicas, service })) {
    findings.push(finding);
    if (flags.json === true) continue;
    const { is, what, says, next } = finding;
    io.stdout.write(`${styled(io, io.stdout, styles[is], is.padEnd(4))}  ${what}: ${says}\n`);
    if (next !== undefined) io.stdout.write(`      next: ${next}\n`);
  }
  const many = (is: Finding['is']): number => findings.filter((finding) => finding.is === is).length;
  if (flags.json === true) io.stdout.write(`${JSON.stringify(findings)}\n`);
  else say(io, `${many('ok')} ok, ${many('warn')} warn, ${many('fail')} fail, ${many('skip')} skipped`);
  const failed = many('fail') > 0 || (flags.strict === true && many('warn') > 0);
  return failed ? exitCodes.failed : exitCodes.ok;
}

export function doctorCommand({ io, exitWith }: Context): Command {
  const command = new Command('doctor')
    .description(
      'Look for what is wrong: versions, configuration, servers, rights, constraints, queues, connections, clocks, TLS.',
    )
    .addOption(
      new Option('--service <name>', 'look only at what one service needs: for its own container').choices([
        'tableinator',
        'graphinator',
      ]),
    )
    .option('--replicas <n>', 'count connections for so many tableinators (default: those connected)', wholeNumber(1))
    .option('--strict', 'exit code 1 for warnings, too')
    .option('--json', 'print the findings as one JSON array')
    .action(async (flags: Flags) => exitWith(await doctor(io, flags)));
  return withNotes(
    command,
    `
It changes nothing. Every finding is ok, warn (works, but look at it), fail (a service would not work) or skip (cannot be
told from here), with what to do; the exit code is 1 when anything is fail. Types, queues, tables and labels are those of
DOMAIN. With RABBITMQ_MANAGEMENT_URL it sees more: version, alarms, disk, permissions, queue arguments, delivery limits.

  inator doctor
  inator doctor --replicas 4 --strict
  inator doctor --json | jq '.[] | select(.is == "fail")'
`,
  );
}
