import type { ModelCall } from '../../providers/detect.js';
import type { AttemptEnd, OutgoingRequest } from './http-exchange.js';

/** Where the bodies are the same, the client keeps the very same string, so comparing them costs nothing. */
export function isSameRequest(a: OutgoingRequest, b: OutgoingRequest): boolean {
  return !a.opaqueBody && !b.opaqueBody && isSameTarget(a, b) && a.body === b.body;
}

function isSameTarget(a: OutgoingRequest, b: OutgoingRequest): boolean {
  return a.method === b.method && a.url.href === b.url.href;
}

/** As far as can be seen, the same request: a body that can't be read is like any other one. */
export function maySendAgain(a: OutgoingRequest, b: OutgoingRequest): boolean {
  return a.opaqueBody && b.opaqueBody ? isSameTarget(a, b) : isSameRequest(a, b);
}

/** Whether the client aborted an attempt itself, because its time had run out: it asks again, and numbers that. */
export function isRetryOfTimeout(last: AttemptEnd, { retryCount }: OutgoingRequest): boolean {
  if (last.how !== 'aborted' || !last.beforeHeaders || retryCount === undefined) return false;
  return last.outgoing.retryCount === retryCount - 1;
}

/** How often one request was sent, and what was known of it when it was sent before. */
export class Resends {
  #last: { outgoing: OutgoingRequest; call: ModelCall | undefined; count: number } | undefined;
  #anyEnded = false;

  /** What was known of the same request: saves reading it again. */
  recall(outgoing: OutgoingRequest): ModelCall | undefined {
    const last = this.#last;
    return last && isSameRequest(last.outgoing, outgoing) ? last.call : undefined;
  }

  /** A request is sent. Returns how often it was sent before, by the client's own count where it has one. */
  sent(outgoing: OutgoingRequest): number {
    const last = this.#last;
    const isResend = this.#anyEnded && last !== undefined && isSameRequest(last.outgoing, outgoing);
    const count = outgoing.retryCount ?? (isResend ? last.count + 1 : 0);
    this.#last = { outgoing, call: isResend ? last.call : undefined, count };
    return count;
  }

  ended({ outgoing, call }: AttemptEnd): void {
    this.#anyEnded = true;
    if (this.#last?.outgoing === outgoing) this.#last.call = call;
  }
}
