/** One way with one client: how the application fared, and what the provider saw. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Provider } from '../../../examples/demo/provider.js';
import type { ClientMaker } from '../../support/clients.js';
import { until } from '../../support/until.js';
import { type Call, RESET, type Way } from './ways.js';

/** What can be seen without us. It goes from process to process as JSON. */
export interface Seen {
  /** What of the answer reached the application. */
  text: string;
  error?: AppError;
  requests: SeenRequest[];
}

/** How it goes without us. */
export interface Played extends Seen {
  /** How often the client called `fetch`. */
  fetchCalls: number;
}

/** A call that the application is done with. */
export interface Performed {
  /** Resolves when the connections that it closed are closed. */
  seen(): Promise<Seen>;
}

/** The error that the application got, as far as it would look at it. */
export interface AppError {
  class: string;
  name?: unknown;
  message?: unknown;
  code?: unknown;
  status?: unknown;
  type?: unknown;
  /** The type of the error in the body. */
  bodyType?: unknown;
  cause?: AppError;
}

export interface SeenRequest {
  retryCount: string;
  /** Whether the client closed the connection before the answer was over. */
  closedByClient: boolean;
  megabytesWritten: number;
}

export interface Stage {
  readonly provider: Provider;
  readonly maker: ClientMaker;
  /** What the client gets as its `fetch`; `undefined` for the global one. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  readonly step: Call['step'];
  readonly reuse: Call['reuse'];
}

/** How long a connection may take to be closed after the application is done with it. */
const CLOSING_MILLIS = 10_000;

/** Plays a way, for a model's name that no other way has. `within` is what the application puts around it. */
export async function play(
  way: Way,
  model: string,
  stage: Stage,
  within = (fn: () => Promise<unknown>) => fn(),
): Promise<Performed> {
  const { provider, maker, fetch, step, reuse } = stage;
  const call: Call = {
    model,
    text: '',
    script: ([first, ...others], asked = model) => first && provider.script(asked, first, ...others),
    client: (maxRetries) =>
      maker.make({ url: provider.url, ...(fetch && { fetch }), ...(maxRetries !== undefined && { maxRetries }) }),
    step,
    reuse,
  };
  const normalize = (text: string) =>
    text
      .replaceAll(model, 'MODEL')
      .replace(/other side closed|read ECONNRESET/g, 'a reset')
      .replace(/127\.0\.0\.1:\d+/g, 'HOST')
      .replace(/[0-9a-f]{16,}/g, 'ID');
  const error = await within(() => way.play(call)).then(
    () => undefined,
    (thrown) => describe(thrown, normalize),
  );
  return {
    async seen() {
      const seen = () => provider.requests.filter((request) => request.model.startsWith(model));
      // Some clients send their request after they have returned.
      if (way.leftOpen) await until(() => seen().length > 0);
      const requests = seen();
      const closed = Promise.all(requests.map((request) => request.closed));
      if (!way.leftOpen) await Promise.race([closed, sleep(CLOSING_MILLIS, undefined, { ref: false })]);
      return {
        text: normalize(call.text),
        ...(error && { error }),
        requests: requests.map(({ headers, closedByClient, bytesWritten }) => ({
          retryCount: String(headers['x-stainless-retry-count'] ?? ''),
          closedByClient: !way.leftOpen && closedByClient,
          megabytesWritten: Math.round(bytesWritten / 1_000_000),
        })),
      };
    },
  };
}

/** Plays a way without us. */
export async function playBare(way: Way, model: string, provider: Provider, maker: ClientMaker): Promise<Played> {
  let fetchCalls = 0;
  const fetch: typeof globalThis.fetch = (input, init) => {
    fetchCalls++;
    return globalThis.fetch(input, init);
  };
  const step: Stage['step'] = (_model, fn) => fn();
  const performed = await play(way, model, { provider, maker, fetch, step, reuse: (fn) => fn() });
  return { ...(await performed.seen()), fetchCalls };
}

/** What differs from call to call is left out: ports, ids, times. */
function describe(thrown: unknown, normalize: (text: string) => string, depth = 3): AppError {
  if (typeof thrown !== 'object' || thrown === null) return { class: typeof thrown, message: String(thrown) };
  const { name, message, code, status, type, error, cause } = thrown as Record<string, unknown>;
  if (RESET.includes(String(code))) return { class: 'a reset', code: [...RESET] };
  const body = error as { type?: unknown; error?: { type?: unknown } } | undefined;
  return {
    class: thrown.constructor.name,
    name,
    // Where a JSON is broken depends on how long the model's name is.
    ...(!(thrown instanceof SyntaxError) && {
      message: normalize(String(message)).replace(/JSON parsing failed.*/s, ''),
    }),
    code,
    status,
    type,
    bodyType: body?.error?.type ?? body?.type,
    ...(cause !== undefined && depth > 0 && { cause: describe(cause, normalize, depth - 1) }),
  };
}
