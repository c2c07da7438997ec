import type { Clock } from '../../src/exporter/clock.js';
import { realClock } from '../../src/exporter/clock.js';

/** Real time, so many times faster. */
export function fastClock(factor: number): Clock {
  return {
    now: () => realClock.now() * factor,
    after: (millis, fn, holdsProcess) => realClock.after(millis / factor, fn, holdsProcess),
  };
}
