import { diag } from '@opentelemetry/api';

const counts = new Map<string, number>();

/**
 * Counts something that went another way than it should have, and says so through `diag`: the 1st time, the 10th, the 100th…
 * `what` is one of a fixed set of sentences, never made from data.
 */
export function report(what: string, error?: unknown): void {
  const count = (counts.get(what) ?? 0) + 1;
  counts.set(what, count);
  if (!Number.isInteger(Math.log10(count))) return;
  const message = count === 1 ? `runtrace: ${what}` : `runtrace: ${what} (${count} times so far)`;
  try {
    if (error === undefined) diag.warn(message);
    else diag.warn(message, error);
  } catch {
    // The application's own logger threw, and there is no other place to report to.
  }
}

/** Runs what must not fail the application: an error is reported and `undefined` returned. */
export function guarded<T>(what: string, fn: () => T): T | undefined {
  try {
    return fn();
  } catch (error) {
    report(what, error);
    return undefined;
  }
}
