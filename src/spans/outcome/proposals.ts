import { type Attributes, type Span, type SpanStatus, SpanStatusCode } from '@opentelemetry/api';
import { type ModelResponse, type Usage, usageOf } from '../../capture/genai-writer.js';
import { type CaptureSettings, keptText } from '../../capture/levels.js';
import { toHrTime } from '../../otel/clock.js';
import * as names from '../../otel/names.js';
import { guarded, report } from '../../util/diagnostics.js';
import { badOption, checkFields, checkObject, copyGiven, requireObject } from '../../util/validation.js';
import type { StepOptions } from '../step.js';
import { describeFailure, type Failure, keptFailure } from './errors.js';
import type { AttemptEnd } from './http-exchange.js';
import { accepts, isStatus, type Status } from './status.js';

/** What comes with the end of a run or a step. */
export interface FinishDetails {
  /** What the model answered; fills `gen_ai.response.*` and, where content is captured, the output messages. */
  response?: ModelResponse | null | undefined;
  /** What it cost, in tokens. */
  usage?: Usage | null | undefined;
  /** What went wrong: anything that was thrown. Only its class and codes are kept unless content is captured. */
  error?: unknown;
  /** Further attributes, under their full names. */
  attributes?: Attributes | null | undefined;
}

/** A claim, by any callback, of how a run or step ended. */
export interface Proposal {
  readonly status: Status;
  /** When it ended, in milliseconds since the epoch. */
  readonly at: number;
  readonly failure?: Failure | undefined;
  readonly response?: ModelResponse | undefined;
  readonly usage?: Usage | undefined;
  readonly attributes?: Attributes | undefined;
  /** The attempt that it rests on, for a step. It may become known later, when that attempt ends. */
  ending?: AttemptEnd | undefined;
  /** What the scope that proposes was told, for a step. */
  readonly options?: StepOptions | undefined;
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
export class Proposals {
  #outcome: Proposal | undefined;
  #first: Proposal | undefined;
  /** From the second on, which is rare. */
  #later: StatusUpdate[] | undefined;

  /** The status that stands now. */
  get status(): Status {
    return this.#outcome?.status ?? 'in_progress';
  }

  /** The proposal that stands now. */
  get outcome(): Proposal | undefined {
    return this.#outcome;
  }

