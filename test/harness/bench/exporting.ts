/** The exporter beside the stock one: spans of 4 kB, over real HTTP to a receiver that only counts. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import { BasicTracerProvider, BatchSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { RuntraceBatchSpanProcessor } from 'runtrace/exporter';
import { measure, type Row } from './measure.js';
import { words } from './spans.js';

const SPANS = 512;
const REQUESTS = 4;
const SPAN_TEXT = words(4000);

export async function exporting(): Promise<Row> {
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    request.resume().on('end', () => response.end('{}'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`;
  const stock = new BatchSpanProcessor(new OTLPTraceExporter({ url, compression: CompressionAlgorithm.GZIP }), {
    maxExportBatchSize: SPANS / REQUESTS,
    maxQueueSize: 10 * SPANS,
    scheduledDelayMillis: 60_000,
  });
  const ours = new RuntraceBatchSpanProcessor({
    url,
    // By its own estimate, which is a little more than the text.
    maxRequestBytes: Math.ceil((SPANS / REQUESTS) * (1.1 * SPAN_TEXT.length + 700)),
    scheduledDelayMillis: 60_000,
  });
  const send = (processor: SpanProcessor) => {
    const tracer = new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('bench');
    return async (count: number) => {
      for (let flush = 0; flush < count; flush++) {
        for (let i = 0; i < SPANS; i++) {
          tracer.startSpan('chat gpt-5', { attributes: { 'gen_ai.output.messages': SPAN_TEXT } }).end();
        }
        await processor.forceFlush();
      }
    };
  };
  const measured = await measure({ count: 2, ours: send(ours), floor: send(stock) });
  const perRequest = requests;
  await Promise.all([stock.shutdown(), ours.shutdown()]);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  const throughput = 1 / measured.ratio.median;
  return {
    floor: 'the stock processor and exporter',
    figures: `${throughput.toPrecision(3)} of its throughput; ${(measured.ours.median / 1000).toFixed(1)} ms for ${SPANS} spans, stock ${(measured.floor.median / 1000).toFixed(1)} ms; ${perRequest} requests in all`,
    goal: '>= 0.9',
    ofGoal: 0.9 / throughput,
  };
}
