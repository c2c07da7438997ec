import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { OTLPFileExporter, RuntraceBatchSpanProcessor, RuntraceExporter } from 'runtrace/exporter';
import type { ReadableSpan } from '../../src/exporter/otlp/span.js';
import { folder } from '../support/folder.js';
import { type OtlpReceiver, parseOtlpJson, startOtlpReceiver } from '../support/otlp-receiver.js';
import { endedSpans, namesOf, withUnwritable } from '../support/spans.js';
import { warningsOf } from './sender/backend.js';

async function start(t: TestContext): Promise<OtlpReceiver> {
  const receiver = await startOtlpReceiver({ requireGzip: false });
  t.after(receiver.close);
  return receiver;
}

function namesIn(directory: string): string[] {
  const files = readdirSync(directory).map((name) => readFileSync(join(directory, name), 'utf8').trimEnd());
  return files.flatMap((text) => namesOf(text.split('\n').flatMap((line) => parseOtlpJson(line).spans))).sort();
}

/** Times that no number of OTLP is for. */
const ODD_TIMES = {
  'an invalid Date': new Date('soon'),
  'a time before 1970': new Date('1969-01-01'),
};

const EXPORTERS = {
  'over HTTP as Protobuf': (url: string) => ({ url }),
  'over HTTP as JSON': (url: string) => ({ url, protocol: 'http/json' as const }),
  "through OpenTelemetry's exporter": (url: string) => ({ exporter: new OTLPTraceExporter({ url }) }),
};

for (const [what, time] of Object.entries(ODD_TIMES)) {
  for (const [how, optionsFor] of Object.entries(EXPORTERS)) {
    test(`${what} on a span and its event does not get the request refused ${how}`, async (t) => {
      const receiver = await start(t);
      const processor = new RuntraceBatchSpanProcessor(optionsFor(receiver.url));
      const tracer = new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('test');
      tracer.startSpan('odd', { startTime: time }).addEvent('event', time).end();
      tracer.startSpan('beside it').end();
      await processor.shutdown();
      assert.deepEqual(receiver.violations, []);
      assert.deepEqual(namesOf(receiver.spans()), ['beside it', 'odd']);
    });
  }
}

for (const [what, time] of Object.entries({ ...ODD_TIMES, 'microseconds in the place of milliseconds': 1.79e15 })) {
  test(`${what} does not keep spans from a file`, async (t) => {
    const path = join(folder(t), 'traces.jsonl');
    const processor = new BatchSpanProcessor(new OTLPFileExporter({ path }));
    const tracer = new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('test');
    tracer.startSpan('odd', { startTime: time }).addEvent('event', time).end();
    tracer.startSpan('beside it').end();
    await processor.shutdown();
    const { spans, violations } = parseOtlpJson(readFileSync(path, 'utf8').trimEnd());
    assert.deepEqual(namesOf(spans), ['beside it', 'odd']);
    assert.deepEqual(
      violations.filter((violation) => !violation.endsWith('starts in 1970')),
      [],
    );
  });
}

for (const part of ['resource', 'instrumentationScope'] as const) {
  test(`a span without a ${part} is counted as lost, and the others arrive at every destination`, async (t) => {
    const receivers = [await start(t), await start(t)];
    const processor = new RuntraceBatchSpanProcessor({ destinations: receivers.map(({ url }) => ({ url })) });
    const [first, bad, last] = endedSpans(3) as [ReadableSpan, ReadableSpan, ReadableSpan];
    for (const span of [first, { ...bad, spanContext: () => bad.spanContext(), [part]: undefined }, last]) {
      processor.onEnd(span as ReadableSpan);
    }
    await processor.shutdown();
    for (const { spans } of receivers) assert.deepEqual(namesOf(spans()), ['span 0', 'span 2']);
    const { taken, sent, dropped } = processor.stats();
    assert.deepEqual([taken.spans, sent.spans, dropped.spans], [6, 4, 2]);
  });
}

test('a span that cannot be encoded does not keep the others from the spool', async (t) => {
  const warnings = warningsOf(t);
  const receiver = await start(t);
  receiver.fault = () => ({ kind: 'status', status: 503 });
  const directory = folder(t);
  const exporter = new RuntraceExporter({ url: receiver.url, spool: { directory, writeAhead: true } });
  exporter.export(withUnwritable(endedSpans(3), 1), () => {});
  await exporter.forceFlush();
  assert.deepEqual(namesIn(directory), ['span 0', 'span 2']);
  const { spooled, dropped, held } = exporter.stats();
  assert.deepEqual([spooled.spans, dropped.spans, held.spans], [2, 1, 0]);
  assert.match(warnings.join(), /spans are lost: they can't be encoded/);
  assert.doesNotMatch(warnings.join(), /can't be written/);
  await exporter.shutdown();
});

test('a span that cannot be encoded does not keep the others from a file', async (t) => {
  const warnings = warningsOf(t);
  const path = join(folder(t), 'traces.jsonl');
  const exporter = new OTLPFileExporter({ path });
  const spans = endedSpans(3) as [ReadableSpan, ReadableSpan, ReadableSpan];
  const unreadable = { ...spans[1], spanContext: () => assert.fail('mine') };
  const result = await new Promise((resolve) => exporter.export([spans[0], unreadable, spans[2]], resolve));
  await exporter.shutdown();
  assert.deepEqual(result, { code: 0 });
  assert.deepEqual(namesOf(parseOtlpJson(readFileSync(path, 'utf8').trimEnd()).spans), ['span 0', 'span 2']);
  assert.match(warnings.join(), /a span that could not be encoded was not written to its file/);
});
