/** `inator model`: a model file of one's own, from a first proposal to a tried one. */
import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { type DeclaredKind, faultLines, modelSchema, parseModel, proposeModel } from '@inator/declared';
import { Argument, Command } from 'commander';
import { CliError, type ExitCode, exitCodes, usageError } from '../exit.ts';
import { count, counted, type Io, say } from '../io.ts';
import { openSample } from '../model/sample.ts';
import { triedLines, tryModel } from '../model/try.ts';
import { withNotes } from '../notes.ts';
import { choice, jsonOption, wholeNumber } from '../options.ts';
import { loadModel } from '../publish/domain.ts';
import type { Format } from '../publish/format.ts';
import type { Context } from './context.ts';

/** Records that a proposal looks at: more say little more, and all of them are held in memory. */
const lookAt = 10_000;

interface SampleFlags {
  readonly format?: Format;
  readonly limit?: number;
  readonly type?: string;
}

interface CheckFlags extends SampleFlags {
  readonly sample?: string;
  readonly refused?: boolean;
  readonly json?: boolean;
}

interface InitFlags extends SampleFlags {
  readonly from: string;
  readonly name?: string;
  readonly out?: string;
}

/** A name out of a file's name: `Orders-2024.jsonl.gz` is `orders`. */
function nameFrom(path: string): string {
  const stem = basename(path).toLowerCase().split('.')[0] ?? '';
  const name = stem
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^[^a-z]+|_*\d*_*$/g, '')
    .slice(0, 40);
  return name === '' ? 'records' : name;
}

function kindOf(kinds: readonly DeclaredKind[], type: string | undefined, sample: string): DeclaredKind {
  const names = kinds.map(({ name }) => name);
  const wanted = type ?? (kinds.length === 1 ? names[0] : names.find((name) => nameFrom(sample).startsWith(name)));
  const kind = kinds.find(({ name }) => name === wanted);
  if (kind !== undefined) return kind;
  const why = type === undefined ? `which of its types is in ${sample}?` : `it has no type ${type}`;
  throw usageError(`the model: ${why}`, `name one: --type ${names.join('|')}`);
}

async function check(io: Io, file: string, flags: CheckFlags): Promise<ExitCode> {
  const model = loadModel(file);
  const names = model.kinds.map(
    ({ name, table, graph }) => `${name} (${[table && 'table', graph && 'graph'].filter(Boolean).join(', ')})`,
  );
  if (flags.sample === undefined) {
    const said = { model: model.name, types: model.kinds.map(({ name }) => name) };
    io.stdout.write(
      flags.json === true ? `${JSON.stringify(said)}\n` : `${file}: the model is good: ${names.join(', ')}\n`,
    );
    return exitCodes.ok;
  }
  say(io, `${file}: the model is good: ${names.join(', ')}`);
  const kind = kindOf(model.kinds, flags.type, flags.sample);
  const sample = await openSample(flags.sample, io.stdin, flags);
  const summary = await tryModel(kind, sample.items, (tried) => {
    if (flags.refused === true && tried.is !== 'refused') return;
    io.stdout.write(flags.json === true ? `${JSON.stringify(tried)}\n` : `${triedLines(tried).join('\n')}\n`);
  });
  const { records, stored, keys, refused, codes } = summary;
  if (flags.json === true) io.stdout.write(`${JSON.stringify(summary)}\n`);
  else {
    const by = Object.entries(codes).map(([code, times]) => `${count(times)} ${code}`);
    io.stdout.write(
      `${counted(records, 'record')}: ${count(stored)} would be stored under ${counted(keys, 'key')}, ${count(refused)} refused${by.length === 0 ? '' : ` (${by.join(', ')})`}\n`,
    );
  }
  return refused > 0 || records === 0 ? exitCodes.failed : exitCodes.ok;
}

async function init(io: Io, flags: InitFlags): Promise<ExitCode> {
  const sample = await openSample(flags.from, io.stdin, { ...flags, limit: flags.limit ?? lookAt });
  const bodies: Uint8Array[] = [];
  let unreadable = 0;
  for await (const item of sample.items) {
    if (item.is === 'refused') unreadable += 1;
    else bodies.push(item.body);
  }
  const type = flags.type ?? nameFrom(flags.from);
  const proposal = proposeModel(bodies, { name: flags.name ?? type, type, typed: sample.format === 'csv' });
  if (proposal.is === 'nothing') throw new CliError(`${sample.name}: ${proposal.because}`);
  const parsed = parseModel(proposal.text);
  if ('faults' in parsed) {
    throw usageError(
      faultLines('the proposal', parsed.faults).join('\n       '),
      'other names: --name NAME --type TYPE',
    );
  }
  if (flags.out === undefined) io.stdout.write(proposal.text);
  else {
    await writeFile(flags.out, proposal.text, { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
      throw usageError(
        `${flags.out} is there already, and a model that somebody corrected is not overwritten`,
        'another name: --out FILE',
      );
    });
  }
  const skipped = proposal.skipped + unreadable;
  say(
    io,
    `proposed from ${counted(proposal.records, 'record')}${skipped === 0 ? '' : `; ${count(skipped)} that are none were left out`}`,
  );
  return exitCodes.ok;
}

const format = () =>
  choice('--format <format>', 'format of the sample, where neither name nor content tells it', ['jsonl', 'csv']);

export function modelCommand({ io, exitWith }: Context): Command {
  const command = new Command('model').description(
    'A model file of your own: propose one from a sample, check it, try it.',
  );
  command.addCommand(
    withNotes(
      new Command('init')
        .description('Propose a model from a sample: key, columns with types, nodes, and lists that may be edges.')
        .requiredOption('--from <sample>', 'JSONL or CSV, gzipped or not; "-" is standard input')
        .option('--name <name>', "name of the domain, hence of its exchanges (default: the type's)")
        .option('--type <type>', "name of the kind of record (default: the sample's file name)")
        .option('--out <file>', 'write it there instead of standard output; an existing file is left alone')
        .addOption(format())
        .option('--limit <n>', `look at so many records (default: ${lookAt})`, wholeNumber(1))
        .action(async (flags: InitFlags) => exitWith(await init(io, flags))),
      `
The key is the member that is unique in the sample, the one that sounds like a key first; types are those that hold every
value seen. It is a proposal: look at every line of it.

  inator model init --from orders.jsonl --name shop --out shop.yaml
`,
    ),
  );
  command.addCommand(
    withNotes(
      new Command('check')
        .description(
          'Check a model file; with a sample, print what each record would become, or why it would be refused.',
        )
        .addArgument(new Argument('<FILE>', 'the model file, YAML or JSON'))
        .option('--sample <file>', 'JSONL or CSV, gzipped or not; "-" is standard input')
        .option('--type <type>', "the type of the sample's records, where the model has several")
        .addOption(format())
        .option('--limit <n>', 'so many records of the sample', wholeNumber(1))
        .option('--refused', 'print only the records that would be refused')
        .addOption(jsonOption())
        .action(async (file: string, flags: CheckFlags) => exitWith(await check(io, file, flags))),
      `
All faults of the file are printed at once, with line and column; the exit code is then 2. With a sample it is 1 when a
record would be refused. Nothing is sent or stored. The records are read as both services would read them.

  inator model check shop.yaml
  inator model check shop.yaml --sample orders.jsonl --refused
`,
    ),
  );
  command.addCommand(
    new Command('schema')
      .description('Print the JSON schema of model files, for editors.')
      .action(() => void io.stdout.write(`${JSON.stringify(modelSchema(), null, 2)}\n`)),
  );
  return command;
}
