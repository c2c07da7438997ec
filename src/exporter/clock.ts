/** Time, so that a test need not wait for it. */
export interface Clock {
  /** Milliseconds that never go back. */
  now(): number;
  /** Calls `fn` later; returns what calls it off. Only with `holdsProcess` does the process stay alive for it. */
  after(millis: number, fn: () => void, holdsProcess?: boolean): () => void;
}

export const realClock: Clock = {
  now: () => performance.now(),
  after(millis, fn, holdsProcess = false) {
    const timer = setTimeout(fn, millis);
    if (!holdsProcess) timer.unref();
    return () => clearTimeout(timer);
  },
};
