/** The exporter beside the stock one, both with Protobuf and gzip: spans of 4 kB, over real HTTP to a receiver that only counts. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BasicTracerProvider, BatchSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { RuntraceBatchSpanProcessor } from 'runtrace/exporter';
import { type Figure, figure, measure, type Row, warmUp } from './measure.js';
import { words } from './spans.js';

const SPANS = 512;
const REQUESTS = 4;
const SPAN_TEXT = words(4000);
const DELAY_ROUNDS = 61;
const FLOOR = 'the stock processor and Protobuf exporter';

/** How many times as many spans a second of CPU time delivers. */
export function throughput(): Promise<Row> {
  return beside(async (stock, ours, requests) => {
    const measured = await measure({ count: 2, ours, floor: stock });
    const ratio = 1 / measured.ratio.median;
    return {
      floor: FLOOR,
      figures: `${ratio.toPrecision(3)} of its throughput; ${(measured.ours.median / 1000).toFixed(1)} ms for ${SPANS} spans, stock ${(measured.floor.median / 1000).toFixed(1)} ms; ${requests()} requests in all`,
      goal: '>= 0.9',
      ofGoal: 0.9 / ratio,
    };
  });
}

/** The longest that the event loop was held up while the spans ended and were delivered. */
export function eventLoopDelay(): Promise<Row> {
  return beside(async (stock, ours) => {
    const round = async () => ({ ours: await longestDelay(ours), stock: await longestDelay(stock) });
    await warmUp(round);
    const rounds: Awaited<ReturnType<typeof round>>[] = [];
    for (let i = 0; i < DELAY_ROUNDS; i++) rounds.push(await round());
    const [ourDelay, stockDelay] = [figure(rounds.map((it) => it.ours)), figure(rounds.map((it) => it.stock))];
    const text = ({ median, low, high }: Figure) => `${median.toFixed(1)} ms (${low.toFixed(1)} to ${high.toFixed(1)})`;
    // Of the medians: in a single round another process may hold up either side.
    const ratio = ourDelay.median / stockDelay.median;
    return {
      floor: FLOOR,
      figures: `${ratio.toPrecision(3)} x; ${text(ourDelay)} at most, stock ${text(stockDelay)}`,
      goal: '<= 1.1 x',
      ofGoal: ratio / 1.1,
    };
  });
}

/** In milliseconds. */
async function longestDelay(send: (count: number) => Promise<void>): Promise<number> {
  globalThis.gc?.({ type: 'minor' });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await send(1);
  delay.disable();
  return delay.max / 1e6;
}

type Send = (count: number) => Promise<void>;

async function beside(play: (stock: Send, ours: Send, requests: () => number) => Promise<Row>): Promise<Row> {
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    request.resume().on('end', () => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  process.env.OTEL_EXPORTER_OTLP_COMPRESSION = 'gzip';
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`;
  const stock = new BatchSpanProcessor(new OTLPTraceExporter({ url }), {
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
  const row = await play(sendBy(stock), sendBy(ours), () => requests);
  await Promise.all([stock.shutdown(), ours.shutdown()]);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  return row;
}

function sendBy(processor: SpanProcessor): Send {
  const tracer = new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('bench');
  return async (count) => {
    for (let flush = 0; flush < count; flush++) {
      for (let i = 0; i < SPANS; i++) {
        tracer.startSpan('chat gpt-5', { attributes: { 'gen_ai.output.messages': SPAN_TEXT } }).end();
      }
      await processor.forceFlush();
    }
  };
}
