/** How the demo knows whether everything arrived. An application needs none of this. */

import { readFileSync } from 'node:fs';
import type { Span, SpanProcessor } from '@opentelemetry/sdk-trace-base';

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
