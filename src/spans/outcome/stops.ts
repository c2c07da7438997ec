/**
 * Whether an error says that the caller, or the receiver of the answer, stopped the work. Such a run or step is `interrupted`.
 *
 * The wire comes first. Some errors only say that a stream closed early, on either side. If the body of the run's last attempt failed by
 * itself, the upstream broke, and the run is an error.
 */

import { guarded } from '../../util/diagnostics.js';
import type { AttemptEnd } from '../attempts/http-exchange.js';
import { causesOf, classNameOf, isTimeout } from './errors.js';

interface Gone {
  /** What reports it: the versions that it was seen with. */
  readonly by: string;
  readonly matches: (error: ErrorFields) => boolean;
}

interface ErrorFields {
  readonly code: unknown;
  readonly message: unknown;
  readonly name: unknown;
  readonly stack: unknown;
  readonly type: unknown;
}

/**
 * The errors, besides abort errors, that report that the client of a server is gone or that a reader has left. Not in here: `EPIPE` and
 * `ECONNRESET` of a write, which a database connection reports as well.
 */
const GONE: readonly Gone[] = [
  {
    // `stream.pipeline(body, response)`, `stream.finished(response)`. node-fetch has the same code on a FetchError, for a broken upstream.
    by: 'Node 20–26, Fastify 5: https://nodejs.org/api/errors.html#err_stream_premature_close',
    matches: ({ code, name }) => code === 'ERR_STREAM_PREMATURE_CLOSE' && name !== 'FetchError',
  },
  {
    // `response.write(chunk, callback)` after the client has left.
    by: 'Node 20–26: https://nodejs.org/api/errors.html#err_stream_destroyed',
    matches: ({ code }) => code === 'ERR_STREAM_DESTROYED',
  },
  {
    // `for await (const chunk of request)` in a server. An HTTP client of Node has the same error for a broken upstream; only the stack
    // tells the two apart.
    by: 'Node 20–26: abortIncoming in https://github.com/nodejs/node/blob/v20.20.0/lib/_http_server.js',
    matches: ({ code, message, stack }) =>
      code === 'ECONNRESET' &&
      message === 'aborted' &&
      typeof stack === 'string' &&
      stack.includes('node:_http_server'),
  },
  {
    // `stream.pipeline(Readable.from(generator), response)` after the client has left. Node throws the error into the generator, and its `yield*`
    // of an iterator without `throw()` replaces the error by this one.
    by: 'Node 22.23: https://nodejs.org/api/stream.html#streamreadablefromiterable-options',
    matches: ({ message, name }) =>
      name === 'TypeError' && message === "The iterator does not provide a 'throw' method.",
  },
  {
    // `controller.enqueue(chunk)` in a web stream of which the reader has left.
    by: 'Node 20–26, Next.js 16: https://nodejs.org/api/errors.html#err_invalid_state',
    matches: ({ code, message }) =>
      code === 'ERR_INVALID_STATE' && typeof message === 'string' && /controller is already closed/i.test(message),
  },
  {
    // The client left while it sent its request.
    by: 'Express 5, body-parser 2, raw-body 3: https://github.com/stream-utils/raw-body#errors',
    matches: ({ type }) => type === 'request.aborted',
  },
  {
    // `response.sendFile()`, `response.download()`. axios has the same code on an AxiosError, for a timeout.
    by: 'Express 5: onaborted in https://github.com/expressjs/express/blob/v5.1.0/lib/response.js',
    matches: ({ code, message, name }) => code === 'ECONNABORTED' && message === 'Request aborted' && name === 'Error',
  },
  {
    // A request whose signal is aborted. Its own time limit has the same code.
    by: '@modelcontextprotocol/sdk 1: cancel in https://github.com/modelcontextprotocol/typescript-sdk/blob/v1.x/src/shared/protocol.ts',
    matches: ({ message, name }) =>
      name === 'McpError' && typeof message === 'string' && message.startsWith('MCP error -32001: AbortError'),
  },
  {
    // The reason of `c.req.raw.signal`.
    by: '@hono/node-server 2: https://github.com/honojs/node-server/blob/main/src/listener.ts',
    matches: ({ message, name }) => name === 'Error' && message === 'Client connection prematurely closed.',
  },
];

/** At most so many signals are remembered for a run: those of its newest calls. */
const MAX_SIGNALS = 64;

/** The facts about an ended attempt that decide whether an error is a stop. */
interface LastEnd {
  readonly how: AttemptEnd['how'];
  readonly beforeHeaders: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly attempt: { readonly statusCode?: number | undefined };
}

