/** Names in SQL. They come from models and settings only, never from data, and are quoted all the same. */

/** PostgreSQL cuts longer names silently, so two of them could become one. */
const maxNameBytes = 63;

export function quoted(name: string): string {
  if (name === '' || name.includes('\0') || Buffer.byteLength(name) > maxNameBytes) {
    throw new TypeError(`"${name}" is no name for PostgreSQL: 1 to ${maxNameBytes} bytes without U+0000`);
  }
  return `"${name.replaceAll('"', '""')}"`;
}

export function qualified(schema: string, name: string): string {
  return `${quoted(schema)}.${quoted(name)}`;
}
