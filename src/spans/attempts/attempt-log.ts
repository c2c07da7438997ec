import type { Span } from '@opentelemetry/api';
import type { AttributeWriter } from '../../capture/attribute-writer.js';
import type { Deferred } from '../../capture/deferred.js';
import type { CaptureSettings } from '../../capture/levels.js';
import { microsToHrTime, toMicros } from '../../otel/clock.js';
import type { Usage } from '../../otel/genai.js';
import * as names from '../../otel/names.js';
import { guarded, report } from '../../util/diagnostics.js';
import { appended, NO_ITEMS } from '../outcome/short-list.js';
import type { SnapshotEvent } from '../progress/listener.js';
import {
  type Attempt,
  checkAttempt,
  copyAttempt,
  type KeptBodies,
  keepBodies,
  keepOf,
  requireAttempt,
} from './attempt.js';
import { attemptAttributes } from './attempt-event.js';
import { type AnswerUsage, totalOf, UsageSum } from './usage-sum.js';

/** The SDK keeps 128 events of a span and drops the oldest: 64 first attempts, 48 last ones and 16 status updates fill it. */
const FIRST_SHOWN = 64;
const LAST_SHOWN = 48;

/** How many attempts are stored. Those between the shown ones are stored without headers and bodies. */
const MAX_STORED = 1024;

/**
 * The attempts of one step.
 *
 * The span shows the first 64 and the last 48. Up to 1024 are stored, those in between without headers and bodies. Further ones are
 * dropped and counted.
 *
 * @example
 * const number = step.attempts.next();
 * step.attempts.record({ number, status: 'completed', startedAt, endedAt: Date.now(), statusCode: 200 });
 */
export class AttemptLog {
  /** In order of number. */
  #stored: Attempt[] = NO_ITEMS;
  /** The bodies that the stored attempts do not have yet, by number. */
  #bodies: Map<number, Deferred<KeptBodies>> | undefined;
  readonly #capturing: CaptureSettings | undefined;
  #handedOut = 0;
  #count = 0;
  #failedCount = 0;
  #usage: UsageSum | undefined;
  #written = false;

  /** Made by runtrace, one for each step. Without `capturing` nothing is recorded. */
  constructor(capturing: CaptureSettings | undefined) {
    this.#capturing = capturing;
  }

  /** The number of the next attempt: 1, 2, 3… with no gap and no repeat, however many calls run at once. */
  next(): number {
    return ++this.#handedOut;
  }

