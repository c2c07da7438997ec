import type { HrTime } from '@opentelemetry/api';

/**
 * A clock: milliseconds since the epoch, with fractions, that never go back.
 *
 * Each trace has one of its own, anchored to the wall clock when the trace begins. `Date.now()` alone can jump, and the SDK reads a
 * small plain number as performance time, so the spans, events and ends of one trace all come from here, as `HrTime`.
 */
export type Clock = () => number;

export function startClock(): Clock {
  const now = Date.now();
  const elapsed = performance.now();
  // `timeOrigin` is finer than the whole milliseconds of `Date.now()`, but it does not follow when the wall clock is set.
  const behind = now - (performance.timeOrigin + elapsed);
  const origin = Math.abs(behind) < 2 ? performance.timeOrigin : now - elapsed;
  return () => origin + performance.now();
}

/** A time in `performance.now()` time, on the clock of a trace. */
export function timeAt(clock: Clock, performanceTime: number): number {
  return clock() - (performance.now() - performanceTime);
}

/** Whole microseconds: what Jaeger counts in. A start and a duration that it cut off separately would not add up. */
export function toMicros(millis: number): number {
  return Math.round(millis * 1000);
}

export function microsToHrTime(micros: number): HrTime {
  const seconds = Math.trunc(micros / 1e6);
  return [seconds, (micros - seconds * 1e6) * 1000];
}

export function toHrTime(millis: number): HrTime {
  return microsToHrTime(toMicros(millis));
}
