/** `inator bulk-load`: tables without their secondary indices for an initial load, and the indices back afterwards. */
import { recordTypes } from '@inator/discogs';
import { BulkLoadRefused, type BulkNote, createBulkLoad } from '@inator/postgres';
import { createBroker, queueNames } from '@inator/rabbitmq';
import { Command } from 'commander';
import { CliError, type ExitCode, exitCodes, messageOf } from '../exit.ts';
import { type Io, say, warn } from '../io.ts';
import { withNotes } from '../notes.ts';
import { jsonOption } from '../options.ts';
import { brokerTarget } from '../servers/settings.ts';
import { withStack } from '../servers/stack-env.ts';
import { openTables } from '../servers/stores.ts';
import { table } from '../table.ts';
import type { Context } from './context.ts';

interface Flags {
  readonly json?: boolean;
}

const askMs = 5_000;

/** Consumers of the queue that tableinator reads a type from; 0 when there is no such queue. */
async function withConsumers<T>(
  io: Io,
  work: (consumers: (type: string) => Promise<number>) => Promise<T>,
): Promise<T> {
  const target = brokerTarget(withStack(io.env));
  const broker = createBroker(target.settings);
  try {
    return await work(async (type) => {
      const { queue } = queueNames(target.exchangePrefix, 'tableinator', type);
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
  const store = openTables(withStack(io.env));
  try {
    const dropped = await withConsumers(io, (consumers) =>
      createBulkLoad(store.postgres, { say: told(io, store.schema), consumers }).begin(
        tables.length === 0 ? recordTypes : tables,
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

const tablesArgument = ['[TABLES...]', 'which; the tables of all types when left out'] as const;

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
