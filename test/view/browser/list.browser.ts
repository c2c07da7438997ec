import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { onPage, rowTexts } from './browser.js';
import { failedRun, givenRun, givenSpan, interruptedRun, rateLimitedRun } from './given.js';

const four = () => [
  rateLimitedRun({ from: 0, conversationId: 'rate-limited' }),
  interruptedRun({ from: 1000, conversationId: 'stopped' }),
  failedRun({ from: 2000, conversationId: 'failed', models: ['claude-opus-5'] }),
  givenRun({ from: 3000, kind: 'title', conversationId: 'title' }, givenSpan('chat gpt-5', 3001, 3100)),
];

describe('the list of runs', () => {
  it('has a row for each run, newest first, with everything that tells runs apart', () =>
    onPage(four(), '#/', async ({ page }) => {
      const rows = await rowTexts(page);
      assert.equal(rows.length, 4);
      assert.match(rows[0] as string, /^✔\ufe0e completed .* title title gpt-5/);
      assert.match(
        rows[1] as string,
        /^✖\ufe0e error .* failed claude-opus-5 529 529 529 .*256 ms overloaded_error: attempt 3 of 3 was refused with 529$/,
      );
      assert.match(rows[2] as string, /^■\ufe0e interrupted .* stopped/);
      assert.match(
        rows[3] as string,
        /^✔\ufe0e completed .* chat_turn rate-limited gpt-5 429 429 200 370 of 538 ms 21 → 9 538 ms$/,
      );
    }));

  it('leads from a failed run to the cause by one click', () =>
    onPage(four(), '#/', async ({ page }) => {
      await page.getByText('overloaded_error').click();
      const first = page.locator('.step > :first-child');
      await first.waitFor();
      assert.match(await first.innerText(), /Failed: attempt 3 of 3 was refused with 529 overloaded_error\./);
    }));

  it('leads from a failed run to the cause by one key, and back to the same row', () =>
    onPage(four(), '#/', async ({ page }) => {
      await page.keyboard.press('j');
      await page.keyboard.press('j');
      await page.keyboard.press('Enter');
      await page.getByText('Failed: attempt 3 of 3 was refused').waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('grid', { name: 'Runs' }).waitFor();
      assert.match(await page.locator('[role=row][aria-selected=true]').innerText(), /overloaded_error/);
    }));

  it('filters by text, status, kind, model and failed attempts, and keeps the filter in the URL', () =>
    onPage(four(), '#/', async ({ page }) => {
      const shown = async () =>
        (await rowTexts(page)).map((row) => / (rate-limited|stopped|failed|title) (?:gpt|claude)/.exec(row)?.[1]);
      await page.keyboard.press('/');
      await page.keyboard.type('OVERLOADED 529');
      assert.deepEqual(await shown(), ['failed']);
      await page.reload();
      await page.locator('[role=row]').nth(1).waitFor();
      assert.deepEqual(await shown(), ['failed']);
      await page.getByLabel('Filter by text').fill('');
      await page.getByLabel('Filter by status').selectOption('interrupted');
      assert.deepEqual(await shown(), ['stopped']);
      await page.getByLabel('Filter by status').selectOption('');
      await page.getByLabel('Filter by kind').selectOption('title');
      assert.deepEqual(await shown(), ['title']);
      await page.getByLabel('Filter by kind').selectOption('');
      await page.getByLabel('Filter by model').selectOption('claude-opus-5');
      assert.deepEqual(await shown(), ['failed']);
      await page.getByLabel('Filter by model').selectOption('');
      await page.getByLabel('failed attempts').check();
      assert.deepEqual(await shown(), ['failed', 'rate-limited']);
      await page.waitForURL(/failed=1/);
    }));

  it('leads from the filter to the first run that matches by Enter, and to its page by another', () =>
    onPage(four(), '#/', async ({ page }) => {
      await page.keyboard.press('/');
      await page.keyboard.type('overloaded');
      await page.keyboard.press('Enter');
      assert.match(await page.locator('[role=row][aria-selected=true]').innerText(), /overloaded_error/);
      await page.keyboard.press('Enter');
      await page.getByText('Failed: attempt 3 of 3 was refused').waitFor();
    }));

  it('shows new runs at once while no row is selected', () =>
    onPage(four(), '#/', async ({ page, server }) => {
      server.put(givenRun({ from: 9000, conversationId: 'newest' }));
      await page.getByText('newest').waitFor();
      assert.match((await rowTexts(page))[0] as string, /newest/);
    }));

  it('does not move the selected row for new runs, and says how many there are', () =>
    onPage(four(), '#/', async ({ page, server }) => {
      await page.keyboard.press('j');
      await page.keyboard.press('j');
      const selected = page.locator('[role=row][aria-selected=true]');
      const before = await selected.boundingBox();
      for (const conversationId of ['a', 'b', 'c']) server.put(givenRun({ from: 9000, conversationId }));
      await page.getByText('3 new').waitFor();
      assert.deepEqual(await selected.boundingBox(), before);
      assert.equal((await rowTexts(page)).length, 4);
      await page.getByText('3 new').click();
      assert.equal((await rowTexts(page)).length, 7);
      assert.match(await selected.innerText(), /overloaded_error/);
    }));

  it('shows new runs at once when the filter hides the selected row', () =>
    onPage(four(), '#/', async ({ page, server }) => {
      await page.keyboard.press('j');
      await page.getByLabel('Filter by text').fill('newest');
      await page.getByText('No run matches the filter').waitFor();
      server.put(givenRun({ from: 9000, conversationId: 'newest' }));
      await page.locator('[role=row]').getByText('newest').waitFor();
    }));

  it('stands still while paused', () =>
    onPage(four(), '#/', async ({ page, server }) => {
      await page.getByText('pause').click();
      server.put(givenRun({ from: 9000, conversationId: 'while-paused' }));
      await page.getByText('1 new').waitFor();
      assert.equal((await rowTexts(page)).length, 4);
      await page.getByText('resume').click();
      await page.getByText('while-paused').waitFor();
    }));

  it('takes runs away that have left the memory of the viewer', () =>
    onPage(four(), '#/', async ({ page, server }) => {
      const extra = givenRun({ from: 9000, conversationId: 'leaves' });
      server.put(extra);
      await page.getByText('leaves').waitFor();
      server.drop(extra.row.traceId);
      await page.getByText('leaves').waitFor({ state: 'detached' });
    }));

  it('compares two runs by c', () =>
    onPage(four(), '#/', async ({ page }) => {
      await page.keyboard.press('j');
      await page.keyboard.press('j');
      await page.keyboard.press('c');
      await page.keyboard.press('j');
      await page.keyboard.press('c');
      await page.getByRole('heading', { name: 'Two runs' }).waitFor();
      const status = page.getByRole('row', { name: /^status/ }).first();
      assert.match((await status.innerText()).replaceAll(/\s+/g, ' '), /status ≠.*✖\ufe0e error ■\ufe0e interrupted/);
      await page.waitForURL(/#\/compare\/[0-9a-f]{32}\/[0-9a-f]{32}$/);
      await page.keyboard.press('Escape');
      await page.getByRole('grid').waitFor();
    }));

  it('says what the keys do by ?', () =>
    onPage(four(), '#/', async ({ page }) => {
      await page.keyboard.press('?');
      await page.getByRole('dialog').getByText('filter by text').waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    }));
});
