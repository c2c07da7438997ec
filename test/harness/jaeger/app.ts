import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Tracer } from '@opentelemetry/api';
import { resources } from '@opentelemetry/sdk-node';
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import { createRecorder, type Recorder, StatusPrioritySpanProcessor } from 'runtrace';
import { OTLPFileExporter, RuntraceExporter } from 'runtrace/exporter';
import type { Jaeger } from '../../support/jaeger.js';
import { parseOtlpJson, type ReceivedSpan } from '../../support/otlp-receiver.js';

/** What an application left behind. */
export interface Recorded {
  /** Every span that was sent to Jaeger, as the OTLP file has it. */
  sent: ReceivedSpan[];
  /** The lines of that file. */
  lines: string[];
  /** In how many requests Jaeger got them, where that is known. */
  requests?: number;
}

/** Plays an application that has the package in it, with all content captured, and sends what it recorded to Jaeger. */
export async function recordTo(
  jaeger: Jaeger,
  app: { service: string; spansPerRequest: number },
  work: (recorder: Recorder, tracer: Tracer) => Promise<void>,
): Promise<Recorded> {
  return inTemporaryDirectory(async (directory) => {
    const path = join(directory, 'traces.jsonl');
    const counted = countRequests(new RuntraceExporter({ url: `${jaeger.endpoint}/v1/traces` }));
    const tracerProvider = new BasicTracerProvider({
      // Without a host Jaeger takes a parent and its child for two machines and warns of clock skew; NodeSDK names it by itself.
      resource: resources.resourceFromAttributes({ 'service.name': app.service, 'host.name': 'localhost' }),
      spanProcessors: [
        new StatusPrioritySpanProcessor(),
        new BatchSpanProcessor(counted.exporter, { maxExportBatchSize: app.spansPerRequest, scheduledDelayMillis: 10 }),
        new BatchSpanProcessor(new OTLPFileExporter({ path })),
      ],
    });
    await work(createRecorder({ tracerProvider, capture: 'content' }), tracerProvider.getTracer('app'));
    await tracerProvider.shutdown();
    return { ...readOtlpFile(path), requests: counted.requests() };
  });
}

/** A directory that is gone afterwards, also after a failure. */
export async function inTemporaryDirectory<T>(work: (directory: string) => T | Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'runtrace-jaeger-'));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** What an OTLP file holds. Throws if anything in it is not as OTLP says. */
export function readOtlpFile(path: string): Recorded {
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  const sent = lines.flatMap((line) => {
    const { spans, violations } = parseOtlpJson(line);
    if (violations.length > 0) throw new Error(`${path}: ${violations.join('; ')}`);
    return spans;
  });
  return { sent, lines };
}

function countRequests(exporter: SpanExporter): { exporter: SpanExporter; requests: () => number } {
  let requests = 0;
  return {
    requests: () => requests,
    exporter: {
      export(spans, callback) {
        exporter.export(spans, (result) => {
          if (result.code === 0) requests++;
          callback(result);
        });
      },
      shutdown: () => exporter.shutdown(),
    },
  };
}
