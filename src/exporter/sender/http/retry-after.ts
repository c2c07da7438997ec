/** A backend that asks for more is asked again after five minutes all the same: spans without a spool are kept for ten. */
const LONGEST_WAIT_MILLIS = 5 * 60_000;

/**
 * How long a `Retry-After` header asks to wait, in milliseconds, at most five minutes. `undefined` if there is no such
 * header, or its value makes no sense (negative, or neither a number of seconds nor a date).
 */
export function retryAfterMillis(header: string | undefined, nowMillis = Date.now()): number | undefined {
  const value = header?.trim() ?? '';
  const seconds = value === '' ? Number.NaN : Number(value);
  if (!Number.isNaN(seconds)) return seconds >= 0 ? Math.min(LONGEST_WAIT_MILLIS, seconds * 1000) : undefined;
  // `Date.parse` takes nearly everything for a date; an HTTP date begins with the name of a day.
  const date = /^[a-z]{3,9},? /i.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(date)) return undefined;
  return Math.min(LONGEST_WAIT_MILLIS, Math.max(0, date - nowMillis));
}

/** The same bound for a wait that is given as a number, as gRPC's RetryInfo does. */
export function boundedWait(millis: number): number | undefined {
  return millis >= 0 ? Math.min(LONGEST_WAIT_MILLIS, millis) : undefined;
}
