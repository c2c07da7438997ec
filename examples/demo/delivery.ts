/** How the demo knows whether everything arrived. An application needs none of this. */

import { readFileSync } from 'node:fs';
import type { ReadableSpan, Span, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace-base';

type ResultCallback = Parameters<SpanExporter['export']>[1];

/**
 * An exporter that remembers what it could not deliver. It calls that a success all the same: a failure would end the
 * SDK's shutdown at once, while other exporters are still at work.
 */
export class WatchedExporter implements SpanExporter {
  readonly destination: string;
  readonly failures: string[] = [];
  readonly #exporter: SpanExporter;

  constructor(destination: string, exporter: SpanExporter) {
    this.destination = destination;
    this.#exporter = exporter;
  }

  export(spans: ReadableSpan[], resultCallback: ResultCallback): void {
    this.#exporter.export(spans, (result) => {
      if (result.code !== 0) {
        const why = result.error?.message ?? 'no reason was given';
        this.failures.push(`${spans.length} spans could not be exported to ${this.destination}: ${why}`);
      }
      resultCallback({ code: 0 });
    });
  }

  async forceFlush(): Promise<void> {
    await this.#exporter.forceFlush?.();
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }
}

/** Remembers every trace that began. In the demo each one is a run. */
export class BegunTraces implements SpanProcessor {
  #ids: string[] = [];

  /** The ids of the traces that began since it was asked last. */
  take(): string[] {
    const ids = this.#ids;
    this.#ids = [];
    return ids;
  }

  onStart(span: Span): void {
    if (!span.parentSpanContext) this.#ids.push(span.spanContext().traceId);
  }

  onEnd(): void {}

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}
}

interface OtlpRequest {
  resourceSpans: { scopeSpans: { spans: { traceId: string; parentSpanId?: string }[] }[] }[];
}

/** The trace ids of the root spans in an OTLP file. */
export function tracesIn(file: string): Set<string> {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  const requests = lines.map((line): OtlpRequest => JSON.parse(line));
  const spans = requests
    .flatMap(({ resourceSpans }) => resourceSpans)
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap((scope) => scope.spans);
  return new Set(spans.filter(({ parentSpanId }) => !parentSpanId).map(({ traceId }) => traceId));
}
