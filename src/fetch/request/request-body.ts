/**
 * Reads the body of a `Request` before it is sent. Some clients (`@mistralai/mistralai`, ky, axios with its fetch adapter, the AWS SDK's
 * fetch handler) pass a `Request`, so the model and the identity of a retry are only in there.
 *
 * Only a body in memory is read, from a clone. A stream is never touched: `clone()` would tee it, and change its back-pressure.
 */

import { MAX_READ_BYTES } from './request.js';

type RequestClass = typeof Request;

/**
 * The text of a request's body, if the body is in memory and may be JSON. `undefined` if it is not, or if it is used up. For a string or
 * bytes, it takes a few microtasks and no turn of the event loop.
 */
export function readBodyInMemory(request: Request): Promise<string | undefined> | undefined {
  if (!mayBeJson(request.headers) || !hasBodyInMemory(request)) return undefined;
  return readText(request.clone().body as ReadableStream<Uint8Array>).catch(() => undefined);
}

/** A `Request` that is made of a text says `text/plain`, one that is made of bytes nothing, if the caller names no type. */
function mayBeJson(headers: Headers): boolean {
  const type = headers.get('content-type') ?? '';
  return (
    (type === '' || /\bjson\b|^text\/plain\b/i.test(type)) && !(Number(headers.get('content-length')) > MAX_READ_BYTES)
  );
}

/**
 * No method tells whether a body is in memory, but a constructor does. `new Request(request, { mode: 'no-cors' })` throws one error for a
 * body that is a stream (step 38 of https://fetch.spec.whatwg.org/#dom-request), and, a step later, another error for a body that is
 * locked. So the body is locked meanwhile: the constructor always throws, and takes nothing from the request.
 */
function hasBodyInMemory(request: Request): boolean {
  const Class = request.constructor as RequestClass;
  const refusal = refusalInMemory(Class);
  return refusal !== undefined && refusalOf(Class, request) === refusal;
}

/** The error's message for a body in memory, by class; `undefined` for a class that does not tell the two apart (Bun, Deno, workerd, mocks). */
const refusals = new WeakMap<RequestClass, { inMemory: string | undefined }>();

function refusalInMemory(Class: RequestClass): string | undefined {
  let known = refusals.get(Class);
  if (!known) {
    known = { inMemory: tryItOut(Class) };
    refusals.set(Class, known);
  }
  return known.inMemory;
}

function tryItOut(Class: RequestClass): string | undefined {
  try {
    const refusal = (body: string | ReadableStream) =>
      refusalOf(Class, new Class('http://localhost', { method: 'POST', body, duplex: 'half' } as RequestInit));
    const inMemory = refusal('{}');
    return inMemory === refusal(new ReadableStream()) ? undefined : inMemory;
  } catch {
    return undefined;
  }
}

function refusalOf(Class: RequestClass, request: Request): string | undefined {
  const { body } = request;
  if (!(body instanceof ReadableStream) || body.locked || request.bodyUsed) return undefined;
  const reader = body.getReader();
  try {
    new Class(request, { mode: 'no-cors' });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    reader.releaseLock();
  }
}

async function readText(body: ReadableStream<Uint8Array>): Promise<string | undefined> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let text = '';
  for (let bytes = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.byteLength;
    if (bytes > MAX_READ_BYTES) {
      // This settles only when the other branch, which is sent, is cancelled too.
      reader.cancel().catch(() => {});
      return undefined;
    }
    text += decoder.decode(value, { stream: true });
  }
}
