import type { ExportResult } from './otlp/span.js';

/** What became of a request: `retry` may end better next time, `too_large` would if it were smaller, `refused` never. */
export type Verdict = 'sent' | 'retry' | 'too_large' | 'refused';

/** Codes that OTLP/HTTP calls retryable. */
const HTTP_RETRY = new Set([429, 502, 503, 504]);
/** Codes that OTLP/gRPC calls retryable: cancelled, deadline exceeded, resource exhausted, aborted, out of range, unavailable, data loss. */
const GRPC_RETRY = new Set([1, 4, 8, 10, 11, 14, 15]);

/**
 * Reads a sender's result, by the OTLP specification. An error without a number is a network's, or one that the sender has
 * already given up on (the stock one tells no code for 429 and 503): both may pass.
 */
export function verdictOf(result: ExportResult | undefined): Verdict {
  if (result?.code === 0) return 'sent';
  const { code, message } = (result?.error ?? {}) as { code?: unknown; message?: string };
  if (typeof code !== 'number') return 'retry';
  if (code === 413) return 'too_large';
  if (code >= 100) return HTTP_RETRY.has(code) ? 'retry' : 'refused';
  // gRPC has one code for "too fast" and for "too large".
  if (code === 8 && /larger than max/i.test(message ?? '')) return 'too_large';
  return GRPC_RETRY.has(code) ? 'retry' : 'refused';
}
