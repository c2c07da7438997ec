import type { Span } from '@opentelemetry/api';
import type { AttributeWriter } from '../../capture/attribute-writer.js';
import type { CaptureSettings } from '../../capture/levels.js';
import { microsToHrTime, toMicros } from '../../otel/clock.js';
import * as names from '../../otel/names.js';
import { guarded, report } from '../../util/diagnostics.js';
import { urlParts } from '../../util/url-parts.js';
import { type Attempt, checkAttempt, copyAttempt, keepOf, requireAttempt } from './attempt.js';
import { attemptAttributes } from './attempt-event.js';

/** Where an attempt went. */
export interface Endpoint {
  /** When the attempt started, in milliseconds since the epoch. */
  readonly at: number;
  /** `POST /v1/messages`. */
  readonly name: string;
}

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
