import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Attributes, DiagLogLevel, diag, type Meter, type MeterProvider } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import {
  OTLPFileExporter,
  RuntraceBatchSpanProcessor,
  type RuntraceBatchSpanProcessorOptions,
  RuntraceExporter,
  type RuntraceExporterOptions,
} from 'runtrace/exporter';
import { copySpanWith } from '../../src/exporter/otlp/span.js';
import { folder } from '../support/folder.js';
import { type OtlpReceiver, type OtlpReceiverOptions, startOtlpReceiver } from '../support/otlp-receiver.js';
import { endedSpans, namesOf } from '../support/spans.js';

async function start(t: TestContext, options?: OtlpReceiverOptions): Promise<OtlpReceiver> {
  const receiver = await startOtlpReceiver(options);
  t.after(receiver.close);
  return receiver;
}

function providerWith(options: RuntraceBatchSpanProcessorOptions) {
  const processor = new RuntraceBatchSpanProcessor(options);
  const provider = new BasicTracerProvider({ spanProcessors: [processor] });
  return { processor, provider, tracer: provider.getTracer('test') };
}

function environment(t: TestContext, variables: Record<string, string>): void {
  for (const [name, value] of Object.entries(variables)) process.env[name] = value;
  t.after(() => {
    for (const name of Object.keys(variables)) delete process.env[name];
  });
}

