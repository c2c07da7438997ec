import { type Context, context } from '@opentelemetry/api';
import { nextTurn } from '../otel/next-turn.js';
import type { ModelCall, ResponseReader } from '../providers/detect.js';
import type { Attempt } from '../spans/attempts/attempt.js';
import type {
  AttemptEnd,
  AttemptOwner,
  AttemptProgress,
  OutgoingRequest,
  PendingAttempt,
} from '../spans/attempts/http-exchange.js';
import { withFetch } from '../spans/context.js';
import { describeFailure, type Failure } from '../spans/outcome/errors.js';
import { noteAbortCall } from '../spans/outcome/stops/abort-call.js';
import { isAbort, noteAbortReason } from '../spans/outcome/stops/abort-errors.js';
import { noteEnd, noteSignal } from '../spans/outcome/stops/run-calls.js';
import { type TailEnd, Watch, type WatchEvents } from '../spans/streams/watch.js';
import { guarded, report } from '../util/diagnostics.js';
import {
  type AttemptBegun,
  type AttemptFacts,
  allBytesRead,
  attemptEnd,
  factsAtStart,
  isRefused,
  retryOutlook,
  wasStopped,
} from './attempt-facts.js';
import { ByteBuffer } from './byte-buffer.js';
import { isCollected } from './rebuilt-response.js';
import type { ReadAnswer, Received } from './received.js';

/** What is reported where recording fails. */
export const UNRECORDED = 'an attempt could not be recorded';

/** How much of an error's body is buffered to read the provider's code from it, in bytes. */
const ERROR_BODY_BYTES = 16_384;

/** True while the underlying `fetch` is being called. Without a context manager, only this tells that one recording fetch calls another. */
let sending = false;

/** Whether a recording fetch is calling its underlying `fetch` now. */
export function isSending(): boolean {
  return sending;
}

/** One attempt in flight: observes the exchange from the call to the end of the body. */
export class InFlightAttempt implements PendingAttempt, WatchEvents {
  readonly #owner: AttemptOwner;
  readonly #facts: AttemptFacts;
  /** Released when the request is sent: a context holds its run, and an unread body must not keep the run's handle from being collected. */
  #context: Context | undefined;
  readonly #begun: AttemptBegun;
  #answer: ResponseReader | undefined;
  #headersAt = 0;
  /** Whether a turn of the event loop has passed since a refusal. */
  #turnPassed = false;
  /** Watches the body; `undefined` before the headers. */
  #watch: Watch | undefined;
  #ended: AttemptEnd | undefined;
  /** Whether its body was read on after it had been given up. */
  #isLate = false;

  constructor(
    owner: AttemptOwner,
    outgoing: OutgoingRequest,
    call: ModelCall | undefined,
    signal: AbortSignal | undefined,
    active: Context,
  ) {
    this.#owner = owner;
    this.#facts = factsAtStart(outgoing, call, signal, owner.now());
    this.#context = withFetch(owner.contextFor(active));
    this.#begun = owner.begin(this);
  }

  /** Sends the request. Passes on the same error object, or the transport's result with its body observed. */
  send<T>(call: () => Promise<T>, read: ReadAnswer<T>): Promise<T> {
    const ctx = this.#context as Context;
    this.#context = undefined;
    let pending: Promise<T>;
    sending = true;
    try {
      // A mock may return a response instead of a promise.
      pending = Promise.resolve(context.with(ctx, call));
    } catch (error) {
      guarded(UNRECORDED, () => this.unanswered(error));
      throw error;
    } finally {
      sending = false;
      guarded(UNRECORDED, () => this.sent());
    }
    return pending.then(
      (result) => this.received(result, read),
      (error) => {
        guarded(UNRECORDED, () => this.unanswered(error));
        throw error;
      },
    );
  }

