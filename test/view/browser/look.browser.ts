import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { axeViolations, onPage } from './browser.js';
import { contentRun, failedRun, givenRun, givenSpan, interruptedRun, rateLimitedRun } from './given.js';

const runs = [
  rateLimitedRun({ from: 0 }),
  failedRun({ from: 1000 }),
  interruptedRun({ from: 2000 }),
  contentRun({ from: 3000 }),
  givenRun({ from: 4000, status: 'in_progress', lostContact: true }, givenSpan('chat gpt-5', 4001, 4300)),
];
const [limited, failed, , content] = runs;
const PAGES: Readonly<Record<string, { hash: string; keys?: readonly string[] }>> = {
  'the list': { hash: '#/', keys: ['j', 'j', 'c'] },
  'an empty list': { hash: '#/?text=nothing+has+this' },
  'a run': { hash: `#/run/${failed?.row.traceId}` },
  'an attempt': { hash: `#/run/${content?.row.traceId}`, keys: ['1'] },
  'two attempts': { hash: `#/run/${content?.row.traceId}`, keys: ['c'] },
  'two runs': { hash: `#/compare/${limited?.row.traceId}/${content?.row.traceId}` },
  'the help': { hash: '#/', keys: ['?'] },
};

describe('the look of the page', () => {
  for (const [name, { hash, keys = [] }] of Object.entries(PAGES)) {
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [1280, 320] as const) {
        it(`${name}, ${colorScheme}, ${width} px: axe finds nothing, and nothing is wider than the page`, () =>
          onPage(
            runs,
            hash,
            async ({ page }) => {
              for (const key of keys) await page.keyboard.press(key);
              assert.deepEqual(await axeViolations(page), []);
              assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
              assert.deepEqual(await outside(page, width), []);
            },
            { look: { colorScheme, width } },
          ));
      }
    }
  }

  it('is light or dark as the system is, or as the switch says, also after a reload', () =>
    onPage(runs, '#/', async ({ page }) => {
      const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const light = await background();
      await page.emulateMedia({ colorScheme: 'dark' });
      const dark = await background();
      assert.notEqual(dark, light);
      const theme = page.getByRole('button', { name: /^theme/ });
      await theme.click();
      assert.equal(await background(), light);
      await theme.click();
      await page.emulateMedia({ colorScheme: 'light' });
      assert.equal(await background(), dark);
      await page.reload();
      assert.equal(await background(), dark);
    }));

  it('has one typeface', () =>
    onPage(runs, `#/run/${content?.row.traceId}?attempt=1`, async ({ page }) => {
      await page.locator('.step').waitFor();
      const typefaces = await page
        .locator('body *')
        .evaluateAll((all) => [...new Set(all.map((it) => getComputedStyle(it).fontFamily))]);
      assert.equal(typefaces.length, 1);
    }));

  it('is used by keys alone: from the list to an attempt, its copy menu, and back', () =>
    onPage(runs, '#/', async ({ page }) => {
      const { keyboard } = page;
      for (const key of ['j', 'j', 'Enter']) await keyboard.press(key);
      await page.locator('.step').waitFor();
      await keyboard.press('1');
      await page.getByRole('region', { name: 'Request', exact: true }).waitFor();
      await keyboard.press('Enter');
      const focused = () => page.evaluate(() => document.activeElement?.textContent ?? '');
      for (let tabs = 0; tabs < 30 && !(await focused()).startsWith('Copy attempt 1'); tabs++)
        await keyboard.press('Tab');
      await keyboard.press('Enter');
      await keyboard.press('Tab');
      await keyboard.press('Tab');
      await keyboard.press('Enter');
      await page.getByText('Copied as JSON').waitFor();
      await keyboard.press('Escape');
      await page.getByRole('region', { name: 'Request', exact: true }).waitFor({ state: 'detached' });
      await keyboard.press('Escape');
      await keyboard.press('Escape');
      await page.getByRole('grid', { name: 'Runs' }).waitFor();
    }));

  it('tells screen readers which row is active, and how many there are', () =>
    onPage(runs, '#/', async ({ page }) => {
      await page.keyboard.press('j');
      const grid = page.getByRole('grid', { name: 'Runs' });
      const active = await grid.getAttribute('aria-activedescendant');
      assert.equal(await page.locator(`#${active}`).getAttribute('aria-selected'), 'true');
      assert.equal(await grid.getAttribute('aria-rowcount'), String(runs.length + 1));
    }));
});

/** Controls that reach out of the page, and are in no frame that scrolls. */
function outside(page: Page, width: number): Promise<string[]> {
  return page
    .locator('button, select, input, summary, h1')
    .evaluateAll(
      (all, most) =>
        all
          .filter(
            (it) =>
              it.checkVisibility() &&
              it.getBoundingClientRect().right > most &&
              !it.closest('.table-scroller, .unseen'),
          )
          .map((it) => it.outerHTML.slice(0, 100)),
      width,
    );
}
