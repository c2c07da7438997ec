import type { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';

// Taken from the stock exporter's signature, so that the declarations fit whichever SDK major the application has.

/** A span that has ended, as the SDK hands it to exporters. */
export type ReadableSpan = Parameters<OTLPTraceExporter['export']>[0][number];

/** What an exporter says about a batch: code 0 for success, 1 for failure. */
export type ExportResult = Parameters<Parameters<OTLPTraceExporter['export']>[1]>[0];

/** The SDK's interface of everything that takes spans away. */
export interface SpanExporter {
  /** Takes a batch; calls back once, when it is known what became of it. */
  export(spans: ReadableSpan[], resultCallback: (result: ExportResult) => void): void;
  /** Resolves when everything that was taken before is done. */
  forceFlush?(): Promise<void>;
  /** Flushes and lets go of connections and files. Later batches fail. */
  shutdown(): Promise<void>;
}

/** Code of an {@link ExportResult}. */
export const SUCCESS: ExportResult['code'] = 0;
/** Code of an {@link ExportResult}. */
export const FAILED: ExportResult['code'] = 1;

/** Field by field: spans of the SDK have getters and private fields that a spread or a prototype would lose. */
export function copySpanWith(
  span: ReadableSpan,
  changed: Partial<Pick<ReadableSpan, 'attributes' | 'events' | 'links'>>,
): ReadableSpan {
  return {
    name: span.name,
    kind: span.kind,
    spanContext: () => span.spanContext(),
    ...(span.parentSpanContext && { parentSpanContext: span.parentSpanContext }),
    attributes: span.attributes,
    events: span.events,
    startTime: span.startTime,
    endTime: span.endTime,
    status: span.status,
    links: span.links,
    duration: span.duration,
    ended: span.ended,
    resource: span.resource,
    instrumentationScope: span.instrumentationScope,
    droppedAttributesCount: span.droppedAttributesCount,
    droppedEventsCount: span.droppedEventsCount,
    droppedLinksCount: span.droppedLinksCount,
    ...changed,
  };
}