/** What is warned of from now on. */
function listen(t: TestContext): string[] {
  const warnings: string[] = [];
  const silent = () => {};
  diag.setLogger(
    { warn: (...parts) => warnings.push(parts.join(' ')), error: silent, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  t.after(() => diag.disable());
  return warnings;
}

async function unusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('with no argument it goes where the environment says, with gzip and the headers from there', async (t) => {
  const receiver = await start(t);
  environment(t, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, OTEL_EXPORTER_OTLP_HEADERS: 'x-team=a%20b' });
  const provider = new BasicTracerProvider({ spanProcessors: [new RuntraceBatchSpanProcessor()] });
  provider.getTracer('test').startSpan('hello').end();
  await provider.forceFlush();
  assert.deepEqual(namesOf(receiver.spans()), ['hello']);
  assert.deepEqual(receiver.violations, []);
  assert.equal(receiver.requests[0]?.headers['content-encoding'], 'gzip');
  assert.equal(receiver.requests[0]?.headers['x-team'], 'a b');
  await provider.shutdown();
});

test('compression that is given in the environment or as an option holds', async (t) => {
  const receiver = await start(t, { requireGzip: false });
  const sendOne = async (options: RuntraceExporterOptions) => {
    const exporter = new RuntraceExporter({ url: receiver.url, ...options });
    await new Promise((resolve) => exporter.export(endedSpans(1), resolve));
    await exporter.shutdown();
  };
  await sendOne({ compression: 'none' });
  environment(t, { OTEL_EXPORTER_OTLP_COMPRESSION: 'none' });
  await sendOne({});
  await sendOne({ compression: 'gzip' });
  assert.deepEqual(
    receiver.requests.map(({ headers }) => headers['content-encoding']),
    [undefined, undefined, 'gzip'],
  );
});

test('thousands of spans of many sizes arrive, each once, in requests that are never too large', async (t) => {
  const receiver = await start(t);
  const { processor, provider, tracer } = providerWith({ url: receiver.url });
  for (let i = 0; i < 3000; i++) tracer.startSpan(`span ${i}`, { attributes: { text: '"x" '.repeat(i % 300) } }).end();
  for (let i = 3000; i < 3010; i++)
    tracer.startSpan(`span ${i}`, { attributes: { text: '“é” '.repeat(200_000) } }).end();
  await provider.shutdown();
  assert.equal(receiver.spans().length, 3010);
  assert.equal(new Set(namesOf(receiver.spans())).size, 3010);
  assert.deepEqual(receiver.violations, []);
  assert.ok(receiver.requests.every(({ uncompressedBytes }) => uncompressedBytes <= 4 * 1024 * 1024));
  assert.deepEqual([processor.stats().sent.spans, processor.stats().dropped.spans], [3010, 0]);
});

test('spans that are not sampled stay here', async (t) => {
  const receiver = await start(t);
  const processor = new RuntraceBatchSpanProcessor({ url: receiver.url });
  const [span] = endedSpans(1);
  processor.onEnd({ ...span, spanContext: () => ({ ...span?.spanContext(), traceFlags: 0 }) } as never);
  await processor.shutdown();
  assert.equal(receiver.requests.length, 0);
});

test('429 with Retry-After and 503 are waited out, and every span arrives once', async (t) => {
  const receiver = await start(t, {
    fault: (number) =>
      [
        { kind: 'status', status: 429, headers: { 'retry-after': '1' } } as const,
        { kind: 'status', status: 503 } as const,
      ][number],
  });
  const { processor, provider, tracer } = providerWith({ url: receiver.url });
  for (let i = 0; i < 10; i++) tracer.startSpan(`span ${i}`).end();
  await provider.forceFlush();
  assert.equal(new Set(namesOf(receiver.spans())).size, 10);
  assert.equal(receiver.spans().length, 10);
  assert.equal(processor.stats().dropped.spans, 0);
  await provider.shutdown();
});

test('413 splits the request, and a single span that is too large is cut', async (t) => {
  const receiver = await start(t, { fault: () => ({ kind: 'tooLarge', maxBytes: 200_000 }) });
  const { processor, provider, tracer } = providerWith({ url: receiver.url });
  for (let i = 0; i < 20; i++) tracer.startSpan(`span ${i}`, { attributes: { text: 'x'.repeat(40_000) } }).end();
  tracer.startSpan('huge', { attributes: { text: 'x'.repeat(900_000) } }).end();
  await provider.forceFlush();
  assert.equal(receiver.spans().length, 21);
  const huge = receiver.spans().find(({ name }) => name === 'huge');
  assert.ok(Number(huge?.attributes['runtrace.truncated_bytes']) >= 700_000);
  assert.equal(processor.stats().dropped.spans, 0);
  assert.equal(processor.stats().truncated.spans, 1);
  await provider.shutdown();
});

test('behind a processor of the SDK it calls back on delivery', async (t) => {
  const receiver = await start(t);
  const exporter = new RuntraceExporter({ url: receiver.url });
  const provider = new BasicTracerProvider({
    spanProcessors: [new BatchSpanProcessor(exporter), new SimpleSpanProcessor(exporter)],
  });
  provider.getTracer('test').startSpan('hello').end();
  await provider.forceFlush();
  assert.deepEqual(namesOf(receiver.spans()), ['hello', 'hello']);
  await provider.shutdown();
});

test('behind a processor of the SDK it calls back within 5 s when it has the batch, and delivers it later', async (t) => {
  const alive = setInterval(() => {}, 1000); // Our timers do not keep a process alive.
  t.after(() => clearInterval(alive));
  const memory = new InMemorySpanExporter();
  const waiting: (() => void)[] = [];
  const slow = {
    export: (...args: Parameters<typeof memory.export>) => void waiting.push(() => memory.export(...args)),
    shutdown: async () => {},
  };
  const exporter = new RuntraceExporter({ destinations: [slow] });
  const began = performance.now();
  const result = await new Promise<{ code: number }>((resolve) => exporter.export(endedSpans(3), resolve));
  assert.equal(result.code, 0);
  assert.ok(performance.now() - began < 5500);
  assert.equal(exporter.stats().held.spans, 3);
  const flushed = exporter.forceFlush();
  for (const deliver of waiting) deliver();
  await flushed;
  assert.equal(memory.getFinishedSpans().length, 3);
  assert.equal(exporter.stats().sent.spans, 3);
  await exporter.shutdown();
});

test('what is lost is told to the callback, with how much', async (t) => {
  const receiver = await start(t, { fault: () => ({ kind: 'status', status: 401 }) });
  const exporter = new RuntraceExporter({ url: receiver.url });
  const result = await new Promise<{ code: number; error?: Error }>((resolve) =>
    exporter.export(endedSpans(3), resolve),
  );
  assert.equal(result.code, 1);
  assert.match(String(result.error), /3 of 3 spans were not delivered/);
  await exporter.shutdown();
});

test('a destination that is down delays and loses nothing for the others', async (t) => {
  const up = await start(t);
  const { processor, provider, tracer } = providerWith({
    shutdownTimeoutMillis: 100,
    destinations: [
      { url: `http://127.0.0.1:${await unusedPort()}/v1/traces`, name: 'down', timeoutMillis: 300 },
      { url: up.url, name: 'up' },
      new OTLPFileExporter({ path: join(folder(t), 'traces.jsonl') }),
    ],
  });
  tracer.startSpan('hello').end();
  const began = performance.now();
  const flushed = provider.forceFlush();
  while (up.spans().length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(performance.now() - began < 2000);
  await provider.shutdown();
  await flushed;
  assert.equal(processor.stats().dropped.spans, 1);
  assert.equal(processor.stats().sent.spans, 2);
});

test('each destination has a spool of its own, and figures of its own', async (t) => {
  const directory = folder(t);
  const up = await start(t);
  const down = { url: `http://127.0.0.1:${await unusedPort()}/v1/traces`, name: 'down', timeoutMillis: 300 };
  const exporter = new RuntraceExporter({
    destinations: [down, { url: up.url, name: 'up' }],
    spool: { directory },
    shutdownTimeoutMillis: 100,
  });
  exporter.export(endedSpans(2), () => {});
  await exporter.forceFlush();
  await exporter.shutdown();
  assert.equal(exporter.stats('down').spooled.spans, 2);
  assert.equal(exporter.stats('up').sent.spans, 2);
  assert.equal(exporter.stats().taken.spans, 4);
  assert.deepEqual(readdirSync(directory).sort(), ['down', 'up']);
  assert.equal(readdirSync(join(directory, 'down')).length, 1);
  assert.throws(() => exporter.stats('nowhere'), TypeError);
});

test('any exporter can do the sending', async () => {
  const memory = new InMemorySpanExporter();
  const { provider, tracer } = providerWith({ exporter: memory });
  tracer.startSpan('hello').end();
  await provider.forceFlush();
  assert.deepEqual(namesOf(memory.getFinishedSpans()), ['hello']);
  await provider.shutdown();
});

test('what happened is there as metrics too', async (t) => {
  const receiver = await start(t);
  const observed: Record<string, number> = {};
  let collect = (_: unknown) => {};
  const meter = {
    createObservableCounter: (name: string) => name,
    createObservableGauge: (name: string) => name,
    addBatchObservableCallback: (callback: (result: unknown) => void) => {
      collect = callback;
    },
  } as unknown as Meter;
  const exporter = new RuntraceExporter({
    url: receiver.url,
    meterProvider: { getMeter: () => meter } as MeterProvider,
  });
  await new Promise((resolve) => exporter.export(endedSpans(3), resolve));
  collect({
    observe: (instrument: string, value: number, attributes: Attributes) => {
      if (instrument === 'runtrace.exporter.spans') observed[String(attributes['runtrace.exporter.outcome'])] = value;
    },
  });
  assert.equal(observed.sent, 3);
  assert.equal(observed.dropped, 0);
  await exporter.shutdown();
});

test('the spans that a backend rejects in a partial success are counted as rejected and lost, and its reason is reported once', async (t) => {
  const warnings = listen(t);
  const receiver = await start(t, { fault: () => ({ kind: 'partial', rejected: 1 }) });
  const exporter = new RuntraceExporter({ url: receiver.url });
  for (let i = 0; i < 3; i++) {
    const result = await new Promise<{ code: number; error?: Error }>((resolve) =>
      exporter.export(endedSpans(3), resolve),
    );
    assert.equal(result.code, 1);
    assert.match(String(result.error), /1 of 3 spans were not delivered/);
  }
  const { sent, rejected, dropped } = exporter.stats();
  assert.deepEqual([sent.spans, rejected.spans, dropped.spans], [6, 3, 3]);
  assert.equal(receiver.spans().length, 6);
  assert.equal(warnings.filter((warning) => warning.includes('rejected 1 of 3 spans: no room')).length, 1);
  await exporter.shutdown();
});

test('a callback that throws and a span that cannot be read do not reach the application', async (t) => {
  const receiver = await start(t);
  const exporter = new RuntraceExporter({ url: receiver.url });
  exporter.export(endedSpans(1), () => {
    throw new Error('mine');
  });
  exporter.add({} as never);
  const result = await new Promise<{ code: number }>((resolve) => exporter.export([{}] as never, resolve));
  assert.equal(result.code, 1);
  await exporter.forceFlush();
  assert.equal(receiver.spans().length, 1);
  await exporter.shutdown();
});

test('shutting down twice, and flushing after it, is no error', async (t) => {
  const receiver = await start(t);
  const { provider, processor } = providerWith({ url: receiver.url });
  await provider.shutdown();
  await processor.shutdown();
  await processor.forceFlush();
});

test('shutdown keeps to its time for any wait, and counts what is left', async (t) => {
  const receiver = await start(t, { fault: () => ({ kind: 'silent' }) });
  const endless = { attributes: {}, asyncAttributesPending: true, waitForAsyncAttributes: () => new Promise(() => {}) };
  for (const resource of [undefined, endless]) {
    const processor = new RuntraceBatchSpanProcessor({ url: receiver.url, shutdownTimeoutMillis: 300 });
    const spans = endedSpans(30, { attributes: () => ({ text: 'x'.repeat(100_000) }) });
    for (const span of spans) processor.onEnd(resource ? ({ ...copySpanWith(span, span), resource } as never) : span);
    const began = performance.now();
    await processor.shutdown();
    const millis = performance.now() - began;
    assert.ok(millis < 1000, `${Math.round(millis)} ms`);
    assert.equal(processor.stats().dropped.spans, 30);
  }
});

test('a span that cannot be read is counted as lost, and the others in its batch arrive', async (t) => {
  const receiver = await start(t);
  const exporter = new RuntraceExporter({ url: receiver.url });
  const [first, second] = endedSpans(2);
  const result = await new Promise<{ code: number; error?: Error }>((resolve) =>
    exporter.export([first, {}, second] as never, resolve),
  );
  assert.match(String(result.error), /1 of 3 spans were not delivered/);
  assert.deepEqual(namesOf(receiver.spans()), ['span 0', 'span 1']);
  const { taken, sent, dropped } = exporter.stats();
  assert.deepEqual([taken.spans, sent.spans, dropped.spans], [3, 2, 1]);
  await exporter.shutdown();
});

test('an exporter that calls back with nothing has failed, and one that throws at its shutdown is shut down', async () => {
  let requests = 0;
  const sender = {
    export: (_: unknown, callback: (result: never) => void) =>
      callback((requests++ === 0 ? undefined : { code: 0 }) as never),
    shutdown: () => {
      throw new Error('mine');
    },
  };
  const { processor, provider, tracer } = providerWith({ exporter: sender as never });
  tracer.startSpan('hello').end();
  await provider.forceFlush();
  assert.equal(requests, 2);
  await processor.shutdown();
  assert.equal(processor.stats().sent.spans, 1);
});

test('an option that cannot be used is a TypeError that names it, when the exporter is made', async (t) => {
  const bad: [RuntraceExporterOptions | undefined | null, RegExp][] = [
    [null, /options/],
    [{ export() {} } as never, /destinations: \[exporter\]/],
    [{ ulr: 'http://x/' } as never, /options must be an object of destinations, url, .*, got 'ulr'/],
    [{ url: 'localhost:4318' }, /url must be an http or https URL, as a string, got another text/],
    [{ url: new URL('http://x/') as never }, /url must be an http or https URL, as a string, got an object/],
    [{ protocol: 'http' as never }, /protocol must be one of 'http\/protobuf', 'http\/json', 'grpc', got 'http'/],
    [{ url: 'no url' }, /url/],
    [{ url: 1 as never }, /url/],
    [{ headers: { 'bad name': 'x' } }, /name 1 of headers must be a valid HTTP header name/],
    [{ headers: { good: 'line\nbreak' } }, /headers\["good"\]/],
    [{ headers: { good: null as never } }, /headers\["good"\]/],
    [{ headers: null as never }, /headers must be an object/],
    [{ headers: 'authorization=secret' as never }, /headers must be an object/],
    [{ headers: new Headers({ authorization: 'secret' }) as never }, /headers must be a plain object/],
    [{ httpAgentOptions: true as never }, /httpAgentOptions/],
    [{ meterProvider: {} as never }, /meterProvider/],
    [{ compression: 'brotli' as never }, /compression/],
    [{ timeoutMillis: 0 }, /timeoutMillis/],
    [{ timeoutMillis: Number.POSITIVE_INFINITY }, /timeoutMillis must be a number from 1 to 2147483647/],
    [{ timeoutMillis: 1e12 }, /timeoutMillis/],
    [{ maxQueueBytes: 0 }, /maxQueueBytes/],
    [{ maxQueueBytes: '64 MiB' as never }, /maxQueueBytes/],
    [{ maxConcurrentRequests: 0 }, /maxConcurrentRequests/],
    [{ maxRequestBytes: 1000 }, /maxRequestBytes must be a number from 16384/],
    [{ maxRequestBytes: Number.NaN }, /maxRequestBytes/],
    [{ retryTimeoutMillis: Number.POSITIVE_INFINITY }, /retryTimeoutMillis/],
    [{ shutdownTimeoutMillis: -1 }, /shutdownTimeoutMillis/],
    [{ spool: 'dir' as never }, /spool/],
    [{ spool: {} as never }, /spool\.directory/],
    [{ spool: { directory: folder(t), maxByte: 1 } as never }, /spool must be an object of .*, got 'maxByte'/],
    [{ spool: { directory: '/dev/null/spool' } }, /spool\.directory/],
    [{ spool: { directory: folder(t), maxBytes: 0 } }, /spool\.maxBytes/],
    [{ spool: { directory: folder(t), maxBytes: 500_000 } }, /spool\.maxBytes must be a number of at least 2097152/],
    [{ spool: { directory: folder(t), writeAhead: 1 as never } }, /spool\.writeAhead/],
    [{ destinations: [] }, /destinations must be an array of .* that is not empty/],
    [{ destinations: ['http://localhost'] as never }, /destinations\[0\]/],
    [{ destinations: [{ url: 'ftp://x' }] }, /url/],
    [{ destinations: [{ url: 'http://x/' }, { url: 'http://x/' }] }, /different names/],
    [{ destinations: [{ export: true } as never] }, /destinations\[0\] must be a span exporter/],
    [{ destinations: [{ export() {} } as never] }, /destinations\[0\] must be a span exporter/],
    [{ destinations: [{}], url: 'http://x/' }, /url must be given for each of the destinations, got it beside them/],
  ];
  for (const [options, message] of bad) {
    assert.throws(() => new RuntraceExporter(options as never), { name: 'TypeError', message });
  }
});

test('a processor that cannot use its options throws: an exporter in their place, or options without effect', () => {
  const url = 'http://127.0.0.1:9/v1/traces';
  const memory = new InMemorySpanExporter();
  const bad: [RuntraceBatchSpanProcessorOptions | undefined | null, RegExp][] = [
    [null, /options/],
    [memory as never, /options must be \{ exporter \}, got an exporter/],
    [{ exproter: memory } as never, /options must be an object of exporter, .*, got 'exproter'/],
    [{ exporter: {} as never }, /exporter/],
    [{ exporter: null as never }, /exporter/],
    [
      { exporter: new RuntraceExporter({ url }), maxQueueBytes: 1e9 },
      /maxQueueBytes must be an option of the exporter/,
    ],
    [{ exporter: memory, url }, /url/],
    [{ exporter: memory, destinations: [{ url }] }, /destinations/],
  ];
  for (const [options, message] of bad) {
    assert.throws(() => new RuntraceBatchSpanProcessor(options as never), { name: 'TypeError', message });
  }
});

test('destinations whose names make the same directory are refused: each would send the other’s spans', (t) => {
  const spool = { directory: folder(t) };
  const destinations = ['vendor a', 'vendor_a'].map((name) => ({ url: 'http://127.0.0.1:9/v1/traces', name }));
  assert.throws(() => new RuntraceExporter({ destinations, spool }), { name: 'TypeError', message: /different names/ });
  assert.deepEqual(readdirSync(spool.directory), []);
});

test('a report calls an exporter that was given by its class, and two of one class by their place too', async (t) => {
  const warnings = listen(t);
  class Mine extends InMemorySpanExporter {
    override export(_: unknown, callback: (result: { code: number; error: Error }) => void): void {
      callback({ code: 1, error: Object.assign(new Error('no'), { code: 400 }) });
    }
  }
  for (const destinations of [[new Mine()], [new Mine(), new Mine(), new InMemorySpanExporter()]]) {
    const exporter = new RuntraceExporter({ destinations });
    exporter.export(endedSpans(1), () => {});
    await exporter.shutdown();
  }
  const titles = warnings.map((warning) => /^runtrace exporter: (.*): requests are refused/.exec(warning)?.[1]);
  assert.deepEqual(titles.filter(Boolean), ['Mine', 'Mine (destination-1)', 'Mine (destination-2)']);
});

test('no name of a destination leads out of the directory of the spool', async (t) => {
  const directory = join(folder(t), 'spool');
  const exporter = new RuntraceExporter({
    destinations: [{ url: 'http://127.0.0.1:9/v1/traces', name: '..' }],
    spool: { directory },
  });
  await exporter.shutdown();
  assert.equal(readdirSync(directory).length, 1);
});

test('a number that JSON cannot hold, on any span, does not get the request refused', async (t) => {
  const receiver = await start(t);
  const { provider, tracer } = providerWith({ url: `${receiver.endpoint}/v1/traces` });
  const span = tracer.startSpan('odd numbers', {
    attributes: { nan: Number.NaN, list: [1, Number.POSITIVE_INFINITY] },
  });
  span.addEvent('event', { large: 2 ** 70, fine: 1.5 });
  span.end();
  tracer.startSpan('beside it').end();
  await provider.shutdown();
  assert.deepEqual(receiver.violations, []);
  assert.deepEqual(namesOf(receiver.spans()), ['beside it', 'odd numbers']);
  const { attributes, events } = receiver.spans().find(({ name }) => name === 'odd numbers') ?? {};
  assert.deepEqual(attributes, { nan: Number.NaN, list: [1, Number.POSITIVE_INFINITY] });
  assert.deepEqual(events?.[0]?.attributes, { large: 2 ** 70, fine: 1.5 });
});

test('a shutdown also ends under the faked timers of a test', async (t) => {
  const exporter = new RuntraceExporter({ url: 'http://127.0.0.1:9/v1/traces' });
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'] });
  exporter.export(endedSpans(1), () => {});
  await exporter.shutdown();
  assert.equal(exporter.stats().dropped.spans, 1);
});
