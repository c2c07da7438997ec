import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import fsPromises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { context, createContextKey, DiagLogLevel, diag, ROOT_CONTEXT } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import fc from 'fast-check';
import { realClock } from '../../src/exporter/clock.js';
import { Destination, type DestinationOptions } from '../../src/exporter/destination.js';
import { spanBytes } from '../../src/exporter/otlp/size.js';
import { copySpanWith, type ExportResult, type ReadableSpan, type SpanExporter } from '../../src/exporter/otlp/span.js';
import { ExporterSender } from '../../src/exporter/sender/exporter-sender.js';
import type { NoBackend, Sender } from '../../src/exporter/sender/sender.js';
import type { ExporterStats } from '../../src/exporter/stats.js';
import { fakeClock } from '../support/fake-clock.js';
import { startOtlpReceiver } from '../support/otlp-receiver.js';
import { endedSpans, namesOf, withUnwritable } from '../support/spans.js';

/** What the endpoint says to a request; `undefined` never answers. */
type Answer = (spans: ReadableSpan[], requestNumber: number) => ExportResult | undefined | Promise<ExportResult>;

/** The SDK's key. */
const SUPPRESS_TRACING = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');
const OK: ExportResult = { code: 0 };
const failed = (code?: number): ExportResult => ({ code: 1, error: Object.assign(new Error('no'), code && { code }) });

function fixture(options: Partial<DestinationOptions> & { answer?: Answer; exporter?: SpanExporter } = {}) {
  const { answer = () => OK, exporter, ...rest } = options;
  const requests: ReadableSpan[][] = [];
  const delivered: ReadableSpan[] = [];
  const endpoint = { answer };
  const sender: SpanExporter = {
    export(spans, callback) {
      requests.push(spans);
      void Promise.resolve(endpoint.answer(spans, requests.length - 1)).then((result) => {
        if (result?.code === 0) delivered.push(...spans);
        if (result) callback(result);
      });
    },
    shutdown: async () => {},
  };
  const clock = fakeClock();
  const destination = new Destination({
    name: 'test',
    title: 'test',
    createSender: (clock) => new ExporterSender(exporter ?? sender, clock),
    maxQueueBytes: 64 * 1024 * 1024,
    maxConcurrentRequests: 4,
    maxRequestBytes: 4 * 1024 * 1024,
    scheduledDelayMillis: 1000,
    retryTimeoutMillis: 600_000,
    flushTimeoutMillis: 30_000,
    shutdownTimeoutMillis: 10_000,
    clock,
    ...rest,
  });
  return { destination, requests, delivered, endpoint, clock };
}

function spoolDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'runtrace-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Disk work takes real time, not that of the test's clock. */
async function until(isTrue: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (isTrue()) return;
    await sleep(5);
  }
  assert.fail(`${what} did not happen`);
}

function spansIn(stats: ExporterStats): Record<string, number> {
  const counts = Object.entries(stats).map(([name, amount]) => [name, amount.spans] as const);
  return Object.fromEntries(counts.filter(([, spans]) => spans > 0));
}

/** What is warned of from now on. */
function listen(t: TestContext): string[] {
  const warnings: string[] = [];
  const silent = () => {};
  diag.setLogger(
    { warn: (message) => warnings.push(message), error: silent, info: silent, debug: silent, verbose: silent },
    DiagLogLevel.WARN,
  );
  t.after(() => diag.disable());
  return warnings;
}

const large = (kib: number) => ({ attributes: () => ({ text: 'x'.repeat(kib * 1024) }) });

test('spans that come one by one go out together, after the delay', async () => {
  const { destination, requests, clock } = fixture();
  for (const span of endedSpans(10)) destination.add(span);
  await clock.advance(999);
  assert.equal(requests.length, 0);
  await clock.advance(1);
  assert.deepEqual(
    requests.map(({ length }) => length),
    [10],
  );
  assert.deepEqual(spansIn(destination.stats()), { taken: 10, sent: 10 });
});

test('a request is full at a megabyte or at 512 spans, and does not wait for the delay then', async () => {
  const { destination, requests, clock } = fixture();
  for (const span of endedSpans(3, large(500))) destination.add(span);
  for (const span of endedSpans(600)) destination.add(span);
  await clock.advance(0);
  assert.ok(requests.every((spans) => spans.reduce((sum, span) => sum + spanBytes(span), 0) <= 1024 * 1024));
  assert.ok(requests.every(({ length }) => length <= 512));
  assert.ok(requests.length >= 3);
});

