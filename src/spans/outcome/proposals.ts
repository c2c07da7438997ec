import type { Attributes, Span } from '@opentelemetry/api';
import { keptText } from '../../capture/captured-content.js';
import type { CaptureSettings } from '../../capture/levels.js';
import { toHrTime } from '../../otel/clock.js';
import type { ModelResponse, Usage } from '../../otel/genai.js';
import * as names from '../../otel/names.js';
import { report } from '../../util/diagnostics.js';
import type { AttemptEnd } from '../attempts/http-exchange.js';
import type { Failure } from './errors.js';
import { type FinishDetails, NOTHING, readDetails } from './finish-details.js';
import { appended, NO_ITEMS } from './short-list.js';
import { accepts, type Status, type TerminalStatus } from './status.js';
import type { StepOptions } from './step-options.js';

/** A claim, by any callback, of how a run or step ended. */
export interface Proposal {
  readonly status: Status;
  /** When it ended, in milliseconds since the epoch. */
  readonly at: number;
  /** Whether the attempts alone show it: if it is accepted, a status update would add nothing. */
  shownByAttempts: boolean;
  /** Whether the status-priority rule accepted it; set when it is proposed. */
  accepted?: boolean;
  failure?: Failure | undefined;
  readonly response?: ModelResponse | undefined;
  readonly usage?: Usage | undefined;
  readonly attributes?: Attributes | undefined;
  /** For a step: the attempt that the proposal rests on. Set later if that attempt ends later. */
  ending?: AttemptEnd | undefined;
  /** For a step: the options of the scope that proposes. */
  readonly options?: StepOptions | undefined;
}

/** The SDK keeps 128 events of a span; 112 of them are attempts. */
export const MAX_STATUS_UPDATES = 16;

/** More proposals than this that are in force are combined into one, which can then no longer be withdrawn. */
const MAX_IN_FORCE = 64;

/** Collects the proposals for one run or step. The status-priority rule chooses the outcome. */
export class Proposals {
  /** Those that were not withdrawn, in order. */
  #inForce: Proposal[] = NO_ITEMS;
  #outcome: Proposal | undefined;
  #count = 0;
  /** The proposals that may be written as events. */
  #updates: Proposal[] = NO_ITEMS;

  /** The status so far. */
  get status(): Status {
    return this.#outcome?.status ?? 'in_progress';
  }

  /** The outcome so far. */
  get outcome(): Proposal | undefined {
    return this.#outcome;
  }

  /** Applies the status-priority rule. A proposal that is accepted replaces the whole outcome. */
  propose(proposal: Proposal): void {
    const accepted = accepts(this.status, proposal.status);
    proposal.accepted = accepted;
    if (accepted) this.#outcome = proposal;
    this.#inForce = appended(this.#inForce, proposal);
    if (this.#inForce.length > MAX_IN_FORCE)
      this.#inForce.splice(0, MAX_IN_FORCE / 2, chosen(this.#inForce.slice(0, MAX_IN_FORCE / 2)) as Proposal);
    this.#count++;
    if (accepted && proposal.shownByAttempts) return;
    if (this.#updates.length === MAX_STATUS_UPDATES) {
      this.#updates.splice(MAX_STATUS_UPDATES / 2, 1);
      report('a run or step got more status updates than its span has room for; those in the middle were dropped');
    }
    this.#updates = appended(this.#updates, proposal);
  }

  /** Withdraws a proposal that is in force: the outcome is chosen from the others. Returns whether it was in force. */
  withdraw(proposal: Proposal): boolean {
    const index = this.#inForce.lastIndexOf(proposal);
    if (index < 0) return false;
    this.#inForce.splice(index, 1);
    this.#count--;
    if (this.#outcome === proposal) this.#outcome = chosen(this.#inForce);
    return true;
  }

  /**
   * If there was more than one proposal, writes those that add to what the attempts show as events, `room` at most: rejected ones, late ones,
   * and those that application code caused. One that came after the end of the span is put at its end, with how late it was: Jaeger hides events
   * outside of the trace's time.
   */
  writeHistory(span: Span, endedAt: number, room: number, capturing: CaptureSettings): void {
    if (this.#count < 2) return;
    for (const { status, at, failure, accepted = false } of this.#updates.slice(-room)) {
      const attributes: Attributes = { [names.STATUS]: status, [names.STATUS_UPDATE_ACCEPTED]: accepted };
      if (failure) attributes[names.ERROR_TYPE] = keptText(failure.type, capturing);
      if (at > endedAt) attributes[names.STATUS_UPDATE_LATE_MS] = Math.round(at - endedAt);
      span.addEvent(names.EVENT_STATUS_UPDATE, attributes, toHrTime(Math.min(at, endedAt)));
    }
  }
}

/** The proposal that the rule chooses. */
function chosen(proposals: readonly Proposal[]): Proposal | undefined {
  let outcome: Proposal | undefined;
  for (const proposal of proposals) if (accepts(outcome?.status ?? 'in_progress', proposal.status)) outcome = proposal;
  return outcome;
}

export function toProposal(status: Status, at: number, ending?: AttemptEnd, options?: StepOptions): Proposal {
  return detailedProposal(status, at, undefined, ending, options);
}

/** A proposal with what application code, or an error that was thrown, says of the end. */
export function detailedProposal(
  status: Status,
  at: number,
  details: FinishDetails | undefined,
  ending?: AttemptEnd,
  options?: StepOptions,
): Proposal {
  const { failure, response, usage, attributes } = details ? readDetails(details) : NOTHING;
  return { status, at, shownByAttempts: false, accepted: false, failure, response, usage, attributes, ending, options };
}

/** How an attempt ended, taken alone. */
export function statusOf({ how, stoppedAt }: Pick<AttemptEnd, 'how' | 'stoppedAt'>): TerminalStatus {
  if (how === 'answered') return 'completed';
  return how === 'aborted' || how === 'unread' || stoppedAt !== undefined ? 'interrupted' : 'error';
}

/**
 * How an attempt ended, taken alone, if no retry of it comes any more. A client that had begun to wait for its retry was then stopped by
 * the caller, even if no signal shows it: @anthropic-ai/sdk 1 gives each `fetch` a signal that it does not abort after a refusal.
 */
export function statusWithoutRetry(ending: AttemptEnd): TerminalStatus {
  return ending.how === 'failed' && ending.retry === 'expected' ? 'interrupted' : statusOf(ending);
}

/** What an attempt proposes for its call; `groupEnd`: when the last attempt beside it ended. */
export function endingProposal(
  ending: AttemptEnd,
  options?: StepOptions,
  groupEnd = 0,
  status: TerminalStatus = statusOf(ending),
): Proposal {
  const at = Math.max(ending.stoppedAt ?? ending.attempt.endedAt, groupEnd);
  const proposal = toProposal(status, at, ending, options);
  proposal.shownByAttempts = true;
  if (status === 'error') proposal.failure = ending.failure;
  return proposal;
}
