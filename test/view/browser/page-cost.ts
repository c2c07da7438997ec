/** What a page costs, by the browser's own figures. */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { theBrowser } from './browser.js';

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly dur?: number;
  readonly pid: number;
  readonly tid: number;
  readonly args?: { name?: string };
}

/** The time that the page's main thread was busy, by the browser's own trace. */
export async function busyMillis(page: Page, act: () => Promise<void>): Promise<number> {
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

/** How many nodes the document has. */
export function nodesOf(page: Page): Promise<number> {
  return page.evaluate(() => {
    const nodes = document.createNodeIterator(document);
    let count = 0;
    while (nodes.nextNode()) count++;
    return count;
  });
}

/** The heap of the page after its garbage was collected, in bytes. */
export async function heapOf(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.enable');
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  await session.detach();
  return usedSize;
}
