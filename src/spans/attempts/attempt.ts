import { keptText } from '../../capture/captured-content.js';
import { type Deferred, deferred } from '../../capture/deferred.js';
import type { CaptureSettings } from '../../capture/levels.js';
import { beginningOfBytes, beginningOfText } from '../../capture/redact/beginning.js';
import { isMetadataHeader } from '../../capture/redact/headers.js';
import { type Usage, usageOf } from '../../otel/genai.js';
import { byteLength } from '../../util/byte-length.js';
import { report } from '../../util/diagnostics.js';
import { badOption, requireObject } from '../../util/validation.js';
import { describeFailure, keptFailure } from '../outcome/errors.js';
import type { ReadBody } from './http-exchange.js';

/**
 * How one attempt ended.
 *
 * - `completed`: it was answered.
 * - `failed`: no answer, HTTP 400 and above, an error in the body, or a broken body.
 * - `aborted`: the caller stopped it.
 * - `unread`: it was answered, and its body was not read.
 */
export type AttemptStatus = 'completed' | 'failed' | 'aborted' | 'unread';

/** One HTTP exchange made for a step. `capture` says how much of it is recorded; all of it is redacted. */
export interface Attempt {
  /** From {@link AttemptLog.next}. */
  number: number;
  status: AttemptStatus;
  /** Milliseconds since the epoch. */
  startedAt: number;
  /** Milliseconds since the epoch. */
  endedAt: number;
  method?: string;
  url?: string;
  /** The HTTP status code, where there was an answer. */
  statusCode?: number;
  /** How often the same request was sent before: from 1, absent on the first. */
  resendCount?: number;
  /** From the start of the attempt to the first bytes of the body, in milliseconds. */
  timeToFirstChunkMillis?: number;
  /** What the answer cost, in tokens. */
  usage?: Usage;
  /** The id of the model's answer. The usage of one answer counts once for its step, however often it was fetched. */
  responseId?: string;
  /** Anything that was thrown. Only its class and codes are recorded unless `capture` is `content`. */
  error?: unknown;
  /** For `error.type`; taken from `error` where absent. */
  errorType?: string;
  /** The provider's error message. Recorded only if `capture` is `content`. */
  errorMessage?: string;
  /** By lower-case name. Only allow-listed ones are recorded unless `capture` is `content`. */
  requestHeaders?: Record<string, string>;
  /** By lower-case name. Only allow-listed ones are recorded unless `capture` is `content`. */
  responseHeaders?: Record<string, string>;
  /** In bytes, after decompression. */
  requestBodySize?: number;
  /** In bytes, after decompression. */
  responseBodySize?: number;
  /** Recorded only if `capture` is `content`. */
  requestBody?: string;
  /** The beginning of the body, if `responseBodySize` says that it was longer. Recorded only if `capture` is `content`. */
  responseBody?: string;
  /** Whether the body broke off, at any size. Its last word may then be half of a secret, and is not recorded. */
  responseBodyBroke?: boolean;
  /** Set by runtrace: how many bytes of the bodies were not recorded. */
  truncatedBytes?: number;
}

const STATUSES: readonly unknown[] = ['completed', 'failed', 'aborted', 'unread'];

export function copyAttempt(attempt: Attempt): Attempt {
  const copy = { ...attempt };
  if (copy.requestHeaders) copy.requestHeaders = { ...copy.requestHeaders };
  if (copy.responseHeaders) copy.responseHeaders = { ...copy.responseHeaders };
  return copy;
}

export function checkAttempt(attempt: Attempt): void {
  const { number, status, startedAt, endedAt } = requireAttempt(attempt);
  if (!Number.isInteger(number) || number < 1) throw badOption('attempt.number', 'an integer of at least 1', number);
  if (!STATUSES.includes(status)) {
    throw badOption('attempt.status', "'completed', 'failed', 'aborted' or 'unread'", status);
  }
  checkTime('attempt.startedAt', startedAt);
  checkTime('attempt.endedAt', endedAt);
}

function checkTime(name: string, time: unknown): void {
  if (!Number.isFinite(time)) throw badOption(name, 'milliseconds since the epoch', time);
}

export function requireAttempt(attempt: Attempt): Attempt {
  requireObject(attempt, 'attempt');
  return attempt;
}

