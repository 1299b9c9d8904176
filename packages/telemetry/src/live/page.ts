/**
 * The live page's files, as they stand in `page/` beside `src` and `dist`: no build step, nothing from elsewhere. The
 * policy lets the page load its own style sheet, script and icon and listen to its own service, and nothing else.
 */
import { readFileSync } from 'node:fs';

/** The folder of a built package, and of its sources, is as deep. */
const folder = new URL('../../page/', import.meta.url);

const files = {
  'index.html': 'text/html; charset=utf-8',
  'live.css': 'text/css; charset=utf-8',
  'lane.css': 'text/css; charset=utf-8',
  'live.js': 'text/javascript; charset=utf-8',
  'chart.js': 'text/javascript; charset=utf-8',
  'words.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const;

export type PageFile = keyof typeof files;

export interface PageReply {
  readonly status: 200;
  readonly body: string;
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
}

const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
} as const;

/** Reads a file at its first request: a page that is missing must not keep a service from consuming. */
export function createPage(): (file: PageFile) => PageReply {
  const read = new Map<PageFile, string>();
  return (file) => {
    const body = read.get(file) ?? readFileSync(new URL(file, folder), 'utf8');
    read.set(file, body);
    return { status: 200, body, type: files[file], headers };
  };
}
