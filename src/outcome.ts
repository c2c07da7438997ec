import { type Attributes, type Span, type SpanStatus, SpanStatusCode } from '@opentelemetry/api';
import * as names from './attributes.js';
import type { Capturing } from './capture.js';
import type { Ending } from './exchange.js';
import { describeFailure, type Failure, failureMessage } from './failure.js';
import type { ModelResponse, Usage } from './genai.js';
import { accepts, isStatus, type Status } from './status.js';
import { toHrTime } from './time.js';
import { badOption, checkObjects, requireObject } from './validate.js';

/** What comes with the end of a run or a step. */
export interface FinishDetails {
  /** What the model answered; fills `gen_ai.response.*` and, where content is captured, the output messages. */
  response?: ModelResponse;
  /** What it cost, in tokens. */
  usage?: Usage;
  /** What went wrong: anything that was thrown. Only its class and codes are kept unless content is captured. */
  error?: unknown;
  /** Further attributes, under their full names. */
  metadata?: Attributes;
}

/** A claim, by any callback, of how a run or step ended. */
export interface Proposal {
  readonly status: Status;
  /** When it ended, in milliseconds since the epoch. */
  readonly at: number;
  readonly failure?: Failure | undefined;
  readonly response?: ModelResponse | undefined;
  readonly usage?: Usage | undefined;
  readonly metadata?: Attributes | undefined;
}

interface StatusUpdate {
  readonly status: Status;
  readonly at: number;
  readonly accepted: boolean;
  readonly errorType: string | undefined;
}

/** The SDK keeps 128 events a span; 112 of them are attempts. */
export const MAX_STATUS_UPDATES = 16;

/** Collects the proposals for one run or step: the rule chooses the outcome, the rest is history. */
export class Proposals<P extends Proposal = Proposal> {
  #outcome: P | undefined;
  readonly #history: StatusUpdate[] = [];
  #dropped = 0;

  /** The status that stands now. */
  get status(): Status {
    return this.#outcome?.status ?? 'in_progress';
  }

  /** The proposal that stands now. */
  get outcome(): P | undefined {
    return this.#outcome;
  }

  /** Applies the status-priority rule. A proposal that is accepted replaces the whole outcome. */
  propose(proposal: P): void {
    const accepted = accepts(this.status, proposal.status);
    if (accepted) this.#outcome = proposal;
    if (this.#history.length === MAX_STATUS_UPDATES) {
      this.#history.splice(MAX_STATUS_UPDATES / 2, 1);
      this.#dropped++;
    }
    this.#history.push({
      status: proposal.status,
      at: proposal.at,
      accepted,
      errorType: proposal.failure?.type,
    });
  }

  /** How many status updates `writeHistory` has no room for. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Writes each proposal as an event, where there was more than one, `room` of them at most. What came after the end of the span is
   * put at its end, with how late it was: Jaeger hides events outside of the trace's time.
   */
  writeHistory(span: Span, endedAt: number, room: number): void {
    if (this.#history.length < 2) return;
    for (const { status, at, accepted, errorType } of this.#history.slice(-room)) {
      const attributes: Attributes = { [names.STATUS]: status, [names.STATUS_UPDATE_ACCEPTED]: accepted };
      if (errorType) attributes[names.ERROR_TYPE] = errorType;
      if (at > endedAt) attributes[names.STATUS_UPDATE_LATE_MS] = Math.round(at - endedAt);
      span.addEvent(names.EVENT_STATUS_UPDATE, attributes, toHrTime(Math.min(at, endedAt)));
    }
  }
}

/** Checks what was given to `finish`; throws a `TypeError` that names what is wrong. */
export function checkFinish(status: unknown, details: unknown): void {
  if (!isStatus(status)) {
    throw badOption('status', "'in_progress', 'interrupted', 'error' or 'completed'", status);
  }
  if (details === undefined) return;
  checkObjects(requireObject(details, 'details'), ['response', 'usage', 'metadata'], 'details');
}

export function toProposal(status: Status, at: number, details: FinishDetails = {}): Proposal {
  const { response, usage, error, metadata } = details;
  return { status, at, failure: error === undefined ? undefined : describeFailure(error), response, usage, metadata };
}

/** What the wire alone says of how a call ended. */
export function endingProposal(ending: Ending): Proposal {
  const at = ending.attempt.endedAt;
  if (ending.how === 'answered') return toProposal('completed', at);
  if (ending.how === 'aborted' || ending.how === 'unread') return toProposal('interrupted', at);
  return { ...toProposal('error', at), failure: ending.failure };
}

/** The span status of an outcome: OK, ERROR with the reason in one line, or UNSET where the caller stopped it. */
export function spanStatus(status: Status, failure: Failure | undefined, capturing: Capturing | undefined): SpanStatus {
  if (status === 'completed') return { code: SpanStatusCode.OK };
  if (status !== 'error') return { code: SpanStatusCode.UNSET };
  if (!failure) return { code: SpanStatusCode.ERROR };
  const { type, className } = failure;
  const reason = className && className !== type ? `${type} ${className}` : type;
  const text = capturing && failureMessage(failure, capturing);
  return { code: SpanStatusCode.ERROR, message: text ? `${reason}: ${text}` : reason };
}

/** `error.type`, and the exception as far as it may be kept. */
export function writeFailure(span: Span, failure: Failure, at: number, capturing: Capturing): void {
  span.setAttribute(names.ERROR_TYPE, failure.type);
  const exception: Attributes = { [names.EXCEPTION_TYPE]: failure.className ?? failure.type };
  const message = failureMessage(failure, capturing);
  if (message) exception[names.EXCEPTION_MESSAGE] = message;
  if (failure.stack && capturing.content)
    exception[names.EXCEPTION_STACKTRACE] = capturing.redactor.text(failure.stack);
  span.addEvent(names.EVENT_EXCEPTION, exception, toHrTime(at));
}