  /** Takes back what was presumed, unless there is more than that by now. Returns whether it did. */
  retract(proposal: Proposal): boolean {
    if (this.#first !== proposal || this.#later) return false;
    this.#first = this.#outcome = undefined;
    return true;
  }

  /** Applies the status-priority rule. A proposal that is accepted replaces the whole outcome. */
  propose(proposal: Proposal): void {
    const accepted = accepts(this.status, proposal.status);
    if (accepted) this.#outcome = proposal;
    if (!this.#first) {
      this.#first = proposal;
      return;
    }
    this.#later ??= [];
    if (this.#later.length === MAX_STATUS_UPDATES - 1) {
      this.#later.splice(MAX_STATUS_UPDATES / 2, 1);
      report('a run or step got more status updates than its span has room for; those in the middle were dropped');
    }
    this.#later.push(toUpdate(proposal, accepted));
  }

  /**
   * Writes each proposal as an event, where there was more than one, `room` of them at most. What came after the end of the span is
   * put at its end, with how late it was: Jaeger hides events outside of the trace's time.
   */
  writeHistory(span: Span, endedAt: number, room: number, capturing: CaptureSettings): void {
    if (!this.#first || !this.#later) return;
    for (const { status, at, accepted, errorType } of [toUpdate(this.#first, true), ...this.#later].slice(-room)) {
      const attributes: Attributes = { [names.STATUS]: status, [names.STATUS_UPDATE_ACCEPTED]: accepted };
      if (errorType) attributes[names.ERROR_TYPE] = keptText(errorType, capturing);
      if (at > endedAt) attributes[names.STATUS_UPDATE_LATE_MS] = Math.round(at - endedAt);
      span.addEvent(names.EVENT_STATUS_UPDATE, attributes, toHrTime(Math.min(at, endedAt)));
    }
  }
}

function toUpdate({ status, at, failure }: Proposal, accepted: boolean): StatusUpdate {
  return { status, at, accepted, errorType: failure?.type };
}

const DETAILS = ['response', 'usage', 'error', 'attributes'];

/** Checks what was given to `finish`; throws a `TypeError` that names what is wrong. */
export function checkFinish(status: unknown, details: unknown): void {
  if (!isStatus(status)) {
    throw badOption('status', "'in_progress', 'interrupted', 'error' or 'completed'", status);
  }
  if (details === undefined) return;
  const { response, usage, attributes } = requireObject(details, 'details');
  checkFields(details as object, 'details', DETAILS, { metadata: 'attributes' });
  checkObject(response, 'details.response');
  checkObject(usage, 'details.usage');
  checkObject(attributes, 'details.attributes');
}

type Given = Pick<Proposal, 'failure' | 'response' | 'usage' | 'attributes'>;

const NOTHING: Given = {};

function readDetails({ response, usage, error, attributes }: FinishDetails): Given {
  return {
    failure: error === undefined ? undefined : describeFailure(error),
    response: copyGiven(response),
    usage: usageOf(usage),
    attributes: copyGiven(attributes),
  };
}

export function toProposal(
  status: Status,
  at: number,
  details?: FinishDetails,
  ending?: AttemptEnd,
  options?: StepOptions,
): Proposal {
  const given = details && guarded('what was given to finish could not be read', () => readDetails(details));
  const { failure, response, usage, attributes } = given ?? NOTHING;
  return { status, at, failure, response, usage, attributes, ending, options };
}

/** What the wire alone says of how a call ended. */
export function endingProposal(ending: AttemptEnd, options?: StepOptions): Proposal {
  const at = ending.attempt.endedAt;
  if (ending.how === 'answered') return toProposal('completed', at, undefined, ending, options);
  if (ending.how === 'aborted' || ending.how === 'unread')
    return toProposal('interrupted', at, undefined, ending, options);
  return { ...toProposal('error', at, undefined, ending, options), failure: ending.failure };
}

/** What of the failure of an outcome may be kept; `undefined` if it did not fail. */
export function outcomeFailure(
  { status, failure, ending }: Proposal,
  capturing: Pick<CaptureSettings, 'content' | 'redactor'>,
): Failure | undefined {
  if (status !== 'error') return undefined;
  // Who says `error` and no more leaves it to the last attempt to say which.
  return keptFailure(failure ?? ending?.failure ?? { type: '_OTHER' }, capturing);
}

/** The span status of an outcome: OK, ERROR with the reason in one line, or UNSET where the caller stopped it. `failure` is what may be kept. */
export function spanStatus(status: Status, failure: Failure | undefined): SpanStatus {
  if (status === 'completed') return { code: SpanStatusCode.OK };
  if (status !== 'error') return { code: SpanStatusCode.UNSET };
  if (!failure) return { code: SpanStatusCode.ERROR };
  const { type, className, message } = failure;
  const reason = className && className !== type ? `${type} ${className}` : type;
  return { code: SpanStatusCode.ERROR, message: message ? `${reason}: ${message}` : reason };
}

/** Writes the exception behind a failure; `failure` is what may be kept. */
export function writeException(span: Span, failure: Failure, at: number): void {
  const exception: Attributes = { [names.EXCEPTION_TYPE]: failure.className ?? failure.type };
  if (failure.message) exception[names.EXCEPTION_MESSAGE] = failure.message;
  if (failure.stack) exception[names.EXCEPTION_STACKTRACE] = failure.stack;
  span.addEvent(names.EVENT_EXCEPTION, exception, toHrTime(at));
}