test('a request that is slow does not hold up the others', async () => {
  const { destination, delivered, clock } = fixture({ answer: (_, number) => (number === 0 ? undefined : OK) });
  destination.addNow(endedSpans(1));
  for (let i = 0; i < 5; i++) destination.addNow(endedSpans(2));
  await clock.advance(0);
  assert.equal(delivered.length, 10);
  assert.deepEqual(spansIn(destination.stats()), { taken: 11, sent: 10, held: 1 });
});

test('no more requests are under way than may be', async () => {
  let underWay = 0;
  let most = 0;
  const { destination, clock } = fixture({
    maxConcurrentRequests: 3,
    answer: async () => {
      most = Math.max(most, ++underWay);
      await Promise.resolve();
      underWay--;
      return OK;
    },
  });
  for (let i = 0; i < 20; i++) destination.addNow(endedSpans(1, large(1024)));
  await clock.advance(0);
  assert.equal(most, 3);
});

test('an outage loses nothing, asks less and less often, and every span is delivered once', async () => {
  const { destination, requests, delivered, endpoint, clock } = fixture({ answer: () => failed() });
  for (let second = 0; second < 300; second++) {
    for (const span of endedSpans(3)) destination.add(span);
    await clock.advance(1000);
  }
  assert.ok(requests.length < 25, `${requests.length} requests in five minutes`);
  endpoint.answer = () => OK;
  await clock.advance(30_000);
  assert.equal(delivered.length, 900);
  assert.equal(new Set(delivered).size, 900);
  const stats = spansIn(destination.stats());
  assert.equal(stats.sent, 900);
  assert.equal(stats.dropped, undefined);
  assert.ok((stats.retried ?? 0) > 0);
});

test('what fails for longer than the retry timeout is dropped and counted, the rest is not', async () => {
  const { destination, endpoint, delivered, clock } = fixture({
    answer: () => failed(503),
    retryTimeoutMillis: 60_000,
  });
  destination.addNow(endedSpans(5));
  await clock.advance(120_000);
  assert.deepEqual(spansIn({ ...destination.stats(), retried: { spans: 0, bytes: 0 } }), { taken: 5, dropped: 5 });
  destination.addNow(endedSpans(2));
  await clock.advance(10_000);
  endpoint.answer = () => OK;
  await clock.advance(60_000);
  assert.equal(delivered.length, 2);
});

test('what the endpoint refuses is not sent again, and does not stop the rest', async () => {
  const { destination, requests, delivered, clock } = fixture({
    answer: (_, number) => (number === 0 ? failed(400) : OK),
  });
  const group = destination.addNow(endedSpans(5));
  destination.addNow(endedSpans(3));
  await clock.advance(60_000);
  assert.equal(requests.length, 2);
  assert.equal(delivered.length, 3);
  assert.equal(group.lost, 5);
  assert.deepEqual(spansIn(destination.stats()), { taken: 8, sent: 3, rejected: 5, dropped: 5 });
});

test('an exporter that throws for a span loses that span only', async () => {
  const { destination, delivered, clock } = fixture({
    answer: (spans) => {
      if (spans.some(({ name }) => name === 'span 3')) throw new Error('cannot serialize');
      return OK;
    },
  });
  destination.addNow(endedSpans(5));
  destination.addNow(endedSpans(2));
  await clock.advance(1000);
  assert.deepEqual(namesOf(delivered), namesOf([...endedSpans(5).toSpliced(3, 1), ...endedSpans(2)]));
  assert.equal(destination.stats().dropped.spans, 1);
});

test('a request that is too large is split, and the next ones are small from the start', async () => {
  const limit = 300 * 1024;
  const sizeOf = (spans: ReadableSpan[]) => spans.reduce((sum, span) => sum + spanBytes(span), 0);
  const { destination, requests, delivered, clock } = fixture({
    answer: (spans) => (sizeOf(spans) > limit ? failed(413) : OK),
  });
  destination.addNow(endedSpans(20, large(40)));
  await clock.advance(1000);
  assert.deepEqual(namesOf(delivered), namesOf(endedSpans(20)));
  const before = requests.length;
  destination.addNow(endedSpans(20, large(40)));
  await clock.advance(1000);
  assert.equal(delivered.length, 40);
  assert.ok(requests.slice(before).every((spans) => sizeOf(spans) <= limit));
  assert.ok(destination.stats().split.spans > 0);
  assert.equal(destination.stats().dropped.spans, 0);
});

