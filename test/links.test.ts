/** Every relative link of the documents leads to a file, and where it names a heading, to that. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { documents } from './support/documents.ts';
import { root } from './support/root.ts';

/** Without what is code, where brackets mean something else. */
function prose(path: string): string {
  return readFileSync(join(root, path), 'utf8')
    .replace(/^(`{3,}|~{3,})[^\n]*\n[\s\S]*?^\1[ \t]*$/gm, '')
    .replace(/(`+)(?!`)[^\n]*?[^`\n]\1(?!`)/g, (code) => 'x'.repeat(code.length));
}

/** Headings as GitHub names them: lower case, punctuation gone, spaces to dashes, a number behind a repeated one. */
function anchors(path: string): ReadonlySet<string> {
  const seen = new Map<string, number>();
  const found = new Set<string>();
  const text = readFileSync(join(root, path), 'utf8').replace(/^(`{3,}|~{3,})[^\n]*\n[\s\S]*?^\1[ \t]*$/gm, '');
  for (const [, title = ''] of text.matchAll(/^#{1,6} +(.+?)#* *$/gm)) {
    const slug = title
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}_\- ]/gu, '')
      .replaceAll(' ', '-');
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    found.add(before === 0 ? slug : `${slug}-${before}`);
  }
  for (const [, id = ''] of text.matchAll(/<a (?:name|id)="([^"]+)"/g)) found.add(id);
  return found;
}

const linksOf = (path: string): readonly string[] =>
  [...prose(path).matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)|^\[[^\]]+\]:\s*(\S+)/gm)]
    .map(([, inline, reference]) => inline ?? reference ?? '')
    .filter((link) => !/^[a-z][a-z0-9+.-]*:/i.test(link));

/** What is wrong with a link, or nothing. */
function broken(from: string, link: string): string | undefined {
  const [path = '', anchor] = link.split('#', 2);
  const target = path === '' ? from : join(dirname(from), decodeURIComponent(path));
  if (target.startsWith('..')) return 'leads out of the repository';
  if (!existsSync(join(root, target))) return 'no such file';
  if (anchor === undefined) return undefined;
  if (!statSync(join(root, target)).isFile() || !target.endsWith('.md')) return 'an anchor where there are no headings';
  return anchors(target).has(anchor) ? undefined : 'no such heading';
}

it('links are found at all', () => {
  expect(linksOf('README.md')).toContain('docs/architecture.md');
  expect(documents.flatMap(linksOf).length).toBeGreaterThan(100);
});

it('a link that leads nowhere is noticed', () => {
  expect(broken('README.md', 'docs/nowhere.md')).toBe('no such file');
  expect(broken('docs/architecture.md', 'glossary.md#nothing-of-the-kind')).toBe('no such heading');
  expect(broken('docs/guides/tuning.md', '../reference/cli.md#inator-dlq')).toBeUndefined();
});

describe.each(documents)('%s', (document) => {
  it('leads nowhere in vain', () => {
    const wrong = linksOf(document).map((link) => [link, broken(document, link)]);
    expect(wrong.filter(([, reason]) => reason !== undefined)).toEqual([]);
  });
});
