/** `inator config`: what a service would run with here, and every fault in it. */
import {
  configurationPage,
  faultReport,
  graphinator,
  readConfig,
  type ServiceName,
  type Setting,
  tableinator,
  warningLine,
} from '@inator/config';
import { Argument, Command } from 'commander';
import { type ExitCode, exitCodes } from '../exit.ts';
import { type Io, say, warn } from '../io.ts';
import { withNotes } from '../notes.ts';
import { table } from '../table.ts';
import type { Context } from './context.ts';

const services: readonly ServiceName[] = ['tableinator', 'graphinator'];

interface Flags {
  readonly check?: boolean;
  readonly reference?: boolean;
  readonly json?: boolean;
}

interface Report {
  readonly service: ServiceName;
  readonly ok: boolean;
  readonly settings: readonly Setting[];
  readonly faults: readonly { readonly name: string; readonly reason: string; readonly allowed: string }[];
  readonly warnings: readonly { readonly name: string; readonly reason: string }[];
}

function reportOn(service: ServiceName, io: Io): Report {
  const result = service === 'tableinator' ? readConfig(tableinator, io.env) : readConfig(graphinator, io.env);
  const { warnings } = result;
  return 'ok' in result
    ? { service, ok: true, settings: result.ok.settings, faults: [], warnings }
    : { service, ok: false, settings: [], faults: result.faults, warnings };
}

function print(io: Io, report: Report, check: boolean): void {
  for (const warning of report.warnings) warn(io, `${report.service}: ${warningLine(warning)}`);
  if (!report.ok) say(io, faultReport(report.service, report.faults));
  else if (check) io.stdout.write(`${report.service}: the configuration is good\n`);
  else {
    const rows = report.settings.map(({ name, value, from }) => [name, value === '' ? '-' : value, from]);
    io.stdout.write(`${report.service}\n${table(['variable', 'value', 'from'], rows)}\n\n`);
  }
}

function showConfig(io: Io, service: ServiceName | undefined, flags: Flags): ExitCode {
  if (flags.reference === true) {
    io.stdout.write(configurationPage());
    return exitCodes.ok;
  }
  const reports = (service === undefined ? services : [service]).map((name) => reportOn(name, io));
  if (flags.json === true) io.stdout.write(`${JSON.stringify(reports)}\n`);
  else for (const report of reports) print(io, report, flags.check === true);
  return reports.every(({ ok }) => ok) ? exitCodes.ok : exitCodes.failed;
}

export function configCommand({ io, exitWith }: Context): Command {
  const command = new Command('config')
    .description('Print the configuration that a service would start with in this environment, secrets masked.')
    .addArgument(new Argument('[SERVICE]', 'the service; both when left out').choices([...services]))
    .option('--check', 'print no values, only whether the configuration is good')
    .option('--reference', 'print the reference of all variables, as Markdown')
    .option('--json', 'print settings, faults and warnings as one JSON array')
    .action((service: ServiceName | undefined, flags: Flags) => exitWith(showConfig(io, service, flags)));
  return withNotes(
    command,
    `
Every fault is printed at once, with the variable's name and the values it takes; the exit code is then 1.

  inator config tableinator
  inator config --check && echo good
`,
  );
}