test('a single span that is too large loses the ends of its texts, and arrives', async () => {
  const { destination, delivered, clock } = fixture({ maxRequestBytes: 100 * 1024 });
  destination.addNow(endedSpans(2, { attributes: (i) => ({ small: 'stays', text: 'x'.repeat(i * 500 * 1024) }) }));
  await clock.advance(1000);
  const cut = delivered.find(({ name }) => name === 'span 1') as ReadableSpan;
  assert.ok(spanBytes(cut) <= 100 * 1024);
  assert.equal(cut.attributes.small, 'stays');
  const { truncated } = destination.stats();
  assert.deepEqual(truncated, { spans: 1, bytes: Number(cut.attributes['runtrace.truncated_bytes']) });
});

test('a span that is too large and cannot be cut is dropped and counted, not sent for ever', async () => {
  const { destination, requests, clock } = fixture({ answer: () => failed(413) });
  const many = Object.fromEntries(Array.from({ length: 120 }, (_, i) => [`key.${i}`.repeat(20), i]));
  destination.addNow([...endedSpans(1, { attributes: () => many }), ...endedSpans(1, large(2000))]);
  await clock.advance(600_000);
  assert.ok(requests.length < 30, `${requests.length} requests`);
  assert.equal(destination.stats().dropped.spans, 2);
  assert.equal(destination.stats().rejected.spans, 2);
});

test('a span that is too large and cannot be cut is not put on disk in silence', async (t) => {
  const warnings = listen(t);
  const { destination, clock } = fixture({
    answer: () => failed(413),
    spool: { directory: spoolDirectory(t) },
  });
  destination.addNow(endedSpans(1));
  await clock.advance(0);
  await until(() => destination.stats().spooled.spans === 1, 'spooling');
  assert.equal(destination.stats().rejected.spans, 1);
  assert.match(warnings.join(), /requests are refused/);
  await destination.shutdown();
});

test('an endpoint that resets what is large instead of saying so gets everything in small pieces', async () => {
  const sizeOf = (spans: ReadableSpan[]) => spans.reduce((sum, span) => sum + spanBytes(span), 0);
  const { destination, delivered, clock } = fixture({
    answer: (spans) => (sizeOf(spans) > 400 * 1024 ? failed() : OK),
  });
  destination.addNow(endedSpans(50, large(40)));
  await clock.advance(60_000);
  assert.equal(delivered.length, 50);
});

test('a full queue drops what comes, counts it, and takes again when there is room', async () => {
  const { destination, endpoint, clock } = fixture({ answer: () => undefined, maxQueueBytes: 1024 * 1024 });
  const group = destination.addNow(endedSpans(100, large(20)));
  assert.equal(destination.stats().held.bytes <= 1024 * 1024, true);
  const { dropped, held } = destination.stats();
  assert.equal(dropped.spans + held.spans, 100);
  assert.ok(dropped.spans > 40);
  assert.equal(group.lost, dropped.spans);
  endpoint.answer = () => OK;
  await clock.advance(120_000);
  destination.addNow(endedSpans(10));
  await clock.advance(1000);
  assert.equal(destination.stats().dropped.spans, dropped.spans);
  assert.equal(destination.stats().held.spans, 0);
});

test('a sender that never calls back has failed, and calling back later or twice changes nothing', async () => {
  const callbacks: ((result: ExportResult) => void)[] = [];
  const sender: SpanExporter = { export: (_, callback) => void callbacks.push(callback), shutdown: async () => {} };
  const { destination, clock } = fixture({ exporter: sender });
  destination.addNow(endedSpans(3));
  await clock.advance(65_000);
  assert.equal(callbacks.length, 2);
  callbacks[0]?.(failed(400));
  callbacks[1]?.(OK);
  callbacks[1]?.(failed());
  await clock.advance(1000);
  assert.deepEqual(spansIn(destination.stats()), { taken: 3, retried: 3, sent: 3 });
});

test('flush waits for what was there before, not for what comes after', async () => {
  const { destination, clock } = fixture({ answer: (spans) => (spans.length === 1 ? OK : undefined) });
  destination.add(endedSpans(1)[0] as ReadableSpan);
  let isFlushed = false;
  void destination.flush().then(() => {
    isFlushed = true;
  });
  destination.addNow(endedSpans(2));
  await clock.advance(0);
  assert.ok(isFlushed);
  assert.deepEqual(spansIn(destination.stats()), { taken: 3, sent: 1, held: 2 });
});

