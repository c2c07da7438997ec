import { unref } from '../otel/unref.js';

/** Time. A test passes a clock that it can turn itself, or one that runs faster. */
export interface Clock {
  /** Milliseconds that never go back. */
  now(): number;
  /** Calls `fn` later. Returns a function that cancels it. Only with `holdsProcess` does the timer keep the process alive. */
  after(millis: number, fn: () => void, holdsProcess?: boolean): () => void;
}

/** Taken when the module loads: under the faked timers of a test, no `forceFlush` and no `shutdown` would end. */
const { setTimeout, clearTimeout, performance } = globalThis;
const now = performance.now.bind(performance);

export const realClock: Clock = {
  now,
  after(millis, fn, holdsProcess = false) {
    const timer = setTimeout(fn, millis);
    if (!holdsProcess) unref(timer);
    return () => clearTimeout(timer);
  },
};

/** Waits for work, but no longer than that. With `holdsProcess` the process stays alive meanwhile. */
export async function within(
  clock: Clock,
  millis: number,
  work: Promise<unknown>,
  holdsProcess = false,
): Promise<void> {
  let cancel = () => {};
  const timeout = new Promise<void>((resolve) => {
    cancel = clock.after(millis, resolve, holdsProcess);
  });
  await Promise.race([work, timeout]).finally(cancel);
}
