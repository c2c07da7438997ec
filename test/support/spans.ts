import { type Attributes, ROOT_CONTEXT, type Span, SpanKind, trace } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { ReadableSpan } from '../../src/exporter/otlp/span.js';

export interface SpansOptions {
  /** Attributes of each span. */
  attributes?: (number: number) => Attributes;
  /** Called with each span before it ends. */
  before?: (span: Span, number: number) => void;
}

/** Spans of the real SDK that have ended: `span 0`, `span 1`… in one trace. */
export function endedSpans(count: number, options: SpansOptions = {}): ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const tracer = provider.getTracer('test', '1.0.0');
  const root = tracer.startSpan('root');
  const inside = trace.setSpan(ROOT_CONTEXT, root);
  for (let i = 0; i < count; i++) {
    const attributes = options.attributes?.(i);
    const span = tracer.startSpan(`span ${i}`, { kind: SpanKind.CLIENT, ...(attributes && { attributes }) }, inside);
    options.before?.(span, i);
    span.end();
  }
  return exporter.getFinishedSpans();
}

/** The names of spans in their order, for comparing what was sent with what arrived. */
export function namesOf(spans: readonly { name: string }[]): string[] {
  return spans.map(({ name }) => name).sort();
}

/** The spans, of which the one at `index` can be read once, for the queue, and then never again. */
export function withUnwritable(spans: readonly ReadableSpan[], index: number): ReadableSpan[] {
  const span = spans[index] as ReadableSpan;
  let reads = 0;
  const spanContext = () => {
    if (reads++ > 0) throw new Error('mine');
    return span.spanContext();
  };
  return spans.with(index, { ...span, spanContext });
}
