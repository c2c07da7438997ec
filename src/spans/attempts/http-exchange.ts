/** The interface between the recording fetch, which observes an exchange, and the step or scope that it is made for. */
import type { Context } from '@opentelemetry/api';
import type { CaptureSettings } from '../../capture/levels.js';
import type { Clock } from '../../otel/clock.js';
import type { Answer, ModelCall } from '../../providers/detect.js';
import { describeFailure, type Failure } from '../outcome/errors.js';
import type { Attempt } from './attempt.js';

/** Something that keeps a step from being finished: an attempt in flight, an open scope. */
export interface Pending {
  /** Since when nothing has happened, in `performance.now()` time; `undefined` while it waits for the network. */
  idleSince(): number | undefined;
  /** Whether reading of its body has begun: a reader that pauses is given longer than a body that is not read. */
  readonly isBeingRead: boolean;
  /** Whether it only waits for a response in the background: a run that is over does not wait for that. */
  readonly isInBackground?: boolean;
  /** For an attempt in flight: what is known of it so far. */
  progress?(): AttemptProgress | undefined;
  /** Ends it, for the recording only; the call itself goes on. `at`: when it was stopped. Default: at its last activity. */
  giveUp(at?: number): void;
}

/** What is known of an attempt in flight. */
export type AttemptProgress = Omit<Attempt, 'status' | 'endedAt'>;

/** A body that was read: its text, or a copy of its bytes. */
export type ReadBody = string | Uint8Array;

/** A request that is about to be sent, as far as it can be known without changing it. */
export interface OutgoingRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Record<string, string>;
  /** `undefined` if there is none, if it can't be read without consuming it, or once it was released. */
  body: ReadBody | undefined;
  /** Tells the body from others, also once it was released. */
  bodyDigest?: string | undefined;
  /** The fields of a form, as a JSON text, without its files. */
  readonly formFields?: string;
  /** Whether there is a body that can't be read: a stream, a form, the body of a Request. */
  readonly opaqueBody: boolean;
  /** How many retries came before this one, by the client's own count. */
  readonly retryCount: number | undefined;
  /** How many more retries the client may send, if it says so. */
  readonly retriesLeft?: number;
}

/** An attempt in flight. */
export interface PendingAttempt extends Pending {
  readonly outgoing: OutgoingRequest;
  /** What was requested, if it is known to be a model call. */
  readonly call: ModelCall | undefined;
  /** Whether it was refused (HTTP 400 and above), and only its body is still open. */
  readonly refused: boolean;
  /** The HTTP status code, once the headers have arrived. */
  readonly statusCode: number | undefined;
  /** The signal of the request. */
  readonly signal: AbortSignal | undefined;
}

/** How an attempt ended, and what was learned from it. */
export interface AttemptEnd {
  readonly attempt: Attempt;
  /**
   * - `answered`: the body was read to its end.
   * - `invalid`: likewise, but it could not be parsed, or had no end of its own.
   * - `failed`: no answer, a refusal, an error in the body, or a broken body.
   * - `aborted`: the consumer stopped it.
   * - `unread`: its body was never read.
   */
  readonly how: 'answered' | 'invalid' | 'failed' | 'aborted' | 'unread';
  readonly failure?: Failure | undefined;
  /** The reason of the signal that aborted it. */
  readonly abortReason?: unknown;
  /** The signal of the request. It may still be aborted while the client waits for its retry. */
  readonly signal?: AbortSignal | undefined;
  /** Whether the consumer cancelled the body of a refusal without having read any of it. */
  readonly dismissed: boolean;
  /** Whether it ended before the headers: an abort may then have been the client's own timeout. */
  readonly beforeHeaders: boolean;
  /** Whether it had an HTTP status of 400 and above. */
  readonly refused: boolean;
  /** Whether its client will send it again, as far as its use of the answer shows. */
  readonly retry: 'none' | 'possible' | 'expected';
  /** When the caller stopped it while the client waited for its retry, in milliseconds since the epoch. Set after the attempt ended. */
  stoppedAt?: number | undefined;
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
  /** The context in which the request is sent, so that spans of other instrumentations nest under the right one. */
  contextFor(active: Context): Context;
  /** An attempt begins. Returns its number, and how often the same request was sent before. */
  begin(live: PendingAttempt): { number: number; resendCount: number };
  /** More is known of an attempt in flight: its headers have arrived, or the first chunk of its body. */
  progressed?(): void;
  /** The attempt was refused, and its body is still open. */
  refused(live: PendingAttempt): void;
  /** The attempt ended. */
  end(live: PendingAttempt, ending: AttemptEnd): void;
  /** Replaces what `end` said: closing the body failed. */
  amend(ending: AttemptEnd): void;
}

/**
 * Whether a client that retries would send a request again after this HTTP status; `undefined` for no answer. After any other 4xx the same
 * request is refused again.
 */
export function isRetriable(statusCode: number | undefined): boolean {
  if (statusCode === undefined || statusCode >= 500) return true;
  return statusCode === 408 || statusCode === 409 || statusCode === 425 || statusCode === 429;
}

/** An abort that turned out to be the client's timeout. */
export function asTimeout(ending: AttemptEnd, error: unknown): AttemptEnd {
  const failure: Failure = error === undefined ? { type: 'timeout' } : describeFailure(error);
  const { attempt } = ending;
  return { ...ending, how: 'failed', failure, attempt: { ...attempt, status: 'failed', errorType: failure.type } };
}
