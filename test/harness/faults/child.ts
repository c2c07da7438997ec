/** The application of a fault: it ends spans as told, and tells what its exporter has counted. */

import { DiagLogLevel, diag } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { BasicTracerProvider, BatchSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { RuntraceBatchSpanProcessor, RuntraceExporter, type RuntraceExporterOptions } from 'runtrace/exporter';

/** Whose exporter is on trial: the SDK's, ours, or our exporter behind the SDK's processor. */
export type Subject = 'stock' | 'ours' | 'foreign';

export interface ChildOptions {
  subject: Subject;
  urls: string[];
  spans: number;
  /** Of a text attribute of each span. */
  textBytes: number;
  /** How long it takes to end them all; 0 for one turn of the event loop. */
  overMillis: number;
  /** One of so many bytes after the others. */
  hugeTextBytes?: number;
  /** Flushes after every hundred, and tells how many have ended by then. */
  flushes?: boolean;
  exporter?: RuntraceExporterOptions;
}

export type FromChild =
  | { kind: 'ended'; spans: number }
  | { kind: 'flushed'; spans: number }
  | { kind: 'done'; counted: number };

const options = JSON.parse(process.argv[2] as string) as ChildOptions;
let counted = () => 0;

function processors({ subject, urls, exporter }: ChildOptions): SpanProcessor[] {
  const destinations =
    urls.length > 1 ? { destinations: urls.map((url, i) => ({ url, name: `d${i}` })) } : { url: urls[0] as string };
  if (subject === 'ours') {
    const ours = new RuntraceBatchSpanProcessor({ ...exporter, ...destinations });
    counted = () => ours.stats().dropped.spans;
    return [ours];
  }
  if (subject === 'foreign') {
    const ours = new RuntraceExporter({ ...exporter, ...destinations });
    counted = () => ours.stats().dropped.spans;
    return [new BatchSpanProcessor(ours)];
  }
  let droppedByStock = 0;
  counted = () => droppedByStock;
  const listen = (...parts: unknown[]) => {
    droppedByStock += Number(/Dropped (\d+) spans/.exec(parts.join(' '))?.[1] ?? 0);
  };
  const silent = () => {};
  diag.setLogger({ warn: listen, error: silent, info: silent, debug: silent, verbose: silent }, DiagLogLevel.WARN);
  return urls.map((url) => new BatchSpanProcessor(new OTLPTraceExporter({ url, compression: 'gzip' as never })));
}

const provider = new BasicTracerProvider({ spanProcessors: processors(options) });
const tracer = provider.getTracer('faults');

function endSpan(number: number, textBytes: number): void {
  const text = Buffer.alloc(textBytes, `${number} of the spans that must arrive. `).toString('latin1');
  tracer.startSpan(`span ${number}`, { attributes: { number, text } }).end();
}

function tell(message: FromChild): Promise<void> {
  return new Promise((resolve) => process.send?.(message, () => resolve()));
}

async function shutdown(): Promise<void> {
  await provider.shutdown().catch(() => {});
  await tell({ kind: 'done', counted: counted() });
  process.exit();
}

process.on('SIGTERM', () => void shutdown());
process.on('message', () => void shutdown());

const began = performance.now();
for (let i = 0; i < options.spans; i++) {
  endSpan(i, options.textBytes);
  if (options.flushes && i % 100 === 99) {
    await provider.forceFlush().catch(() => {});
    await tell({ kind: 'flushed', spans: i + 1 });
  }
  const ahead = (options.overMillis * i) / options.spans - (performance.now() - began);
  if (ahead > 5) await new Promise((resolve) => setTimeout(resolve, ahead));
}
if (options.hugeTextBytes) endSpan(options.spans, options.hugeTextBytes);
await tell({ kind: 'ended', spans: options.spans + (options.hugeTextBytes ? 1 : 0) });
