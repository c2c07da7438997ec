import type { HrTime } from '@opentelemetry/api';

/**
 * A clock: milliseconds since the epoch, with fractions, that never go back.
 *
 * Each trace has one of its own, anchored to the wall clock when the trace begins. `Date.now()` alone can jump, and the SDK reads a
 * small plain number as performance time, so the spans, events and ends of one trace all come from here, as `HrTime`.
 */
export type Clock = () => number;

export function startClock(): Clock {
  const origin = Date.now() - performance.now();
  return () => origin + performance.now();
}

export function toHrTime(millis: number): HrTime {
  const seconds = Math.trunc(millis / 1000);
  const nanos = Math.round((millis - seconds * 1000) * 1e6);
  return nanos < 1e9 ? [seconds, nanos] : [seconds + 1, 0];
}
