import { nextTurn } from '../../otel/next-turn.js';
import type { ModelCall } from '../../providers/detect.js';
import { type AttemptEnd, isRetriable, type OutgoingRequest, type PendingAttempt } from './http-exchange.js';
import { digestOf, isSameBody, releaseBody } from './request-body.js';

export function isSameRequest(a: OutgoingRequest, b: OutgoingRequest): boolean {
  return !a.opaqueBody && !b.opaqueBody && isSameTarget(a, b) && isSameBody(a, b);
}

/** Headers that say what is asked of a gateway which has the model there: two requests that differ in them are not the same. */
export const ASKED_IN_HEADERS = ['ai-language-model-id', 'ai-language-model-streaming', 'ai-model-id'] as const;

function isSameTarget(a: OutgoingRequest, b: OutgoingRequest): boolean {
  return (
    a.method === b.method &&
    a.url.href === b.url.href &&
    ASKED_IN_HEADERS.every((name) => a.headers[name] === b.headers[name])
  );
}

/** Whether `b` may be `a` sent again. Two bodies that runtrace can't read count as equal. */
export function maySendAgain(a: OutgoingRequest, b: OutgoingRequest): boolean {
  return a.opaqueBody && b.opaqueBody ? isSameTarget(a, b) : isSameRequest(a, b);
}

/** Equal for two requests of which one may be the other sent again. */
export function requestKey(outgoing: OutgoingRequest): string {
  const { method, url, headers, opaqueBody } = outgoing;
  const asked = ASKED_IN_HEADERS.map((name) => headers[name] ?? '').join(' ');
  return `${method} ${url.href} ${asked} ${opaqueBody ? 'opaque' : digestOf(outgoing)}`;
}

/** Whether an attempt failed in a way that a retry can help: no answer, a broken answer, or a refusal that may pass. */
function failedForNow({ attempt }: AttemptEnd): boolean {
  const { status, statusCode } = attempt;
  return status === 'failed' && (isRetriable(statusCode) || (statusCode ?? 0) < 400);
}

/** Whether the client aborted an attempt because its timeout had run out: only then does the client send the next number. */
function isRetryOfTimeout(last: AttemptEnd, { retryCount }: OutgoingRequest): boolean {
  if (last.how !== 'aborted' || !last.beforeHeaders || retryCount === undefined) return false;
  return last.outgoing.retryCount === retryCount - 1;
}

/**
 * Whether `next` is a retry of the attempt that ended as `last`, by the client or by a layer above it.
 *
 * - Number k of a client is a retry of its number k - 1, after any failure.
 * - Number 0 is sent by a layer above the client, which has given up. It is a retry if the failure is one that a retry can help, and
 *   if the client is not about to retry that failure itself.
 * - A request without a number is a retry after a failure that a retry can help.
 *
 * After a call that the caller stopped while its client waited for the retry, the same request is a new call.
 */
export function isRetryOf(last: AttemptEnd, next: OutgoingRequest): boolean {
  const before = last.outgoing;
  if ((before.retryCount === undefined) !== (next.retryCount === undefined)) return false;
  if (next.retryCount) {
    const failed = last.attempt.status === 'failed' || isRetryOfTimeout(last, next);
    return failed && isNextNumber(before, next);
  }
  // A client that numbers its retries cancels the body of a refusal before it retries, and reads the body before it gives up
  // (openai 7, @anthropic-ai/sdk 1: `CancelReadableStream` in client.js).
  const clientRetries = next.retryCount === 0 && last.dismissed;
  const wasStopped = last.stoppedAt !== undefined;
  return failedForNow(last) && !clientRetries && !wasStopped && isSameRequest(before, next);
}

/** Whether `next` is a retry of a refused attempt of which the body is still open. Number 0 is not: the client has not given up yet. */
export function isRetryOfOpenRefusal(refused: PendingAttempt, next: OutgoingRequest): boolean {
  const before = refused.outgoing;
  if (next.retryCount !== undefined) return next.retryCount > 0 && isNextNumber(before, next);
  const { statusCode } = refused;
  return (
    before.retryCount === undefined &&
    statusCode !== undefined &&
    isRetriable(statusCode) &&
    isSameRequest(before, next)
  );
}

function isNextNumber(before: OutgoingRequest, next: OutgoingRequest): boolean {
  return before.retryCount !== undefined && before.retryCount + 1 === next.retryCount && maySendAgain(before, next);
}

/** Counts how often a step sent its current request, and remembers what was read from that request. */
export class Resends {
  #last: { outgoing: OutgoingRequest; call: ModelCall | undefined; count: number } | undefined;
  #anyEnded = false;
  #sentCount = 0;

  /** The model call that was read from the same request before: saves reading its body again. */
  recall(outgoing: OutgoingRequest): ModelCall | undefined {
    const last = this.#last;
    return last && isSameRequest(last.outgoing, outgoing) ? last.call : undefined;
  }

  /** A request is sent. Returns how often it was sent before: the client's own count, or else runtrace's. */
  sent(outgoing: OutgoingRequest): number {
    this.#sentCount++;
    const last = this.#last;
    const isResend = this.#anyEnded && last !== undefined && isSameRequest(last.outgoing, outgoing);
    const count = outgoing.retryCount ?? (isResend ? last.count + 1 : 0);
    this.#last = { outgoing, call: isResend ? last.call : undefined, count };
    return count;
  }

  /** `isCall`: whether the step is one call, which is over when it is answered. */
  ended({ outgoing, call, how }: AttemptEnd, isCall = false): void {
    this.#anyEnded = true;
    if (this.#last?.outgoing === outgoing) this.#last.call = call;
    if (isCall && how === 'answered' && this.#sentCount === 1) releaseBody(outgoing, false);
    else nextTurn(() => releaseBody(outgoing, true));
  }
}
