/**
 * What the body of a `Request` is made from. No method of a `Request` tells, and a body that is a stream must not be touched: `clone()` would tee
 * it, and change its back-pressure. Each platform shows it in another way; where none does, a body counts as a stream.
 */

type RequestClass = typeof Request;

/** Whether a request has a body. In Deno, a read of `body` would make a stream of it, which is sent in chunks, without its length. */
export function hasBody(request: Request): boolean {
  const { body } = denoRequest(request) ?? request;
  return (body ?? undefined) !== undefined;
}

/** `memory`: a text or bytes. `maybe memory`: these, or a stream of a known length. */
export type BodySource = 'memory' | 'maybe memory' | 'stream';

/** What the body of a request is made from, if it is not used up; a request without one counts as a stream. */
export function sourceOf(request: Request): BodySource {
  if (request.bodyUsed) return 'stream';
  if (hasLengthOfWorkerd(request)) return 'maybe memory';
  return isInMemory(request) ? 'memory' : 'stream';
}

/** In Bun, a read of `body` would make a stream of it. */
function isInMemory(request: Request): boolean {
  const { Bun, Deno } = globalThis as Platforms;
  if (Deno) return isInMemoryOfDeno(request);
  if (Bun) return request instanceof Request && IN_MEMORY_OF_BUN.test(Bun.inspect(request));
  const Class = request.constructor as RequestClass;
  const refusal = refusalInMemory(Class);
  return refusal !== undefined && refusalOf(Class, request) === refusal;
}

interface Platforms {
  readonly Deno?: object;
  readonly Bun?: { inspect(value: object): string };
}

/** Deno 2: `InnerRequest` in https://github.com/denoland/deno/blob/main/ext/fetch/23_request.js, `InnerBody` in 22_body.js. */
interface DenoRequest {
  readonly body: { readonly streamOrStatic?: unknown } | null;
}

function denoRequest(request: Request): DenoRequest | undefined {
  if (!(globalThis as Platforms).Deno) return undefined;
  const symbol = Object.getOwnPropertySymbols(request).find(({ description }) => description === 'request');
  const inner = symbol && (request as unknown as Record<symbol, unknown>)[symbol];
  return typeof inner === 'object' && inner !== null && 'body' in inner ? (inner as DenoRequest) : undefined;
}

function isInMemoryOfDeno(request: Request): boolean {
  const source = denoRequest(request)?.body?.streamOrStatic;
  return typeof source === 'object' && source !== null && !(source instanceof ReadableStream);
}

/**
 * workerd shows the length of a body to `util.inspect`, by a symbol of its own (`inspectLength` in
 * https://github.com/cloudflare/workerd/blob/main/src/workerd/api/streams/readable.h). A stream of JavaScript has none; a body in memory has one,
 * and so have a `FixedLengthStream` and what comes over the network with a `content-length`.
 */
const lengthOfWorkerd = /* @__PURE__ */ Object.getOwnPropertySymbols(globalThis.ReadableStream?.prototype ?? {}).find(
  ({ description }) => description === 'length',
);

function hasLengthOfWorkerd(request: Request): boolean {
  if (lengthOfWorkerd === undefined) return false;
  const body: object | null = request.body;
  return body !== null && typeof Reflect.get(body, lengthOfWorkerd) === 'bigint';
}

/** Bun 1.4 shows a body in memory as a `Blob` of so many bytes: `inspect` is the only thing that tells it from a stream. */
const IN_MEMORY_OF_BUN = /^\s+Blob \(/m;

/**
 * The error's message for a body in memory, by class; `undefined` for a class that does not tell the two apart (workerd, mocks).
 *
 * `new Request(request, { mode: 'no-cors' })` throws one error for a body that is a stream (step 38 of
 * https://fetch.spec.whatwg.org/#dom-request), and, a step later, another error for a body that is locked. So the body is locked meanwhile: the
 * constructor always throws, and takes nothing from the request.
 */
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
