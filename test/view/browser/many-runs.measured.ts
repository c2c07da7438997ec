import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CDPSession, Page } from 'playwright-core';
import type { RunDetail } from '../../../src/view/model.js';
import { openPage, theBrowser } from './browser.js';
import { failedRun, givenAttempt, givenRun, givenSpan, rateLimitedRun } from './given.js';

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
    const session = await page.context().newCDPSession(page);
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
      const bytes = await heapOf(session);
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

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly dur?: number;
  readonly pid: number;
  readonly tid: number;
  readonly args?: { name?: string };
}

/** The time that the page's main thread was busy, by the browser's own trace. */
async function busyMillis(page: Page, act: () => Promise<void>): Promise<number> {
  const browser = await theBrowser();
  await browser.startTracing(page, { categories: ['toplevel', 'disabled-by-default-devtools.timeline'] });
  await act();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  const threads = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  const tasks = traceEvents.filter(
    ({ name, ph, pid, tid }) => ph === 'X' && name === 'ThreadControllerImpl::RunTask' && threads.has(`${pid} ${tid}`),
  );
  const busy = new Map<string, number>();
  for (const { pid, tid, dur = 0 } of tasks) busy.set(`${pid} ${tid}`, (busy.get(`${pid} ${tid}`) ?? 0) + dur);
  assert(busy.size > 0, 'the trace has no task of a main thread');
  return Math.max(...busy.values()) / 1000;
}

function nodesOf(page: Page): Promise<number> {
  return page.evaluate(() => {
    const nodes = document.createNodeIterator(document);
    let count = 0;
    while (nodes.nextNode()) count++;
    return count;
  });
}

/** The heap of the page after its garbage was collected. */
async function heapOf(session: CDPSession): Promise<number> {
  await session.send('HeapProfiler.enable');
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  return usedSize;
}
