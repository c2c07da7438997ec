import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { type HeldProvider, heldProvider } from '../../support/held-provider.js';
import { projectWith, startViewer } from '../../support/viewer.js';
import { openUrl, rowTexts } from './browser.js';

/** A program that has only a model client, which retries. */
const APP = `
import OpenAI from 'openai';
const client = new OpenAI({ apiKey: 'sk-test', baseURL: process.env.BASE_URL });
await client.chat.completions.create({ model: 'gpt-5', messages: [{ role: 'user', content: 'How are you?' }] });
setInterval(() => {}, 1000);
`;

/** The page of a real viewer that has started `files['app.mjs']`. */
async function openViewerOf(
  t: TestContext,
  files: Record<string, string>,
  command: readonly string[] = ['node', 'app.mjs'],
): Promise<{ page: Page; provider: HeldProvider; out(): string; complaints: readonly string[] }> {
  const provider = await heldProvider(t);
  const cwd = projectWith(t, files, ['openai']);
  // The provider answers nothing until the page is open.
  const viewer = await startViewer(t, { args: ['--', ...command], cwd, env: { BASE_URL: provider.baseUrl } });
  const { page, complaints } = await openUrl(viewer.pageUrl);
  t.after(() => page.context().close());
  return { page, provider, out: viewer.out, complaints };
}

describe('a real program under runtrace view -- node app.js', () => {
  it('is on the page while it runs: the attempt in flight, the wait and the last proposal, then the span instead', async (t) => {
    const { page, provider, complaints } = await openViewerOf(t, { 'app.mjs': APP });
    await page.locator('[role=row]').getByText('in progress').waitFor();
    assert.match((await rowTexts(page))[0] as string, /^▶\ufe0e in progress .* model_call gpt-5 /);
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.getByText(/In progress: attempt 1 is in flight since .*, no first chunk yet\./).waitFor();

    await provider.answer(429, { 'retry-after-ms': '3000' });
    await page
      .getByText(
        /In progress: waiting for attempt 2 after 429; asked 3\.00 s, waited .* so far\. The last proposal is error \(429\)\./,
      )
      .waitFor();
    assert.match((await page.locator('.wait-label').allInnerTexts()).join(), /^asked 3\.00 s, waited /);

    await page.getByText(/In progress: attempt 2 is in flight since /).waitFor();
    await provider.answer();
    await page
      .getByText(/Completed: attempt 2 was answered in full \(stop\), after 429 and \d+\.\d+ s of waiting\./)
      .waitFor();
    await page.keyboard.press('Escape');
    await page.locator('[role=row]').getByText('completed').waitFor();
    // One row: what was live and what was exported are the same run.
    const rows = await rowTexts(page);
    assert.equal(rows.length, 1);
    assert.match(rows[0] as string, /^✔\ufe0e completed .* model_call gpt-5 429 200 \d+\.\d+ of \d+\.\d+ s 5 → 3 /);
    assert.deepEqual(complaints, []);
  });

  it('stays in progress when it is killed, and has lost contact after 15 s', async (t) => {
    const { page, out, complaints } = await openViewerOf(
      t,
      {
        'app.mjs': `console.log('pid', process.pid);${APP}`,
        // The viewer ends with the command that it started, so that one must go on.
        'main.cjs': `require('node:child_process').spawn('node', ['app.mjs'], { stdio: 'inherit' }); setInterval(() => {}, 1000);`,
      },
      ['node', 'main.cjs'],
    );
    await page.locator('[role=row]').getByText('in progress').waitFor();
    process.kill(Number(/pid (\d+)/.exec(out())?.[1]), 'SIGKILL');
    await page.locator('[role=row]').getByText('lost contact').waitFor({ timeout: 30_000 });
    assert.match((await rowTexts(page))[0] as string, /^◌\ufe0e lost contact /);
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.getByText('Lost contact: the program gives no sign of life').waitFor();
    const errors = page.locator('.status.error, .glyph.error, .why.error');
    assert.deepEqual(await errors.evaluateAll((all) => all.map(({ outerHTML }) => outerHTML)), []);
    assert.deepEqual(complaints, []);
  });
});

it('a page whose viewer was started anew says so, and goes on when the new link has been opened', async (t) => {
  const first = await startViewer(t);
  const { page } = await openUrl(first.pageUrl);
  t.after(() => page.context().close());
  await first.stop();
  const { port } = new URL(first.origin);
  const second = await startViewer(t, { args: ['--port', port] });
  await page.getByText('another viewer runs here now: open the link that it printed').waitFor();
  const other = await page.context().newPage();
  await other.goto(second.pageUrl);
  await page.getByText('connected', { exact: true }).waitFor();
});
