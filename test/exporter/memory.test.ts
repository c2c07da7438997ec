import assert from 'node:assert/strict';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BasicTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { RuntraceBatchSpanProcessor } from 'runtrace/exporter';

const MIB = 1024 * 1024;
/** Nothing listens there. */
const DEAD_URL = 'http://127.0.0.1:9/v1/traces';

function memory(): number {
  // Twice: what lies outside of the heap is freed by the finalizers of the first.
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Text that is not shared, two bytes a character in memory and hardly more than one on the wire: the worst case. */
function freshText(length: number, seed: number): string {
  return Buffer.alloc(length * 2, Buffer.from(`${seed}€ `.padEnd(40), 'utf16le')).toString('utf16le');
}

for (const [kind, textLength, count] of [
  ['small', 10, 90_000],
  ['large', 50_000, 4000],
] as const) {
  test(`with a dead backend and endless ${kind} spans, memory stays under the stated bound`, {
    skip: !globalThis.gc && 'needs --expose-gc',
  }, async () => {
    const maxQueueBytes = 24 * MIB;
    const processor = new RuntraceBatchSpanProcessor({
      url: DEAD_URL,
      maxQueueBytes,
      timeoutMillis: 300,
      shutdownTimeoutMillis: 0,
    });
    const tracer = new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('test');
    const before = memory();
    let most = 0;
    for (let i = 0; i < count; i++) {
      tracer
        .startSpan('chat gpt-5', { attributes: { text: freshText(textLength, i), model: 'gpt-5', tokens: i } })
        .end();
      if (i % (count / 20) === 0) {
        await sleep(1);
        most = Math.max(most, memory() - before);
      }
    }
    const { taken, held, dropped } = processor.stats();
    assert.ok(taken.bytes > 1.5 * maxQueueBytes, `only ${taken.bytes} bytes came in`);
    assert.equal(held.spans + dropped.spans, count);
    // docs/exporter.md: twice the queue, and four times what is under way.
    const bound = 2 * maxQueueBytes + 4 * 4 * MIB;
    assert.ok(most <= bound, `${Math.round(most / MIB)} MiB`);
    await processor.shutdown();
    assert.equal(processor.stats().dropped.spans, count);
  });
}

test('with a dead backend, calls wait no longer than with no exporter at all', async () => {
  const nothing: SpanProcessor = { onStart() {}, onEnd() {}, forceFlush: async () => {}, shutdown: async () => {} };
  const ours = () => new RuntraceBatchSpanProcessor({ url: DEAD_URL, timeoutMillis: 300, shutdownTimeoutMillis: 0 });
  // The first round compiles the code and loads OpenTelemetry's serializer.
  await delayWith(ours());
  const without = await delayWith(nothing);
  const withOurs = await delayWith(ours());
  assert.ok(withOurs <= 2 * without + 5, `${withOurs.toFixed(1)} ms, without ${without.toFixed(1)} ms`);
});

/** The 99th percentile of the event loop's delay in milliseconds, while spans of 20 kB end at 1000 a second. */
async function delayWith(processor: SpanProcessor): Promise<number> {
  const tracer = new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('test');
  const text = 'all "work" and no play '.repeat(900);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  for (let i = 0; i < 300; i++) {
    for (let j = 0; j < 5; j++) tracer.startSpan('chat', { attributes: { text } }).end();
    await sleep(5);
  }
  delay.disable();
  await processor.shutdown();
  return delay.percentile(99) / 1e6;
}
