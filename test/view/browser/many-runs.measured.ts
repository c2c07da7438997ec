import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RunDetail } from '../../../src/view/model.js';
import { openPage } from './browser.js';
import { failedRun, givenAttempt, givenRun, givenSpan, rateLimitedRun } from './given.js';
import { busyMillis, heapOf, nodesOf } from './page-cost.js';

const RUNS = 10_000;
const MOST_MILLIS = 1000;
const MOST_NODES = 5000;
const MOST_BYTES = 100 * 1024 * 1024;

describe('10 000 runs', () => {
  const runs = Array.from({ length: RUNS }, (_, index) =>
    (index % 10 === 0 ? failedRun : rateLimitedRun)({ from: index * 1000, conversationId: `c-${index}` }),
  );
  const large: RunDetail = givenRun(
    { from: RUNS * 1000, millis: 60_000, conversationId: 'large' },
    ...Array.from({ length: 2000 }, (_, index) =>
      givenSpan('chat gpt-5', index * 30, index * 30 + 25, {
        attempts: [givenAttempt(1, index * 30, index * 30 + 25)],
      }),
    ),
  );
  runs.push(large);

  it('are listed, and a run with 2000 steps opened, in a second of the main thread each, with few nodes and little memory', async (t) => {
    const { page, server, close } = await openPage([], '#/');
    try {
      for (const run of runs) server.add(run);
      const list = await busyMillis(page, async () => {
        await page.goto(`${server.url}/?again`);
        await page.getByText('10001 runs').or(page.getByText('10,001 runs')).waitFor();
      });
      const nodesOfList = await nodesOf(page);
      const opened = await busyMillis(page, async () => {
        await page.keyboard.press('j');
        await page.keyboard.press('Enter');
        await page.locator('.step').waitFor();
      });
      const nodesOfRun = await nodesOf(page);
      const bytes = await heapOf(page);
      t.diagnostic(
        `list ${Math.round(list)} ms, ${nodesOfList} nodes; run ${Math.round(opened)} ms, ${nodesOfRun} nodes; heap ${Math.round(bytes / 1e6)} MB`,
      );
      assert(list < MOST_MILLIS, `the list took ${list} ms`);
      assert(opened < MOST_MILLIS, `the run took ${opened} ms`);
      assert(nodesOfList < MOST_NODES && nodesOfRun < MOST_NODES, `${nodesOfList} and ${nodesOfRun} nodes`);
      assert(bytes < MOST_BYTES, `${bytes} bytes`);
    } finally {
      await close();
    }
  });
});