  /** The request is on its way. What the recording needs only later is done now. */
  sent(): void {
    const { signal, outgoing } = this.#facts;
    if (!signal) return;
    noteSignal(this.#owner.home, signal);
    if (outgoing.retryCount !== undefined) noteAbortCall(signal);
  }

  get outgoing(): OutgoingRequest {
    return this.#facts.outgoing;
  }

  get call(): ModelCall | undefined {
    return this.#facts.call;
  }

  get signal(): AbortSignal | undefined {
    return this.#facts.signal;
  }

  get statusCode(): number | undefined {
    return this.#facts.statusCode;
  }

  get refused(): boolean {
    return isRefused(this.#facts);
  }

  progress(): AttemptProgress | undefined {
    const { outgoing, startedAt, statusCode, responseHeaders, firstChunkMillis } = this.#facts;
    return {
      number: this.#begun.number,
      startedAt,
      method: outgoing.method,
      url: outgoing.url.href,
      ...(this.#begun.resendCount > 0 && { resendCount: this.#begun.resendCount }),
      ...(statusCode !== undefined && { statusCode }),
      ...(responseHeaders && { responseHeaders }),
      ...(firstChunkMillis !== undefined && { timeToFirstChunkMillis: firstChunkMillis }),
    };
  }

  idleSince(): number | undefined {
    return this.#watch?.idleSince();
  }

  get isBeingRead(): boolean {
    return this.#watch?.begun === true;
  }

  giveUp(): void {
    this.#stop(this.#lastActivity(), this.#watch?.begun === false ? 'unread' : 'aborted');
  }

  /** The consumer reads no further. `how`: how an attempt ends that has not been answered, nor refused. */
  #stop(at: number, how: 'unread' | 'aborted'): void {
    if (this.#ended) return;
    // An error status is the whole answer. Its unread body does not make the attempt longer.
    if (this.refused) this.#end('failed', undefined, this.#facts.firstChunkMillis === undefined ? this.#headersAt : at);
    else if (allBytesRead(this.#facts)) this.#readToEnd(at);
    else if (this.#answer?.answer().complete) this.#end('answered', undefined, at);
    else this.#end(how, undefined, at);
  }

  /** When the attempt was last active, on the clock of its trace. */
  #lastActivity(): number {
    const idleSince = this.idleSince();
    const at = this.#owner.now() - (idleSince === undefined ? 0 : performance.now() - idleSince);
    const { startedAt, firstChunkMillis = 0 } = this.#facts;
    // A reader is idle from before its chunk is noted, and the clocks of both are not read at once.
    return Math.max(at, startedAt + firstChunkMillis);
  }

  /** There is no answer: the request failed, or was stopped. */
  unanswered(error: unknown): void {
    if (wasStopped(this.#facts, error, this.#owner.now())) this.#end('aborted');
    else this.#fail(error);
  }

  /** The headers of the answer have arrived. Returns what the caller gets: the transport's result with its body observed. */
  received<T>(result: T, read: ReadAnswer<T>): T {
    const observed = guarded('a response could not be recorded', () =>
      this.#answered(read(result, this.#owner.capturing.content)),
    );
    // The body can't be observed: the attempt ends with its headers.
    if (!observed) guarded(UNRECORDED, () => this.#passedUnseen());
    return observed ?? result;
  }

  #answered<T>({ statusCode, headers, hasBody, isEncoded, watchBody }: Received<T>): T | undefined {
    this.#facts.statusCode = statusCode;
    this.#headersAt = this.#owner.now();
    this.#facts.responseHeaders = headers;
    const { content, messages, limits } = this.#owner.capturing;
    const textBytes = content && !isEncoded && isText(headers['content-type']) ? limits.bodyBytes : 0;
    const keptBytes = this.refused && !isEncoded ? Math.max(textBytes, ERROR_BODY_BYTES) : textBytes;
    if (keptBytes > 0) this.#facts.body = new ByteBuffer(keptBytes);
    if (!this.refused && !isEncoded) {
      this.#answer = this.call?.openAnswer({ headers, content: messages, contentLength: limits.contentBytes });
    }
    this.#watch = new Watch(this);
    this.#owner.progressed?.();
    if (!hasBody) this.#readToEnd(this.#owner.now());
    const observed = watchBody(this.#watch);
    if (observed && this.refused) {
      nextTurn(() => {
        this.#turnPassed = true;
      });
      this.#owner.refused(this);
    }
    return observed;
  }

  onValue(value: unknown): void {
    if (!(value instanceof Uint8Array)) return;
    if (this.#ended) this.#reportLate();
    else this.#read(value);
  }

  #read(bytes: Uint8Array): void {
    if (this.#facts.firstChunkMillis === undefined) {
      this.#facts.firstChunkMillis = this.#owner.now() - this.#facts.startedAt;
      this.#owner.progressed?.();
    }
    this.#facts.bodyBytes = (this.#facts.bodyBytes ?? 0) + bytes.byteLength;
    this.#facts.body?.add(bytes);
    this.#answer?.chunk(bytes);
  }

  /** The step settled before its body was read on, because the reader paused for longer than the limit. */
  #reportLate(): void {
    if (this.#isLate) return;
    this.#isLate = true;
    report('a body was read on after its attempt had been given up; what came then is not recorded');
  }

  onEnd(end: TailEnd): void {
    if (end.how === 'broke') this.#broke(end.error);
    else if (end.how === 'ended' && end.unseen) this.#passedUnseen();
    else if (end.how === 'ended') this.#readToEnd(this.#owner.now());
    else if (isCollected(end.reason)) this.giveUp();
    else this.#left(end.closing);
  }

  /** The caller stops the exchange, in a way that its signal does not tell. */
  stopped(): void {
    if (this.#watch) this.#watch.cancelled();
    else this.#stop(this.#owner.now(), 'aborted');
  }

  #readToEnd(at: number): void {
    if (this.#ended) return;
    this.#facts.bodyEnded = true;
    this.#answer?.end();
    const answer = this.#answer?.answer();
    if (this.refused) this.#end('failed', undefined, at);
    else if (answer && !answer.error && !answer.complete) {
      // An HTTP/2 stream that its own client closes ends as if that were all.
      if (this.#facts.signal?.aborted) this.#end('aborted', undefined, at, answer);
      else this.#end('invalid', { type: 'invalid_response' }, at, answer);
    } else this.#end('answered', undefined, at, answer);
  }

  #passedUnseen(): void {
    if (this.#ended) return;
    this.#answer = undefined;
    this.#facts.bodyBytes = undefined;
    this.#end(this.refused ? 'failed' : 'answered');
  }

  #broke(error: unknown): void {
    if (this.#ended) return;
    if (!wasStopped(this.#facts, error, this.#owner.now())) this.#fail(error);
    else if (this.refused) this.#stoppedWhileWaiting();
    else if (allBytesRead(this.#facts)) this.#readToEnd(this.#owner.now());
    else this.#end(this.#answer?.answer().complete ? 'answered' : 'aborted');
  }

  /** The caller aborts while the body of a refusal is open: its client waits for the retry, unless it is only cleaning up. */
  #stoppedWhileWaiting(): void {
    const outlook = retryOutlook(this.#facts);
    const isWaiting = outlook === 'expected' || (outlook === 'possible' && this.#turnPassed);
    if (isWaiting) this.#facts.stoppedAt = this.#owner.now();
    this.giveUp();
  }

  #fail(error: unknown): void {
    this.#facts.error = error;
    this.#end('failed', describeFailure(error));
  }

  /** The consumer left the body. `closing` settles when the connection is closed. */
  #left(closing: Promise<unknown> | undefined): void {
    this.#facts.dismissed = this.refused && this.#watch?.begun === false;
    this.#stop(this.#owner.now(), 'aborted');
    const ended = this.#ended;
    closing?.then(undefined, (error) => {
      if (ended) guarded(UNRECORDED, () => this.#closedBadly(ended, error));
    });
  }

  /** Closing a body that had ended failed. */
  #closedBadly(ended: AttemptEnd, error: unknown): void {
    // After an abort, closing the body rejects with the same abort; ignore it.
    if (this.#facts.signal?.aborted || isAbort(error)) return;
    const attempt: Attempt = { ...ended.attempt, status: 'failed', errorType: describeFailure(error).type, error };
    // Only the attempt changes: its last event, or the consumer that left, has decided how the call ended.
    this.#owner.amend({ ...ended, attempt });
  }

  #end(how: AttemptEnd['how'], failure?: Failure, endedAt = this.#owner.now(), answer = this.#answer?.answer()): void {
    if (this.#ended) return;
    const ending = attemptEnd(this.#facts, this.#begun, { how, failure, answer, endedAt }, this.#owner.capturing);
    if (ending.how === 'aborted') noteAbortReason(ending.abortReason);
    this.#ended = ending;
    this.#facts.body = undefined;
    noteEnd(this.#owner.home, ending);
    this.#owner.end(this, ending);
  }
}

/** Whether a body of this type is text, which is recorded. */
function isText(contentType: string | undefined): boolean {
  return contentType !== undefined && /^text\/|json|xml|form|event-stream/i.test(contentType);
}
