import { isTimeout } from '../outcome/errors.js';
import type { AttemptEnd } from './http-exchange.js';

/** A client starts its timer before it calls `fetch`, so an attempt lasts a little less than the timeout, and more so on a busy machine. */
const EARLY_FACTOR = 0.9;
const EARLY_MILLIS = 25;

/** Timers fire late on a busy machine. */
const LATE_FACTOR = 1.5;
const LATE_MILLIS = 250;

/**
 * How long the attempts of a step lasted that the client's own timeout ended. Some clients abort their `fetch` without a reason when the
 * timeout expires; an attempt that is aborted after the same duration as one of these was not stopped by the caller.
 */
export class ClientTimeouts {
  #shortest = Number.POSITIVE_INFINITY;
  #longest = 0;

  /** An attempt is known to have been ended by the client's timeout. */
  add({ attempt }: AttemptEnd): void {
    const millis = attempt.endedAt - attempt.startedAt;
    this.#shortest = Math.min(this.#shortest, millis);
    this.#longest = Math.max(this.#longest, millis);
  }

  /** Whether an aborted attempt ended as those did. */
  explains(ending: AttemptEnd): boolean {
    if (!mayBeTimeout(ending)) return false;
    const millis = ending.attempt.endedAt - ending.attempt.startedAt;
    return (
      millis >= this.#shortest * EARLY_FACTOR - EARLY_MILLIS && millis <= this.#longest * LATE_FACTOR + LATE_MILLIS
    );
  }
}

/** Whether nothing at the wire tells an abort from the client's timeout: it came before the headers, without a reason of its own. */
export function mayBeTimeout({ how, beforeHeaders, abortReason }: AttemptEnd): boolean {
  if (how !== 'aborted' || !beforeHeaders) return false;
  return (
    abortReason === undefined ||
    isTimeout(abortReason) ||
    (abortReason as { name?: unknown } | null)?.name === 'AbortError'
  );
}
