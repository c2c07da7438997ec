import { type Context, context } from '@opentelemetry/api';
import { type Answer, type ModelCall, type ResponseReader, readErrorCode } from '../providers/detect.js';
import { withRecording } from '../spans/context.js';
import type { Attempt } from '../spans/outcome/attempt.js';
import { describeFailure, type Failure, isTimeout } from '../spans/outcome/errors.js';
import {
  type AttemptEnd,
  type AttemptOwner,
  isRetriable,
  type OutgoingRequest,
  type PendingAttempt,
} from '../spans/outcome/http-exchange.js';
import { isAbort, noteAbortReason, noteEnd, noteSignal } from '../spans/outcome/stops.js';
import { nextTurn } from '../spans/settle/next-turn.js';
import { byteLength } from '../util/byte-length.js';
import { guarded, report } from '../util/diagnostics.js';
import { type BodyObserver, observeResponse } from './body-observer.js';
import { ByteBuffer } from './byte-buffer.js';
import { retryAfterMillis } from './retry-after.js';

/** A client starts the timer of its timeout before it calls `fetch`, by no more than this. */
const CLIENT_AHEAD_MILLIS = 250;

/** How much of an error's body is buffered to read the provider's code from it, in bytes. */
const ERROR_BODY_BYTES = 16_384;

/** True while the underlying `fetch` is being called. Without a context manager, only this tells that one recording fetch calls another. */
let sending = false;

/** Whether a recording fetch is calling its underlying `fetch` now. */
export function isSending(): boolean {
  return sending;
}

/** One attempt in flight: observes the exchange from the call to the end of the body. */
export class InFlightAttempt implements PendingAttempt, BodyObserver {
  readonly outgoing: OutgoingRequest;
  readonly call: ModelCall | undefined;
  readonly #owner: AttemptOwner;
  readonly #signal: AbortSignal | undefined;
  /** Released when the request is sent: a context holds its run, and an unread body must not keep the run's handle from being collected. */
  #context: Context | undefined;
  readonly #number: number;
  readonly #resendCount: number;
  readonly #startedAt: number;
  #answer: ResponseReader | undefined;
  #statusCode: number | undefined;
  #headersAt = 0;
  /** Whether a turn of the event loop has passed since a refusal. */
  #turnPassed = false;
  #stoppedAt: number | undefined;
  #responseHeaders: Record<string, string> | undefined;
  #kept: ByteBuffer | undefined;
  /** `undefined` if the body could not be observed. */
  #bodyBytes: number | undefined = 0;
  #bodyEnded = false;
  #firstChunkMillis: number | undefined;
  /** Whether the consumer cancelled the body of a refusal without having read any of it. */
  #dismissed = false;
  /** `cancelled` without having been read is not reading. */
  #reading: 'not begun' | 'begun' | 'stopped' = 'not begun';
  /** When the consumer stopped waiting, in `performance.now()` time; `undefined` while it waits for the network. */
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