/** The attempt as it may be recorded, without its bodies: redacted and bounded. */
export function keepOf(attempt: Attempt, capturing: CaptureSettings): Attempt {
  const { redactor, content } = capturing;
  const { error, errorMessage, requestHeaders, responseHeaders } = attempt;
  const { number, status, startedAt, endedAt } = attempt;
  const whole: Attempt = { number, status, startedAt, endedAt };
  if (attempt.method !== undefined) whole.method = redactor.name(attempt.method);
  if (attempt.url !== undefined) whole.url = capturing.redactUrl(attempt.url);
  if (attempt.statusCode !== undefined) whole.statusCode = attempt.statusCode;
  if (attempt.resendCount !== undefined) whole.resendCount = attempt.resendCount;
  if (attempt.timeToFirstChunkMillis !== undefined) whole.timeToFirstChunkMillis = attempt.timeToFirstChunkMillis;
  const usage = usageOf(attempt.usage);
  if (usage) whole.usage = usage;
  if (attempt.responseId !== undefined) whole.responseId = keptText(attempt.responseId, capturing);
  if (attempt.requestBodySize !== undefined) whole.requestBodySize = attempt.requestBodySize;
  if (attempt.responseBodySize !== undefined) whole.responseBodySize = attempt.responseBodySize;
  if (attempt.truncatedBytes !== undefined) whole.truncatedBytes = attempt.truncatedBytes;
  if (attempt.errorType !== undefined) whole.errorType = keptText(attempt.errorType, capturing);
  if (error !== undefined) {
    const { type, message } = keptFailure(describeFailure(error), capturing);
    whole.errorType ??= type;
    if (message !== undefined) whole.errorMessage = message;
  }
  if (errorMessage !== undefined && content) whole.errorMessage = keptText(errorMessage, capturing);
  if (requestHeaders) whole.requestHeaders = keptHeaders(requestHeaders, capturing);
  if (responseHeaders) whole.responseHeaders = keptHeaders(responseHeaders, capturing);
  return whole;
}

/** The part of a request's body that is read when the body is recorded, if it is. A copy, which does not hold the whole body. */
export function recordedPart(body: ReadBody, { content, limits }: CaptureSettings): string | undefined {
  if (!content) return undefined;
  if (typeof body !== 'string') return beginningOfBytes(body, limits.bodyBytes);
  const beginning = beginningOfText(body, limits.bodyBytes);
  return beginning === body ? body : new TextDecoder().decode(new TextEncoder().encode(beginning));
}

/** The bodies of an attempt as they may be recorded, and how much of them was not. */
export type KeptBodies = Pick<Attempt, 'requestBody' | 'responseBody' | 'truncatedBytes'>;

/** The bodies of an attempt, which are redacted later; `undefined` if none is recorded. */
export function keepBodies(
  attempt: Attempt,
  { redactor, content, limits }: CaptureSettings,
): Deferred<KeptBodies> | undefined {
  const { requestHeaders, responseHeaders, requestBodySize, responseBodySize, responseBodyBroke } = attempt;
  if (!content || !(attempt.requestBody || attempt.responseBody)) return undefined;
  const requestBody = attempt.requestBody && beginningOfText(attempt.requestBody, limits.bodyBytes);
  const responseBody = attempt.responseBody && beginningOfText(attempt.responseBody, limits.bodyBytes);
  const requestSize = requestBodySize ?? byteLength(attempt.requestBody ?? '');
  const responseSize = responseBodySize ?? byteLength(attempt.responseBody ?? '');
  const redact = (): KeptBodies => {
    const kept: KeptBodies = {};
    const keep = (text: string, headers: Record<string, string> | undefined, size: number, broke = false) => {
      const bounded = redactor.body(text, headers?.['content-type'], limits.bodyBytes, size, broke);
      const truncated = bounded ? bounded.truncatedBytes : size;
      if (truncated > 0) kept.truncatedBytes = (kept.truncatedBytes ?? 0) + truncated;
      return bounded?.text;
    };
    const request = requestBody && keep(requestBody, requestHeaders, requestSize);
    const response = responseBody && keep(responseBody, responseHeaders, responseSize, responseBodyBroke);
    if (request) kept.requestBody = request;
    if (response) kept.responseBody = response;
    if (kept.truncatedBytes !== undefined) {
      report(
        'a body was longer than limits.bodyBytes, or could not be parsed; the bytes that were not recorded are counted on its attempt',
      );
    }
    return kept;
  };
  const length = (requestBody?.length ?? 0) + (responseBody?.length ?? 0);
  return deferred(length, redact, { truncatedBytes: requestSize + responseSize });
}

function keptHeaders(headers: Record<string, string>, { content, redactor }: CaptureSettings): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name in headers) {
    if (content || isMetadataHeader(name)) kept[redactor.name(name)] = redactor.header(name, headers[name] as string);
  }
  return kept;
}
