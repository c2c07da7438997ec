import type { Attributes, Span } from '@opentelemetry/api';
import { keptText } from '../../capture/captured-content.js';
import type { CaptureSettings } from '../../capture/levels.js';
import { toHrTime } from '../../otel/clock.js';
import type { ModelResponse, Usage } from '../../otel/genai.js';
import * as names from '../../otel/names.js';
import { guarded, report } from '../../util/diagnostics.js';
import type { Failure } from './errors.js';
import { type FinishDetails, NOTHING, readDetails } from './finish-details.js';
import type { AttemptEnd } from './http-exchange.js';
import { accepts, type Status } from './status.js';
import type { StepOptions } from './step-options.js';

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
