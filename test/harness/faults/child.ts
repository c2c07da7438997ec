/** The application of a fault: it ends spans as told, and tells what its exporter has counted. */

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { type DiagLogger, DiagLogLevel, diag, type Link } from '@opentelemetry/api';
import { BasicTracerProvider, BatchSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import {
  RuntraceBatchSpanProcessor,
  RuntraceExporter,
  type RuntraceExporterOptions,
  type SpanExporter,
} from 'runtrace/exporter';
import { fastClock } from '../../support/fast-clock.js';

/** Whose exporter is on trial: the SDK's, ours, or our exporter behind the SDK's processor. */
export type Subject = 'stock' | 'ours' | 'foreign';

export type Protocol = 'http/protobuf' | 'http/json' | 'grpc';

/**
 * How the application ends: when it is told to shut down; or without a shutdown, by itself, by `process.exit()`, by an error that
 * is not caught; or it runs in a worker that ends by itself or is terminated.
 */
export type End = 'told' | 'natural' | 'exit' | 'throw' | 'worker' | 'terminate';

export interface ChildOptions {
  subject: Subject;
  urls: string[];
  protocol: Protocol;
  spans: number;
  /** Of a text attribute of each span. */
  textBytes: number;
  /** How long it takes to end them all; 0 for one turn of the event loop. */
  overMillis: number;
  /** One of so many bytes after the others. */
  hugeTextBytes?: number;
  /** Each span has a link with numbers that JSON can't hold. */
  oddLinks?: boolean;
  /** Flushes after every hundred, and tells how many have ended by then. */
  flushes?: boolean;
  end: End;
  /** Written when the process, or the worker, ends. */
  reportFile: string;
  /** How many times faster than real time runtrace's clock runs. */
  speed: number;
  exporter?: RuntraceExporterOptions;
}

/** What has become of the spans; each counts once for each destination. */
export interface Figures {
  ended: number;
  /** What the exporter says it has delivered. */
  sent: number;
  /** What the exporter says it has lost. */
  lost: number;
  /** What it still tries to deliver. */
  pending: number;
  maxRssBytes: number;
}

export type FromChild =
  | { kind: 'ended'; spans: number }
  | { kind: 'flushed'; spans: number }
  | { kind: 'figures'; figures: Figures }
  | { kind: 'done' };

const FIGURES_EVERY_MILLIS = 100;
const STOCK = {
  'http/protobuf': '@opentelemetry/exporter-trace-otlp-proto',
  'http/json': '@opentelemetry/exporter-trace-otlp-http',
  grpc: '@opentelemetry/exporter-trace-otlp-grpc',
};

const options = JSON.parse(process.argv[2] as string) as ChildOptions;
let ended = 0;

/** A processor for each of what the stock SDK would need, and what they have counted. */
interface Exporting {
  processors: SpanProcessor[];
  counted(): { sent: number; lost: number; failed: number };
}

async function exporting({ subject, urls, protocol, exporter, speed }: ChildOptions): Promise<Exporting> {
  if (subject === 'stock') return stock(urls, protocol);
  process.env.OTEL_EXPORTER_OTLP_PROTOCOL = protocol;
  const destinations =
    urls.length > 1 ? { destinations: urls.map((url, i) => ({ url, name: `d${i}` })) } : addressOf(urls[0] as string);
  const ours = new RuntraceExporter({ ...exporter, ...destinations }, fastClock(speed));
  return {
    processors: [
      subject === 'foreign' ? new BatchSpanProcessor(ours) : new RuntraceBatchSpanProcessor({ exporter: ours }),
    ],
    counted() {
      const { sent, replayed, dropped } = ours.stats();
      return { sent: sent.spans + replayed.spans, lost: dropped.spans, failed: 0 };
    },
  };
}

/** By the environment, so that a `url` in code does not have to be gRPC's. */
function addressOf(url: string): { url?: string } {
  if (options.protocol !== 'grpc') return { url };
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = url;
  return {};
}

async function stock(urls: string[], protocol: Protocol): Promise<Exporting> {
  let lost = 0;
  let sent = 0;
  let failed = 0;
  onWarning((message) => {
    lost += Number(/Dropped (\d+) spans/.exec(message)?.[1] ?? 0);
  });
  const { OTLPTraceExporter } = (await import(STOCK[protocol])) as {
    OTLPTraceExporter: new (options: { url: string; compression: string }) => SpanExporter;
  };
  const processors = urls.map((url) => {
    const exporter = new OTLPTraceExporter({ url, compression: 'gzip' });
    const send = exporter.export.bind(exporter);
    exporter.export = (spans, done) =>
      send(spans, (result) => {
        if (result.code === 0) sent += spans.length;
        else failed += spans.length;
        done(result);
      });
    return new BatchSpanProcessor(exporter);
  });
  return { processors, counted: () => ({ sent, lost, failed }) };
}

function onWarning(listen: (message: string) => void): void {
  const silent = () => {};
  const warn: DiagLogger['warn'] = (...parts) => listen(parts.join(' '));
  diag.setLogger({ warn, error: silent, info: silent, debug: silent, verbose: silent }, DiagLogLevel.WARN);
}

function tell(message: FromChild): Promise<void> {
  return new Promise((resolve) => {
    if (process.send) process.send(message, () => resolve());
    else resolve(parentPort?.postMessage(message));
  });
}

async function play(): Promise<void> {
  const { processors, counted } = await exporting(options);
  const figures = (): Figures => {
    const { sent, lost, failed } = counted();
    const pending = ended * options.urls.length - sent - lost - failed;
    return { ended, sent, lost, pending, maxRssBytes: process.resourceUsage().maxRSS * 1024 };
  };
  const provider = new BasicTracerProvider({ spanProcessors: processors });
  const tracer = provider.getTracer('faults');
  const linked = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 };
  const links: Link[] = [{ context: linked, attributes: { score: Number.NaN, large: 1e300, none: -Infinity } }];
  const endSpan = (textBytes: number) => {
    const text = Buffer.alloc(textBytes, `${ended} of the spans that must arrive. `).toString('latin1');
    const attributes = { number: ended++, text };
    tracer.startSpan('span', { attributes, links: options.oddLinks ? links : [] }).end();
  };
  // Last in the list of listeners, so that the exporter's own have done their work.
  const writeReport = () => writeFileSync(options.reportFile, JSON.stringify(figures()));
  process.on('exit', writeReport);

  if (options.end === 'told') {
    const shutdown = async () => {
      await provider.shutdown().catch(() => {});
      await tell({ kind: 'figures', figures: figures() });
      await tell({ kind: 'done' });
      process.exit();
    };
    process.on('SIGTERM', () => void shutdown());
    process.on('message', () => void shutdown());
    setInterval(() => void tell({ kind: 'figures', figures: figures() }), FIGURES_EVERY_MILLIS).unref();
  } else {
    process.channel?.unref();
  }

  const began = performance.now();
  for (let i = 0; i < options.spans; i++) {
    endSpan(options.textBytes);
    if (options.flushes && i % 100 === 99) {
      await provider.forceFlush().catch(() => {});
      await tell({ kind: 'flushed', spans: i + 1 });
    }
    const ahead = (options.overMillis * i) / options.spans - (performance.now() - began);
    if (ahead > 5) await new Promise((resolve) => setTimeout(resolve, ahead));
  }
  if (options.hugeTextBytes) endSpan(options.hugeTextBytes);
  await tell({ kind: 'figures', figures: figures() });
  await tell({ kind: 'ended', spans: ended });
  if (options.end === 'exit') process.exit(0);
  if (options.end === 'throw') throw new Error('the application crashed');
}

/**
 * Runs the application in a worker, and ends when that has ended. It has an exporter of its own, as an application that traces has in
 * each thread; that one reports how many spans a terminated worker held.
 */
async function playInWorker(): Promise<void> {
  let lost = 0;
  if (options.subject !== 'stock') {
    onWarning((message) => {
      lost += Number(/a worker thread was terminated with (\d+) spans/.exec(message)?.[1] ?? 0);
    });
    new RuntraceExporter({ url: options.urls[0] as string });
  }
  const worker = new Worker(fileURLToPath(import.meta.url), { argv: [JSON.stringify(options)] });
  let last: Figures | undefined;
  worker.on('message', (message: FromChild) => {
    void tell(message);
    if (message.kind === 'figures') last = message.figures;
    if (message.kind === 'ended' && options.end === 'terminate') void worker.terminate();
  });
  if (options.end !== 'terminate') return;
  process.on('exit', () => {
    if (last) writeFileSync(options.reportFile, JSON.stringify({ ...last, lost: last.lost + lost }));
  });
}

if (isMainThread && (options.end === 'worker' || options.end === 'terminate')) await playInWorker();
else await play();
