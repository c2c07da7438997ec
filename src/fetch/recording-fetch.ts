/**
 * The recording fetch: the same signature as `fetch`, and an application can't tell it from the real one. It has no state; it finds the
 * run and the step in the context.
 */
import { type Context, context } from '@opentelemetry/api';
import type { CaptureSettings } from '../capture/levels.js';
import {
  type ModelCall,
  mayBeModelCall,
  type ResponseReader,
  readErrorCode,
  readModelCall,
} from '../providers/detect.js';
import {
  capturingIn,
  isOutside,
  isRecorded,
  reuseOf,
  runOf,
  stepOf,
  withoutRun,
  withRecording,
} from '../spans/context.js';
import type { Attempt } from '../spans/outcome/attempt-log.js';
import { describeFailure, type Failure, isAbort, isTimeout, noteAbortReason } from '../spans/outcome/errors.js';
import type { AttemptEnd, AttemptOwner, OutgoingRequest, PendingAttempt } from '../spans/outcome/http-exchange.js';
import { expectedCallsIn } from '../spans/routing/expected-calls.js';
import { implicitStepFor } from '../spans/routing/implicit-step.js';
import { othersModelSpanIn } from '../spans/routing/others-model-span.js';
import type { StepScope } from '../spans/step-scope.js';
import { byteLength } from '../util/byte-length.js';
import { guarded, report } from '../util/diagnostics.js';
import { requireFunction } from '../util/validation.js';
import { type BodyObserver, observeResponse } from './body-observer.js';
import { ByteBuffer } from './byte-buffer.js';
import { retryAfterMillis } from './retry-after.js';

type Fetch = typeof globalThis.fetch;

/**
 * A `fetch` that records each call as an attempt of the step that it is made for. Everything else about it is as `globalThis.fetch`,
 * which is looked up when it is called.
 *
 * Outside of a run it passes everything through.
 *
 * @example const openai = new OpenAI({ fetch: recordingFetch });
 */
export const recordingFetch: Fetch = /* @__PURE__ */ recordAround(callGlobal);

/**
 * Makes a recording fetch around another implementation of `fetch`. Throws a `TypeError` if `fetch` is no function.
 *
 * @example const openai = new OpenAI({ fetch: wrapFetch(proxiedFetch) });
 */
export function wrapFetch(fetch: Fetch): Fetch {
  requireFunction(fetch, 'fetch');
  return recordAround(callOf(fetch));
}

/** The `fetch` of one step: it needs no context manager. */
export function fetchOf(scope: StepScope | undefined): Fetch {
  if (scope) return recordAround(callGlobal, scope);
  // Of a step that isn't recorded: nor is this call, whatever is around it.
  return (...args) => context.with(withoutRun(context.active()), () => globalThis.fetch(...args));
}

/**
 * A recording fetch to stand in the place of `fetch`, which everything in the application goes through: only known model calls are
 * attempts, and `outside` takes those that are in no run.
 */
export function recordInPlaceOf(fetch: Fetch, outside: Outside): Fetch {
  return recordAround(callOf(fetch), undefined, outside);
}

/** Who takes model calls that are in no run. */
export interface Outside {
  /** What it keeps of a model call in this context; `undefined` if it takes none. */
  capturingIn(active: Context): CaptureSettings | undefined;
  /** Who the call is made for, and the context for it. */
  ownerOf(
    active: Context,
    capturing: CaptureSettings,
    outgoing: OutgoingRequest,
    call: ModelCall,
  ): { owner: AttemptOwner; inside: Context } | undefined;
}

/** Calls a `fetch` as it was called: how many arguments there are matters too. */
type Call = (self: unknown, args: Parameters<Fetch>) => Promise<Response>;

/** The global one is looked up when it is called, and may have been called as anybody's method. */
function callGlobal(_self: unknown, args: Parameters<Fetch>): Promise<Response> {
  return globalThis.fetch(...args);
}

function callOf(fetch: Fetch): Call {
  return (self, args) => Reflect.apply(fetch, self, args);
}

function recordAround(call: Call, scope?: StepScope, outside?: Outside): Fetch {
  return function fetch(this: unknown, ...args: Parameters<Fetch>) {
    const active = context.active();
    const live = guarded('an attempt could not be recorded', () => beginAttempt(active, scope, outside, ...args));
    return live ? live.send(() => call(this, args)) : call(this, args);
  };
}

