import type { Clock } from './clock.js';

/** Requests of several spans stay below this size: writing one blocks the event loop for a time that grows with its size. */
export const TARGET_BYTES = 1024 * 1024;
/** The size of a request to an endpoint that has just failed. Some reset the connection where they should answer 413. */
const PROBE_BYTES = 256 * 1024;
/** An endpoint that answers 413 even to this refuses everything. */
const LEAST_BYTES = 16 * 1024;
const FIRST_PAUSE_MILLIS = 1000;
const LONGEST_PAUSE_MILLIS = 30_000;
/** After so many 413s in a row to requests of `LEAST_BYTES`, the size is not the reason. */
const MOST_VAIN_CUTS = 3;

/**
 * How large and how frequent the requests to one endpoint may be, learned from its answers. After a failure there is a pause,
 * longer each time, then one small request. Once requests succeed again, they grow.
 */
export class Backoff {
  /** How large a single span may be, in bytes. */
  spanLimit: number;
  /** How large a request of several spans may be, in bytes. */
  requestLimit: number;
  /** No request before this time of the clock. */
  pausedUntil = 0;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #maxRequestBytes: number;
  /** `requestLimit` grows back to this. */
  #requestCap: number;
  #largestAccepted = 0;
  #failures = 0;
  #pauses = 0;
  #vainCuts = 0;
  /** What the endpoint itself asked for, in a Retry-After. */
  #askedUntil = 0;

  constructor(maxRequestBytes: number, clock: Clock, random: () => number = Math.random) {
    this.#maxRequestBytes = maxRequestBytes;
    this.spanLimit = maxRequestBytes;
    this.#requestCap = Math.min(maxRequestBytes, TARGET_BYTES);
    this.requestLimit = this.#requestCap;
    this.#clock = clock;
    this.#random = random;
  }

  /** Whether the last answer was a failure. */
  get isDown(): boolean {
    return this.#failures > 0;
  }

  get isPaused(): boolean {
    return this.#clock.now() < this.pausedUntil;
  }

  /** Whether the endpoint answers 413 to everything, so that nothing is gained by smaller requests. */
  get refusesAnySize(): boolean {
    return this.#vainCuts >= MOST_VAIN_CUTS;
  }

  /** What to hand to `failed`: requests that were under way together fail together, and count as one failure. */
  ticket(): number {
    return this.#pauses;
  }

  accepted(bytes: number): void {
    this.#failures = 0;
    this.#vainCuts = 0;
    this.pausedUntil = this.#askedUntil;
    this.#largestAccepted = Math.max(this.#largestAccepted, bytes);
    this.requestLimit = Math.min(this.#requestCap, this.requestLimit * 2);
  }

  /** `askedUntil`: the time of the clock before which the endpoint wants no request. */
  failed(ticket: number, askedUntil = 0): void {
    this.#askedUntil = Math.max(this.#askedUntil, askedUntil);
    if (ticket === this.#pauses) {
      const pause = Math.min(LONGEST_PAUSE_MILLIS, FIRST_PAUSE_MILLIS * 2 ** this.#failures);
      this.pausedUntil = this.#clock.now() + pause * (0.5 + this.#random() / 2);
      this.requestLimit = Math.min(this.requestLimit, PROBE_BYTES);
      this.#failures++;
      this.#pauses++;
    }
    this.pausedUntil = Math.max(this.pausedUntil, this.#askedUntil);
  }

  /** Ends the pause, as far as it was our own choice. */
  endPause(): void {
    this.pausedUntil = this.#askedUntil;
  }

  /** Learns that a request of that size was too large. Returns whether a smaller one is worth a try. */
  tooLarge(bytes: number, isSingleSpan: boolean): boolean {
    if (bytes <= LEAST_BYTES || this.refusesAnySize) {
      if (++this.#vainCuts === MOST_VAIN_CUTS) this.#forgetLimits();
      return false;
    }
    if (isSingleSpan) {
      // A size that was accepted once will be accepted again: cut off no more of a span than necessary.
      const accepted = this.#largestAccepted < bytes ? this.#largestAccepted : 0;
      this.spanLimit = Math.max(LEAST_BYTES, Math.min(this.spanLimit, Math.max(accepted, Math.floor(bytes / 2))));
    } else {
      this.#requestCap = Math.max(LEAST_BYTES, Math.min(this.#requestCap, Math.floor(bytes / 2)));
      this.requestLimit = Math.min(this.requestLimit, this.#requestCap);
    }
    return true;
  }

  /** They were learned from answers that were not about size. */
  #forgetLimits(): void {
    this.spanLimit = this.#maxRequestBytes;
    this.#requestCap = Math.min(this.#maxRequestBytes, TARGET_BYTES);
    this.requestLimit = this.#requestCap;
  }
}
