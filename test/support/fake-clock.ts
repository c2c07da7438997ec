import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../src/exporter/clock.js';

/** Time that stands still until it is told to go on. */
export interface FakeClock extends Clock {
  /** Lets time pass, calls what is due in its order, and lets promises settle in between. */
  advance(millis: number): Promise<void>;
}

export function fakeClock(): FakeClock {
  let now = 0;
  let timers: { at: number; fn: () => void }[] = [];
  return {
    now: () => now,
    after(millis, fn) {
      const timer = { at: now + millis, fn };
      timers.push(timer);
      return () => {
        timers = timers.filter((it) => it !== timer);
      };
    },
    async advance(millis) {
      const end = now + millis;
      for (;;) {
        await setImmediate();
        const next = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (!next) break;
        timers = timers.filter((it) => it !== next);
        now = Math.max(now, next.at);
        next.fn();
      }
      now = end;
      await setImmediate();
    },
  };
}
