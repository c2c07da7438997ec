import { type Context, context } from '@opentelemetry/api';
import { type ModelCall, type ResponseReader, readErrorCode } from '../providers/detect.js';
import { withRecording } from '../spans/context.js';
import type { Attempt } from '../spans/outcome/attempt.js';
import { describeFailure, type Failure, isTimeout } from '../spans/outcome/errors.js';
import type { AttemptEnd, AttemptOwner, OutgoingRequest, PendingAttempt } from '../spans/outcome/http-exchange.js';
import { isAbort, noteAbortReason, noteEnd, noteSignal } from '../spans/outcome/stops.js';
import { byteLength } from '../util/byte-length.js';
import { guarded } from '../util/diagnostics.js';
import { type BodyObserver, observeResponse } from './body-observer.js';
import { ByteBuffer } from './byte-buffer.js';
import { retryAfterMillis } from './retry-after.js';

/** A client starts the clock of its timeout before it calls `fetch`, by no more than this. */
const CLIENT_AHEAD_MILLIS = 250;

/** Kept of an error's body, to read the provider's code from it, in bytes. */
const ERROR_BODY_BYTES = 16_384;

/** While the `fetch` underneath is being called: where there is no context manager, this is how one around another records once. */
let sending = false;

/** Whether the code that runs now was called by the underlying `fetch` of a recording fetch. */
export function isSending(): boolean {
  return sending;
}

/** One attempt in flight: the exchange as it passes, from the call to the end of the body. */
export class InFlightAttempt implements PendingAttempt, BodyObserver {
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
  #dismissed = false;
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
    if (signal) noteSignal(owner.home, signal);
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

  get statusCode(): number | undefined {
    return this.#statusCode;
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
    this.#dismissed = this.refused && !this.#wasRead;
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
      dismissed: this.#dismissed,
      beforeHeaders: this.#statusCode === undefined,
      retryAfterMillis: this.#responseHeaders && retryAfterMillis(this.#responseHeaders),
      outgoing: this.outgoing,
      call: this.call,
      answer,
    };
    this.#ended = ending;
    this.#kept = undefined;
    noteEnd(this.#owner.home, ending);
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
