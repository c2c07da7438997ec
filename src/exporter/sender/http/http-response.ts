import { bytesField, integerField, readProtobuf, textField } from '../../otlp/protobuf/protobuf-reader.js';
import { plainText, type SendResult } from '../sender.js';
import type { HttpAnswer } from './http-request.js';
import { retryAfterMillis } from './retry-after.js';

/** Codes that OTLP/HTTP calls retryable: https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes */
export const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** Reads the answer to a request of so many spans, by the OTLP specification. `now` is the clock's time. */
export function readAnswer(answer: HttpAnswer, spanCount: number, now: number): SendResult {
  const { status, headers } = answer;
  if (status >= 200 && status < 300) return readSuccess(answer, spanCount);
  const why = describeFailure(answer);
  if (status === 413) return { kind: 'too_large', why };
  if (!RETRYABLE.has(status)) return { kind: 'refused', why };
  const wait = retryAfterMillis(headers['retry-after']);
  return { kind: 'retry', why, ...(wait !== undefined && { at: now + wait }) };
}

function readSuccess({ headers, body }: HttpAnswer, spanCount: number): SendResult {
  const contentType = mediaType(headers);
  const start = body.subarray(0, 1024).toString('utf8').trimStart();
  if (contentType === 'text/html' || start.startsWith('<')) return { kind: 'refused', why: describePage(body) };
  const partial = readPartialSuccess(contentType, body);
  const count = Math.min(spanCount, partial?.rejectedSpans ?? 0);
  if (!partial || count < 0 || (count === 0 && !partial.errorMessage)) return { kind: 'accepted' };
  return { kind: 'rejected', count, why: plainText(partial.errorMessage) || 'no reason given' };
}

interface PartialSuccess {
  rejectedSpans: number;
  errorMessage: string;
}

/** `undefined` if there is none, or the body is something that we don't know: it is a success all the same. */
function readPartialSuccess(contentType: string, body: Buffer): PartialSuccess | undefined {
  if (body.length === 0) return undefined;
  try {
    return contentType.endsWith('json') || body[0] === 0x7b ? partialFromJson(body) : partialFromProtobuf(body);
  } catch {
    return undefined;
  }
}

function partialFromJson(body: Buffer): PartialSuccess | undefined {
  const { partialSuccess } = JSON.parse(body.toString('utf8')) as { partialSuccess?: Record<string, unknown> };
  if (!partialSuccess) return undefined;
  const rejectedSpans = Number(partialSuccess.rejectedSpans ?? 0);
  return {
    rejectedSpans: Number.isSafeInteger(rejectedSpans) ? rejectedSpans : 0,
    errorMessage: String(partialSuccess.errorMessage ?? ''),
  };
}

/** An `ExportTraceServiceResponse`: field 1 is the partial success, in which 1 is the count and 2 the message. */
export function partialFromProtobuf(body: Uint8Array): PartialSuccess | undefined {
  const partial = bytesField(readProtobuf(body), 1);
  if (!partial) return undefined;
  const fields = readProtobuf(partial);
  return { rejectedSpans: integerField(fields, 1), errorMessage: textField(fields, 2) };
}

function describeFailure({ status, headers, body }: HttpAnswer): string {
  if (status >= 300 && status < 400) {
    const to = headers.location === undefined ? '' : ` to ${withoutSecrets(headers.location)}`;
    return `HTTP ${status}: redirected${to}; redirects are not followed`;
  }
  const said = messageOf(mediaType(headers), body);
  return `HTTP ${status}${said && `: ${said}`}`;
}

/** What a backend says in the body of a failure: text, JSON, or a `google.rpc.Status`, whose field 2 is the message. */
function messageOf(contentType: string, body: Buffer): string {
  try {
    if (contentType === 'application/x-protobuf') return plainText(textField(readProtobuf(body), 2));
    if (contentType === 'text/html') return '';
    const text = body.toString('utf8');
    if (!contentType.endsWith('json')) return plainText(text);
    const { message, error } = JSON.parse(text) as { message?: unknown; error?: unknown };
    return plainText(typeof message === 'string' ? message : typeof error === 'string' ? error : text);
  } catch {
    return '';
  }
}

function describePage(body: Buffer): string {
  const isJaeger = /<title>[^<]*jaeger/i.test(body.toString('latin1'));
  return isJaeger
    ? "the answer is Jaeger's page; OTLP is on port 4318, at /v1/traces"
    : 'the answer is an HTML page; this is no OTLP endpoint';
}

function mediaType(headers: HttpAnswer['headers']): string {
  return (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** Where a redirect leads, without a query and credentials. */
function withoutSecrets(location: string): string {
  const { host, pathname } = URL.canParse(location)
    ? new URL(location)
    : { host: '', pathname: location.split('?')[0] };
  return plainText(`${host}${pathname}`);
}
