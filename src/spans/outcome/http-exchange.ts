import type { Context } from '@opentelemetry/api';
import type { CaptureSettings } from '../../capture/levels.js';
import type { Clock } from '../../otel/clock.js';
import type { Answer, ModelCall } from '../../providers/detect.js';
import type { Attempt } from './attempt.js';
import { describeFailure, type Failure } from './errors.js';

/** The interface between the recording fetch, which sees an HTTP exchange, and the step that the exchange belongs to. */

/** Something that keeps a step from being finished: an attempt in flight, a scope that is open. */
export interface Pending {
  /** Since when it shows no sign of life, in `performance.now()` time; `undefined` while somebody waits for the network. */
  idleSince(): number | undefined;
  /** Ends it, as far as recording goes; the call itself is left alone. */
  giveUp(): void;
}

/** A request that is about to be sent, as far as it can be known without touching it. */
export interface OutgoingRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Record<string, string>;
  /** `undefined` if there is none, or if it can't be read without consuming it. */
  readonly body: string | undefined;
  /** Whether there is a body that can't be read: a stream, a form, a Request object's. */
  readonly opaqueBody: boolean;
  /** The client's own count of the retries before this one (`x-stainless-retry-count`). */
  readonly retryCount: number | undefined;
}

/** An attempt in flight. */
export interface PendingAttempt extends Pending {
  readonly outgoing: OutgoingRequest;
  /** What is asked, if it is known to be a model call. */
  readonly call: ModelCall | undefined;
  /** Whether it was refused (HTTP 400 and above) and only its body is still open: nothing better can come of it. */
  readonly refused: boolean;
  /** The HTTP status code, once the headers have arrived. */
  readonly statusCode: number | undefined;
}

/** How an attempt ended, and what was learned from it. */
export interface AttemptEnd {
  readonly attempt: Attempt;
  /**
   * `answered`: read to its end; `invalid`: likewise, but it made no sense; `failed`: no answer, refused or broken;
   * `aborted`: the consumer went away; `unread`: nobody ever read it.
   */
  readonly how: 'answered' | 'invalid' | 'failed' | 'aborted' | 'unread';
  readonly failure?: Failure | undefined;
  /** The reason of the signal that aborted it. */
  readonly abortReason?: unknown;
  /** What its caller stops it by: as well when the attempt is over, and the client waits to ask again. */
  readonly signal?: AbortSignal | undefined;
  /** Whether the consumer cancelled the body of a refusal without having read any of it. */
  readonly dismissed: boolean;
  /** Whether an abort came before the headers: it may have been the client's own timeout. */
  readonly beforeHeaders: boolean;
  /** How long the provider asked to wait. */
  readonly retryAfterMillis: number | undefined;
  readonly outgoing: OutgoingRequest;
  readonly call: ModelCall | undefined;
  readonly answer: Answer | undefined;
}

/** What an attempt belongs to: a step, the scope of an explicit step, or another instrumentation's span. */
export interface AttemptOwner {
  /** The run, or what stands in for a run. */
  readonly home: object;
  readonly capturing: CaptureSettings;
  /** Milliseconds since the epoch, on the clock of the trace. */
  readonly now: Clock;
  /** Where the request is sent: what other instrumentations start there nests under the right span. */
  contextFor(active: Context): Context;
  /** An attempt starts. Returns its number, and how often the same request was sent before it. */
  begin(live: PendingAttempt): { number: number; resendCount: number };
  /** The attempt was refused, and its body is still open. */
  refused(live: PendingAttempt): void;
  /** The attempt ended. */
  end(live: PendingAttempt, ending: AttemptEnd): void;
  /** It ended worse than `end` said: closing its body failed. */
  amend(ending: AttemptEnd): void;
}

/** An abort that turned out to be the client's timeout. */
export function asTimeout(ending: AttemptEnd, error: unknown): AttemptEnd {
  const failure: Failure = error === undefined ? { type: 'timeout' } : describeFailure(error);
  const { attempt } = ending;
  return { ...ending, how: 'failed', failure, attempt: { ...attempt, status: 'failed', errorType: failure.type } };
}
