/** The content hash of Discogs messages. */
import { hash } from 'node:crypto';

/** SHA-256 in lower-case hexadecimal. */
export function sha256(data: Uint8Array | string): string {
  return hash('sha256', data, 'hex');
}

/**
 * The body of a record: the envelope in front of its data, which therefore has `id` twice.
 *
 * @param data The record as compact JSON with sorted keys, `id` among them. The declared hash is the SHA-256 of exactly
 *   this text; that is how the extractor's messages are hashed too, so equal records have equal hashes whoever sent them.
 */
export function recordBody(id: string, data: string): Buffer {
  const rest = data === '{}' ? '}' : `,${data.slice(1)}`;
  return Buffer.from(`{"type":"data","id":${JSON.stringify(id)},"sha256":"${sha256(data)}"${rest}`);
}
