/** A worker thread that holds spans of which it never delivers any. Not a test. */

import { parentPort, workerData } from 'node:worker_threads';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { RuntraceBatchSpanProcessor } from 'runtrace/exporter';

const { url, spans, end } = workerData as { url: string; spans: number; end: boolean };
const processor = new RuntraceBatchSpanProcessor({ url, name: 'of the worker' });
const tracer = new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('test');
for (let i = 0; i < spans; i++) tracer.startSpan('hello').end();
if (end) await processor.shutdown();
else setInterval(() => {}, 1000);
parentPort?.postMessage('ready');
