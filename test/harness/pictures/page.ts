/**
 * Takes the pictures of the viewer's page from the runs of the demo, as `runtrace view` shows them:
 *
 *     npm run demo && npm run pictures
 *
 * Needs Chromium.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chromium, type Page } from 'playwright-core';
import { CHROMIUM } from '../../view/browser/chromium.js';

const FILE = 'demo-traces.jsonl';
const FOLDER = 'docs/images';

/** From the list on: the run to open by its conversation, and the keys to press there. */
const PICTURES: Readonly<Record<string, { run?: string; keys?: readonly string[]; height: number }>> = {
  'view-list': { height: 340 },
  'view-run': { run: 'tool', height: 560 },
  'view-step': { run: 'rate-limited', keys: ['2'], height: 760 },
  'view-compare': { run: 'reset', keys: ['c'], height: 760 },
};

if (!CHROMIUM) {
  console.log('There is no Chromium (Debian: apt-get install chromium): the pictures of the page stay as they are.');
  process.exit(77);
}
const viewer = spawn(process.execPath, ['dist/cli/main.js', 'view', FILE], { stdio: ['ignore', 'pipe', 'inherit'] });
const [line] = await once(viewer.stdout, 'data');
const url = /http:\/\/\S+/.exec(String(line))?.[0] ?? '';
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
for (const [name, { run, keys = [], height }] of Object.entries(PICTURES)) {
  const page = await browser.newPage({ viewport: { width: 1280, height }, colorScheme: 'light' });
  await page.goto(url);
  await rows(page).first().waitFor();
  if (run !== undefined) {
    await rows(page).filter({ hasText: run }).first().click();
    await page.locator('.step').waitFor();
  }
  for (const key of keys) await page.keyboard.press(key);
  // The last frame is drawn when the next one begins.
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  await page.screenshot({ path: `${FOLDER}/${name}.png` });
  console.log(`${FOLDER}/${name}.png`);
  await page.close();
}
await browser.close();
viewer.kill();

function rows(page: Page) {
  return page.locator('[role=rowgroup] [role=row]');
}
