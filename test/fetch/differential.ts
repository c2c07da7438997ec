/**
 * The same code is run with a bare `fetch` and with the recording one around it; what it sees has to be the same. So each case says
 * what there is to see, and nowhere what it should be: that is what the platform does.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { recordingFetch, wrapFetch } from 'runtrace';
import { fetch as undiciFetch } from 'undici';
import { attemptsOf, type Traced, traced } from '../support/traced.js';
import { type Exchange, type Origin, startOrigin } from './origin.js';

export type Fetch = typeof globalThis.fetch;

/** What a case works with. */
export interface Scene {
  readonly fetch: Fetch;
  readonly url: string;
  /** What the server has seen in this case. */
  readonly exchanges: readonly Exchange[];
}

/** Looks at something, and returns all that is to be seen of it. */
export type Case = (scene: Scene) => unknown;

export interface SameOptions {
  /** The ways in which it is looked at with us. Default: all. */
  ways?: readonly Way[];
  /** Whether the exchange is recorded at all. Default: true. */
  recorded?: boolean;
  /** Whether it is looked at with undici's own `fetch` as well, whose classes are not the global ones. Default: false. */
  undici?: boolean;
  /** Makes another `fetch` to look at, one for each way. */
  around?: (bare: Fetch) => Fetch;
}

/** Called in a step of a run, or each call in a run of its own that returns the response, which is watched then. */
export type Way = 'in a step' | 'returned from a run';

const WAYS: readonly Way[] = ['in a step', 'returned from a run'];

let origin: Origin;

/** To be called once in each file, before its cases. */
export function withOrigin(): void {
  before(async () => {
    origin = await startOrigin();
  });
  after(() => origin.close());
}

/** A test that `look` sees the same with us as without us. */
export function same(name: string, look: Case, options: SameOptions = {}): void {
  test(name, () => compare(look, options));
  if (options.undici)
    test(`${name}, with undici's fetch`, () => compare(look, options, undiciFetch as unknown as Fetch));
}

async function compare(look: Case, options: SameOptions, bare?: Fetch): Promise<void> {
  const { bare: expected, ...withUs } = await inEachWay(async (scene) => view(await look(scene)), options, bare);
  for (const [way, seen] of Object.entries(withUs)) assert.deepEqual(seen, expected, way);
}

/** What `look` sees without us, and in each way with us. */
export async function inEachWay<T>(
  look: (scene: Scene) => T | Promise<T>,
  { ways = WAYS, recorded = true, around = (fetch) => fetch }: SameOptions = {},
  bare: Fetch = globalThis.fetch,
): Promise<Record<'bare' | Way, T>> {
  const seen: Record<string, T> = { bare: await look(scene(around(bare))) };
  for (const way of ways) {
    const set = traced({ capture: way === 'in a step' ? 'content' : 'metadata' });
    seen[way] = await lookIn(way, set, around(bare), look);
    await set.shutdown();
    const attempts = set.steps().flatMap(attemptsOf);
    assert.equal(attempts.length > 0, recorded, `${way}, recorded`);
  }
  return seen as Record<'bare' | Way, T>;
}

async function lookIn<T>(
  way: Way,
  { recorder }: Traced,
  bare: Fetch,
  look: (scene: Scene) => T | Promise<T>,
): Promise<T> {
  const recording = bare === globalThis.fetch ? recordingFetch : wrapFetch(bare);
  if (way === 'returned from a run') {
    const inOwnRun: Fetch = (...args) =>
      recorder.run({ kind: 'route' }, () => recorder.step({}, () => recording(...args)));
    return look(scene(inOwnRun));
  }
  return recorder.run({ kind: 'chat_turn' }, async () => {
    const [seen] = await recorder.step({}, async () => [await look(scene(recording))] as const);
    return seen;
  });
}

function scene(fetch: Fetch): Scene {
  origin.forget();
  return { fetch, url: origin.url, exchanges: origin.exchanges };
}

/** A value as it can be compared: errors with all that they tell, except where they were made. */
function view(value: unknown): unknown {
  if (value instanceof Error || value instanceof DOMException) {
    const { name, message, cause, code } = value as Error & { code?: unknown };
    // Which of both it is, is a matter of microseconds.
    if (code === 'ECONNRESET' || code === 'UND_ERR_SOCKET') return 'the connection broke';
    return { class: value.constructor.name, name, message: withoutPorts(message), code, cause: view(cause) };
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  if (Array.isArray(value)) return value.map(view);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, view(member)]));
}

/** The client's own port is another one each time. */
function withoutPorts(message: string): string {
  return message.replace(/:\d{4,5}\b/g, ':port');
}

/** What a call came to: its value, or what it threw, and whether at once. */
export async function outcome(call: () => unknown): Promise<unknown> {
  let pending: unknown;
  try {
    pending = call();
  } catch (error) {
    return { threw: error };
  }
  try {
    return { value: await pending };
  } catch (error) {
    return { rejected: error };
  }
}

/** All that can be seen of a response without touching its body. */
export function face(response: Response): unknown {
  const { status, ok, statusText, url, redirected, type, bodyUsed, headers, body } = response;
  const inherited: string[] = [];
  for (const name in response) inherited.push(name);
  return {
    ...{ status, ok, statusText, url, redirected, type, bodyUsed },
    headers: [...headers],
    cookies: headers.getSetCookie(),
    body: body && { locked: body.locked, isOne: body instanceof ReadableStream, isTheSame: body === response.body },
    headersAreTheSame: headers === response.headers,
    ownNames: Object.getOwnPropertyNames(response),
    ownKeys: Object.keys(response),
    inherited: inherited.sort(),
    json: JSON.stringify(response),
    tag: Object.prototype.toString.call(response),
    text: String(response),
    className: response.constructor.name,
    isResponse: response instanceof Response,
  };
}

/** Whether something may be done to immutable headers, and what is said about it. */
export async function changes(headers: Headers): Promise<unknown> {
  return [
    await outcome(() => headers.set('x-mine', '1')),
    await outcome(() => headers.append('content-type', 'x')),
    await outcome(() => headers.delete('content-type')),
    await outcome(() => headers.set('no name', '1')),
    await outcome(() => (headers as unknown as { set(): void }).set()),
    [...headers],
  ];
}

export async function readAll(body: ReadableStream<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
