import type { Clock } from './clock.js';

/** Requests are cut at this size even where more is allowed: writing one holds the event loop for as long as it is large. */
export const TARGET_BYTES = 1024 * 1024;
/** The size of a request to an endpoint that has just failed. Some reset the connection where they should say 413. */
const PROBE_BYTES = 256 * 1024;
/** An endpoint that refuses even this for its size refuses everything. */
const LEAST_BYTES = 16 * 1024;
const FIRST_PAUSE_MILLIS = 1000;
const LONGEST_PAUSE_MILLIS = 30_000;

/**
 * How large and how frequent the requests to one endpoint may be, learned from its answers: after a failure it is
 * left alone for a while, longer each time, then asked with one small request; when it is well again, requests grow.
 */
export class Pace {
  /** What a single span may weigh, in bytes. */
  spanLimit: number;
  /** What a request of several spans may weigh, in bytes. */
  requestLimit: number;
  /** No request before this time of the clock. */
  pausedUntil = 0;
  readonly #clock: Clock;
  readonly #random: () => number;
  /** What `requestLimit` grows back to. */
  #requestCap: number;
  #largestTaken = 0;
  #failures = 0;
  #pauses = 0;

  constructor(maxRequestBytes: number, clock: Clock, random: () => number = Math.random) {
    this.spanLimit = maxRequestBytes;
    this.#requestCap = Math.min(maxRequestBytes, TARGET_BYTES);
    this.requestLimit = this.#requestCap;
    this.#clock = clock;
    this.#random = random;
  }

  /** Whether the last that was heard of the endpoint is a failure. */
  get isDown(): boolean {
    return this.#failures > 0;
  }

  get isPaused(): boolean {
    return this.#clock.now() < this.pausedUntil;
  }

  /** What to hand to `failed`: requests that were under way together fail together, and count as one failure. */
  ticket(): number {
    return this.#pauses;
  }

  wentWell(bytes: number): void {
    this.#failures = 0;
    this.pausedUntil = 0;
    this.#largestTaken = Math.max(this.#largestTaken, bytes);
    this.requestLimit = Math.min(this.#requestCap, this.requestLimit * 2);
  }

  failed(ticket: number): void {
    if (ticket !== this.#pauses) return;
    const pause = Math.min(LONGEST_PAUSE_MILLIS, FIRST_PAUSE_MILLIS * 2 ** this.#failures);
    this.pausedUntil = this.#clock.now() + pause * (0.5 + this.#random() / 2);
    this.requestLimit = Math.min(this.requestLimit, PROBE_BYTES);
    this.#failures++;
    this.#pauses++;
  }

  /** Learns that a request of that size was too large. Returns whether a smaller one is worth a try. */
  tooLarge(bytes: number, isSingleSpan: boolean): boolean {
    if (isSingleSpan) {
      if (bytes <= LEAST_BYTES) return false;
      // What was taken once will be taken again: no more is cut off a span than must be.
      const taken = this.#largestTaken < bytes ? this.#largestTaken : 0;
      this.spanLimit = Math.max(LEAST_BYTES, Math.min(this.spanLimit, Math.max(taken, Math.floor(bytes / 2))));
    } else {
      this.#requestCap = Math.min(this.#requestCap, Math.floor(bytes / 2));
      this.requestLimit = Math.min(this.requestLimit, this.#requestCap);
    }
    return true;
  }
}