/** What the wire says about the calls of one run. */
interface Calls {
  /** The signals that its calls were given. */
  readonly signals: Set<AbortSignal>;
  last: LastEnd | undefined;
  /** The run around it: what its calls are given counts there too. */
  outer: object | undefined;
}

const callsOf = new WeakMap<object, Calls>();

function known(run: object): Calls {
  let calls = callsOf.get(run);
  if (!calls) {
    calls = { signals: new Set(), last: undefined, outer: undefined };
    callsOf.set(run, calls);
  }
  return calls;
}

/** The calls of the run `inner` count as calls of the run `outer` around it, too. */
export function nestCalls(inner: object, outer: object): void {
  known(inner).outer = outer;
}

/** A call of `run` is given `signal`. */
export function noteSignal(run: object, signal: AbortSignal): void {
  const { signals, outer } = known(run);
  signals.delete(signal);
  signals.add(signal);
  if (signals.size > MAX_SIGNALS) {
    const [oldest] = signals;
    if (oldest) signals.delete(oldest);
  }
  if (outer) noteSignal(outer, signal);
}

/** What the stack showed when a signal was aborted. */
interface AbortCall {
  /** Whether the signal passes on the abort of another one. */
  readonly isRelayed: boolean;
  /** Where an argument of the call that began it is evaluated: `file:///app.js:7:20`. */
  readonly argumentAt: string | undefined;
}

const abortCalls = new WeakMap<AbortSignal, AbortCall>();

/** Enough for a signal that relays to another one, several times. */
const ABORT_FRAMES = 60;

/**
 * Notes how `signal` is aborted. It is a client's own, which does not have the reason of the caller's signal: openai 7 and @anthropic-ai/sdk 1 give
 * each `fetch` such a signal (`_makeAbort` in client.js). They also abort it themselves when a stream is left.
 */
export function noteAbortCall(signal: AbortSignal): void {
  if (signal instanceof AbortSignal) signal.addEventListener('abort', abortListener);
}

/** One for all signals. A signal is aborted once. */
const abortListener: EventListenerObject = {
  handleEvent({ target }) {
    guarded('an abort could not be recorded', () => abortCalls.set(target as AbortSignal, readAbortCall()));
  },
};

/** Reads the stack, as Node writes it. On another platform, it may have been the caller. */
function readAbortCall(): AbortCall {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = ABORT_FRAMES;
  const { stack } = new Error();
  Error.stackTraceLimit = stackTraceLimit;
  const [ours, ...outer] = typeof stack === 'string' ? stack.split(/^.*\bdispatchEvent /m).slice(1) : [];
  if (ours === undefined) return { isRelayed: true, argumentAt: undefined };
  const [, file, line, column] =
    /AbortController\.abort .*\n.*?([^\s(]+):(\d+):(\d+)\)?$/m.exec(outer.at(-1) ?? '') ?? [];
  const argumentAt = file && `${file}:${line}:${Number(column) + 'abort('.length}`;
  return { isRelayed: outer.length > 0, argumentAt };
}

/** An attempt of `run` ended. */
export function noteEnd(run: object, { how, beforeHeaders, signal, attempt }: LastEnd): void {
  const calls = known(run);
  const { statusCode } = attempt;
  // A copy, because the run may outlive its attempts and their bodies by far.
  calls.last = { how, beforeHeaders, signal, attempt: { statusCode } };
  if (calls.outer) noteEnd(calls.outer, calls.last);
}

/** `run` has settled: its signals are released. */
export function forgetCalls(run: object): void {
  callsOf.delete(run);
}

/** The reasons that attempts were aborted with: an object is a stop wherever it is thrown. */
const abortReasons = new WeakSet<object>();

/** Remembers the reason that an attempt was aborted with. */
export function noteAbortReason(reason: unknown): void {
  if (typeof reason === 'object' && reason !== null) abortReasons.add(reason);
}

/** Whether `thrown` is an abort error by its class, or the reason that an attempt was aborted with. Never throws. */
export function isAbort(thrown: unknown): boolean {
  if (typeof thrown !== 'object' || thrown === null || isTimeout(thrown)) return false;
  return abortReasons.has(thrown) || (read(() => saysAborted(thrown)) ?? false);
}

/**
 * Of the clients made by Fern, which throw an error of their general class (`cohere-ai` 8: core/fetcher/Fetcher.js), and of `openai`'s
 * `APIUserAbortError` (core/error.js), whose `name` is just `Error` and whose class may be minified.
 */
const ABORT_MESSAGES = ['The user aborted a request', 'Request was aborted.'];

/** `AbortError`, `APIUserAbortError`; `CanceledError` (axios), `CancelError` (got). */
function saysAborted(error: object): boolean {
  if (/Abort|Cancel(?:l?ed|lation)?(?:Error|Exception)$/.test(classNameOf(error) ?? '')) return true;
  return ABORT_MESSAGES.includes((error as Partial<Error>).message ?? '');
}

