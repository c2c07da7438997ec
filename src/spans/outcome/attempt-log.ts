import type { Attributes, Span } from '@opentelemetry/api';
import { type AttributeWriter, type CaptureSettings, keptText } from '../../capture/levels.js';
import { isMetadataHeader } from '../../capture/redact/headers.js';
import { sendable } from '../../otel/attribute-value.js';
import { microsToHrTime, toMicros } from '../../otel/clock.js';
import * as names from '../../otel/names.js';
import { byteLength } from '../../util/byte-length.js';
import { guarded, report } from '../../util/diagnostics.js';
import { urlParts } from '../../util/memo.js';
import { badOption, requireObject } from '../../util/validation.js';
import { describeFailure, keptFailure } from './errors.js';

/** How one attempt ended: `failed` is no answer, HTTP 400 and above, an error event in the stream or a broken body. */
export type AttemptStatus = 'completed' | 'failed' | 'aborted' | 'unread';

/** One HTTP exchange made for a step. What of it is kept depends on `capture`; all of it is redacted. */
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
  /** How often this very request was sent before; from 1, absent on the first. */
  resendCount?: number;
  /** From the start of the attempt to the first bytes of the body. */
  timeToFirstChunkMillis?: number;
  /** Anything that was thrown; only its class and codes are kept unless `capture` is `content`. */
  error?: unknown;
  /** For `error.type`; taken from `error` where absent. */
  errorType?: string;
  /** What the provider said went wrong; kept only if `capture` is `content`. */
  errorMessage?: string;
  /** By lower-case name. Only allow-listed ones are kept unless `capture` is `content`. */
  requestHeaders?: Record<string, string>;
  /** By lower-case name. Only allow-listed ones are kept unless `capture` is `content`. */
  responseHeaders?: Record<string, string>;
  /** Bytes on the wire's inside, after decompression. */
  requestBodySize?: number;
  /** Bytes on the wire's inside, after decompression. */
  responseBodySize?: number;
  /** Kept only if `capture` is `content`. */
  requestBody?: string;
  /** Its beginning, if `responseBodySize` says that it was longer. Kept only if `capture` is `content`. */
  responseBody?: string;
  /** Whether it broke off, at any size: then its last word may be half of a secret, and is not kept. */
  responseBodyBroke?: boolean;
  /** How many bytes of the bodies were not kept, on attempts that were. */
  truncatedBytes?: number;
}

/** Where an attempt went. */
export interface Endpoint {
  /** When the attempt started, in milliseconds since the epoch. */
  readonly at: number;
  /** `POST /v1/messages`. */
  readonly name: string;
}

const STATUSES: readonly unknown[] = ['completed', 'failed', 'aborted', 'unread'];

/** Shown on the span: the SDK keeps 128 events and drops the oldest, so these and 16 status updates fill it. */
const FIRST_SHOWN = 64;
const LAST_SHOWN = 48;
/** Attempts between the shown ones are kept without headers and bodies, as many as this. */
const MAX_KEPT = 1024;

/**
 * The attempts of one step.
 *
 * The span shows the first 64 and the last 48. Up to 1024 are kept, those in between without headers and bodies; what is dropped beyond
 * that is counted.
 *
 * @example
 * const number = step.attempts.next();
 * step.attempts.record({ number, status: 'completed', startedAt, endedAt: Date.now(), statusCode: 200 });
 */
export class AttemptLog {
  /** In order of number. */
  readonly #kept: Attempt[] = [];
  readonly #capturing: CaptureSettings | undefined;
  #handedOut = 0;
  #count = 0;
  #failedCount = 0;
  #written = false;

  /** Made by runtrace, one for each step. Without `capturing` nothing is kept. */
  constructor(capturing: CaptureSettings | undefined) {
    this.#capturing = capturing;
  }

  /** Hands out 1, 2, 3… with no gap and no repeat, however many calls run at once. */
  next(): number {
    return ++this.#handedOut;
  }

