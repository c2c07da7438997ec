/** How the scope of an explicit step ended, judged from what its function did and from its last attempts. */

import type { Attempt } from '../attempts/attempt.js';
import type { Attempts } from '../attempts/client-calls.js';
import { type AttemptEnd, asTimeout } from '../attempts/http-exchange.js';
import type { TailEnd } from '../returned-stream.js';
import { isTimeout } from './errors.js';
import {
  detailedProposal,
  endingProposal,
  type Proposal,
  statusOf,
  statusWithoutRetry,
  toProposal,
} from './proposals.js';
import type { TerminalStatus } from './status.js';
import type { StepOptions } from './step-options.js';
import { isAbort } from './stops/abort-errors.js';
import { isStop } from './stops/is-stop.js';

/** What the scope proposed, and why: `presumed` is a return without any attempt, which a call that begins later withdraws. */
export interface Conclusion {
  readonly proposal: Proposal;
  readonly by: 'finish' | 'throw' | 'attempt' | 'return' | 'presumed' | 'stop';
}

/** What is known of a scope when it ends. */
export interface ScopeFacts {
  /** The run, or what stands in for a run. */
  readonly home: object;
  readonly options: StepOptions;
  /** Whether a client's own hooks opened it. They accept answers that the wire shows to be invalid; then the wire decides. */
  readonly strict: boolean;
  /** The attempt with the highest number. */
  last: AttemptEnd | undefined;
}

/** The cause of an abort. A client that waits for its retry throws an abort error, even if its signal's reason is a timeout. */
export function causeOf(error: unknown, { last }: ScopeFacts): unknown {
  const reason: unknown = last?.signal?.reason;
  return isAbort(error) && isTimeout(reason) ? reason : error;
}

/** The last attempt, if the client's timeout `error` explains it: it was aborted before the headers. */
export function explainedBy(error: unknown, { last }: ScopeFacts): AttemptEnd | undefined {
  const isExplained = last?.how === 'aborted' && last.beforeHeaders && isTimeout(error);
  return isExplained ? asTimeout(last, error) : undefined;
}

/** How an attempt ended, for a function that returned normally. */
function statusIfReturned(ending: AttemptEnd, { strict }: ScopeFacts): TerminalStatus {
  const { how, call, signal } = ending;
  if (how === 'invalid' && !strict) return 'completed';
  // In a format that runtrace does not read, a client may stop at its own end marker.
  const stoppedReading = how === 'unread' || (how === 'aborted' && !ending.beforeHeaders);
  if (stoppedReading && call === undefined && !signal?.aborted) return 'completed';
  return statusWithoutRetry(ending);
}

/** The function threw `error` at `at`, in milliseconds since the epoch. To be judged before the error explains the last attempt. */
export function throwConclusion(error: unknown, { home, options, strict, last }: ScopeFacts, at: number): Conclusion {
  const interrupted = isStop(error, home, last);
  // A stop while the client waits for its retry interrupts the call, however the attempt before ended.
  const stopped = interrupted || isTimeout(error);
  if (strict && last && last.how !== 'answered' && !stopped) {
    return { proposal: endingProposal(last, options), by: 'attempt' };
  }
  const proposal = interrupted
    ? toProposal('interrupted', at, last, options)
    : detailedProposal('error', at, { error }, last, options);
  proposal.shownByAttempts = last !== undefined && statusOf(last) === proposal.status;
  return { proposal, by: 'throw' };
}

/** The caller, or the receiver of the answer, stopped the scope at `at`. */
export function stopConclusion({ options, last }: ScopeFacts, at: number): Conclusion {
  return { proposal: toProposal('interrupted', at, last, options), by: 'stop' };
}

/** The stream that the function returned ended at `at`. One that was read to its end decides nothing. */
export function streamConclusion(end: TailEnd, facts: ScopeFacts, at: number): Conclusion | undefined {
  const { home, options, last } = facts;
  if (end.how === 'ended') return undefined;
  if (end.how !== 'broke' || isStop(end.error, home, last)) return stopConclusion(facts, at);
  return { proposal: detailedProposal('error', at, { error: end.error }, last, options), by: 'throw' };
}

/** The function returned, and nothing is in flight: the last attempt decides if it did not go well, else the return at `at`. */
export function returnConclusion(facts: ScopeFacts, attempts: Attempts, at: number): Conclusion | undefined {
  const { options } = facts;
  const deciding = attempts.deciding((ending) => statusIfReturned(ending, facts));
  if (!deciding) return undefined;
  const { ending, status } = deciding;
  if (status !== 'completed') {
    return { proposal: endingProposal(ending, options, attempts.endedAt, status), by: 'attempt' };
  }
  const proposal = toProposal('completed', at, ending, options);
  proposal.shownByAttempts = true;
  return { proposal, by: 'return' };
}

/** The function returned without a recorded call. `byHand`: the last attempt that the application recorded itself; it decides likewise. */
export function conclusionWithoutCall(
  { options, last }: ScopeFacts,
  byHand: Attempt | undefined,
  at: number,
): Conclusion {
  if (!byHand) return { proposal: toProposal('completed', at, last, options), by: 'presumed' };
  const { status, errorType, statusCode } = byHand;
  if (status === 'completed') return { proposal: toProposal(status, at, last, options), by: 'return' };
  if (status !== 'failed') return { proposal: toProposal('interrupted', at, last, options), by: 'attempt' };
  const failure = { type: errorType ?? String(statusCode ?? '_OTHER') };
  return { proposal: { ...toProposal('error', at, last, options), failure }, by: 'attempt' };
}
