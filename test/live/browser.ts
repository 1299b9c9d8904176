/** A real browser, where one is installed: INATOR_CHROMIUM, else chromium or chrome on PATH. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, launch, type Page } from 'puppeteer-core';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Undefined, and loudly so, where there is none. */
export function findBrowser(env: NodeJS.ProcessEnv = process.env): string | undefined {
  if (env.INATOR_CHROMIUM) return env.INATOR_CHROMIUM;
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const path of folders.flatMap((folder) => names.map((name) => join(folder, name)))) {
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here.
    }
  }
  process.emitWarning(
    'skipped: the live page is not looked at, because no chromium is on PATH (apt-get install chromium, or name one with INATOR_CHROMIUM)',
  );
  return undefined;
}

export function openBrowser(executablePath: string): Promise<Browser> {
  // Containers and root have no sandbox; everything that is opened is ours.
  return launch({ executablePath, headless: true, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
}

export interface Look {
  readonly width: number;
  readonly height?: number;
  readonly scheme?: 'light' | 'dark';
  readonly calm?: boolean;
}

export interface Seen {
  readonly page: Page;
  /** Errors and warnings of the console, failed requests, and requests to anywhere else. */
  readonly complaints: string[];
  /** What an expression comes to in the page. */
  ask<T>(expression: string): Promise<T>;
  text(selector: string): Promise<string>;
}

export async function openPage(
  browser: Browser,
  url: string,
  { width, height = width < 500 ? 844 : 900, scheme = 'light', calm = true }: Look,
): Promise<Seen> {
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warn'].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('requestfailed', (request) => complaints.push(`${request.url()} failed: ${request.failure()?.errorText}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(new URL('/', url).href)) complaints.push(`asks elsewhere: ${request.url()}`);
  });
  await page.setViewport({ width, height, deviceScaleFactor: width < 500 ? 2 : 1 });
  await page.emulateMediaFeatures([
    { name: 'prefers-color-scheme', value: scheme },
    { name: 'prefers-reduced-motion', value: calm ? 'reduce' : 'no-preference' },
  ]);
  // Not until the network is idle: the stream of events never is.
  await page.goto(url, { waitUntil: 'domcontentloaded', timeout: 30_000 });
  const ask = async <T>(expression: string): Promise<T> => (await page.evaluate(expression)) as T;
  return {
    page,
    complaints,
    ask,
    text: (selector) => ask<string>(`document.querySelector(${JSON.stringify(selector)})?.textContent?.trim() ?? ''`),
  };
}
