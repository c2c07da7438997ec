/**
 * How long a response asks to wait, in milliseconds: `retry-after-ms`, else `retry-after` in seconds or as a date (RFC 9110, 10.2.3);
 * `undefined` if it doesn't. This is also the order in which the model clients read them. `now`: when the response came.
 */
export function retryAfterMillis(headers: Readonly<Record<string, string>>, now = Date.now()): number | undefined {
  const millis = Number.parseFloat(headers['retry-after-ms'] ?? '');
  if (millis >= 0) return millis;
  const after = headers['retry-after'];
  if (after === undefined) return undefined;
  const seconds = Number(after);
  const wait = Number.isNaN(seconds) ? Date.parse(after) - now : seconds * 1000;
  return wait >= 0 ? wait : undefined;
}
