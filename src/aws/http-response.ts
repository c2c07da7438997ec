import { type Received, watchResponse } from '../fetch/received.js';
import { isNodeReadable, watchReadable } from '../spans/streams/node-stream.js';
import type { Watch } from '../spans/streams/watch.js';

/** A request of the AWS SDK: `HttpRequest` of `@smithy/types`. */
export interface HttpRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number | undefined;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** What the SDK's request handler resolves to. Its body is a Readable in Node, and a web stream where the handler uses `fetch`. */
export interface HandlerResult {
  readonly response: {
    readonly statusCode: number;
    readonly headers: Readonly<Record<string, string>>;
    body?: unknown;
  };
}

/** Whether `request` is one of HTTP, as it is for every AWS service. */
export function isHttpRequest(request: unknown): request is HttpRequest {
  const { method, hostname, path } = (request ?? {}) as Partial<HttpRequest>;
  return typeof method === 'string' && typeof hostname === 'string' && typeof path === 'string';
}

export function urlOf({ protocol, hostname, port, path, query = {} }: HttpRequest): URL {
  const url = new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}`);
  for (const [name, values] of Object.entries(query)) {
    for (const value of Array.isArray(values) ? values : [values]) url.searchParams.append(name, value ?? '');
  }
  return url;
}

/** Headers by lower-case name, without those that only HTTP/2 has: `:authority`, `:status`. */
export function headersOf({ headers }: Pick<HttpRequest, 'headers'>): Record<string, string> {
  const own = Object.entries(headers).filter(([name]) => !name.startsWith(':'));
  return Object.fromEntries(own.map(([name, value]) => [name.toLowerCase(), value]));
}

/** Reads what the SDK's request handler resolved to. */
export function readResult(result: HandlerResult): Received<HandlerResult> {
  const { statusCode, body } = result.response;
  return {
    statusCode,
    headers: headersOf(result.response),
    hasBody: body !== undefined && body !== null,
    watchBody: (watch) => watchBody(result, watch),
  };
}

function watchBody(result: HandlerResult, watch: Watch): HandlerResult | undefined {
  const { response } = result;
  const { body } = response;
  if (typeof body !== 'object' || body === null) return undefined;
  if (isNodeReadable(body)) {
    watchReadable(body, watch);
    return result;
  }
  if (!(body instanceof ReadableStream)) return undefined;
  const watched = watchResponse(new Response(body), watch);
  if (watched) response.body = watched.body;
  return watched && result;
}
