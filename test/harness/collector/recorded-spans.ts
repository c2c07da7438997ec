/** The spans of an application as the SDK ended them, in the form in which a Collector's output file is read. */
import type { SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { ReceivedAttributes, ReceivedSpan } from '../../support/otlp-receiver.js';

type EndedSpan = Parameters<SpanProcessor['onEnd']>[0];
type Instant = EndedSpan['startTime'];

const NANOS_PER_SECOND = 1_000_000_000n;

/** What two descriptions of a span are compared by. It has bigints and NaN, so only `node:v8` serializes it. */
export type ComparableSpan = ReturnType<typeof comparable>;

/** Remembers every span that ends. List it after the processors that write to spans. */
export class SpanRecorder implements SpanProcessor {
  readonly #ended: EndedSpan[] = [];

  onStart(): void {}

  onEnd(span: EndedSpan): void {
    this.#ended.push(span);
  }

  /** To be called after the shutdown: the SDK detects a part of the resource later than the first spans end. */
  spans(): ComparableSpan[] {
    return this.#ended.map(ofSdk).sort(bySpanId);
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}
}

/** The spans of a Collector's output in the same form and order. */
export function ofCollector(spans: readonly ReceivedSpan[]): ComparableSpan[] {
  return spans.map(comparable).sort(bySpanId);
}

function ofSdk(span: EndedSpan): ComparableSpan {
  const { traceId, spanId, traceState } = span.spanContext();
  return comparable({
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId,
    traceState: traceState?.serialize(),
    name: span.name,
    kind: span.kind + 1,
    startTimeUnixNano: nanos(span.startTime),
    endTimeUnixNano: nanos(span.endTime),
    attributes: present(span.attributes),
    events: span.events.map((event) => ({
      name: event.name,
      timeUnixNano: nanos(event.time),
      attributes: present(event.attributes),
    })),
    links: span.links.map((link) => ({
      traceId: link.context.traceId,
      spanId: link.context.spanId,
      traceState: link.context.traceState?.serialize(),
      attributes: present(link.attributes),
    })),
    status: { code: span.status.code, message: span.status.message },
    droppedAttributesCount: span.droppedAttributesCount,
    droppedEventsCount: span.droppedEventsCount,
    resource: present(span.resource.attributes),
    scope: span.instrumentationScope.name,
  });
}

interface TraceState {
  traceState?: string | undefined;
}
type Comparable = Omit<ReceivedSpan, 'links'> & TraceState & { links: (ReceivedSpan['links'][number] & TraceState)[] };

function comparable(span: Comparable) {
  const { traceId, spanId, parentSpanId, name, kind, startTimeUnixNano, endTimeUnixNano, attributes } = span;
  const { droppedAttributesCount, droppedEventsCount, resource, scope } = span;
  return {
    ...{ traceId, spanId, parentSpanId, name, kind, startTimeUnixNano, endTimeUnixNano, attributes },
    ...{ droppedAttributesCount, droppedEventsCount, resource, scope },
    traceState: span.traceState ?? '',
    status: { code: span.status.code, message: span.status.message ?? '' },
    events: span.events.map((event) => ({
      name: event.name,
      timeUnixNano: event.timeUnixNano,
      attributes: event.attributes,
    })),
    links: span.links.map((link) => ({
      traceId: link.traceId,
      spanId: link.spanId,
      traceState: link.traceState ?? '',
      attributes: link.attributes,
    })),
  };
}

/** OTLP has no attribute without a value. */
function present(attributes: object = {}): ReceivedAttributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value != null));
}

function nanos([seconds, rest]: Instant): bigint {
  return BigInt(seconds) * NANOS_PER_SECOND + BigInt(rest);
}

function bySpanId(a: { spanId: string }, b: { spanId: string }): number {
  return a.spanId < b.spanId ? -1 : Number(a.spanId > b.spanId);
}
