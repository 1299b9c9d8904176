/** Records that neither store may take, and the code that their letters must carry. */
export const badKinds = {
  empty: 'json-invalid',
  truncated: 'json-invalid',
  trailing: 'json-invalid',
  array: 'record-not-object',
  'not-utf8': 'utf8-invalid',
  nul: 'text-nul',
  surrogate: 'text-surrogate',
  'no-id': 'key-missing',
  'odd-id': 'key-invalid',
  'long-id': 'key-too-long',
  'odd-hash': 'hash-invalid',
  'odd-type': 'type-unknown',
  'odd-seq': 'seq-invalid',
  gzip: 'encoding-unsupported',
  'huge-number': 'number-out-of-range',
} as const satisfies Record<string, string>;

export type BadKind = keyof typeof badKinds;

export interface BadMessage {
  readonly body: Buffer;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly contentEncoding?: string;
}

/** `id` is one that no good record has; `canary` is what no log may ever show. */
export function makeBad(kind: BadKind, id: string, canary: string): BadMessage {
  const good = `{"type":"data","id":"${id}","title":"${canary}"}`;
  const text = (json: string): BadMessage => ({ body: Buffer.from(json) });
  switch (kind) {
    case 'empty':
      return text('');
    case 'truncated':
      return text(good.slice(0, -3));
    case 'trailing':
      return text(`${good}{}`);
    case 'array':
      return text(`[${good}]`);
    case 'not-utf8':
      return { body: Buffer.concat([Buffer.from(good.slice(0, -2)), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]) };
    case 'nul':
      return text(`{"type":"data","id":"${id}","title":"${canary}\\u0000"}`);
    case 'surrogate':
      return text(`{"type":"data","id":"${id}","title":"${canary}\\ud800"}`);
    case 'no-id':
      return text(`{"type":"data","title":"${canary}"}`);
    case 'odd-id':
      return text(`{"type":"data","id":{"is":"${id}"},"title":"${canary}"}`);
    case 'long-id':
      return text(`{"type":"data","id":"${id.padEnd(300, '0')}","title":"${canary}"}`);
    case 'odd-hash':
      return text(`{"type":"data","id":"${id}","sha256":17,"title":"${canary}"}`);
    case 'odd-type':
      return text(`{"type":"rumour","id":"${id}","title":"${canary}"}`);
    case 'odd-seq':
      return { ...text(good), headers: { 'x-seq': 'the latest' } };
    case 'gzip':
      return { ...text(good), contentEncoding: 'gzip' };
    case 'huge-number':
      return text(`{"type":"data","id":"${id}","title":"${canary}","n":1e999999999999}`);
  }
}
