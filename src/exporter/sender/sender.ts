import type { ReadableSpan } from '../otlp/span.js';

/**
 * The result of one request.
 *
 * | kind | meaning | what follows |
 * |---|---|---|
 * | `accepted` | the endpoint took all spans | |
 * | `rejected` | the endpoint took the request, and refused `count` of its spans for good (OTLP's partial success) | they are lost |
 * | `retry` | the request failed, and the same request may succeed later | it is sent again, not before `at` (a time of the clock) |
 * | `busy` | the exporter that sends had no room for the request; says nothing of the endpoint | it is sent again soon |
 * | `too_large` | a smaller request may succeed | it is split, or its span is cut |
 * | `unwritable` | one of the spans can't be encoded | the request is halved until that span is alone; it is lost |
 * | `refused` | the same request will never succeed | it is not sent again |
 *
 * `why` is text for a log. It holds no header value and no password.
 */
export type SendResult =
  | { kind: 'accepted' }
  | { kind: 'rejected'; count: number; why: string }
  | { kind: 'retry'; why: string; at?: number; noBackend?: NoBackend }
  | { kind: 'busy' }
  | { kind: 'too_large'; why: string }
  | { kind: 'unwritable'; why: string }
  | { kind: 'refused'; why: string };

/** Why there is no backend, where a failure tells that: a few seconds later it will be the same. */
export type NoBackend = 'nothing listens there' | 'its host is unknown' | 'no TLS connection can be made';

/** What delivers spans to one endpoint. It keeps nothing: retries, pauses and the spool are the destination's. */
export interface Sender {
  /** Whether the endpoint is on this machine. */
  readonly isLoopback: boolean;
  /** Sends one request. Never rejects. */
  send(spans: readonly ReadableSpan[]): Promise<SendResult>;
  /** Sends spans before it returns, for a process that has no time left. Absent where that can't be. Returns whether it did; never throws. */
  sendSync?(spans: readonly ReadableSpan[]): boolean;
  /** Closes connections. */
  shutdown(): Promise<void>;
}

/** The result for spans that could not be encoded. */
export function unwritable(error: unknown): SendResult {
  return { kind: 'unwritable', why: `spans can't be encoded: ${errorText(error)}` };
}

/** The text of an error without what a log can't show. */
export function errorText(error: unknown): string {
  const { code, message, name, errors } = (error ?? {}) as NodeJS.ErrnoException & { errors?: unknown[] };
  // Node's error for a host with several addresses has no message of its own.
  const text = message || (errors?.[0] as Error | undefined)?.message || name || 'unknown error';
  return plainText(typeof code === 'string' && !text.includes(code) ? `${text} (${code})` : text);
}

/** One line of at most 300 characters, with nothing that controls a terminal. */
export function plainText(text: string): string {
  return text
    .slice(0, 300)
    .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
}