  /** Records an attempt under its number, which is not handed out any more; one that was recorded under it before is replaced. */
  record(attempt: Attempt): void {
    checkAttempt(attempt);
    if (!this.#capturing) return;
    if (this.#written) report('an attempt was recorded after its step had settled; it is not exported');
    const { number, status, startedAt, endedAt } = attempt;
    const capturing = this.#capturing;
    const kept = guarded('an attempt could not be recorded in full', () => keepOf(attempt, capturing)) ?? {
      number,
      status,
      startedAt,
      endedAt,
    };
    this.#handedOut = Math.max(this.#handedOut, number);
    const index = this.#indexOf(number);
    const before = this.#kept[index]?.number === number ? this.#kept[index] : undefined;
    if (!before) this.#count++;
    this.#failedCount += Number(kept.status === 'failed') - Number(before?.status === 'failed');
    if (index === this.#kept.length) this.#kept.push(kept);
    else this.#kept.splice(index, before ? 1 : 0, kept);
    if (this.#kept.length > FIRST_SHOWN + LAST_SHOWN) this.#lightenAround(index);
  }

  /** Puts `attempt` in the place of the one with this number; if there is none, it is appended. */
  replace(number: number, attempt: Attempt): void {
    this.record({ ...requireAttempt(attempt), number });
  }

  /** A copy of what is kept, in order of number. */
  snapshot(): Attempt[] {
    return this.#kept.map(copyAttempt);
  }

  /** How many attempts were recorded. */
  get count(): number {
    return this.#count;
  }

  /** How many of them failed. */
  get failedCount(): number {
    return this.#failedCount;
  }

  /** The one with this number, as it is kept. */
  get(number: number): Attempt | undefined {
    const attempt = this.#kept[this.#indexOf(number)];
    return attempt?.number === number ? attempt : undefined;
  }

  /** The one with the highest number. */
  last(): Attempt | undefined {
    return this.#kept.at(-1);
  }

  /** The endpoint of the first that completed. */
  endpoint(): Endpoint | undefined {
    const attempt = this.#kept.find(isCompleted);
    const path = attempt?.url && urlParts(attempt.url)?.path;
    return path ? { at: attempt.startedAt, name: `${attempt.method ?? 'POST'} ${path}` } : undefined;
  }

  /** Where `number` is, or belongs. Searched from the end: calls end about in the order in which they began. */
  #indexOf(number: number): number {
    let index = this.#kept.length;
    while (index > 0 && (this.#kept[index - 1] as Attempt).number >= number) index--;
    return index;
  }

  /** Concurrent calls end out of order: what is new may be in the middle itself, or push another one there from either end. */
  #lightenAround(index: number): void {
    for (const changed of [index, FIRST_SHOWN, this.#kept.length - LAST_SHOWN - 1]) this.#lightenInMiddle(changed);
    if (this.#kept.length > MAX_KEPT) this.#kept.splice(FIRST_SHOWN, 1);
  }

  /** What is not shown loses what is heavy. */
  #lightenInMiddle(index: number): void {
    const attempt = this.#kept[index];
    if (!attempt || index < FIRST_SHOWN || index >= this.#kept.length - LAST_SHOWN) return;
    const { requestHeaders, responseHeaders, requestBody, responseBody, errorMessage, ...light } = attempt;
    this.#kept[index] = light;
  }

  /**
   * Writes the attempts as events, in order of number, and what they come to. `startedAt` and `endedAt` are the span's:
   * each event lies inside, and strictly after the one before it by at least a microsecond, which is how Jaeger sorts.
   */
  writeTo(span: Span, to: AttributeWriter, startedAt: number, endedAt: number): void {
    this.#written = true;
    const attempts = this.#kept;
    let retryWait = 0;
    let at = toMicros(startedAt) - 1;
    let previous: Attempt | undefined;
    const shown =
      attempts.length <= FIRST_SHOWN + LAST_SHOWN
        ? attempts
        : attempts.filter((_, index) => index < FIRST_SHOWN || index >= attempts.length - LAST_SHOWN);
    for (const attempt of attempts) {
      if (previous) retryWait += Math.max(0, attempt.startedAt - previous.endedAt);
      previous = attempt;
    }
    let remaining = shown.length;
    previous = undefined;
    for (const attempt of shown) {
      at = Math.max(at + 1, Math.min(toMicros(attempt.startedAt), toMicros(endedAt) - --remaining));
      const before = previous?.number === attempt.number - 1 ? previous : undefined;
      span.addEvent(names.EVENT_ATTEMPT, attemptAttributes(attempt, before), microsToHrTime(at));
      previous = attempt;
    }
    const dropped = this.#count - shown.length;
    to.write(names.STEP_ATTEMPT_COUNT, this.#count);
    to.write(names.STEP_FAILED_ATTEMPT_COUNT, this.#failedCount);
    if (attempts.length > 0) to.write(names.STEP_ATTEMPT_CODES, attempts.map(codeOf).join(' '));
    if (attempts.length > 1) to.write(names.STEP_RETRY_WAIT_MS, Math.round(retryWait));
    if (dropped === 0) return;
    to.write(names.STEP_DROPPED_ATTEMPT_COUNT, dropped);
    report('a step had more attempts than its span has room for; those in the middle were dropped');
  }
}

function codeOf({ statusCode, status }: Attempt): string {
  return statusCode === undefined ? status : String(statusCode);
}

function isCompleted({ status }: Attempt): boolean {
  return status === 'completed';
}

function copyAttempt(attempt: Attempt): Attempt {
  const copy = { ...attempt };
  if (copy.requestHeaders) copy.requestHeaders = { ...copy.requestHeaders };
  if (copy.responseHeaders) copy.responseHeaders = { ...copy.responseHeaders };
  return copy;
}

function checkAttempt(attempt: Attempt): void {
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

function requireAttempt(attempt: Attempt): Attempt {
  requireObject(attempt, 'attempt');
  return attempt;
}

/** What may be kept of an attempt, redacted and bounded. */
function keepOf(attempt: Attempt, capturing: CaptureSettings): Attempt {
  const { redactor, content, limits } = capturing;
  const { error, errorMessage, requestHeaders, responseHeaders, requestBody, responseBody, responseBodyBroke } =
    attempt;
  const { number, status, startedAt, endedAt } = attempt;
  const whole: Attempt = { number, status, startedAt, endedAt };
  if (attempt.method !== undefined) whole.method = redactor.name(attempt.method);
  if (attempt.url !== undefined) whole.url = capturing.redactUrl(attempt.url);
  if (attempt.statusCode !== undefined) whole.statusCode = attempt.statusCode;
  if (attempt.resendCount !== undefined) whole.resendCount = attempt.resendCount;
  if (attempt.timeToFirstChunkMillis !== undefined) whole.timeToFirstChunkMillis = attempt.timeToFirstChunkMillis;
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
  if (!content) return whole;
  let truncated = 0;
  const keepBody = (
    text: string,
    headers: Record<string, string> | undefined,
    size = byteLength(text),
    broke: boolean | undefined = false,
  ) => {
    const bounded = redactor.body(text, headers?.['content-type'], limits.bodyBytes, size, broke);
    truncated += bounded ? bounded.truncatedBytes : size;
    return bounded?.text;
  };
  const keptRequest = requestBody && keepBody(requestBody, requestHeaders, attempt.requestBodySize);
  const keptResponse =
    responseBody && keepBody(responseBody, responseHeaders, attempt.responseBodySize, responseBodyBroke);
  if (keptRequest) whole.requestBody = keptRequest;
  if (keptResponse) whole.responseBody = keptResponse;
  if (truncated > 0) {
    whole.truncatedBytes = truncated;
    report(
      'a body was longer than limits.bodyBytes, or made no sense; what was not kept of it is counted on its attempt',
    );
  }
  return whole;
}

function keptHeaders(headers: Record<string, string>, { content, redactor }: CaptureSettings): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name in headers) {
    if (content || isMetadataHeader(name)) kept[redactor.name(name)] = redactor.header(name, headers[name] as string);
  }
  return kept;
}

/** The event that an attempt becomes. What it shares with the attempt before it is said once. */
export function attemptAttributes(attempt: Attempt, previous: Attempt | undefined): Attributes {
  const { startedAt, endedAt, url, requestHeaders, responseHeaders, requestBody } = attempt;
  const to: Attributes = {
    [names.ATTEMPT_NUMBER]: attempt.number,
    [names.ATTEMPT_STATUS]: attempt.status,
  };
  if (attempt.statusCode !== undefined) to[names.HTTP_RESPONSE_STATUS_CODE] = sendable(attempt.statusCode);
  if (attempt.errorType !== undefined) to[names.ERROR_TYPE] = attempt.errorType;
  if (attempt.errorMessage !== undefined) to[names.EXCEPTION_MESSAGE] = attempt.errorMessage;
  to[names.ATTEMPT_DURATION_MS] = sendable(Math.max(0, Math.round(endedAt - startedAt)));
  if (previous && startedAt >= previous.endedAt) {
    to[names.ATTEMPT_WAIT_MS] = sendable(Math.round(startedAt - previous.endedAt));
  }
  if (attempt.timeToFirstChunkMillis !== undefined) {
    to[names.ATTEMPT_TIME_TO_FIRST_CHUNK_MS] = sendable(Math.round(attempt.timeToFirstChunkMillis));
  }
  if (attempt.resendCount !== undefined) to[names.HTTP_REQUEST_RESEND_COUNT] = sendable(attempt.resendCount);
  if (attempt.method !== undefined) to[names.HTTP_REQUEST_METHOD] = attempt.method;
  if (url !== undefined) {
    to[names.URL_FULL] = url;
    const parts = urlParts(url);
    if (parts) {
      to[names.SERVER_ADDRESS] = parts.address;
      to[names.SERVER_PORT] = parts.port;
    }
  }
  if (attempt.requestBodySize !== undefined) to[names.HTTP_REQUEST_BODY_SIZE] = sendable(attempt.requestBodySize);
  if (attempt.responseBodySize !== undefined) to[names.HTTP_RESPONSE_BODY_SIZE] = sendable(attempt.responseBodySize);
  for (const name in requestHeaders) to[names.HTTP_REQUEST_HEADER_PREFIX + name] = [requestHeaders[name] as string];
  for (const name in responseHeaders) to[names.HTTP_RESPONSE_HEADER_PREFIX + name] = [responseHeaders[name] as string];
  if (requestBody !== undefined && requestBody !== previous?.requestBody) {
    to[names.HTTP_REQUEST_BODY_CONTENT] = requestBody;
  }
  if (attempt.responseBody !== undefined) to[names.HTTP_RESPONSE_BODY_CONTENT] = attempt.responseBody;
  if (attempt.truncatedBytes !== undefined) to[names.ATTEMPT_TRUNCATED_BYTES] = sendable(attempt.truncatedBytes);
  return to;
}
