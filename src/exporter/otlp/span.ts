import type { ReadableSpan } from './protobuf/library.js';

export type { ReadableSpan };

/** What an exporter says about a batch: `code` 0 for success, 1 for failure. The SDK's `ExportResult`, of any version. */
export interface ExportResult {
  code: number;
  error?: Error;
}

/** The SDK's interface of an exporter, of any version. */
export interface SpanExporter {
  /** Sends a batch, and calls back once with the result. */
  export(spans: ReadableSpan[], resultCallback: (result: ExportResult) => void): void;
  /**
   * Sends spans before it returns. Called where the process ends without a shutdown, and can't wait for anything; without it those spans are lost.
   *
   * @throws if they could not be sent.
   */
  exportSync?(spans: ReadableSpan[]): void;
  /** Resolves when every batch that was given before is done. */
  forceFlush?(): Promise<void>;
  /** Flushes, then closes connections and files. Later batches fail. */
  shutdown(): Promise<void>;
}

/** Code of an {@link ExportResult}. */
export const SUCCESS = 0;
/** Code of an {@link ExportResult}. */
export const FAILED = 1;

/** Field by field: spans of the SDK have getters and private fields that a spread or a prototype would lose. */
export function copySpanWith(
  span: ReadableSpan,
  changed: Partial<Pick<ReadableSpan, 'attributes' | 'events' | 'links' | 'resource' | 'startTime' | 'endTime'>>,
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