test('flush gives up after its time, and nothing is lost by it', async () => {
  const { destination, endpoint, delivered, clock } = fixture({ answer: () => undefined, flushTimeoutMillis: 5000 });
  destination.addNow(endedSpans(1));
  let isFlushed = false;
  void destination.flush().then(() => {
    isFlushed = true;
  });
  await clock.advance(4999);
  assert.ok(!isFlushed);
  await clock.advance(1);
  assert.ok(isFlushed);
  endpoint.answer = () => OK;
  await clock.advance(90_000);
  assert.equal(delivered.length, 1);
});

test('shutdown tries once more at once, keeps to its time, counts what is left and takes nothing after', async () => {
  const { destination, requests, clock } = fixture({ answer: () => failed() });
  destination.addNow(endedSpans(4));
  await clock.advance(0);
  const before = requests.length;
  const shutdown = destination.shutdown();
  await clock.advance(0);
  assert.equal(requests.length, before + 1);
  await clock.advance(12_000);
  await shutdown;
  destination.add(endedSpans(1)[0] as ReadableSpan);
  assert.equal(destination.addNow(endedSpans(2)).lost, 2);
  const { taken, dropped, held } = destination.stats();
  assert.deepEqual([taken.spans, dropped.spans, held.spans, held.bytes], [7, 7, 0, 0]);
  const after = requests.length;
  await clock.advance(100_000);
  assert.equal(requests.length, after);
});

test('what becomes of a request after shutdown is no news', async (t) => {
  const warnings = listen(t);
  const callbacks: ((result: ExportResult) => void)[] = [];
  const sender: SpanExporter = { export: (_, callback) => void callbacks.push(callback), shutdown: async () => {} };
  const { destination, clock } = fixture({ exporter: sender });
  destination.addNow(endedSpans(1));
  const shutdown = destination.shutdown();
  await clock.advance(10_000);
  await shutdown;
  const before = warnings.length;
  callbacks[0]?.(failed());
  await clock.advance(0);
  assert.equal(warnings.length, before);
});

test('a resource whose detectors never finish is waited for once', async () => {
  const resource = {
    attributes: {},
    asyncAttributesPending: true,
    waitForAsyncAttributes: () => new Promise(() => {}),
  };
  const span = () => ({ ...copySpanWith(endedSpans(1)[0] as ReadableSpan, { attributes: {}, events: [] }), resource });
  const { destination, delivered, clock } = fixture();
  destination.addNow([span() as never]);
  await clock.advance(9999);
  assert.equal(delivered.length, 0);
  await clock.advance(1);
  assert.equal(delivered.length, 1);
  destination.addNow([span() as never]);
  await clock.advance(0);
  assert.equal(delivered.length, 2);
});

test('one warning when it goes wrong, one when it has recovered, however many requests fail', async (t) => {
  const warnings = listen(t);
  const { destination, endpoint, clock } = fixture({ answer: (_, number) => (number % 2 ? OK : failed()) });
  for (let i = 0; i < 60; i++) {
    destination.addNow(endedSpans(2));
    await clock.advance(1000);
  }
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] as string, /test: requests fail and are tried again/);
  endpoint.answer = () => OK;
  await clock.advance(60_000);
  assert.equal(warnings.length, 2);
  assert.match(warnings[1] as string, /test has recovered, after \d+ s; 0 spans were lost/);
});

test('requests are made outside of the context in which the span ended, with tracing suppressed', async (t) => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  t.after(() => context.disable());
  const key = createContextKey('of the application');
  const seen: unknown[] = [];
  const { destination, clock } = fixture({
    answer: () => {
      seen.push(context.active().getValue(key), context.active().getValue(SUPPRESS_TRACING));
      return OK;
    },
  });
  context.with(ROOT_CONTEXT.setValue(key, 'secret'), () => destination.addNow(endedSpans(1)));
  await clock.advance(0);
  assert.deepEqual(seen, [undefined, true]);
});

