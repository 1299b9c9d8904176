/** Longer explanations and examples of a command: below the options in `--help`, and in the reference. */
import type { Command } from 'commander';

const notes = new WeakMap<Command, string>();

/** Lines that start with two spaces are examples to copy; everything else is prose. */
export function withNotes(command: Command, text: string): Command {
  notes.set(command, text.trim());
  return command.addHelpText('after', `\n${text.trim()}`);
}

/** The same as Markdown lines, examples fenced. */
export function notesAsMarkdown(command: Command): readonly string[] {
  const text = notes.get(command);
  if (text === undefined) return [];
  const lines: string[] = [];
  let example = false;
  for (const line of text.split('\n')) {
    const isExample = line.startsWith('  ');
    if (isExample !== example) lines.push(...(isExample ? ['', '```sh'] : ['```', '']));
    lines.push(isExample ? line.slice(2) : line);
    example = isExample;
  }
  if (example) lines.push('```');
  // An empty line after prose already parts it from its example.
  return [...lines.filter((line, index) => line !== '' || lines[index - 1] !== ''), ''];
}
