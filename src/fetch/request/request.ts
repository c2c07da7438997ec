import type { OutgoingRequest, ReadBody } from '../../spans/attempts/http-exchange.js';
import { remembered } from '../../util/memo.js';
import { hasBody } from './body-source.js';
import { headersOf } from './headers.js';
import { hrefOf, isPlainHeaders, requestOf } from './read-once.js';

export function signalOf(input: RequestInfo | URL, init: RequestInit | undefined): AbortSignal | undefined {
  const signal = init?.signal;
  return (signal === undefined ? requestOf(input)?.signal : signal) ?? undefined;
}

type Target = Pick<OutgoingRequest, 'method' | 'url'>;

/** A client calls few URLs. */
const urlOf = /* @__PURE__ */ remembered((href: string): Readonly<URL> => new URL(href));

export function targetOf(input: RequestInfo | URL, init: RequestInit | undefined): Target {
  const request = requestOf(input);
  return {
    method: (init?.method ?? request?.method ?? 'GET').toUpperCase(),
    url: urlOf(hrefOf(input) ?? request?.url ?? String(input)),
  };
}

/** The content type that `fetch` sets for a body of `URLSearchParams` if the caller sets none. */
const FORM_TYPE = 'application/x-www-form-urlencoded;charset=UTF-8';

/** Reads a request without consuming or changing anything. `bodyRead`: the body, if it was read before.
 * `allHeaders`: whether those are read too that `metadata` does not record. */
export function readOutgoing(
  target: Target,
  input: RequestInfo | URL,
  init: RequestInit | undefined,
  bodyRead: ReadBody | undefined,
  allHeaders: boolean,
): OutgoingRequest {
  const request = requestOf(input);
  const headers = readHeaders(init?.headers ?? request?.headers, allHeaders);
  const raw = init?.body ?? undefined;
  const body = bodyRead ?? readBody(raw);
  if (raw instanceof URLSearchParams) headers['content-type'] ??= FORM_TYPE;
  if (raw instanceof Blob && raw.type !== '') headers['content-type'] ??= raw.type;
  return {
    method: target.method,
    url: target.url,
    headers,
    body,
    ...(raw instanceof FormData && { formFields: fieldsOf(raw) }),
    opaqueBody: body === undefined && (raw !== undefined || (request !== undefined && hasBody(request))),
    ...retryNumbers(headers),
  };
}

/**
 * The client's own count of its retries: `x-stainless-retry-count` (openai, @anthropic-ai/sdk and others made by Stainless), or
 * `amz-sdk-request: attempt=2; max=3` (the AWS SDK, `bindRetryMiddleware` in @smithy/core).
 */
function retryNumbers(headers: Record<string, string>): Pick<OutgoingRequest, 'retryCount' | 'retriesLeft'> {
  const ofAws = headers['amz-sdk-request'];
  const [, attempt, max] = (ofAws !== undefined && /^attempt=(\d+); max=(\d+)$/.exec(ofAws)) || [];
  if (attempt && max) return { retryCount: Number(attempt) - 1, retriesLeft: Number(max) - Number(attempt) };
  const count = Number(headers['x-stainless-retry-count']);
  return { retryCount: Number.isInteger(count) ? count : undefined };
}

/** Headers that can tell that they are read (a generator, a getter) are left to the request. */
function readHeaders(given: HeadersInit | undefined, all: boolean): Record<string, string> {
  if (!given || !isPlainHeaders(given)) return {};
  return headersOf(given instanceof Headers ? given : new Headers(given), all);
}

/** A body of bytes is read up to this size, in bytes. */
export const MAX_READ_BYTES = 4 << 20;

/** The platform's own, which an application does not see called. */
const formText = URLSearchParams.prototype.toString;
const stringText = String.prototype.toString;

/** Whether `fetch` makes a text of the object by the platform's own functions. */
function isPlainStringObject(body: unknown): body is string {
  return (
    body instanceof String &&
    Object.getPrototypeOf(body) === String.prototype &&
    !Object.hasOwn(body, 'toString') &&
    !Object.hasOwn(body, Symbol.toPrimitive)
  );
}

/** Node's, which does not fill the memory with zeros first. */
const { Buffer: NodeBuffer } = globalThis as { Buffer?: { allocUnsafeSlow(length: number): Uint8Array<ArrayBuffer> } };

function copyOf(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  const copy = NodeBuffer ? new Uint8Array(NodeBuffer.allocUnsafeSlow(length).buffer) : new Uint8Array(length);
  copy.set(bytes);
  return copy;
}

/** Bytes may change as soon as the request is on its way, so they are copied. */
function readBody(body: BodyInit | undefined): ReadBody | undefined {
  if (typeof body === 'string') return body;
  if (body instanceof URLSearchParams) return formText.call(body);
  if (isPlainStringObject(body)) return stringText.call(body);
  const bytes = bytesOf(body);
  return bytes && bytes.length <= MAX_READ_BYTES ? copyOf(bytes) : undefined;
}

/** A longer text of a form is no option of a call. */
const MAX_FIELD_LENGTH = 4096;

/** What a form asks for, as clients of models write it: texts, and `true` and `false` as words. A file is there, but not read. */
function fieldsOf(form: FormData): string {
  const fields: Record<string, string | boolean | null> = {};
  // Not taken when this file is loaded: Node loads all of its fetch for the name `FormData`, which takes as long as everything of runtrace.
  FormData.prototype.forEach.call(form, (value, name) => {
    const isText = typeof value === 'string' && value.length <= MAX_FIELD_LENGTH;
    fields[name] = !isText ? null : value === 'true' || value === 'false' ? value === 'true' : value;
  });
  return JSON.stringify(fields);
}

function bytesOf(body: BodyInit | undefined): Uint8Array | undefined {
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  return body instanceof ArrayBuffer ? new Uint8Array(body) : undefined;
}