/**
 * Whether `error` says that the caller or the receiver stopped `run`, or the step in it of which `last` is the last attempt. A timeout is
 * never a stop. Never throws.
 */
export function isStop(error: unknown, run: object, last: LastEnd | undefined = callsOf.get(run)?.last): boolean {
  const thrown = firstCause(error);
  if (isTimeout(thrown)) return false;
  const { signals } = callsOf.get(run) ?? NO_CALLS;
  const aborted = [...signals].filter((signal) => signal.aborted);
  if (aborted.some(({ reason }) => reason === thrown)) return true;
  if (wasReason(thrown, last)) return true;
  if (typeof thrown !== 'object' || thrown === null) return false;
  const errors = errorsOf(thrown);
  if (errors.length > 0 && errors.every((one) => isStop(one, run, last))) return true;
  if (isAbort(thrown) && aborted.length > 0) return true;
  if ((isAbort(thrown) || isGone(thrown)) && !brokeByItself(last)) return true;
  if (aborted.length === 0 && last?.how !== 'aborted') return false;
  // A client, or the application, has put the error into one of its own.
  const causes = read(() => Array.from(causesOf(thrown), ({ cause }: { cause?: unknown }) => cause)) ?? [];
  return causes.some(
    (cause) =>
      (cause !== undefined && aborted.some(({ reason }) => reason === cause)) ||
      isAbort(cause) ||
      (cause instanceof Error && wasReason(cause, last)) ||
      (typeof cause === 'object' && cause !== null && isGone(cause) && !brokeByItself(last)),
  );
}

/** The errors of `Promise.any()`; no errors of other aggregates, which might be without end. */
function errorsOf(thrown: object): unknown[] {
  const errors = thrown instanceof AggregateError && read(() => thrown.errors);
  return Array.isArray(errors) ? errors.filter((error) => !(error instanceof AggregateError)) : [];
}

const NO_CALLS: Calls = { signals: new Set(), last: undefined, outer: undefined };

/** Whether the caller aborted the last attempt, and `thrown` shows by itself that it tells of that. */
function wasReason(thrown: unknown, last: LastEnd | undefined): boolean {
  return last?.how === 'aborted' && (isMadeByAbort(thrown) || isHiddenReason(thrown, last.signal));
}

/** Whether `thrown` was made while a signal was aborted: LangChain does so with a reason that is no Error (`getAbortSignalError` in utils/signal.js). */
function isMadeByAbort(thrown: unknown): boolean {
  return / AbortController\.abort /.test(stackOf(thrown) ?? '');
}

/**
 * Whether the caller aborted an attempt by a signal that runtrace can't see, and `thrown` is its reason: any value that is no Error, or an Error that
 * was made as an argument of that call of `abort`.
 */
function isHiddenReason(thrown: unknown, signal: AbortSignal | undefined): boolean {
  const { isRelayed, argumentAt } = (signal && abortCalls.get(signal)) ?? NOT_ABORTED;
  if (!isRelayed) return false;
  const stack = stackOf(thrown);
  if (stack === undefined) return true;
  return argumentAt !== undefined && [')', '\n'].some((end) => `${stack}\n`.includes(argumentAt + end));
}

const NOT_ABORTED: AbortCall = { isRelayed: false, argumentAt: undefined };

/** `undefined` for what is no Error. */
function stackOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const stack = read(() => thrown.stack);
  return typeof stack === 'string' ? stack : '';
}

/**
 * The streams of Node combine two errors in an AggregateError that has the message of the later one; the first cause comes last. Since Node
 * 26, a generator that is left gets the error thrown into it, and a `yield*` of an iterator without `throw()` then adds a TypeError.
 *
 * Source: `aggregateTwoErrors` in https://github.com/nodejs/node/blob/main/lib/internal/errors.js
 */
function firstCause(thrown: unknown): unknown {
  const errors = thrown instanceof AggregateError && read(() => thrown.errors);
  if (!Array.isArray(errors) || errors.length !== 2) return thrown;
  return read(() => errors[0].message === (thrown as Error).message) ? errors[1] : thrown;
}

/** Whether the body of an attempt broke before any stop. */
function brokeByItself(last: LastEnd | undefined): boolean {
  return last?.how === 'failed' && !last.beforeHeaders && (last.attempt.statusCode ?? 0) < 400;
}

function isGone(error: object): boolean {
  return read(() => GONE.some(({ matches }) => matches(error as ErrorFields))) ?? false;
}

/** The getters of an error may throw. */
function read<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch {
    return undefined;
  }
}
