import type { Span } from '@opentelemetry/api';

/** The SDK's span inside a wrapper. OpenInference's wrapper masks attributes, and holds the SDK's span in its property `span`. */
export function unwrapped(span: Span): Span {
  const { span: inner } = span as { span?: Span };
  return typeof inner?.isRecording === 'function' ? inner : span;
}