function beginAttempt(
  active: Context,
  scope: StepScope | undefined,
  outside: Outside | undefined,
  input: RequestInfo | URL,
  init?: RequestInit,
): InFlightAttempt | undefined {
  if (sending || isRecorded(active)) return undefined;
  const enclosing = scope ?? stepOf(active);
  const step = enclosing?.step.settled ? undefined : enclosing;
  const run = runOf(active);
  const announced = step ? undefined : expectedCallsIn(active);
  const capturing =
    (step ?? announced)?.capturing ??
    (run && capturingIn(active, run.recording.capturing)) ??
    (isOutside(active) ? outside?.capturingIn(active) : undefined);
  if (!capturing) {
    if (enclosing) report('a call was made after its step had settled; it is not recorded');
    return undefined;
  }
  // Whoever gave a client this fetch, or took the step's own, wants all of its calls; the global one has everybody's.
  const takesAll = step !== undefined && outside === undefined;
  const target = targetOf(input, init);
  const { method, url } = target;
  if (!takesAll && !mayBeModelCall(method, url)) return undefined;
  const outgoing = readOutgoing(target, input, init);
  const call =
    step?.recall(outgoing) ?? readModelCall(method, url, outgoing.body, capturing.messages, outgoing.headers);
  const live = (owner: AttemptOwner, inside = active) =>
    new InFlightAttempt(owner, outgoing, call, signalOf(input, init), inside);
  if (step && (call || takesAll)) return live(step);
  if (!call) return undefined;
  const expecting = announced?.ownerOf(outgoing, call);
  if (expecting) return live(expecting);
  if (run) {
    const { recording } = run;
    const owner =
      othersModelSpanIn(active, () => (recording.settled ? undefined : recording)) ??
      implicitStepFor(active, run, reuseOf(active), outgoing, call);
    if (!owner && recording.settled) report('a model call was made after its run had settled; it is not recorded');
    return owner && live(owner);
  }
  const taken = outside?.ownerOf(active, capturing, outgoing, call);
  return taken && live(taken.owner, taken.inside);
}

function signalOf(input: RequestInfo | URL, init: RequestInit | undefined): AbortSignal | undefined {
  const signal = init?.signal;
  return (signal === undefined ? requestOf(input)?.signal : signal) ?? undefined;
}

/** Also one of another class, for a `fetch` that is not the platform's. */
function requestOf(input: RequestInfo | URL): Request | undefined {
  return typeof input === 'object' && 'url' in input ? input : undefined;
}

type Target = Pick<OutgoingRequest, 'method' | 'url'>;

function targetOf(input: RequestInfo | URL, init: RequestInit | undefined): Target {
  const request = requestOf(input);
  return {
    method: (init?.method ?? request?.method ?? 'GET').toUpperCase(),
    url: new URL(request?.url ?? String(input)),
  };
}

/** What the platform says of a body that is given as `URLSearchParams`, where its sender says nothing. */
const FORM_TYPE = 'application/x-www-form-urlencoded;charset=UTF-8';

/** What can be known of a request without consuming or changing anything. */
function readOutgoing(target: Target, input: RequestInfo | URL, init: RequestInit | undefined): OutgoingRequest {
  const request = requestOf(input);
  const headers = readHeaders(init?.headers ?? request?.headers);
  const raw = init?.body ?? undefined;
  const body = readBody(raw);
  if (raw instanceof URLSearchParams) headers['content-type'] ??= FORM_TYPE;
  const retryCount = Number(headers['x-stainless-retry-count']);
  return {
    method: target.method,
    url: target.url,
    headers,
    body,
    opaqueBody: body === undefined && (raw !== undefined || (request?.body ?? undefined) !== undefined),
    retryCount: Number.isInteger(retryCount) ? retryCount : undefined,
  };
}

/** An iterator gives its headers only once: they are left to the request. */
function readHeaders(given: HeadersInit | undefined): Record<string, string> {
  const headers: Record<string, string> = {};
  if (given && Symbol.iterator in given && (given[Symbol.iterator]() as unknown) === given) return headers;
  for (const [name, value] of given instanceof Headers ? given : new Headers(given)) headers[name] = value;
  return headers;
}

/** Bodies up to this size are read when they are given as bytes, in bytes. */
const MAX_READ_BYTES = 4 << 20;

function readBody(body: BodyInit | undefined): string | undefined {
  if (typeof body === 'string') return body;
  if (body instanceof URLSearchParams) return body.toString();
  const bytes = ArrayBuffer.isView(body) || body instanceof ArrayBuffer ? body : undefined;
  return bytes && bytes.byteLength <= MAX_READ_BYTES ? new TextDecoder().decode(bytes as ArrayBuffer) : undefined;
}

/** A client starts the clock of its timeout before it calls `fetch`, by no more than this. */
const CLIENT_AHEAD_MILLIS = 250;

/** Kept of an error's body, to read the provider's code from it, in bytes. */
const ERROR_BODY_BYTES = 16_384;

/** While the `fetch` underneath is being called: where there is no context manager, this is how one around another records once. */
let sending = false;