test('with a spool, what fails is on disk at once, and is delivered when the endpoint is back', async (t) => {
  const directory = spoolDirectory(t);
  const { destination, endpoint, delivered, clock } = fixture({ answer: () => failed(503), spool: { directory } });
  destination.addNow(endedSpans(5));
  await clock.advance(0);
  await until(() => destination.stats().spooled.spans === 5, 'spooling');
  destination.addNow(endedSpans(2));
  await destination.flush();
  assert.equal(destination.stats().spooled.spans, 7);
  assert.equal(destination.stats().held.bytes, 0);
  endpoint.answer = () => OK;
  for (let i = 0; i < 40 && delivered.length < 7; i++) {
    await clock.advance(1000);
    await sleep(5);
  }
  assert.equal(delivered.length, 7);
  await until(() => readdirSync(directory).length === 0, 'removing');
  assert.deepEqual(spansIn(destination.stats()), { taken: 7, spooled: 7, replayed: 7 });
  await destination.shutdown();
});

test('what is refused goes to the spool and waits for the next process', async (t) => {
  const directory = spoolDirectory(t);
  const first = fixture({ answer: () => failed(401), spool: { directory } });
  first.destination.addNow(endedSpans(5));
  await first.clock.advance(0);
  await until(() => first.destination.stats().spooled.spans === 5, 'spooling');
  await first.clock.advance(30_000);
  assert.equal(first.requests.length, 1);
  assert.deepEqual(spansIn(first.destination.stats()), { taken: 5, rejected: 5, spooled: 5 });
  await first.destination.shutdown();
  const second = fixture({ spool: { directory } });
  await until(() => second.delivered.length === 5, 'replaying');
  await second.destination.shutdown();
});

test('shutdown puts what is left on disk, and the next process sends it', async (t) => {
  const directory = spoolDirectory(t);
  const first = fixture({ answer: () => undefined, spool: { directory } });
  first.destination.addNow(endedSpans(5));
  for (const span of endedSpans(3)) first.destination.add(span);
  const shutdown = first.destination.shutdown();
  await first.clock.advance(10_000);
  await shutdown;
  assert.deepEqual(spansIn(first.destination.stats()), { taken: 8, spooled: 8 });
  const second = fixture({ spool: { directory } });
  await until(() => second.delivered.length === 8, 'replaying');
  await second.destination.shutdown();
});

test('when a file is half delivered only the rest is sent again', async (t) => {
  const directory = spoolDirectory(t);
  const first = fixture({ answer: () => undefined, spool: { directory } });
  first.destination.addNow(endedSpans(12, large(60)));
  const shutdown = first.destination.shutdown();
  await first.clock.advance(10_000);
  await shutdown;
  const second = fixture({
    spool: { directory },
    answer: (spans, number) => (number === 0 ? failed(413) : number === 2 ? failed(503) : spans.length ? OK : failed()),
  });
  for (let i = 0; i < 200 && second.delivered.length < 12; i++) {
    await second.clock.advance(500);
    await sleep(5);
  }
  assert.deepEqual(namesOf(second.delivered), namesOf(endedSpans(12)));
  assert.equal(second.destination.stats().replayed.spans, 12);
  await second.destination.shutdown();
});

test('a spool that cannot be written any more is done without', async (t) => {
  const directory = join(spoolDirectory(t), 'spool');
  const { destination, endpoint, delivered, clock } = fixture({ answer: () => failed(503), spool: { directory } });
  rmSync(directory, { recursive: true });
  writeFileSync(directory, 'in the way');
  destination.addNow(endedSpans(5));
  for (let i = 0; i < 10; i++) {
    await clock.advance(1000);
    await sleep(2);
  }
  assert.deepEqual(spansIn({ ...destination.stats(), retried: { spans: 0, bytes: 0 } }), { taken: 5, held: 5 });
  endpoint.answer = () => OK;
  for (let i = 0; i < 40 && delivered.length < 5; i++) {
    await clock.advance(1000);
    await sleep(2);
  }
  assert.equal(delivered.length, 5);
  const shutdown = destination.shutdown();
  await clock.advance(1000);
  await shutdown;
});

test('a disk that failed is tried once more at shutdown', async (t) => {
  const directory = join(spoolDirectory(t), 'spool');
  const { destination, clock } = fixture({
    answer: () => failed(503),
    spool: { directory },
    shutdownTimeoutMillis: 3000,
  });
  rmSync(directory, { recursive: true });
  destination.addNow(endedSpans(5));
  await clock.advance(0);
  await until(() => destination.stats().retried.spans === 5, 'failing to spool');
  mkdirSync(directory);
  const shutdown = destination.shutdown();
  await clock.advance(3000);
  await shutdown;
  assert.deepEqual(spansIn(destination.stats()).spooled, 5);
});

