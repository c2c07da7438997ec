import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { OTLPFileExporter } from 'runtrace/exporter';
import type { ExportResult, ReadableSpan } from '../../../src/exporter/otlp/span.js';
import { folder } from '../../support/folder.js';
import { parseOtlpJson } from '../../support/otlp-receiver.js';
import { endedSpans, namesOf } from '../../support/spans.js';

function write(exporter: OTLPFileExporter, spans: ReadableSpan[]): Promise<ExportResult> {
  return new Promise((resolve) => exporter.export(spans, resolve));
}

function linesOf(path: string): string[] {
  return readFileSync(path, 'utf8').split('\n').slice(0, -1);
}

test('each batch is one line, and the line is a valid request', async (t) => {
  const path = join(folder(t), 'new', 'traces.jsonl');
  const provider = new BasicTracerProvider({
    spanProcessors: [new BatchSpanProcessor(new OTLPFileExporter({ path }))],
  });
  for (const name of ['a', 'b']) {
    provider
      .getTracer('test')
      .startSpan(name, { attributes: { text: 'two\nlines' } })
      .end();
    await provider.forceFlush();
  }
  await provider.shutdown();
  const requests = linesOf(path).map(parseOtlpJson);
  assert.deepEqual(
    requests.flatMap(({ violations }) => violations),
    [],
  );
  assert.deepEqual(
    requests.map(({ spans }) => namesOf(spans)),
    [['a'], ['b']],
  );
});

test('batches that are written at once do not mix', async (t) => {
  const path = join(folder(t), 'traces.jsonl');
  const exporter = new OTLPFileExporter({ path });
  const batch = endedSpans(20, { attributes: () => ({ text: 'x'.repeat(20_000) }) });
  const results = await Promise.all([1, 2, 3, 4].map(() => write(exporter, batch)));
  await exporter.shutdown();
  assert.deepEqual(
    results.map(({ code }) => code),
    [0, 0, 0, 0],
  );
  assert.deepEqual(
    linesOf(path).map((line) => parseOtlpJson(line).spans.length),
    [20, 20, 20, 20],
  );
});

test('only the owner may read the file, also one that all could read before', async (t) => {
  const made = join(folder(t), 'made.jsonl');
  const found = join(folder(t), 'found.jsonl');
  writeFileSync(found, '');
  chmodSync(found, 0o666);
  for (const path of [made, found]) {
    await new OTLPFileExporter({ path }).shutdown();
    assert.equal(statSync(path).mode & 0o777, 0o600);
  }
});

test('what was in the file stays, and a line that a crash tore off swallows nothing', async (t) => {
  const path = join(folder(t), 'traces.jsonl');
  appendFileSync(path, '{"resourceSpans":[]}\n{"resourceSpa');
  const exporter = new OTLPFileExporter({ path });
  await write(exporter, endedSpans(1));
  await exporter.shutdown();
  const [whole, torn, ours] = linesOf(path);
  assert.equal(whole, '{"resourceSpans":[]}');
  assert.equal(torn, '{"resourceSpa');
  assert.equal(parseOtlpJson(ours as string).spans.length, 1);
});

test('a write that fails is told to the callback, and it goes on when the file is there again', async (t) => {
  const parent = join(folder(t), 'sub');
  const path = join(parent, 'traces.jsonl');
  const exporter = new OTLPFileExporter({ path });
  rmSync(parent, { recursive: true });
  const failed = await write(exporter, endedSpans(2));
  assert.equal(failed.code, 1);
  assert.match(String(failed.error), /cannot write 2 spans to .*traces\.jsonl/);
  await new OTLPFileExporter({ path }).shutdown();
  assert.equal((await write(exporter, endedSpans(2))).code, 0);
  await exporter.shutdown();
});

test('after shutdown a batch fails, by the callback', async (t) => {
  const exporter = new OTLPFileExporter({ path: join(folder(t), 'traces.jsonl') });
  await exporter.shutdown();
  await exporter.shutdown();
  assert.equal((await write(exporter, endedSpans(1))).code, 1);
});

test('a path that cannot be written is a TypeError when the exporter is made', (t) => {
  const parent = folder(t);
  for (const path of ['', undefined, 1, parent, join(parent, 'x'.repeat(300)), '/dev/null/traces.jsonl']) {
    assert.throws(() => new OTLPFileExporter({ path: path as string }), {
      name: 'TypeError',
      message: /path must be/,
    });
  }
  assert.throws(() => new OTLPFileExporter(undefined as never), TypeError);
  assert.throws(() => new OTLPFileExporter({ path: 'traces.jsonl', append: true } as never), {
    name: 'TypeError',
    message: /options must be an object of path, got 'append'/,
  });
});