/** One attempt in flight: the exchange as it passes, from the call to the end of the body. */
class InFlightAttempt implements PendingAttempt, BodyObserver {
  readonly outgoing: OutgoingRequest;
  readonly call: ModelCall | undefined;
  readonly #owner: AttemptOwner;
  readonly #signal: AbortSignal | undefined;
  /** Until it is sent: a context holds its run, and an unread body must not keep that from being dropped. */
  #context: Context | undefined;
  readonly #number: number;
  readonly #resendCount: number;
  readonly #startedAt: number;
  #answer: ResponseReader | undefined;
  #statusCode: number | undefined;
  #responseHeaders: Record<string, string> | undefined;
  #kept: ByteBuffer | undefined;
  /** `undefined` if they can't be seen. */
  #bodyBytes: number | undefined = 0;
  #bodyEnded = false;
  #firstChunkMillis: number | undefined;
  #wasRead = false;
  /** While the consumer, not the network, is waited for. */
  #idleSince: number | undefined;
  #error: unknown;
  #ended: AttemptEnd | undefined;

  constructor(
    owner: AttemptOwner,
    outgoing: OutgoingRequest,
    call: ModelCall | undefined,
    signal: AbortSignal | undefined,
    active: Context,
  ) {
    this.#owner = owner;
    this.outgoing = outgoing;
    this.call = call;
    this.#signal = signal;
    this.#startedAt = owner.now();
    this.#context = withRecording(owner.contextFor(active));
    const { number, resendCount } = owner.begin(this);
    this.#number = number;
    this.#resendCount = resendCount;
  }

