import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { Hello, RunDetail } from '../../../src/view/model.js';
import { type PageServer, startPageServer } from '../../support/page-server.js';
import { CHROMIUM } from './chromium.js';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

export interface Look {
  readonly width?: 320 | 400 | 1280;
  readonly colorScheme?: 'light' | 'dark';
}

let browser: Promise<Browser> | undefined;
after(async () => (await browser)?.close());

/** The browser of this process. */
export function theBrowser(): Promise<Browser> {
  assert(CHROMIUM, 'there is no Chromium');
  browser ??= chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--enable-precise-memory-info'] });
  return browser;
}

export interface OpenedPage {
  readonly page: Page;
  readonly server: PageServer;
  /** What the page complained of: errors, and what the content security policy refused. */
  readonly complaints: readonly string[];
  close(): Promise<void>;
}

/** Opens the page over a stub of its server that has `runs`. `hash` is a state: `#/run/…`. */
export async function openPage(
  runs: readonly RunDetail[],
  hash = '#/',
  { look = {}, hello = {} }: { look?: Look; hello?: Partial<Hello> } = {},
): Promise<OpenedPage> {
  const server = await startPageServer(runs, hello);
  const { page, complaints } = await openUrl(`${server.url}/${hash}`, look);
  return {
    page,
    server,
    complaints,
    async close() {
      await page.context().close();
      await server.close();
    },
  };
}

export async function openUrl(
  url: string,
  { width = 1280, colorScheme = 'light' }: Look = {},
): Promise<{ page: Page; complaints: string[] }> {
  const context = await (await theBrowser()).newContext({
    viewport: { width, height: 800 },
    colorScheme,
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  await page.goto(url);
  // A key that is pressed while the page still reads has no row to act on.
  const says = page.locator('.empty').filter({ hasNotText: /^Reading the run/ });
  await page.locator('[role=rowgroup] [role=row], table').or(says).first().waitFor();
  return { page, complaints };
}

/** Runs `test` on a page, and checks that the page had nothing to complain of. */
export async function onPage(
  runs: readonly RunDetail[],
  hash: string,
  test: (opened: OpenedPage) => Promise<void>,
  options: { look?: Look; hello?: Partial<Hello> } = {},
): Promise<void> {
  const opened = await openPage(runs, hash, options);
  try {
    await test(opened);
    assert.deepEqual(opened.complaints, []);
  } finally {
    await opened.close();
  }
}

/** The rows of the list or waterfall, without the heading, as texts with single blanks. */
export async function rowTexts(page: Page): Promise<string[]> {
  const texts = await page.locator('[role=rowgroup] [role=row]').allInnerTexts();
  return texts.map((text) => text.replaceAll(/\s+/g, ' ').trim());
}

/** The violations that axe finds, each with the elements. */
export async function axeViolations(page: Page): Promise<string[]> {
  // The content security policy of the page refuses scripts that are added to it; the debugger's are not refused.
  await page.evaluate(readFileSync(AXE, 'utf8'));
  const found = await page.evaluate(async () => {
    // biome-ignore lint/suspicious/noExplicitAny: axe is a global of the page.
    const { violations } = await (globalThis as any).axe.run();
    return violations.map(
      (it: { id: string; nodes: { html: string; failureSummary: string }[] }) =>
        `${it.id}: ${it.nodes.map((node) => `${node.html} ${node.failureSummary}`).join(' | ')}`,
    );
  });
  return found;
}

export async function clipboard(page: Page): Promise<string> {
  return page.evaluate(() => navigator.clipboard.readText());
}
