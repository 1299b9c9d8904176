/** `inator dlq`: the dead letters of both services, to look at, send back, keep elsewhere or delete. */
import { Command } from 'commander';
import { type DropFlags, drop, type ReplayFlags, replay } from '../dlq/change.ts';
import { type FilterFlags, type SelectionFlags, withFilter, withLimit, withSelection } from '../dlq/flags.ts';
import { exportLetters, type JsonFlag, list, peek, stats } from '../dlq/show.ts';
import { usageError } from '../exit.ts';
import { withNotes } from '../notes.ts';
import { jsonOption, positiveNumber, wholeNumber } from '../options.ts';
import type { Context } from './context.ts';

/** Times a letter is sent back before it takes a word of the operator: a cause that five tries did not find is still there. */
const maxReplays = 5;

const notes = `
Looking changes nothing: letters are held while they are read and given back in their order. While one command reads a
queue, another one is refused. What arrives after a command has begun is left for the next one. Filters of one kind are
alternatives (--code a --code b), filters of different kinds must all hold. A letter that the broker itself condemned has
no headers of inator; its code is broker-rejected, broker-expired, broker-maxlen or broker-delivery-limit.

  inator dlq list
  inator dlq stats --service tableinator
  inator dlq peek --code value-refused --limit 3 --full
  inator dlq replay --code value-refused --dry-run
`;

const replayNotes = `
Each letter goes back to the queue it came from, and to no other service: body and properties as they were, x-seq with
them, so that an old record does not overwrite a newer one. It is removed only after the broker confirmed it there; killed
at any moment, a letter is in one of the two queues or in both, and what comes twice is recognised by the service. A
record that fails again returns as a letter with its count of replays; --max-replays ends the circle. Letters that do not
match stay, in their order. The user needs the right to write to amq.default, and to read the dead-letter queues.

Exit codes: 0 when every letter that matched was replayed or skipped, 1 when something failed (the others stay), 130 after
Ctrl-C, which waits for the confirms that are due. The same command again goes on.

  inator dlq replay --type releases --since 2h --dry-run
  inator dlq replay --type releases --since 2h --rate 500
`;

const dropNotes = `
The letters that match are counted, shown in groups and held; then their number must be typed, or given with --yes. With
any other number, or none, nothing is dropped and the exit code is 1. When the broker is lost meanwhile the exit code is
1, too, and the message says how many are gone for certain. Export them first: dropped is dropped.

  inator dlq export --code json-invalid letters.jsonl
  inator dlq drop --code json-invalid --dry-run
  inator dlq drop --code json-invalid --yes 42
`;

const exportNotes = `
One JSON object a line: where the letter lies, code, stage, key, all properties and headers, and the body as text, or as
bodyBase64 where it is not UTF-8. A file is made for its owner alone and never overwritten. Letters stay where they are.

  inator dlq export letters.jsonl
  inator dlq export --type artists - | jq -r .key
`;

export function dlqCommand({ io, exitWith }: Context): Command {
  const listing = withSelection(new Command('list'))
    .description('Every dead-letter queue of both services, and how many letters it holds.')
    .addOption(jsonOption())
    .action(async (flags: SelectionFlags & JsonFlag) => exitWith(await list(io, flags)));
  const peeking = withLimit(withFilter(new Command('peek')), 10)
    .description('Show letters, oldest first, and leave them there.')
    .option('--full', 'whole bodies and reasons, and all headers')
    .addOption(jsonOption())
    .action(async (flags: FilterFlags & JsonFlag & { readonly full?: boolean }) => exitWith(await peek(io, flags)));
  const counting = withFilter(new Command('stats'))
    .description('Count letters by reason code, stage and model, with the oldest and the newest.')
    .addOption(jsonOption())
    .action(async (flags: FilterFlags & JsonFlag) => exitWith(await stats(io, flags)));
  const replaying = withLimit(withFilter(new Command('replay')))
    .description('Send letters back to the queues they came from.')
    .option('--dry-run', 'show what would go, and change nothing')
    .option('--rate <n>', 'letters a second at most', positiveNumber)
    .option('--max-replays <n>', 'leave letters that were replayed so often already', wholeNumber(1), maxReplays)
    .addOption(jsonOption())
    .action(async (flags: ReplayFlags) => exitWith(await replay(io, flags)));
  const dropping = withLimit(withFilter(new Command('drop')))
    .description('Delete letters for good, after their number was typed.')
    .option('--dry-run', 'show what would go, and change nothing')
    .option('--yes <n>', 'the number of letters, instead of typing it', wholeNumber(1))
    .addOption(jsonOption())
    .action(async (flags: DropFlags) => exitWith(await drop(io, flags)));
  const exporting = withLimit(withFilter(new Command('export')))
    .description('Write letters as JSONL, and leave them there.')
    .argument('<file>', 'file to make; "-" is standard output')
    .addOption(jsonOption())
    .action(async (path: string, flags: FilterFlags & JsonFlag) => {
      if (path === '-' && flags.json === true) throw usageError('--json and "-" would both write to standard output');
      exitWith(await exportLetters(io, path, flags));
    });
  const command = new Command('dlq').description(
    'Dead letters: list, count, look at them, send them back, export or delete them.',
  );
  for (const child of [
    listing,
    peeking,
    counting,
    withNotes(replaying, replayNotes),
    withNotes(dropping, dropNotes),
    withNotes(exporting, exportNotes),
  ]) {
    command.addCommand(child);
  }
  return withNotes(command, notes);
}
