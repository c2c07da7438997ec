import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { context, diag, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { NodeSDK } from '@opentelemetry/sdk-node';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { createRecorder, recordingFetch, run, StatusPrioritySpanProcessor } from 'runtrace';
import { RuntraceExporter, RuntraceSpanProcessor } from 'runtrace/exporter';
import { ok, type Provider, startProvider, status } from '../../examples/demo/provider.js';
import { delivered } from '../support/delivered.js';
import { diagnosed } from '../support/diagnosed.js';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.js';
import { only } from '../support/traced.js';

let provider: Provider;
before(async () => {
  provider = await startProvider();
});
after(() => provider.close());

/** A call of the chat API, without a client that would retry it. */
async function chat(model: string): Promise<void> {
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }] });
  await (await recordingFetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body })).text();
}

const statusesOf = (spans: readonly { name: string; attributes: object }[]) =>
  Object.fromEntries(spans.map(({ name, attributes }) => [name, (attributes as never)['runtrace.status']]));

async function receivers(t: { after(fn: () => Promise<void>): void }, count: number): Promise<OtlpReceiver[]> {
  const all = await Promise.all(Array.from({ length: count }, () => startOtlpReceiver({ requireGzip: false })));
  t.after(async () => void (await Promise.all(all.map((receiver) => receiver.close()))));
  return all;
}

/** Runs `fn` under a real NodeSDK, whose globals are removed afterwards. */
async function underNodeSdk(processor: RuntraceSpanProcessor, fn: () => Promise<void>): Promise<void> {
  trace.disable();
  context.disable();
  const sdk = new NodeSDK({ spanProcessors: [processor] });
  sdk.start();
  try {
    await fn();
    await sdk.shutdown();
  } finally {
    trace.disable();
    context.disable();
  }
}

async function oneRunWithARetry(model: string): Promise<void> {
  provider.script(model, status(429), ok());
  await run({ kind: 'chat_turn' }, async () => {
    await chat(model);
    await chat(model);
  });
}

describe('in a NodeSDK', { concurrency: false }, () => {
  test('it delivers settled spans through the OTLPTraceExporter that the application has', async (t) => {
    const [receiver] = (await receivers(t, 1)) as [OtlpReceiver];
    const exporter = new OTLPTraceExporter({ url: receiver.url });
    await underNodeSdk(new RuntraceSpanProcessor({ exporter }), () => oneRunWithARetry('stock'));
    assert.deepEqual(receiver.violations, []);
    assert.deepEqual(statusesOf(receiver.spans()), {
      'invoke_workflow chat_turn': 'completed',
      'chat stock': 'completed',
    });
    const step = only(receiver.spans().filter(({ name }) => name === 'chat stock'));
    assert.equal(step.status.code, 1);
    assert.equal(step.attributes['runtrace.step.attempt_codes'], '429 200');
  });

  test('it delivers to several destinations, and counts for each', async (t) => {
    const [a, b] = (await receivers(t, 2)) as [OtlpReceiver, OtlpReceiver];
    const processor = new RuntraceSpanProcessor({
      destinations: [
        { url: a.url, name: 'a' },
        { url: b.url, name: 'b' },
      ],
    });
    await underNodeSdk(processor, () => oneRunWithARetry('several'));
    for (const { spans } of [a, b]) {
      assert.deepEqual(statusesOf(spans()), {
        'invoke_workflow chat_turn': 'completed',
        'chat several': 'completed',
      });
    }
    assert.equal(processor.stats('a').sent.spans, 2);
    assert.equal(processor.stats().sent.spans, 4);
    assert.deepEqual(processor.stats().notKept, { runs: 0, spans: 0, bytes: 0 });
  });

  test('with no option it sends where the environment says', async (t) => {
    const [receiver] = (await receivers(t, 1)) as [OtlpReceiver];
    process.env.OTEL_EXPORTER_OTLP_ENDPOINT = receiver.endpoint;
    process.env.OTEL_EXPORTER_OTLP_PROTOCOL = 'http/json';
    t.after(() => {
      delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
      delete process.env.OTEL_EXPORTER_OTLP_PROTOCOL;
    });
    await underNodeSdk(new RuntraceSpanProcessor(), () => oneRunWithARetry('environment'));
    assert.equal(receiver.spans().length, 2);
  });
});