test('with write-ahead, spans are on disk while they are sent, and gone when they are delivered', async (t) => {
  const directory = spoolDirectory(t);
  const onDisk: number[] = [];
  const { destination, delivered } = fixture({
    spool: { directory, writeAhead: true },
    answer: () => {
      onDisk.push(readdirSync(directory).length);
      return OK;
    },
  });
  destination.addNow(endedSpans(5));
  await until(() => delivered.length === 5, 'sending');
  await until(() => readdirSync(directory).length === 0, 'removing');
  assert.deepEqual(onDisk, [1]);
  assert.deepEqual(spansIn(destination.stats()), { taken: 5, spooled: 5, replayed: 5 });
  for (const span of endedSpans(3)) destination.add(span);
  await destination.shutdown();
  assert.equal(delivered.length, 8);
});

test('when the queue fills because the endpoint is slow, the spool takes the rest', async (t) => {
  const directory = spoolDirectory(t);
  const { destination, clock } = fixture({
    answer: () => undefined,
    maxQueueBytes: 8 * 1024 * 1024,
    spool: { directory },
  });
  for (let i = 0; i < 20; i++) {
    destination.addNow(endedSpans(10, large(100)));
    await until(() => destination.stats().held.bytes < 6 * 1024 * 1024, 'making room');
  }
  const { dropped, held, spooled } = destination.stats();
  assert.equal(dropped.spans, 0);
  assert.equal(held.spans + spooled.spans, 200);
  const shutdown = destination.shutdown();
  await clock.advance(11_000);
  await shutdown;
});

test('a process that ends without a shutdown puts what it holds on disk', async (t) => {
  const directory = spoolDirectory(t);
  const first = fixture({ answer: () => undefined, spool: { directory } });
  first.destination.addNow(endedSpans(5));
  for (const span of endedSpans(3)) first.destination.add(span);
  first.destination.exit();
  assert.deepEqual(spansIn(first.destination.stats()), { taken: 8, spooled: 8 });
  const second = fixture({ spool: { directory } });
  await until(() => second.delivered.length === 8, 'replaying');
  await second.destination.shutdown();
});

test('a span that cannot be encoded does not keep the others from the disk where the process ends', async (t) => {
  const directory = spoolDirectory(t);
  const first = fixture({ answer: () => undefined, spool: { directory } });
  for (const span of withUnwritable(endedSpans(3), 1)) first.destination.add(span);
  first.destination.exit();
  assert.deepEqual(spansIn(first.destination.stats()), { taken: 3, spooled: 2, dropped: 1 });
  const second = fixture({ spool: { directory } });
  await until(() => second.delivered.length === 2, 'replaying');
  await second.destination.shutdown();
});

test('an exporter that has no room for a request is asked again, and its endpoint is not taken for failing', async (t) => {
  const warnings = listen(t);
  const { destination, requests, delivered, clock } = fixture({
    answer: (_, number) => (number < 5 ? { code: 1, error: new Error('Concurrent export limit reached') } : OK),
  });
  destination.addNow(endedSpans(3));
  await clock.advance(1000);
  assert.equal(requests.length, 6);
  assert.equal(delivered.length, 3);
  assert.deepEqual(spansIn(destination.stats()), { taken: 3, sent: 3 });
  assert.deepEqual(warnings, []);
});

test('a stock exporter with a small concurrencyLimit gets every span', async (t) => {
  const receiver = await startOtlpReceiver({ fault: () => ({ kind: 'slow', delayMillis: 50 }), requireGzip: false });
  t.after(receiver.close);
  const warnings = listen(t);
  const exporter = new OTLPTraceExporter({ url: receiver.url, concurrencyLimit: 1 });
  const { destination } = fixture({ exporter, clock: realClock });
  for (let i = 0; i < 8; i++) destination.addNow(endedSpans(2));
  await destination.flush();
  assert.equal(receiver.spans().length, 16);
  assert.deepEqual(warnings, []);
  await destination.shutdown();
});

test('an endpoint that answers 413 to everything gets one request for a batch, not one for each span', async () => {
  const { destination, requests, endpoint, delivered, clock } = fixture({ answer: () => failed(413) });
  for (const kib of [0, 1, 40]) {
    destination.addNow(endedSpans(200, large(kib)));
    await clock.advance(1000);
  }
  const before = requests.length;
  destination.addNow(endedSpans(200));
  destination.addNow(endedSpans(20, large(40)));
  await clock.advance(600_000);
  assert.ok(requests.length - before <= 4, `${requests.length - before} requests`);
  assert.equal(destination.stats().dropped.spans, 820);
  endpoint.answer = () => OK;
  destination.addNow(endedSpans(20, large(40)));
  await clock.advance(1000);
  assert.equal(delivered.length, 20);
  assert.equal(delivered.filter(({ attributes }) => 'runtrace.truncated_bytes' in attributes).length, 0);
});

