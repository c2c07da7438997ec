import type { Clock } from '../clock.js';
import type { GrpcEndpoint, HttpEndpoint } from '../endpoint.js';
import type { SendResult } from './sender.js';

/**
 * The headers of one request, within the request's time, or the failure to get them. The failure does not quote the error's text: the
 * application's function may have put into it the secret that it was about to return.
 */
export async function requestHeaders(
  endpoint: HttpEndpoint | GrpcEndpoint,
  clock: Clock,
): Promise<{ headers: Record<string, string> } | { failure: SendResult }> {
  let cancel = () => {};
  const timeout = new Promise<never>((_, reject) => {
    cancel = clock.after(endpoint.timeoutMillis, () => reject(new TimeoutError()));
  });
  try {
    return { headers: await Promise.race([endpoint.headers(), timeout]) };
  } catch (error) {
    const how =
      error instanceof TimeoutError
        ? `took more than ${endpoint.timeoutMillis} ms`
        : `failed with ${(error as Error)?.name ?? 'an error'}`;
    return { failure: { kind: 'retry', why: `the headers option ${how}` } };
  } finally {
    cancel();
  }
}

class TimeoutError extends Error {}
