/** `inator bulk-load`: tables without their secondary indices for an initial load, and the indices back afterwards. */
import { BulkLoadRefused, type BulkNote, createBulkLoad } from '@inator/postgres';
import { createBroker, queueNames } from '@inator/rabbitmq';
import { Command } from 'commander';
import { CliError, type ExitCode, exitCodes, messageOf } from '../exit.ts';
import { type Io, say, warn } from '../io.ts';
import { withNotes } from '../notes.ts';
import { jsonOption } from '../options.ts';
import type { PublishDomain } from '../publish/domain.ts';
import { type DomainTarget, domainTarget } from '../servers/domain.ts';
import { withStack } from '../servers/stack-env.ts';
import { openTables } from '../servers/stores.ts';
import { table } from '../table.ts';
import type { Context } from './context.ts';

interface Flags {
  readonly json?: boolean;
}

const askMs = 5_000;

/** The tables of a domain, and the type whose queue fills each: a model file may call its tables what it likes. */
function typesByTable({ model, types }: PublishDomain): ReadonlyMap<string, string> {
  if (model === undefined) return new Map(types.map((type) => [type, type]));
  return new Map(model.kinds.flatMap(({ name, table }) => (table === undefined ? [] : [[table.name, name] as const])));
}

function typeOf(types: ReadonlyMap<string, string>, name: string): string {
  const type = types.get(name);
  if (type !== undefined) return type;
  throw new CliError(`${name} is not a table of this domain: ${[...types.keys()].join(', ')}`, {
    exitCode: exitCodes.usage,
    next: 'name a table of the model file in DOMAIN, or of the preset when there is none',
  });
}

/** Consumers of the queue that tableinator fills a table from; 0 when there is no such queue. */
async function withConsumers<T>(
  target: DomainTarget['broker'],
  types: ReadonlyMap<string, string>,
  work: (consumers: (table: string) => Promise<number>) => Promise<T>,
): Promise<T> {
  const broker = createBroker(target.settings);
  try {
    return await work(async (name) => {
      const { queue } = queueNames(target.exchangePrefix, 'tableinator', typeOf(types, name));
      try {
        const channel = await broker.channel(AbortSignal.timeout(askMs));
        // Asking for a queue that is not there closes the channel.
        channel.on('error', () => undefined);
        const found = await broker.within(channel.checkQueue(queue), askMs, `asking for the queue ${queue}`);
        await broker.within(channel.close(), askMs, 'closing a channel');
        return found.consumerCount;
      } catch (error) {
        if ((error as { readonly code?: unknown }).code === 404) return 0;
        throw new CliError(`whether somebody consumes from ${queue} cannot be told: ${messageOf(error)}`, {
          next: 'name the broker with RABBITMQ_URL; a load is not begun without knowing that it is alone',
          cause: error,
        });
      }
    });
  } finally {
    await broker.close();
  }
}

function told(io: Io, schema: string): (note: BulkNote) => void {
  return ({ is, table: name, index, reason }) => {
    const line = `${is} ${index} of ${schema}.${name}${reason === undefined ? '' : `: ${reason}`}`;
    if (is === 'not-dropped' || is === 'not-restored') warn(io, line);
    else say(io, line);
  };
}

async function begin(io: Io, tables: readonly string[], flags: Flags): Promise<ExitCode> {
  const env = withStack(io.env);
  const { domain, broker } = domainTarget(env);
  const types = typesByTable(domain);
  for (const name of tables) typeOf(types, name);
  const store = openTables(env);
  try {
    const dropped = await withConsumers(broker, types, (consumers) =>
      createBulkLoad(store.postgres, { say: told(io, store.schema), consumers }).begin(
        tables.length === 0 ? [...types.keys()] : tables,
      ),
    );
    if (flags.json === true) io.stdout.write(`${JSON.stringify({ dropped })}\n`);
    else
      for (const [name, indexes] of Object.entries(dropped)) io.stdout.write(`${name}: ${indexes.join(' ') || '-'}\n`);
    say(io, 'next: start one tableinator, let it drain, stop it; then inator bulk-load end');
    return exitCodes.ok;
  } catch (error) {
    if (!(error instanceof BulkLoadRefused)) throw error;
    throw new CliError(error.message, {
      next: 'stop what uses the table, then begin again; inator bulk-load status shows what is begun',
      cause: error,
    });
  } finally {
    await store.close();
  }
}

async function end(io: Io, tables: readonly string[], flags: Flags): Promise<ExitCode> {
  const store = openTables(withStack(io.env));
  try {
    const bulk = createBulkLoad(store.postgres, { say: told(io, store.schema) });
    const ended = await bulk.end(tables.length === 0 ? undefined : tables);
    if (flags.json === true) io.stdout.write(`${JSON.stringify({ ended })}\n`);
    else for (const { table: name, restored } of ended) io.stdout.write(`${name}: ${restored.join(' ') || '-'}\n`);
    if (ended.length === 0) say(io, 'no table is in bulk load');
    const failed = ended.flatMap((each) => each.failed);
    if (failed.length === 0) return exitCodes.ok;
    throw new CliError(`${failed.length} indices are not back: ${failed.map(({ index }) => index).join(', ')}`, {
      next: 'mend what the warnings name, then inator bulk-load end again',
    });
  } catch (error) {
    if (!(error instanceof BulkLoadRefused)) throw error;
    throw new CliError(error.message, { next: 'inator bulk-load status', cause: error });
  } finally {
    await store.close();
  }
}

async function status(io: Io, flags: Flags): Promise<ExitCode> {
  const store = openTables(withStack(io.env));
  try {
    const loads = await createBulkLoad(store.postgres).status();
    if (flags.json === true) io.stdout.write(`${JSON.stringify(loads)}\n`);
    else if (loads.length === 0) say(io, 'no table is in bulk load');
    else {
      const rows = loads.map(({ table: name, state, since, missing }) => [
        name,
        state,
        since.toISOString(),
        missing.join(' '),
      ]);
      io.stdout.write(`${table(['table', 'state', 'since', 'missing indices'], rows)}\n`);
    }
    return exitCodes.ok;
  } finally {
    await store.close();
  }
}

const tablesArgument = ['[TABLES...]', 'which; all tables of DOMAIN when left out'] as const;

export function bulkLoadCommand({ io, exitWith }: Context): Command {
  const command = new Command('bulk-load').description(
    'Take the secondary indices from tables for an initial load, and put them back as they were.',
  );
  const beginCommand = new Command('begin')
    .description('Drop the secondary indices; refused while anybody consumes from the queues or uses the tables.')
    .argument(...tablesArgument)
    .addOption(jsonOption())
    .action(async (tables: string[], flags: Flags) => exitWith(await begin(io, tables, flags)));
  const endCommand = new Command('end')
    .description('Make every dropped index again, whatever happened since; the exit code is 0 only when all are back.')
    .argument('[TABLES...]', 'which; all that are in bulk load when left out')
    .addOption(jsonOption())
    .action(async (tables: string[], flags: Flags) => exitWith(await end(io, tables, flags)));
  const statusCommand = new Command('status')
    .description('Show which tables are in bulk load, and which indices they lack.')
    .addOption(jsonOption())
    .action(async (flags: Flags) => exitWith(await status(io, flags)));
  command.addCommand(beginCommand).addCommand(endCommand).addCommand(statusCommand);
  return withNotes(
    command,
    `
Only for an initial load, which has its tables for itself. Primary keys, unique indices and those of constraints stay. The
definitions are kept in the database: whatever is killed, end puts the indices back.

  inator bulk-load begin
  inator bulk-load end
`,
  );
}