test('a small spool is used in addition to the memory: nothing is lost while there is room in either', async (t) => {
  const { destination, endpoint, clock } = fixture({
    answer: () => failed(503),
    spool: { directory: spoolDirectory(t), maxBytes: 2 * 1024 * 1024 },
  });
  const arrived = new Set<unknown>();
  let id = 0;
  for (let i = 0; i < 60; i++) {
    destination.addNow(endedSpans(10, { attributes: () => ({ id: id++, text: 'x'.repeat(10_000) }) }));
    await clock.advance(1000);
    await sleep(5);
  }
  const { dropped, spooled, held } = destination.stats();
  assert.equal(dropped.spans, 0);
  assert.ok(spooled.spans > 0 && held.spans > 300, `${spooled.spans} on disk, ${held.spans} in memory`);
  await clock.advance(700_000); // Longer than the retry timeout, which is for what can't go to disk at all.
  endpoint.answer = (spans) => {
    for (const { attributes } of spans) arrived.add(attributes.id);
    return OK;
  };
  for (let i = 0; i < 200 && arrived.size < 600; i++) {
    await clock.advance(1000);
    await sleep(5);
  }
  assert.equal(arrived.size, 600);
  assert.equal(destination.stats().dropped.spans, 0);
  await destination.shutdown();
});

test('when a small spool and the memory are full, the oldest on disk leave, and every span is counted', async (t) => {
  const directory = spoolDirectory(t);
  const { destination, clock } = fixture({
    answer: () => failed(503),
    maxQueueBytes: 4 * 1024 * 1024,
    spool: { directory, maxBytes: 2 * 1024 * 1024 },
  });
  for (let i = 0; i < 100; i++) {
    destination.addNow(endedSpans(10, large(10)));
    await clock.advance(100);
    await sleep(3);
  }
  const shutdown = destination.shutdown();
  await clock.advance(11_000);
  await shutdown;
  const { taken, dropped } = destination.stats();
  assert.equal(taken.spans, 1000);
  assert.ok(dropped.spans > 0);
  const next = fixture({ spool: { directory } });
  await until(() => readdirSync(directory).length === 0, 'replaying');
  assert.equal(next.delivered.length + dropped.spans, 1000);
  await next.destination.shutdown();
});

