/** What a transport answered, and how its body is watched. */

import { readsThroughItsMethods, watchInPlace } from '../spans/streams/in-place.js';
import { StreamBetween } from '../spans/streams/stream-between.js';
import type { Watch } from '../spans/streams/watch.js';
import { platformClassOf, rebuild } from './rebuilt-response.js';
import { headersOf } from './request/headers.js';

/** What answered a request, whichever transport sent it. `T` is what the transport returns to its caller. */
export interface Received<T> {
  readonly statusCode: number;
  /** By lower-case name. */
  readonly headers: Record<string, string>;
  readonly hasBody: boolean;
  /** Whether its bytes are still encoded as `content-encoding` says: they are counted, and not read. `fetch` decodes them. */
  readonly isEncoded?: boolean;
  /** Watches the body. Returns what the caller gets instead of the transport's result; `undefined` if the body can't be watched. */
  watchBody(watch: Watch): T | undefined;
}

/** Reads what a transport answered. `allHeaders`: whether those are needed too that `metadata` does not record. */
export type ReadAnswer<T> = (result: T, allHeaders: boolean) => Received<T>;

/** Whether a transport that decodes nothing gives the body encoded. `headers` by lower-case name. */
export function isEncoded(headers: Readonly<Record<string, string>>): boolean {
  return !/^(?:identity)?$/.test(headers['content-encoding'] ?? '');
}

/** Reads what a `fetch` resolved to. */
export function readResponse(response: Response, allHeaders: boolean): Received<Response> {
  return {
    statusCode: response.status,
    headers: headersOf(response.headers, allHeaders),
    hasBody: response.body !== null,
    watchBody: (watch) => watchResponse(response, watch),
  };
}

/**
 * Watches the body of a response. Returns the same response if its methods tell everything, else a response that is made anew around a
 * stream between the body and its consumer. Returns `undefined` for a response without a body, and for one whose class or own properties
 * would be lost.
 */
export function watchResponse(response: Response, watch: Watch): Response | undefined {
  const { body } = response;
  if (!(body instanceof ReadableStream) || body.locked) return undefined;
  const ResponseClass = platformClassOf(response);
  if (!ResponseClass) return undefined;
  if (readsThroughItsMethods(ResponseClass)) {
    watchInPlace(body, watch);
    return response;
  }
  const between = new StreamBetween(watch, response);
  const rebuilt = rebuild(response, between.make(isByteStream(body)), ResponseClass);
  if (rebuilt) between.take(body);
  return rebuilt;
}

/** A byte stream owns the buffers that it gives out, so they may be transferred. The chunks of another stream may be views of a pool. */
function isByteStream(body: ReadableStream): boolean {
  try {
    body.getReader({ mode: 'byob' }).releaseLock();
    return true;
  } catch {
    return false;
  }
}
