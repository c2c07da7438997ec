import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { createRecorder, StatusPrioritySpanProcessor } from 'runtrace';
import { RuntraceExporter, RuntraceSpanProcessor } from 'runtrace/exporter';

// The compiler checks these calls too: the project has `exactOptionalPropertyTypes`.

test('an option of a recorder that is undefined counts as not given', async () => {
  const spans = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: [new StatusPrioritySpanProcessor(), new SimpleSpanProcessor(spans)],
  });
  createRecorder({ tracerProvider: undefined, capture: undefined, redact: undefined, limits: undefined });
  const recorder = createRecorder({
    tracerProvider,
    redact: { names: undefined, patterns: undefined, redact: undefined },
    limits: { retryHoldMillis: undefined, openRuns: undefined, bodyBytes: undefined },
  });
  await recorder.run({ kind: 'chat_turn', id: undefined, trace: undefined, attributes: undefined }, (run) =>
    run.step({ request: { model: 'gpt-5', temperature: undefined, messages: undefined } }, () => 'answer'),
  );
  await tracerProvider.forceFlush();
  const step = spans.getFinishedSpans().find(({ name }) => name === 'chat gpt-5');
  assert.equal(step?.attributes['runtrace.status'], 'completed');
  assert.ok(!('gen_ai.request.temperature' in (step?.attributes ?? {})));
  await tracerProvider.shutdown();
});

test('an option of the processor, the exporter, an endpoint and the spool that is undefined counts as not given', async (t) => {
  const bounds = {
    maxQueueBytes: undefined,
    maxConcurrentRequests: undefined,
    maxRequestBytes: undefined,
    scheduledDelayMillis: undefined,
    retryTimeoutMillis: undefined,
    flushTimeoutMillis: undefined,
    shutdownTimeoutMillis: undefined,
    meterProvider: undefined,
  };
  const endpoint = {
    url: undefined,
    protocol: undefined,
    compression: undefined,
    timeoutMillis: undefined,
    name: undefined,
    headers: undefined,
    httpAgentOptions: undefined,
  };
  const directory = mkdtempSync(join(tmpdir(), 'runtrace-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const spool = { directory, maxBytes: undefined, maxAgeMillis: undefined, writeAhead: undefined };
  const made: Pick<SpanProcessor, 'shutdown'>[] = [
    new RuntraceSpanProcessor({ ...bounds, exporter: undefined, destinations: undefined, keep: undefined }),
    new RuntraceExporter({ ...bounds, destinations: [endpoint], spool: undefined }),
    new RuntraceExporter({ destinations: [endpoint], spool }),
  ];
  for (const it of made) await it.shutdown();
});
