/**
 * Reads a body before it is sent that can be read only by waiting: that of a `Request`, which some clients pass (`@mistralai/mistralai`,
 * ky, axios with its fetch adapter, the AWS SDK's fetch handler), and a `Blob`. The model and the identity of a retry are only in there.
 *
 * Only a body in memory is read: a `Blob`, which is not used up, or a clone. A stream is never touched: `clone()` would tee it, and change
 * its back-pressure.
 */

import { requestOf } from './read-once.js';
import { MAX_READ_BYTES } from './request.js';

type RequestClass = typeof Request;

/** The platform's own, which an application does not see called. */
const blobText = Blob.prototype.text;

/**
 * The text of the body that `fetch` takes of its arguments, if it has to be waited for, is in memory and may be text. `undefined` if it is
 * not, or if it is used up. For a string or bytes in a `Request`, it takes a few microtasks and no turn of the event loop.
 */
export function readBodyInMemory([input, init]: Parameters<typeof fetch>): Promise<string | undefined> | undefined {
  const body = init?.body ?? undefined;
  if (body instanceof Blob)
    return mayBeText(body.type, body.size) ? blobText.call(body).catch(() => undefined) : undefined;
  // The init may be a `Request`, too: then its body is a stream, which only the `Request` can clone.
  const request = requestOf(body === undefined ? input : (init as Request));
  if (!request?.body) return undefined;
  const { headers } = request;
  if (!mayBeText(headers.get('content-type') ?? '', Number(headers.get('content-length')))) return undefined;
  if (!hasBodyInMemory(request)) return undefined;
  return readText(request.clone().body as ReadableStream<Uint8Array>).catch(() => undefined);
}

/** Callers give JSON any type, or none. A form of parts is another text each time, because its boundary is made at random. */
function mayBeText(type: string, bytes: number): boolean {
  return !/^(?:multipart|audio|image|video|font)\//i.test(type) && !(bytes > MAX_READ_BYTES);
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
