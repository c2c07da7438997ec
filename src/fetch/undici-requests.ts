/**
 * Records the model calls that an application sends by the package `undici`: its `fetch` and `request`, and the global `fetch` after its
 * `install()`. undici announces each request, its answer and its end on diagnostics channels
 * (https://undici.nodejs.org/#/docs/api/DiagnosticsChannel). Only the first comes in the context of the caller. Node's own `fetch` publishes
 * there too; what a recording fetch has sent is not recorded again.
 */
import { providerOf } from '../providers/provider-names.js';
import { isAbort } from '../spans/outcome/stops/abort-errors.js';
import type { Watch } from '../spans/streams/watch.js';
import { onChannel } from '../util/platform.js';
import { type InFlightAttempt, UNRECORDED } from './in-flight-attempt.js';
import { isEncoded, type Received } from './received.js';
import { beginExchange } from './recording-fetch.js';
import type { Outside } from './request/place.js';

/** A request of undici, of any version from 5 on. */
interface UndiciRequest {
  readonly method: string;
  readonly origin: string | URL;
  readonly path: string;
  /** Name and value by turns; before undici 6, lines of text. */
  readonly headers: readonly (string | readonly string[])[] | string;
  readonly body: unknown;
}

interface UndiciAnswer {
  readonly statusCode: number;
  /** Name and value by turns. */
  readonly headers: readonly Uint8Array[];
}

/** What is published. Each channel has one of the optional fields. */
interface Announcement {
  readonly request: UndiciRequest;
  readonly response: UndiciAnswer;
  readonly chunk: Uint8Array;
  readonly error: unknown;
}

/** Records them from now on. `outside` takes those that are in no run. */
export function recordUndici(outside: Outside): void {
  const exchanges = new WeakMap<UndiciRequest, Exchange>();
  const on = (event: string, listener: (exchange: Exchange, announced: Announcement) => void) =>
    onChannel<Announcement>(`undici:request:${event}`, UNRECORDED, (announced) => {
      const exchange = exchanges.get(announced.request);
      if (exchange) listener(exchange, announced);
    });
  onChannel<Announcement>('undici:request:create', UNRECORDED, ({ request }) => {
    const attempt = begin(request, outside);
    if (attempt) exchanges.set(request, new Exchange(attempt));
  });
  on('headers', (exchange, { response }) => exchange.answered(response));
  on('bodyChunkReceived', (exchange, { chunk }) => exchange.chunk(chunk));
  on('trailers', (exchange) => exchange.ended());
  on('error', (exchange, { error }) => exchange.failed(error));
}

/** An application uses undici for everything, so only a known provider's host is looked at. */
function begin({ method, origin, path, headers, body }: UndiciRequest, outside: Outside): InFlightAttempt | undefined {
  if (method !== 'POST') return undefined;
  const url = new URL(path, origin);
  if (providerOf(url) === undefined) return undefined;
  const pairs = typeof headers === 'string' ? headers.split('\r\n').flatMap(halves) : headers.map(String);
  return beginExchange([url, { method, headers: byName(pairs), body: body as BodyInit }], outside);
}

function halves(line: string): string[] {
  const at = line.indexOf(': ');
  return at < 0 ? [] : [line.slice(0, at), line.slice(at + 2)];
}

function byName(pairs: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let at = 0; at + 1 < pairs.length; at += 2) headers[String(pairs[at]).toLowerCase()] = String(pairs[at + 1]);
  return headers;
}

/** One request that is recorded. */
class Exchange {
  readonly #attempt: InFlightAttempt;
  #watch: Watch | undefined;
  /** undici announces chunks from 7.11 on (https://github.com/nodejs/undici/pull/4289). */
  #seen = false;

  constructor(attempt: InFlightAttempt) {
    this.#attempt = attempt;
  }

  answered({ statusCode, headers: raw }: UndiciAnswer): void {
    // An interim answer: the final one follows.
    if (statusCode < 200) return;
    const headers = byName(raw.map((bytes) => Buffer.from(bytes).toString('latin1')));
    const read = (answer: object): Received<object> => ({
      statusCode,
      headers,
      hasBody: true,
      isEncoded: isEncoded(headers),
      watchBody: (watch) => {
        this.#watch = watch;
        return answer;
      },
    });
    this.#attempt.received({}, read);
    this.#isActive();
  }

  chunk(bytes: Uint8Array): void {
    this.#seen = true;
    this.#watch?.value(bytes);
    this.#isActive();
  }

  ended(): void {
    this.#watch?.end({ how: 'ended', unseen: !this.#seen });
  }

  failed(error: unknown): void {
    if (isAbort(error)) this.#attempt.stopped();
    else if (this.#watch) this.#watch.end({ how: 'broke', error });
    else this.#attempt.unanswered(error);
  }

  /** Nothing tells whether the consumer waits for more, so the time since the last chunk counts. */
  #isActive(): void {
    this.#watch?.waits();
    this.#watch?.waitsNoMore();
  }
}