  /** Sends the request. Passes on the same error object, or the response with its body observed. */
  send(fetch: () => Promise<Response>): Promise<Response> {
    const ctx = this.#context as Context;
    this.#context = undefined;
    let pending: Promise<Response>;
    sending = true;
    try {
      // A mock may return a response instead of a promise.
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

  get isBeingRead(): boolean {
    return this.#reading !== 'not begun';
  }

  giveUp(): void {
    this.#stop(this.#lastActivity());
  }

  /** The consumer reads no further. */
  #stop(at: number): void {
    if (this.#ended) return;
    const unread = this.#reading === 'not begun';
    // An error status is the whole answer. Its unread body does not make the attempt longer.
    if (this.refused)
      this.#end('failed', undefined, undefined, this.#firstChunkMillis === undefined ? this.#headersAt : at);
    else if (this.#allBytesRead()) this.#readToEnd(at);
    else if (this.#answer?.answer().complete) this.#end('answered', undefined, undefined, at);
    else this.#end(this.#statusCode !== undefined && unread ? 'unread' : 'aborted', undefined, undefined, at);
  }

  /** When the attempt was last active, on the clock of its trace. */
  #lastActivity(): number {
    const idleMillis = this.#idleSince === undefined ? 0 : performance.now() - this.#idleSince;
    return this.#owner.now() - idleMillis;
  }

  /** Whether the consumer has got the whole body, although it did not ask whether there is more. */
  #allBytesRead(): boolean {
    const headers = this.#responseHeaders;
    // The length is that of the encoded body; what is counted here is decoded.
    if (!this.#bodyBytes || headers?.['content-encoding'] !== undefined) return false;
    return Number(headers?.['content-length']) === this.#bodyBytes;
  }

  #unanswered(error: unknown): void {
    if (!this.#signal?.aborted || isTimeout(error)) this.#fail(error);
    else if (this.#clientTimedOut()) this.#end('failed', { type: 'timeout' });
    else this.#end('aborted');
  }

  /** Clients made by Stainless send their timeout in whole seconds, and abort without a reason when it expires. */
  #clientTimedOut(): boolean {
    const seconds = Number(this.outgoing.headers['x-stainless-timeout']);
    return seconds > 0 && this.#owner.now() - this.#startedAt >= seconds * 1000 - CLIENT_AHEAD_MILLIS;
  }

  #received(response: Response): Response {
    const observed = guarded('a response could not be recorded', () => this.#answered(response));
    // The body can't be observed: the attempt ends with its headers.
    if (!observed) guarded('an attempt could not be recorded', () => this.passedUnseen());
    return observed ?? response;
  }

  #answered(response: Response): Response | undefined {
    this.#statusCode = response.status;
    this.#headersAt = this.#owner.now();
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
    if (observed && this.refused) {
      nextTurn(() => {
        this.#turnPassed = true;
      });
      this.#owner.refused(this);
    }
    return observed;
  }

  pulling(): void {
    if (this.#reading === 'not begun') this.#reading = 'begun';
    this.#idleSince = undefined;
  }

  idle(): void {
    this.#idleSince = performance.now();
  }

  chunk(bytes: Uint8Array): void {
    if (this.#ended) {
      this.#reportLate();
      return;
    }
    this.#firstChunkMillis ??= this.#owner.now() - this.#startedAt;
    this.#bodyBytes = (this.#bodyBytes ?? 0) + bytes.byteLength;
    this.#kept?.add(bytes);
    this.#answer?.chunk(bytes);
  }

  /** The step settled before its body was read on, because the reader paused for longer than the limit. */
  #reportLate(): void {
    if (this.#reading === 'stopped') return;
    this.#reading = 'stopped';
    report('a body was read on after its attempt had been given up; what came then is not recorded');
  }

  ended(): void {
    this.#readToEnd(this.#owner.now());
  }

  #readToEnd(at: number): void {
    if (this.#ended) return;
    this.#bodyEnded = true;
    this.#answer?.end();
    const answer = this.#answer?.answer();
    if (this.refused) this.#end('failed', undefined, undefined, at);
    else if (answer && !answer.error && !answer.complete) {
      this.#end('invalid', { type: 'invalid_response' }, answer, at);
    } else this.#end('answered', undefined, answer, at);
  }

  passedUnseen(): void {
    if (this.#ended) return;
    this.#answer = undefined;
    this.#bodyBytes = undefined;
    this.#end(this.refused ? 'failed' : 'answered');
  }

  broke(error: unknown): void {
    if (this.#ended) return;
    const aborted = this.#signal?.aborted && !isTimeout(error);
    if (!aborted) this.#fail(error);
    else if (this.refused) this.#stoppedWhileWaiting();
    else if (this.#allBytesRead()) this.ended();
    else this.#end(this.#answer?.answer().complete ? 'answered' : 'aborted');
  }

  /** The caller aborts while the body of a refusal is open: its client waits for the retry, unless it is only cleaning up. */
  #stoppedWhileWaiting(): void {
    const isWaiting = this.#retryOutlook() === 'expected' || (this.#retryOutlook() === 'possible' && this.#turnPassed);
    if (isWaiting) this.#stoppedAt = this.#owner.now();
    this.#stop(this.#lastActivity());
  }

  #fail(error: unknown): void {
    this.#error = error;
    this.#end('failed', describeFailure(error));
  }

  cancelled(closing: Promise<unknown>): void {
    this.#dismissed = this.refused && this.#reading === 'not begun';
    // A body that is cancelled unread was stopped by its consumer, too.
    if (!this.refused) this.#reading = 'stopped';
    this.#stop(this.#owner.now());
    this.#reading = 'stopped';
    const ended = this.#ended;
    closing.then(undefined, (error) => {
      if (ended) guarded('an attempt could not be recorded', () => this.#closedBadly(ended, error));
    });
  }

  collected(): void {
    this.giveUp();
  }

  /** Closing a body that had ended failed. */
  #closedBadly(ended: AttemptEnd, error: unknown): void {
    // After an abort, closing the body rejects with the same abort; ignore it.
    if (this.#signal?.aborted || isAbort(error)) return;
    const attempt: Attempt = { ...ended.attempt, status: 'failed', errorType: describeFailure(error).type, error };
    // Only the attempt changes: its last event, or the consumer that left, has decided how the call ended.
    this.#owner.amend({ ...ended, attempt });
  }

  #end(how: AttemptEnd['how'], failure?: Failure, answer = this.#answer?.answer(), endedAt = this.#owner.now()): void {
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
      attempt: this.#attempt(kind, reason, message, body, answer, endedAt),
      how: kind,
      failure: reason,
      abortReason: kind === 'aborted' ? this.#signal?.reason : undefined,
      signal: this.#signal,
      dismissed: this.#dismissed,
      beforeHeaders: this.#statusCode === undefined,
      refused: this.refused,
      retry: this.#retryOutlook(),
      stoppedAt: this.#stoppedAt,
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

  /**
   * Whether the client will send the request again. Clients that number their retries read the body of a refusal only to throw it as an
   * error; before a retry they leave or cancel it (openai and @anthropic-ai/sdk, `shouldRetry` in client.ts).
   */
  #retryOutlook(): AttemptEnd['retry'] {
    if (!isRetriable(this.#statusCode)) return 'none';
    const isSeen = this.refused && this.#bodyBytes !== undefined;
    if (!isSeen || this.outgoing.retryCount === undefined) return 'possible';
    return this.#bodyEnded ? 'none' : 'expected';
  }

  #attempt(
    how: AttemptEnd['how'],
    failure: Failure | undefined,
    message: string | undefined,
    body: string | undefined,
    answer: Answer | undefined,
    endedAt: number,
  ): Attempt {
    const { outgoing } = this;
    const attempt: Attempt = {
      number: this.#number,
      status: how === 'answered' ? 'completed' : how === 'invalid' ? 'failed' : how,
      startedAt: this.#startedAt,
      endedAt,
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
    if (answer) {
      if (hasValues(answer.usage)) attempt.usage = answer.usage;
      if (answer.response.id !== undefined) attempt.responseId = answer.response.id;
    }
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

function hasValues(object: object): boolean {
  for (const _name in object) return true;
  return false;
}

/** Whether a body of this type is text, which is recorded. */
function isText(contentType: string | undefined): boolean {
  return contentType !== undefined && /^text\/|json|xml|form|event-stream/i.test(contentType);
}