test('a full disk is named in the report', async (t) => {
  const warnings = listen(t);
  t.mock.method(fsPromises, 'writeFile', async () => {
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  const { destination, clock } = fixture({ spool: { directory: spoolDirectory(t), writeAhead: true } });
  destination.addNow(endedSpans(2));
  await until(() => warnings.length > 0, 'a warning');
  assert.match(warnings[0] as string, /the spool can't be written: the disk is full \(ENOSPC/);
  const shutdown = destination.shutdown();
  await clock.advance(11_000);
  await shutdown;
});

/** Why a shutdown does, or does not, give up early. */
const refused: NoBackend = 'nothing listens there';
const shutdowns: [string, { isLoopback?: boolean; noBackend?: NoBackend; delivers?: boolean }, number][] = [
  ['nothing listens on this machine', { isLoopback: true, noBackend: refused }, 1000],
  ['nothing listens on another machine', { noBackend: refused }, 10_000],
  ['the host is unknown', { noBackend: 'its host is unknown' }, 1000],
  ['the certificate is not trusted', { noBackend: 'no TLS connection can be made' }, 1000],
  ['the connection fails in another way', { isLoopback: true }, 10_000],
  ['something was delivered before', { isLoopback: true, noBackend: refused, delivers: true }, 10_000],
  [
    'something was delivered before a certificate ran out',
    { noBackend: 'no TLS connection can be made', delivers: true },
    10_000,
  ],
];
for (const [kind, { isLoopback = false, noBackend, delivers = false }, limit] of shutdowns) {
  test(`a shutdown takes at most ${limit} ms if ${kind}`, async () => {
    let isUp = delivers;
    const sender: Sender = {
      isLoopback,
      send: async () => (isUp ? { kind: 'accepted' } : { kind: 'retry', why: 'no', ...(noBackend && { noBackend }) }),
      shutdown: async () => {},
    };
    const { destination, clock } = fixture({ createSender: () => sender });
    destination.addNow(endedSpans(1));
    await clock.advance(0);
    isUp = false;
    destination.addNow(endedSpans(1));
    await clock.advance(0);
    let isOver = false;
    void destination.shutdown().then(() => {
      isOver = true;
    });
    await clock.advance(limit === 1000 ? 999 : 9999);
    assert.equal(isOver, limit === 1000);
    await clock.advance(1);
    assert.ok(isOver);
    assert.equal(destination.stats().dropped.spans, delivers ? 1 : 2);
  });
}

test('a pause that the endpoint asked for is kept, also after another request succeeded', async () => {
  let requests = 0;
  const sender: Sender = {
    isLoopback: false,
    send: async () => (++requests === 1 ? { kind: 'retry', why: 'slow down', at: 25_000 } : { kind: 'accepted' }),
    shutdown: async () => {},
  };
  const { destination, clock } = fixture({ createSender: () => sender });
  destination.addNow(endedSpans(1));
  destination.addNow(endedSpans(1));
  await clock.advance(0);
  assert.equal(requests, 2);
  destination.addNow(endedSpans(1));
  await clock.advance(24_999);
  assert.equal(requests, 2);
  await clock.advance(5000);
  assert.equal(destination.stats().sent.spans, 3);
});

/** What an endpoint does with its first requests, before it is well. */
const script = fc.array(fc.constantFrom('ok', 'fail', 'too large', 'refuse', 'silent', 'throw'), { maxLength: 12 });
const pushes = fc.array(
  fc.record({
    count: fc.integer({ min: 1, max: 30 }),
    kib: fc.constantFrom(0, 1, 50),
    wait: fc.constantFrom(0, 400, 3000),
  }),
  {
    minLength: 1,
    maxLength: 8,
  },
);

function playing(answers: readonly string[]): Answer {
  return (_, number) => {
    switch (answers[number]) {
      case 'fail':
        return failed(503);
      case 'too large':
        return failed(413);
      case 'refuse':
        return failed(400);
      case 'silent':
        return undefined;
      case 'throw':
        throw new Error('cannot serialize');
      default:
        return OK;
    }
  };
}

test('for any behaviour of an endpoint, every span is delivered once or counted as dropped', async () => {
  await fc.assert(
    fc.asyncProperty(script, pushes, async (answers, batches) => {
      const { destination, delivered, clock } = fixture({ answer: playing(answers), maxQueueBytes: 3 * 1024 * 1024 });
      for (const [i, { count, kib, wait }] of batches.entries()) {
        const spans = endedSpans(count, large(kib));
        if (i % 2) destination.addNow(spans);
        else for (const span of spans) destination.add(span);
        await clock.advance(wait);
      }
      await clock.advance(1_000_000);
      const { taken, sent, dropped, held } = destination.stats();
      assert.equal(new Set(delivered).size, delivered.length);
      assert.deepEqual([sent.spans, held], [delivered.length, { spans: 0, bytes: 0 }]);
      assert.equal(taken.spans, sent.spans + dropped.spans);
      await destination.shutdown();
    }),
    { numRuns: 60 },
  );
});

test('for any behaviour of an endpoint, with a spool every span is delivered at least once, by this process or the next', async (t) => {
  await fc.assert(
    fc.asyncProperty(script, pushes, async (answers, batches) => {
      const directory = spoolDirectory(t);
      const first = fixture({ answer: playing(answers), spool: { directory } });
      let count = 0;
      for (const batch of batches) {
        first.destination.addNow(
          endedSpans(batch.count, { attributes: () => ({ id: count++, text: 'x'.repeat(batch.kib * 1024) }) }),
        );
        await first.clock.advance(batch.wait);
      }
      const shutdown = first.destination.shutdown();
      await first.clock.advance(11_000);
      await shutdown;
      const { taken, sent, spooled, dropped } = first.destination.stats();
      assert.equal(taken.spans, sent.spans + spooled.spans + dropped.spans);
      assert.equal(dropped.spans, 0);
      const second = fixture({ spool: { directory } });
      await until(() => readdirSync(directory).length === 0, 'replaying');
      const arrived = new Set([...first.delivered, ...second.delivered].map(({ attributes }) => attributes.id));
      assert.equal(arrived.size, count);
      await second.destination.shutdown();
    }),
    { numRuns: 25 },
  );
});