  /**
   * Records an attempt under its number, which `next` then no longer returns. Replaces one that was recorded under the same number.
   * Throws a `TypeError` for a bad attempt.
   */
  record(attempt: Attempt): void {
    checkAttempt(attempt);
    if (!this.#capturing) return;
    if (this.#written) report('an attempt was recorded after its step had settled; it is not exported');
    const { number } = attempt;
    const recorded = keptOrPlain(attempt, this.#capturing);
    this.#dropBodies(number);
    if (this.#capturing.content) this.#keepBodies(attempt, this.#capturing);
    this.#handedOut = Math.max(this.#handedOut, number);
    const index = this.#indexOf(number);
    const before = this.#stored[index]?.number === number ? this.#stored[index] : undefined;
    if (!before) this.#count++;
    this.#addUsage(recorded);
    this.#failedCount += Number(recorded.status === 'failed') - Number(before?.status === 'failed');
    if (index === this.#stored.length) this.#stored = appended(this.#stored, recorded);
    else this.#stored.splice(index, before ? 1 : 0, recorded);
    if (this.#stored.length > FIRST_SHOWN + LAST_SHOWN) this.#lightenAround(index);
  }

  #keepBodies(attempt: Attempt, capturing: CaptureSettings): void {
    const bodies = guarded(NOT_IN_FULL, () => keepBodies(attempt, capturing));
    if (bodies) this.#bodies = (this.#bodies ?? new Map()).set(attempt.number, bodies);
  }

  /** Replaces the attempt with this number; if there is none, `attempt` is added. Throws a `TypeError` for a bad attempt. */
  replace(number: number, attempt: Attempt): void {
    this.record({ ...requireAttempt(attempt), number });
  }

  /** A completed attempt that later turns out to have closed badly has still cost what it cost. */
  #addUsage({ number, status, usage, responseId }: Attempt): void {
    if (!usage) return;
    const answer = responseId ?? number;
    if (status !== 'completed' && !this.#usage?.has(answer)) return;
    this.#usage ??= new UsageSum();
    this.#usage.set(answer, usage);
  }

  /** A copy of the stored attempts, in order of number. */
  snapshot(): Attempt[] {
    return this.#stored.map((attempt) => copyAttempt(this.#withBodies(attempt)));
  }

  /**
   * The events of the last attempts, for a step in progress.
   *
   * @internal
   */
  events(): SnapshotEvent[] {
    const first = Math.max(0, this.#stored.length - LAST_SHOWN);
    return this.#stored.slice(first).map((attempt, index) => ({
      name: names.EVENT_ATTEMPT,
      atMillis: attempt.startedAt,
      attributes: attemptAttributes(this.#withBodies(attempt), this.#stored[first + index - 1]),
    }));
  }

  /** How many attempts were recorded. */
  get count(): number {
    return this.#count;
  }

  /** How many attempts failed. */
  get failedCount(): number {
    return this.#failedCount;
  }

  /** The attempt with this number, as it was recorded. */
  get(number: number): Attempt | undefined {
    const attempt = this.#stored[this.#indexOf(number)];
    return attempt?.number === number ? this.#withBodies(attempt) : undefined;
  }

  /** The attempt with the highest number. */
  last(): Attempt | undefined {
    const attempt = this.#stored.at(-1);
    return attempt && this.#withBodies(attempt);
  }

  /** A stored attempt with its bodies. They are redacted now if they were not yet. */
  #withBodies(attempt: Attempt): Attempt {
    const bodies = this.#bodies?.get(attempt.number);
    this.#bodies?.delete(attempt.number);
    return bodies ? Object.assign(attempt, bodies.value) : attempt;
  }

  #dropBodies(number: number): void {
    this.#bodies?.get(number)?.drop();
    this.#bodies?.delete(number);
  }

  /** The usage of the attempts that completed; that of one answer counts once. `undefined` if none had any. */
  usage(): Usage | undefined {
    return this.#usage && totalOf(this.#usage.answers());
  }

  /**
   * The same, answer by answer.
   *
   * @internal
   */
  usages(): readonly AnswerUsage[] {
    return this.#usage?.answers() ?? [];
  }

  /** The first attempt that completed. */
  firstCompleted(): Attempt | undefined {
    return this.#stored.find(isCompleted);
  }

  /** The index of `number`, or the one to insert it at. Searched from the end: calls end about in the order in which they began. */
  #indexOf(number: number): number {
    let index = this.#stored.length;
    while (index > 0 && (this.#stored[index - 1] as Attempt).number >= number) index--;
    return index;
  }

  /** Concurrent calls end out of order: a new attempt may be in the middle itself, or push another one there from either end. */
  #lightenAround(index: number): void {
    for (const changed of [index, FIRST_SHOWN, this.#stored.length - LAST_SHOWN - 1]) this.#lightenInMiddle(changed);
    if (this.#stored.length > MAX_STORED) this.#stored.splice(FIRST_SHOWN, 1);
  }

  /** An attempt that is not shown loses its headers and bodies. */
  #lightenInMiddle(index: number): void {
    const attempt = this.#stored[index];
    if (!attempt || index < FIRST_SHOWN || index >= this.#stored.length - LAST_SHOWN) return;
    this.#dropBodies(attempt.number);
    const { requestHeaders, responseHeaders, requestBody, responseBody, errorMessage, ...light } = attempt;
    this.#stored[index] = light;
  }

  /** Writes the attempts as events, in order of number, and their totals. `startedAt` and `endedAt` are the span's. */
  writeTo(span: Span, to: AttributeWriter, startedAt: number, endedAt: number): void {
    this.#written = true;
    const attempts = this.#stored;
    const shown =
      attempts.length <= FIRST_SHOWN + LAST_SHOWN
        ? attempts
        : attempts.filter((_, index) => index < FIRST_SHOWN || index >= attempts.length - LAST_SHOWN);
    this.#writeEvents(shown, span, startedAt, endedAt);
    const dropped = this.#count - shown.length;
    to.write(names.STEP_ATTEMPT_COUNT, this.#count);
    to.write(names.STEP_FAILED_ATTEMPT_COUNT, this.#failedCount);
    const [first] = attempts;
    if (first)
      to.write(names.STEP_ATTEMPT_CODES, attempts.length === 1 ? codeOf(first) : attempts.map(codeOf).join(' '));
    if (attempts.length > 1) to.write(names.STEP_RETRY_WAIT_MS, Math.round(retryWaitMillis(attempts)));
    if (dropped === 0) return;
    to.write(names.STEP_DROPPED_ATTEMPT_COUNT, dropped);
    report('a step had more attempts than its span has room for; those in the middle were dropped');
  }

  /** Each event lies inside of the span, and at least a microsecond after the one before it, because Jaeger sorts by time. */
  #writeEvents(shown: readonly Attempt[], span: Span, startedAt: number, endedAt: number): void {
    let at = toMicros(startedAt) - 1;
    let remaining = shown.length;
    let previous: Attempt | undefined;
    for (const attempt of shown) {
      at = Math.max(at + 1, Math.min(toMicros(attempt.startedAt), toMicros(endedAt) - --remaining));
      const before = previous?.number === attempt.number - 1 ? previous : undefined;
      span.addEvent(names.EVENT_ATTEMPT, attemptAttributes(this.#withBodies(attempt), before), microsToHrTime(at));
      previous = attempt;
    }
  }
}

/** How long the client waited between the end of an attempt and the start of the next one, in all. */
function retryWaitMillis(attempts: readonly Attempt[]): number {
  let millis = 0;
  for (let index = 1; index < attempts.length; index++) {
    const [before, after] = [attempts[index - 1] as Attempt, attempts[index] as Attempt];
    millis += Math.max(0, after.startedAt - before.endedAt);
  }
  return millis;
}

const NOT_IN_FULL = 'an attempt could not be recorded in full';

/** The attempt as it may be recorded; if that fails, only what is no text. */
function keptOrPlain(attempt: Attempt, capturing: CaptureSettings): Attempt {
  try {
    return keepOf(attempt, capturing);
  } catch (error) {
    report(NOT_IN_FULL, error);
    const { number, status, startedAt, endedAt } = attempt;
    return { number, status, startedAt, endedAt };
  }
}

function codeOf({ statusCode, status }: Attempt): string {
  return statusCode === undefined ? status : String(statusCode);
}

function isCompleted({ status }: Attempt): boolean {
  return status === 'completed';
}
