/** Observes the body of a response as its consumer reads it, and changes nothing about it. */

import { StreamBetween } from '../spans/streams/stream-between.js';
import { observeInPlace, readsThroughItsMethods, UNOBSERVED } from './observe-in-place.js';
import { COLLECTED, platformClassOf, rebuild } from './rebuilt-response.js';
import { headersOf } from './request/headers.js';

/** Observes what happens to a body. */
export interface BodyObserver {
  /** The consumer waits for more. */
  pulling(): void;
  /** The consumer does not wait any more. */
  idle(): void;
  /** Bytes are about to be passed on. They must not be kept, because their buffer belongs to the consumer. */
  chunk(bytes: Uint8Array): void;
  /** The body was read to its end. */
  ended(): void;
  /** The body was read to its end in a way that can't be observed. */
  passedUnseen(): void;
  /** The body broke, or was aborted. */
  broke(error: unknown): void;
  /** The consumer cancelled the body. `closing` settles when the connection is closed. */
  cancelled(closing: Promise<unknown>): void;
  /** The response was garbage-collected unread, and runtrace closes its body, as the platform does. */
  collected(): void;
}

/** What answered a request, whichever transport sent it. `T` is what the transport returns to its caller. */
export interface Received<T> {
  readonly statusCode: number;
  /** By lower-case name. */
  readonly headers: Record<string, string>;
  readonly hasBody: boolean;
  /** Whether its bytes are still encoded as `content-encoding` says: they are counted, and not read. `fetch` decodes them. */
  readonly isEncoded?: boolean;
  /** Observes the body. Returns what the caller gets instead of the transport's result; `undefined` if the body can't be observed. */
  observe(observer: BodyObserver): T | undefined;
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
    observe: (observer) => observeResponse(response, observer),
  };
}

/**
 * Observes the body of a response. Returns the same response if its methods tell everything, else a response that is made anew around a
 * stream between the body and its consumer. Returns `undefined` for a response without a body, and for one whose class or own properties
 * would be lost.
 */
export function observeResponse(response: Response, observer: BodyObserver): Response | undefined {
  const { body } = response;
  if (!(body instanceof ReadableStream) || body.locked) return undefined;
  const ResponseClass = platformClassOf(response);
  if (!ResponseClass) return undefined;
  if (readsThroughItsMethods(ResponseClass)) {
    observeInPlace(body, observer);
    return response;
  }
  const between = new StreamBetween(
    {
      pulling: () => observer.pulling(),
      idle: () => observer.idle(),
      value: (value) => {
        if (value instanceof Uint8Array) observer.chunk(value);
      },
      ended: () => observer.ended(),
      broke: (error) => observer.broke(error),
      cancelled: (closing, reason) => (reason === COLLECTED ? observer.collected() : observer.cancelled(closing)),
    },
    UNOBSERVED,
  );
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