describe('the order of rule and delivery', () => {
  test('forceFlush settles a held step, then delivers it', async () => {
    const { recorder, processor, spans } = delivered();
    provider.script('held', status(500));
    let resolve = () => {};
    const promise = new Promise<void>((resolved) => {
      resolve = resolved;
    });
    // The run is over, and waits for a call that its function did not await.
    await recorder.run({ kind: 'chat_turn' }, async () => {
      await chat('held');
      void recorder.step({ model: 'open' }, () => promise);
    });
    assert.deepEqual(statusesOf(spans()), {});
    await processor.forceFlush();
    assert.deepEqual(statusesOf(spans()), { 'chat held': 'error' });
    resolve();
    await promise;
    await processor.shutdown();
    assert.equal(spans().length, 3);
  });

  test('a later processor sees the outcome', async () => {
    const later = new InMemorySpanExporter();
    const { recorder, processor } = delivered({ spanProcessors: [new SimpleSpanProcessor(later)] });
    await recorder.run({ kind: 'chat_turn' }, (run) => {
      trace.getActiveSpan()?.setStatus({ code: 2, message: 'meddled' });
      run.finish('interrupted');
    });
    await processor.forceFlush();
    assert.deepEqual(only(later.getFinishedSpans()).status, { code: 0 });
  });

  test('shutdown delivers what is in progress, as interrupted, and then takes nothing', async () => {
    const { recorder, processor, spans } = delivered();
    const open = recorder.startRun({ kind: 'chat_turn' });
    await processor.shutdown();
    assert.deepEqual(statusesOf(spans()), { 'invoke_workflow chat_turn': 'interrupted' });
    open.finish('completed');
    await recorder.run({ kind: 'late' }, () => {});
    assert.equal(spans().length, 1);
  });
});

describe('two processors with the rule on one provider', () => {
  const second = () => new InMemorySpanExporter();
  for (const [name, first] of [
    ['StatusPrioritySpanProcessor', () => new StatusPrioritySpanProcessor()],
    ['RuntraceSpanProcessor', () => new RuntraceSpanProcessor({ exporter: new InMemorySpanExporter() })],
  ] as const) {
    test(`after a ${name} it delivers the same, and a nested run keeps its own id`, async (t) => {
      const messages = diagnosed(t);
      const exporter = second();
      const itself = new RuntraceSpanProcessor({ exporter });
      const tracerProvider = new BasicTracerProvider({ spanProcessors: [first(), itself] });
      const recorder = createRecorder({ tracerProvider });
      const ids = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'] as const;
      await recorder.run({ kind: 'outer', id: ids[0] }, () => recorder.run({ kind: 'inner', id: ids[1] }, () => {}));
      await itself.forceFlush();
      assert.deepEqual(
        exporter.getFinishedSpans().map(({ attributes }: ReadableSpan) => attributes['runtrace.run.id']),
        [ids[1], ids[0]],
      );
      assert.deepEqual(messages, []);
    });
  }

  test('the flush of the second alone settles too', async () => {
    const exporter = second();
    const itself = new RuntraceSpanProcessor({ exporter });
    const tracerProvider = new BasicTracerProvider({ spanProcessors: [new StatusPrioritySpanProcessor(), itself] });
    const recorder = createRecorder({ tracerProvider });
    provider.script('second', status(500));
    await recorder.run({ kind: 'chat_turn' }, async () => {
      await chat('second');
      void recorder.step({ model: 'open' }, () => new Promise(() => {}));
    });
    await itself.forceFlush();
    assert.deepEqual(statusesOf(exporter.getFinishedSpans()), { 'chat second': 'error' });
    await tracerProvider.shutdown();
  });
});

describe('options that can not be used', () => {
  const exporter = new InMemorySpanExporter();
  const bad: [what: string, options: object, message: RegExp][] = [
    [
      'an unknown option, and the known ones',
      { exporters: [] },
      /options.*exporter, destinations, .*keep.*'exporters'/,
    ],
    ['an exporter in place of the options', exporter, /options must be \{ exporter \}/],
    ['a keep that is no function', { keep: true }, /keep must be a function, got true/],
    ['an exporter that is none', { exporter: {} }, /exporter must be a span exporter/],
    ['destinations beside an exporter', { exporter, destinations: [exporter] }, /destinations must be absent/],
    [
      'options of an exporter that is made',
      { exporter: new RuntraceExporter({ url: 'http://127.0.0.1:9' }), maxQueueBytes: 1 },
      /maxQueueBytes/,
    ],
    ['null', null as never, /options must be an object, got null/],
  ];
  for (const [what, options, message] of bad) {
    test(`are a TypeError that names ${what}`, () => {
      assert.throws(() => new RuntraceSpanProcessor(options), { name: 'TypeError', message });
    });
  }
});

test('a diag logger that throws does not reach the application', async (t) => {
  const refuse = () => {
    throw new Error('the logger failed');
  };
  const { recorder, flushed } = delivered({ keep: refuse as never });
  diag.setLogger({ error: refuse, warn: refuse, info() {}, debug() {}, verbose() {} });
  t.after(() => diag.disable());
  assert.equal(await recorder.run({ kind: 'chat_turn' }, () => 'returned'), 'returned');
  assert.equal((await flushed()).length, 1);
});
