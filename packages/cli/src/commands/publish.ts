/** `inator publish`: files into the exchanges. */
import { Argument, Command, InvalidArgumentError } from 'commander';
import { CliError, type ExitCode, exitCodes, messageOf } from '../exit.ts';
import { count, counted, type Io, interruptible, say, styled, warn } from '../io.ts';
import { withNotes } from '../notes.ts';
import { choice, jsonOption, positiveNumber, wholeNumber } from '../options.ts';
import { domainOf, type PublishDomain, prefixOf } from '../publish/domain.ts';
import type { PublishWorld } from '../publish/file.ts';
import { type Format, formats } from '../publish/format.ts';
import { nowhere } from '../publish/outlet.ts';
import { shownOfDryRun } from '../publish/paths.ts';
import { type PublishOptions, planAll } from '../publish/plan.ts';
import { showProgress } from '../publish/progress.ts';
import { standardError } from '../publish/rejects.ts';
import { type PublishResult, publishAll } from '../publish/run.ts';
import { type RunSummary, summaryTable } from '../publish/summary.ts';
import { openOutlets } from '../servers/outlets.ts';
import { brokerTarget } from '../servers/settings.ts';
import { withStack } from '../servers/stack-env.ts';
import type { Context } from './context.ts';

interface Flags {
  readonly type?: string;
  readonly model?: string;
  readonly format?: Format;
  readonly key?: string;
  readonly rename?: ReadonlyMap<string, string>;
  readonly delimiter?: string;
  readonly exchange?: string;
  readonly complete?: boolean;
  readonly dryRun?: boolean;
  readonly rate?: number;
  readonly limit?: number;
  readonly resume: boolean;
  readonly state?: string;
  readonly rejects?: string;
  readonly strict?: boolean;
  readonly allowUnroutable?: boolean;
  readonly json?: boolean;
}

function rename(text: string, before: ReadonlyMap<string, string> = new Map()): ReadonlyMap<string, string> {
  const [from, to, ...rest] = text.split('=');
  if (!from || !to || rest.length > 0) throw new InvalidArgumentError('It takes COLUMN=NEWNAME.');
  return new Map([...before, [from, to]]);
}

function delimiter(text: string): string {
  const value = text === '\\t' || text === 'tab' ? '\t' : text;
  if (!/^[\t\x20-\x7e]$/.test(value) || value === '"') {
    throw new InvalidArgumentError('It takes one ASCII character that is no quote; "tab" is a tab.');
  }
  return value;
}

const notes = `
Records are those of the discogs preset, or of the model file that --model or the variable DOMAIN names: their types,
exchanges and checks come from it. See docs/guides/your-own-model.md.

Formats. XML: a Discogs data dump. JSONL: one JSON object a line, published byte for byte as it stands. CSV: a header, and
--key names the column that becomes the id; every other column becomes a member with its text. With a model file no column
is special: each becomes a member of its name. Gzip is recognised by its
first bytes, whatever the name. The kind of record is told by --type, else the root of the XML, else the file's name.

A bad line costs that line. It is written to FILE.rejects.jsonl (--rejects PATH) with line, byte offset, code, reason and
the line itself, it is counted, and the exit code stays 0; with --strict it is 1. A second run replaces the reject file,
but no file of another kind, and it passes over reject and state files of the inputs that "*" names as well. Rejects of
standard input go to stdin.rejects.jsonl, or to standard error where that cannot be written. Whether files can be written
is looked at before anything is published. A dry run writes no file: it shows the first 20 rejects of every input.

Every message is persistent and confirmed by the broker before it counts as published. A message that no queue would
receive stops the run, because the broker would drop it; --allow-unroutable accepts that.

Ctrl-C waits for the confirms that are due, saves the position and ends with 130; the same command again goes on behind
the last confirmed record. FILE.inator-state.json (--state DIR) holds the position until every file of the run is done. It
applies only to the same file (path, size, time of change), broker, exchange and options; --no-resume ignores it. After a
kill -9 up to half a second of confirmed records is published again, which the services recognise by their hash.
Standard input and runs with --limit always start at the beginning.

After an XML dump "file_complete" is published, and "extraction_complete" when the run held the dumps of all four kinds;
--complete publishes both after any run, --no-complete neither. A limited or interrupted run announces nothing. A kind of
which a record was refused is not counted in "extraction_complete": no service then purges records of it.

  inator publish discogs_20260801_artists.xml.gz
  inator publish --dry-run --strict *.jsonl
  zcat labels.jsonl.gz | inator publish --type labels -
  inator publish --model shop.yaml --type orders orders.jsonl
  inator publish --type artists --key artist_id --rename type=kind artists.csv
`;

function world(io: Io, signal: AbortSignal, domain: PublishDomain): Omit<PublishWorld, 'outletOf' | 'broker'> {
  return {
    signal,
    checkOf: (type) => domain.checkOf(type),
    say: (text) => say(io, text),
    warn: (text) => warn(io, text),
    watch(input, before, tally) {
      const shown = showProgress(io, {
        name: input.name,
        share: () => (input.size === undefined ? undefined : Math.min(1, input.read() / Math.max(1, input.size))),
        published: () => before.published + tally.published,
        refused: () => before.refused + tally.refused,
      });
      return () => shown.stop();
    },
  };
}

