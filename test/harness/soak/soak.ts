/** Many streamed calls, half of them abandoned, and what is left of them afterwards. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, SimpleSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import { createRecorder, recordingFetch, StatusPrioritySpanProcessor } from 'runtrace';
import { CLIENTS, read } from '../../support/clients.js';
import { until } from '../../support/until.js';

export interface SoakReport {
  /** How many steps were exported with each status, an error's with its type. */
  readonly steps: Readonly<Record<string, number>>;
  readonly calls: number;
  readonly runs: number;
  /** Of the heap after collection, in bytes a call, over the last parts that were compared. */
  readonly growthPerCall: number;
  readonly unhandledRejections: readonly unknown[];
  /** What keeps the process alive after all of it. */
  readonly openHandles: readonly string[];
}

export interface SoakSize {
  readonly callsAPart: number;
  /** The heap is looked at after each part. The growth is that from as many parts to the next as many. */
  readonly partsCompared: number;
  readonly mostParts: number;
  /** In bytes a call. As soon as the heap grows no more than that, the soak ends. */
  readonly allowedGrowthPerCall: number;
}

const AT_ONCE = 50;
const CALLS_A_COLLECTION = 500;

/**
 * Makes calls, one a run, part by part, until the heap stops growing. Compiled code and filled caches take some megabytes once, and how
 * many calls that takes depends on the machine; what a call leaves for good makes every part grow. Needs `--expose-gc`.
 */
export async function soak(size: SoakSize): Promise<SoakReport> {
  // The standard streams are open from when they are first asked for.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  const before = process.getActiveResourcesInfo();
  const unhandledRejections: unknown[] = [];
  const note = (reason: unknown) => void unhandledRejections.push(reason);
  process.on('unhandledRejection', note);
  const server = fork(fileURLToPath(new URL('provider-process.js', import.meta.url)), { execArgv: [] });
  const [url] = (await once(server, 'message')) as [string];
  const steps: Record<string, number> = {};
  let runs = 0;
  const exporter: SpanExporter = {
    export(spans, done) {
      for (const { attributes } of spans) {
        if ('runtrace.run.kind' in attributes) runs++;
        else {
          const outcome = [attributes['runtrace.status'], attributes['error.type']].filter(Boolean).join(' ');
          steps[outcome] = (steps[outcome] ?? 0) + 1;
        }
      }
      done({ code: 0 });
    },
    async shutdown() {},
  };
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: [new StatusPrioritySpanProcessor(), new SimpleSpanProcessor(exporter)],
  });
  const recorder = createRecorder({ tracerProvider, capture: 'content', limits: { idleMillis: 50, pausedMillis: 50 } });
  const ways = waysOf(url);

  let made = 0;
  async function make(upTo: number): Promise<number> {
    const work = async () => {
      while (made < upTo) {
        const way = ways[made++ % ways.length] as () => Promise<unknown>;
        await recorder.run({ kind: 'soak' }, way).catch(() => {});
        // Connections with an unread answer are closed when it is collected.
        if (made % CALLS_A_COLLECTION === 0) globalThis.gc?.();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    await until(() => runs === upTo);
    return heapUsed();
  }

  const heap: number[] = [];
  let growthPerCall = Number.POSITIVE_INFINITY;
  while (heap.length < size.mostParts && growthPerCall > size.allowedGrowthPerCall) {
    heap.push(await make(made + size.callsAPart));
    growthPerCall = growthOf(heap, size.partsCompared) / (size.callsAPart * size.partsCompared);
  }
  await tracerProvider.shutdown();
  trace.disable();
  server.disconnect();
  await once(server, 'exit');
  const openHandles = await leftOpen(before);
  process.off('unhandledRejection', note);
  return { steps, calls: made, runs, growthPerCall, unhandledRejections, openHandles };
}

/** One collection differs from the next by some hundred kilobytes; what is kept for good is in all of them. */
function growthOf(heap: readonly number[], parts: number): number {
  if (heap.length < 2 * parts) return Number.POSITIVE_INFINITY;
  return Math.min(...heap.slice(-parts)) - Math.min(...heap.slice(-2 * parts, -parts));
}

/** Half of them to the end, half of them left: by `break`, by an abort, by a cancelled body, unread. */
function waysOf(url: string): (() => Promise<unknown>)[] {
  const clients = ['openai chat', 'openai responses', 'anthropic', 'google'].map((name) =>
    CLIENTS.find((client) => client.name === name)?.make({ url, fetch: recordingFetch }),
  );
  const readToTheEnd = clients.map((client) => async () => client && read(await client.open('soak-read')));
  const raw = (signal?: AbortSignal) =>
    recordingFetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: 'soak-left', stream: true, messages: [] }),
      ...(signal && { signal }),
    });
  return [
    ...readToTheEnd,
    async () => {
      for await (const _piece of (await clients[0]?.open('soak-left')) ?? []) break;
    },
    async () => {
      const controller = new AbortController();
      const response = await raw(controller.signal);
      const reader = response.body?.getReader();
      await reader?.read();
      controller.abort();
      await reader?.read();
    },
    async () => (await raw()).body?.cancel(),
    async () => void (await raw()),
  ];
}

/** After collection, when all that can go has gone. */
async function heapUsed(): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    globalThis.gc?.();
    await sleep(20);
  }
  return process.memoryUsage().heapUsed;
}

/** Kept connections take a moment to notice that the server has gone. */
async function leftOpen(before: readonly string[]): Promise<string[]> {
  let left: string[] = [];
  for (let turn = 0; turn < 50; turn++) {
    const known = [...before];
    left = process.getActiveResourcesInfo().filter((name) => {
      const index = known.indexOf(name);
      if (index >= 0) known.splice(index, 1);
      return index < 0;
    });
    if (left.length === 0) break;
    await sleep(20);
  }
  return left;
}
