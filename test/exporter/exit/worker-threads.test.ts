import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { RuntraceExporter } from 'runtrace/exporter';
import { startOtlpReceiver } from '../../support/otlp-receiver.js';
import { until } from '../../support/until.js';
import { warningsOf } from '../sender/backend.js';

const CHILD = new URL('./worker-threads-child.js', import.meta.url);

test('spans that a terminated worker held are counted by the thread that made it', async (t) => {
  const receiver = await startOtlpReceiver({ fault: () => ({ kind: 'silent' }) });
  t.after(receiver.close);
  const warnings = warningsOf(t);
  const exporter = new RuntraceExporter({ url: receiver.url });
  t.after(() => exporter.shutdown());
  const worker = new Worker(CHILD, { workerData: { url: receiver.url, spans: 7 } });
  await once(worker, 'message');
  await worker.terminate();
  await until(() => warnings.length > 0);
  assert.match(warnings.join(), /of the worker: a worker thread was terminated with 7 spans in memory/);
});

test('a worker that shut its exporter down is not reported', async (t) => {
  const receiver = await startOtlpReceiver();
  t.after(receiver.close);
  const warnings = warningsOf(t);
  const exporter = new RuntraceExporter({ url: receiver.url });
  t.after(() => exporter.shutdown());
  const worker = new Worker(CHILD, { workerData: { url: receiver.url, spans: 7, end: true } });
  await once(worker, 'exit');
  assert.equal(receiver.spans().length, 7);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(warnings, []);
});
