import type { Span } from '@opentelemetry/api';

/** The SDK's span in one that somebody wraps around it: OpenInference's masks what is written, and keeps the SDK's as `span`. */
export function unwrapped(span: Span): Span {
  const { span: inner } = span as { span?: Span };
  return typeof inner?.isRecording === 'function' ? inner : span;
}
