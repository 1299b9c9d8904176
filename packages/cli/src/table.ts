/** Tables that read well in a terminal and split well in a script: columns by spaces, numbers to the right. */
import Table from 'cli-table3';

const none = '';
/** No frame: two spaces between columns, one line a row. */
const chars = {
  top: none,
  'top-mid': none,
  'top-left': none,
  'top-right': none,
  bottom: none,
  'bottom-mid': none,
  'bottom-left': none,
  'bottom-right': none,
  left: none,
  'left-mid': none,
  mid: none,
  'mid-mid': none,
  right: none,
  'right-mid': none,
  middle: '  ',
};

const numeric = /^[\d,.]+( %)?$/;

/** The table, without a trailing line break. A column is a column of numbers when all its cells are. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const colAligns = head.map((_, column) => {
    const cells = rows.map((row) => row[column] ?? '').filter((cell) => cell !== '' && cell !== '-');
    return cells.length > 0 && cells.every((cell) => numeric.test(cell)) ? 'right' : 'left';
  });
  const drawn = new Table({
    chars,
    head: [...head],
    colAligns,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
  });
  drawn.push(...rows.map((row) => [...row]));
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
