/** How long one turn of the event loop gets while a hostile answer is read: compared with parsing 2 MB of JSON in the same process. */
import assert from 'node:assert/strict';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { test } from 'node:test';
import { wrapFetch } from 'runtrace';
import { traced } from '../support/traced.js';

const LENGTH = 2 << 20;
const PARTS = 150_000;
const parts = (part: string) => `[${Array(PARTS).fill(part).join(',')}]`;
const event = (data: string) => `data: ${data}\n\ndata: [DONE]\n\n`;

const ANSWERS: Record<string, { type: string; text: string }> = {
  'an answer of 2 MB of [': { type: 'application/json', text: '['.repeat(LENGTH) },
  'an event of 2 MB of [': { type: 'text/event-stream', text: event('['.repeat(LENGTH)) },
  'an event of 150 000 parts': {
    type: 'text/event-stream',
    text: event(`{"choices":[{"delta":{"content":${parts('{"text":"a"}')}}}]}`),
  },
  'an event of 150 000 choices': {
    type: 'text/event-stream',
    text: event(`{"choices":${parts('{"index":0}')}}`),
  },
  'an answer of 150 000 parts': {
    type: 'application/json',
    text: `{"choices":[{"message":{"content":${parts('{"text":"a"}')}},"finish_reason":"stop"}]}`,
  },
  '200 000 events': { type: 'text/event-stream', text: 'data: {}\n\n'.repeat(200_000) },
};

/** A block may last as long as the application needs to parse the same amount of JSON, and a collection of the garbage beside it. */
const FLOORS = 3;

for (const capture of ['metadata', 'content'] as const) {
  for (const [name, { type, text }] of Object.entries(ANSWERS)) {
    test(`${name} does not hold the event loop, at ${capture}`, async () => {
      const bytes = new TextEncoder().encode(text);
      const fetch = wrapFetch(async () => new Response(inPieces(bytes), { headers: { 'content-type': type } }));
      const { recorder, provider } = traced({ capture });
      const read = () => recorder.run({ kind: 'k' }, () => readAll(fetch)).then(() => provider.forceFlush());
      await read();
      // Another program may have had the machine, so it fails only if it fails twice.
      const first = await longestBlock(read);
      const floor = parsingMillis();
      const block = first <= FLOORS * floor ? first : Math.min(first, await longestBlock(read));
      assert.ok(block <= FLOORS * floor, `${block.toFixed(1)} ms, parsing takes ${floor.toFixed(1)} ms`);
    });
  }
}

/** The body in pieces of 64 KiB, as a socket gives it. */
function inPieces(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.slice(at, at + 65_536));
      at += 65_536;
    },
  });
}

/** Reads a piece a turn, as from a socket. */
async function readAll(fetch: typeof globalThis.fetch): Promise<void> {
  const body = JSON.stringify({ model: 'gpt-5', messages: [], stream: true });
  const response = await fetch('https://api.openai.com/v1/chat/completions', { method: 'POST', body });
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  while (!(await reader.read()).done) await new Promise(setImmediate);
}

async function longestBlock(work: () => Promise<void>): Promise<number> {
  globalThis.gc?.();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await new Promise((resolve) => setTimeout(resolve, 20));
  delay.reset();
  await work();
  await new Promise((resolve) => setTimeout(resolve, 20));
  delay.disable();
  return delay.max / 1e6;
}

function parsingMillis(): number {
  const json = parts('{"text":"a"}');
  const before = performance.now();
  JSON.parse(json);
  return performance.now() - before;
}