function printSummary(io: Io, summary: RunSummary, json: boolean): void {
  for (const file of summary.files) {
    if (file.refused === 0) continue;
    const shown = file.refused > shownOfDryRun ? `, the first ${shownOfDryRun} above` : ', with reasons above';
    const where = file.rejects === standardError ? ', with reasons above' : `, with reasons in ${file.rejects}`;
    warn(io, `${file.file}: ${counted(file.refused, 'record')} refused${file.rejects === null ? shown : where}`);
  }
  if (summary.unroutable > 0) {
    warn(
      io,
      `${counted(summary.unroutable, 'record')} reached no queue and ${summary.unroutable === 1 ? 'is' : 'are'} gone`,
    );
  }
  if (json) io.stdout.write(`${JSON.stringify(summary)}\n`);
  else if (summary.files.length > 0) io.stdout.write(`${summaryTable(summary)}\n`);
}

function sayHowToResume(io: Io, { summary, resumesAfter }: PublishResult): void {
  const stopped = summary.files.at(-1);
  if (stopped === undefined || summary.ended === 'complete' || summary.dryRun) return;
  if (summary.published + summary.before === 0) return;
  if (stopped.file === 'standard input') {
    say(io, `standard input cannot be resumed: its first ${counted(stopped.read, 'record')} are published or refused`);
    return;
  }
  const published = stopped.before + stopped.published;
  const again =
    resumesAfter === undefined
      ? 'starts at the beginning'
      : resumesAfter < published
        ? `goes on behind the first ${count(resumesAfter)}`
        : 'goes on from there';
  say(io, `${counted(published, 'record')} of ${stopped.file} are published; the same command again ${again}`);
}

function exitCodeOf({ summary }: PublishResult, strict: boolean): ExitCode {
  if (summary.ended === 'interrupted') return exitCodes.interrupted;
  if (summary.ended === 'failed' || (strict && summary.refused > 0)) return exitCodes.failed;
  return exitCodes.ok;
}

async function publish(io: Io, files: readonly string[], flags: Flags): Promise<ExitCode> {
  const target = brokerTarget(withStack(io.env));
  const domain = domainOf(flags.model ?? io.env.DOMAIN?.trim());
  const options: PublishOptions = {
    domain,
    files: files.length === 0 ? ['-'] : files,
    type: flags.type,
    format: flags.format,
    key: flags.key,
    renames: flags.rename ?? new Map(),
    delimiter: flags.delimiter,
    exchange: flags.exchange,
    complete: flags.complete,
    dryRun: flags.dryRun === true,
    rate: flags.rate,
    limit: flags.limit,
    resume: flags.resume,
    state: flags.state,
    rejects: flags.rejects,
    allowUnroutable: flags.allowUnroutable === true,
  };
  const { signal, release } = interruptible(io, () => process.exit(exitCodes.interrupted));
  const outlets = options.dryRun ? undefined : openOutlets(target, { say: (text) => say(io, text) });
  try {
    const plans = await planAll(options, prefixOf(domain, target.exchangePrefix, io.env), io.stdin, (text) =>
      say(io, text),
    );
    const result = await publishAll(plans, options, {
      ...world(io, signal, domain),
      broker: target.address,
      outletOf: (exchange) => outlets?.outletOf(exchange) ?? Promise.resolve(nowhere),
    });
    printSummary(io, result.summary, flags.json === true);
    if (result.failure !== undefined) {
      const { error } = result.failure;
      say(io, `${styled(io, io.stderr, 'red', 'error:')} ${messageOf(error)}`);
      if (error instanceof CliError && error.next !== undefined) say(io, `  next: ${error.next}`);
    }
    sayHowToResume(io, result);
    return exitCodeOf(result, flags.strict === true);
  } finally {
    release();
    await outlets?.close();
  }
}

export function publishCommand({ io, exitWith }: Context): Command {
  const command = new Command('publish')
    .description('Publish JSONL, CSV or Discogs XML files, gzipped or not, or standard input, into the exchanges.')
    .addArgument(new Argument('[FILES...]', 'files to publish; "-" or nothing is standard input'))
    .option(
      '--type <type>',
      'kind of record, where neither name nor content tells it: artists, labels, masters, releases, or a type of the model',
    )
    .option('--model <file>', 'a model file, as DOMAIN names it for the services')
    .addOption(choice('--format <format>', 'format, where neither name nor content tells it', formats))
    .option('--key <column>', 'CSV: the column that holds the id')
    .option('--rename <column=name>', 'CSV: publish a column under another name (repeatable)', rename)
    .option(
      '--delimiter <character>',
      'CSV: what parts the fields; "tab" is a tab (default: comma, tab for .tsv)',
      delimiter,
    )
    .option('--exchange <name>', 'target exchange instead of PREFIX-TYPE')
    .option('--complete', 'announce the end of every file and of the run')
    .option('--no-complete', 'announce nothing, not even after an XML dump')
    .option('--dry-run', 'read and check everything, publish nothing, write no file')
    .option('--rate <n>', 'records a second at most', positiveNumber)
    .option('--limit <n>', 'stop after so many records of each file', wholeNumber(1))
    .option('--no-resume', 'start at the beginning, even after an interrupted run')
    .option('--state <dir>', 'directory for state files, instead of next to each file')
    .option('--rejects <path>', 'one reject file for all inputs, instead of one next to each')
    .option('--strict', 'end with exit code 1 when anything was refused')
    .option('--allow-unroutable', 'publish even where no queue is bound: the broker drops these messages')
    .addOption(jsonOption())
    .action(async (files: string[], flags: Flags) => exitWith(await publish(io, files, flags)));
  return withNotes(command, notes);
}
