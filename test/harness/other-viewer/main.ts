/**
 * `npm run other-viewer`: opens the list of 10 000 runs, and a run with 2000 steps, in `@ai-sdk/devtools`, the local viewer of the AI SDK, and
 * prints what the page cost. `npm run test:browser -- many-runs` measures the same of our own page. Not a test: it judges nothing.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../support/server-process.js';
import { until } from '../../support/until.js';
import { theBrowser } from '../../view/browser/browser.js';
import { busyMillis, heapOf, nodesOf } from '../../view/browser/page-cost.js';
import { written } from '../consumers/process.js';
import { install } from '../matrix/install.js';

const PACKAGE = '@ai-sdk/devtools';
const VERSION = '1.0.22';
const RUNS = 10_000;
const STEPS = 2000;
const PATIENCE_MILLIS = 300_000;

const folder = await install(mkdtempSync(join(tmpdir(), 'runtrace-other-viewer-')), [`${PACKAGE}@${VERSION}`]);
written(folder, { '.devtools/generations.json': JSON.stringify(database()) });
const { port } = await freePorts('port');
const env = { ...process.env, AI_SDK_DEVTOOLS_PORT: String(port) };
const viewer = spawn(process.execPath, [`node_modules/${PACKAGE}/bin/cli.js`], { cwd: folder, env, stdio: 'ignore' });
try {
  await until(async () => (await fetch(`http://localhost:${port}/`).catch(() => undefined))?.ok === true);
  const page = await (await theBrowser()).newPage();
  page.setDefaultTimeout(PATIENCE_MILLIS);
  const rows = page.locator('aside button');
  const list = await busyMillis(page, async () => {
    await page.goto(`http://localhost:${port}/`);
    await rows.nth(RUNS).waitFor({ state: 'attached' });
  });
  const nodesOfList = await nodesOf(page);
  const run = await busyMillis(page, async () => {
    await rows.filter({ hasText: 'the large run' }).click();
    await page.locator('main').getByText(String(STEPS), { exact: true }).first().waitFor({ state: 'attached' });
  });
  const nodesOfRun = await nodesOf(page);
  const bytes = await heapOf(page);
  console.log(
    `${PACKAGE} ${VERSION}: list ${Math.round(list)} ms, ${nodesOfList} nodes; run ${Math.round(run)} ms, ${nodesOfRun} nodes; heap ${Math.round(bytes / 1e6)} MB`,
  );
} finally {
  viewer.kill();
  await (await theBrowser()).close();
  rmSync(folder, { recursive: true, force: true });
}

/** What the viewer reads: in its own format, runs of one model call each, and a last one of many. */
function database(): { runs: object[]; steps: object[] } {
  const runs: object[] = [];
  const steps: object[] = [];
  const add = (id: string, index: number, stepCount: number, text: string) => {
    const startedAt = new Date(Date.UTC(2026, 0, 5, 12) + index * 1000).toISOString();
    runs.push({ id, started_at: startedAt, parent_run_id: null, parent_step_id: null, function_id: null });
    for (let number = 1; number <= stepCount; number++) {
      steps.push({
        id: `${id}-${number}`,
        run_id: id,
        step_number: number,
        type: 'generate',
        model_id: 'gpt-5',
        provider: 'openai',
        started_at: startedAt,
        duration_ms: 60,
        input: JSON.stringify({ prompt: [{ role: 'user', content: [{ type: 'text', text }] }] }),
        output: JSON.stringify({ content: [{ type: 'text', text: 'Lisbon.' }], finishReason: 'stop' }),
        usage: JSON.stringify({ inputTokens: 21, outputTokens: 9 }),
        error: null,
        raw_request: null,
        raw_response: null,
        raw_chunks: null,
        provider_options: null,
      });
    }
  };
  for (let index = 0; index < RUNS; index++) add(`run-${index}`, index, 1, `question ${index}`);
  add('large', RUNS, STEPS, 'the large run');
  return { runs, steps };
}