  /** Sends the request, and hands on what comes of it: the very error, or the same response with its body observed. */
  send(fetch: () => Promise<Response>): Promise<Response> {
    const ctx = this.#context as Context;
    this.#context = undefined;
    let pending: Promise<Response>;
    sending = true;
    try {
      // A mock may answer at once.
      pending = Promise.resolve(context.with(ctx, fetch));
    } catch (error) {
      guarded('an attempt could not be recorded', () => this.#unanswered(error));
      throw error;
    } finally {
      sending = false;
    }
    return pending.then(
      (response) => this.#received(response),
      (error) => {
        guarded('an attempt could not be recorded', () => this.#unanswered(error));
        throw error;
      },
    );
  }

  get refused(): boolean {
    return this.#statusCode !== undefined && this.#statusCode >= 400;
  }

  idleSince(): number | undefined {
    return this.#idleSince;
  }

  giveUp(): void {
    if (this.refused) this.#end('failed');
    else if (this.#answer?.answer().complete) this.#end('answered');
    else this.#end(this.#statusCode !== undefined && !this.#wasRead ? 'unread' : 'aborted');
  }

  #unanswered(error: unknown): void {
    if (!this.#signal?.aborted || isTimeout(error)) this.#fail(error);
    else if (this.#clientTimedOut()) this.#end('failed', { type: 'timeout' });
    else this.#end('aborted');
  }

  /** The clients that Stainless makes say how long they wait, in whole seconds, and then abort with no reason. */
  #clientTimedOut(): boolean {
    const seconds = Number(this.outgoing.headers['x-stainless-timeout']);
    return seconds > 0 && this.#owner.now() - this.#startedAt >= seconds * 1000 - CLIENT_AHEAD_MILLIS;
  }

  #received(response: Response): Response {
    const observed = guarded('a response could not be recorded', () => this.#answered(response));
    // As far as it can be seen, this was all.
    if (!observed) guarded('an attempt could not be recorded', () => this.passedUnseen());
    return observed ?? response;
  }

  #answered(response: Response): Response | undefined {
    this.#statusCode = response.status;
    const headers: Record<string, string> = {};
    for (const [name, value] of response.headers) headers[name] = value;
    this.#responseHeaders = headers;
    const { content, limits } = this.#owner.capturing;
    const textBytes = content && isText(headers['content-type']) ? limits.bodyBytes : 0;
    const keptBytes = this.refused ? Math.max(textBytes, ERROR_BODY_BYTES) : textBytes;
    if (keptBytes > 0) this.#kept = new ByteBuffer(keptBytes);
    if (!this.refused) this.#answer = this.call?.openAnswer();
    this.idle();
    if (response.body === null) this.ended();
    const observed = observeResponse(response, this);
    if (observed && this.refused) this.#owner.refused(this);
    return observed;
  }

  pulling(): void {
    this.#wasRead = true;
    this.#idleSince = undefined;
  }

  idle(): void {
    this.#idleSince = performance.now();
  }

  chunk(bytes: Uint8Array): void {
    if (this.#ended) return;
    this.#firstChunkMillis ??= this.#owner.now() - this.#startedAt;
    this.#bodyBytes = (this.#bodyBytes ?? 0) + bytes.byteLength;
    this.#kept?.add(bytes);
    this.#answer?.chunk(bytes);
  }

  ended(): void {
    if (this.#ended) return;
    this.#bodyEnded = true;
    this.#answer?.end();
    const answer = this.#answer?.answer();
    if (this.refused) this.#end('failed');
    else if (answer && !answer.error && !answer.complete) this.#end('invalid', { type: 'invalid_response' }, answer);
    else this.#end('answered', undefined, answer);
  }

  passedUnseen(): void {
    if (this.#ended) return;
    this.#answer = undefined;
    this.#bodyBytes = undefined;
    this.#end(this.refused ? 'failed' : 'answered');
  }

  broke(error: unknown): void {
    if (this.#ended) return;
    const aborted = this.#signal?.aborted && !isTimeout(error) && !this.refused;
    if (!aborted) this.#fail(error);
    else this.#end(this.#answer?.answer().complete ? 'answered' : 'aborted');
  }

  #fail(error: unknown): void {
    this.#error = error;
    this.#end('failed', describeFailure(error));
  }

  cancelled(closing: Promise<unknown>): void {
    this.#wasRead = true;
    if (!this.#ended) this.giveUp();
    const ended = this.#ended;
    closing.then(undefined, (error) => {
      if (ended) guarded('an attempt could not be recorded', () => this.#closedBadly(ended, error));
    });
  }

  collected(): void {
    this.giveUp();
  }

  /** A body that ended well and closes badly. */
  #closedBadly(ended: AttemptEnd, error: unknown): void {
    // A caller who aborted meets his own abort again.
    if (this.#signal?.aborted || isAbort(error)) return;
    const attempt: Attempt = { ...ended.attempt, status: 'failed', errorType: describeFailure(error).type, error };
    // How the call ended, for its step, was said before: by its last event, or by the consumer who left.
    this.#owner.amend({ ...ended, attempt });
  }

  #end(how: AttemptEnd['how'], failure?: Failure, answer = this.#answer?.answer()): void {
    if (this.#ended) return;
    const body = this.#kept?.length ? this.#kept.text() : undefined;
    let kind = how;
    let reason = failure;
    let message: string | undefined;
    if (this.refused) {
      const provider = body === undefined ? {} : readErrorCode(body);
      kind = 'failed';
      reason = { type: provider.code ?? String(this.#statusCode), className: `HTTP ${this.#statusCode}` };
      if (provider.message) reason.message = message = provider.message;
    } else if (answer?.error) {
      kind = 'failed';
      reason = { type: answer.error.code };
      if (answer.error.message) reason.message = message = answer.error.message;
    }
    if (kind === 'aborted') noteAbortReason(this.#signal?.reason);
    const ending: AttemptEnd = {
      attempt: this.#attempt(kind, reason, message, body),
      how: kind,
      failure: reason,
      abortReason: kind === 'aborted' ? this.#signal?.reason : undefined,
      signal: this.#signal,
      beforeHeaders: this.#statusCode === undefined,
      retryAfterMillis: this.#responseHeaders && retryAfterMillis(this.#responseHeaders),
      outgoing: this.outgoing,
      call: this.call,
      answer,
    };
    this.#ended = ending;
    this.#kept = undefined;
    this.#owner.end(this, ending);
  }

  #attempt(
    how: AttemptEnd['how'],
    failure: Failure | undefined,
    message: string | undefined,
    body: string | undefined,
  ): Attempt {
    const { outgoing } = this;
    const attempt: Attempt = {
      number: this.#number,
      status: how === 'answered' ? 'completed' : how === 'invalid' ? 'failed' : how,
      startedAt: this.#startedAt,
      endedAt: this.#owner.now(),
      method: outgoing.method,
      url: outgoing.url.href,
      requestHeaders: outgoing.headers,
    };
    if (outgoing.body !== undefined) {
      attempt.requestBody = outgoing.body;
      attempt.requestBodySize = byteLength(outgoing.body);
    }
    if (this.#resendCount > 0) attempt.resendCount = this.#resendCount;
    if (this.#firstChunkMillis !== undefined) attempt.timeToFirstChunkMillis = this.#firstChunkMillis;
    if (failure) {
      attempt.errorType = failure.type;
      if (this.#error !== undefined) attempt.error = this.#error;
      if (message !== undefined) attempt.errorMessage = message;
    }
    if (this.#statusCode !== undefined) {
      attempt.statusCode = this.#statusCode;
      if (this.#bodyBytes !== undefined) attempt.responseBodySize = this.#bodyBytes;
      if (this.#responseHeaders) attempt.responseHeaders = this.#responseHeaders;
      if (body !== undefined) attempt.responseBody = body;
      if (!this.#bodyEnded) attempt.responseBodyBroke = true;
    }
    return attempt;
  }
}

/** Whether a body of this type is text that can be kept. */
function isText(contentType: string | undefined): boolean {
  return contentType !== undefined && /^text\/|json|xml|form|event-stream/i.test(contentType);
}
