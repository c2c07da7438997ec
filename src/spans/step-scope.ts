import type { Attributes, Context } from '@opentelemetry/api';
import type { CaptureSettings } from '../capture/levels.js';
import { type Clock, timeAt } from '../otel/clock.js';
import type { ModelCall } from '../providers/detect.js';
import { Attempts } from './outcome/client-calls.js';
import { isTimeout } from './outcome/errors.js';
import type { FinishDetails } from './outcome/finish-details.js';
import {
  type AttemptEnd,
  type AttemptOwner,
  asTimeout,
  type OutgoingRequest,
  type Pending,
  type PendingAttempt,
} from './outcome/http-exchange.js';
import { endingProposal, type Proposal, statusOf, toProposal } from './outcome/proposals.js';
import type { Status, TerminalStatus } from './outcome/status.js';
import type { StepOptions } from './outcome/step-options.js';
import { isAbort, isStop } from './outcome/stops.js';
import { type Tail, type TailEnd, watchReturned } from './returned-stream.js';
import { type BackgroundOwner, BackgroundResponse, goesOnInBackground } from './routing/background-response.js';
import type { StepHome } from './run-part.js';
import type { StepRecording } from './step.js';

/**
 * - `open`: its function is running.
 * - `returned`: its function has returned; a call or a returned stream goes on.
 * - `closed`: it has proposed how it ended.
 */
type ScopeState = 'open' | 'returned' | 'closed';

/** What the scope proposed, and why: `presumed` is a return without any attempt, which a call that begins later withdraws. */
interface Conclusion {
  readonly proposal: Proposal;
  readonly by: 'finish' | 'throw' | 'attempt' | 'return' | 'presumed' | 'stop';
}

/** The scope of an explicit `step()`. Its end decides the step's outcome. In a reuse scope, several scopes share one step. */
export class StepScope implements AttemptOwner, BackgroundOwner, Pending {
  readonly step: StepRecording;
  readonly #options: StepOptions;
  /** Whether a client's own hooks opened it. They accept answers that the wire shows to be invalid; then the wire decides. */
  readonly #strict: boolean;
  /** How many attempts the step had before this scope: in a reuse scope, those of other scopes. */
  readonly #countBefore: number;
  /** Attempts in flight that began before the scope was closed. */
  #inFlight = 0;
  /** Attempts in flight that began after it was closed. */
  #late: Set<PendingAttempt> | undefined;
  #calls: 'none' | 'unread' | 'read' = 'none';
  /** The attempt with the highest number. */
  #last: AttemptEnd | undefined;
  /** Those that may decide how the scope ended. */
  readonly #attempts = new Attempts();
  #state: ScopeState = 'open';
  #conclusion: Conclusion | undefined;
  #returnedStream: Tail | undefined;
  /** A response of one of its calls that goes on in the background. */
  #background: BackgroundResponse | undefined;
  #lastActivityAt = performance.now();

  constructor(step: StepRecording, options: StepOptions, strict = false) {
    this.step = step;
    this.#options = options;
    this.#strict = strict;
    this.#countBefore = step.log.count;
    step.open(this);
  }

  get capturing(): CaptureSettings {
    return this.step.capturing;
  }

  get home(): StepHome {
    return this.step.home;
  }

  get now(): Clock {
    return this.step.now;
  }

  /** Whether its function is still running. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Whether it is completed only because its function returned: no call was made, and nothing was finished. */
  get isPresumed(): boolean {
    return this.#conclusion?.by === 'presumed';
  }

  /** Whether a terminal status was proposed. */
  get hasStatus(): boolean {
    return this.#conclusion !== undefined;
  }

  /** Whether it has made a call. */
  get begun(): boolean {
    return this.#calls !== 'none';
  }

  /** Whether reading of a stream that its function returned has begun. */
  get isBeingRead(): boolean {
    return this.#returnedStream?.begun === true;
  }

  get isInBackground(): boolean {
    return this.#state === 'returned' && this.#inFlight === 0 && this.#background !== undefined;
  }

  /** Whether one of its calls is in a format that runtrace reads. */
  get understood(): boolean {
    return this.#calls === 'read';
  }

  /** Whether all of its calls so far have failed. */
  get awaitsRetry(): boolean {
    return this.#state === 'open' && this.#inFlight === 0 && this.#last?.how !== 'answered';
  }

  /** Adds attributes to its options. */
  note(attributes: Attributes): void {
    this.#options.attributes = { ...this.#options.attributes, ...attributes };
  }

  contextFor(active: Context): Context {
    return this.step.contextFor(active);
  }

  recall(outgoing: OutgoingRequest): ModelCall | undefined {
    return this.step.recall(outgoing);
  }

  begin(live: PendingAttempt): { number: number; resendCount: number } {
    if (this.#conclusion?.by === 'presumed') this.#reopen(this.#conclusion.proposal);
    if (live.call) this.#calls = 'read';
    else if (this.#calls === 'none') this.#calls = 'unread';
    if (this.#state === 'closed') this.#late = (this.#late ?? new Set()).add(live);
    if (this.#late?.has(live)) return this.step.begin(live);
    this.#inFlight++;
    return this.step.beginInScope(live);
  }

  refused(live: PendingAttempt): void {
    this.step.refused(live);
  }

  end(live: PendingAttempt, given: AttemptEnd): void {
    if (this.#late?.delete(live)) {
      // The scope has ended, so the attempt proposes its own end.
      this.step.end(live, given, this.#options);
      return;
    }
    const ending = this.step.recognized(given);
    this.#inFlight--;
    this.#lastActivityAt = performance.now();
    this.#record(ending);
    if (this.#inFlight === 0) this.#attempts.prune();
    if (this.#state !== 'closed' && goesOnInBackground(ending)) {
      this.#background = new BackgroundResponse(this.step, this, ending);
    }
    // The function threw while the call was in flight: its proposal lacks the facts of that call.
    if (this.#state === 'closed' && this.#conclusion) this.#conclusion.proposal.ending = this.#last;
    this.step.record(live, ending);
    if (this.#state === 'returned') this.#concludeReturn(ending.attempt.endedAt);
  }

  pollEnded(ending: AttemptEnd, ended: boolean): void {
    this.#lastActivityAt = performance.now();
    if (ended) {
      this.#background = undefined;
      this.#record(ending);
    }
    this.step.recordEnding(ending);
    if (this.#state === 'returned') this.#concludeReturn(ending.attempt.endedAt);
  }

  leftInBackground(last: AttemptEnd): void {
    this.#background = undefined;
    this.#record(last);
    if (this.#state === 'returned') this.#concludeReturn(last.attempt.endedAt);
  }

  amend(ending: AttemptEnd): void {
    if (this.#last?.attempt.number === ending.attempt.number) this.#last = ending;
    this.step.amend(ending);
  }

  #record(ending: AttemptEnd): void {
    if (!this.#last || ending.attempt.number >= this.#last.attempt.number) this.#last = ending;
    this.#attempts.add(ending, this.#statusOf(ending));
  }

  /** How an attempt ended, for a function that returned normally. */
  #statusOf(ending: AttemptEnd): TerminalStatus {
    const { how, call, signal } = ending;
    if (how === 'invalid' && !this.#strict) return 'completed';
    // In a format that runtrace does not read, a client may stop at its own end marker.
    const stoppedReading = how === 'unread' || (how === 'aborted' && !ending.beforeHeaders);
    if (stoppedReading && call === undefined && !signal?.aborted) return 'completed';
    return statusOf(ending);
  }

  /** Proposes what application code says. The scope's end then proposes nothing. */
  finish(status: Status, details: FinishDetails | undefined): void {
    const proposal = this.#proposal(status, this.now(), details);
    if (proposal.failure) this.#explainLast(details?.error);
    if (status !== 'in_progress') this.#conclusion = { proposal, by: 'finish' };
    this.step.propose(proposal);
  }

  /** The cause of an abort. A client that waits for its retry throws an abort error, even if its signal's reason is a timeout. */
  reasonFor(error: unknown): unknown {
    const reason: unknown = this.#last?.signal?.reason;
    return isAbort(error) && isTimeout(reason) ? reason : error;
  }

  /** The scope's function threw. */
  threw(thrown: unknown): void {
    if (this.#state !== 'open') return;
    this.step.concludeRefused();
    const error = this.reasonFor(thrown);
    const last = this.#last;
    const interrupted = isStop(error, this.home, this.#last);
    this.#explainLast(error);
    // A stop while the client waits for its retry interrupts the call, however the attempt before ended.
    const stopped = interrupted || isTimeout(error);
    if (this.#strict && last && last.how !== 'answered' && !stopped) {
      this.#conclude(endingProposal(last, this.#options), 'attempt');
    } else {
      const proposal = interrupted ? this.#proposal('interrupted') : this.#proposal('error', this.now(), { error });
      const shownByAttempts = last !== undefined && statusOf(last) === proposal.status;
      this.#conclude({ ...proposal, shownByAttempts }, 'throw');
    }
    this.#close();
  }

  /** The client's timeout explains an attempt that was aborted before the headers. */
  #explainLast(error: unknown): void {
    const last = this.#last;
    if (last?.how === 'aborted' && last.beforeHeaders && isTimeout(error)) this.amend(asTimeout(last, error));
  }

  /** The scope's function returned. A returned stream, or a call in flight, keeps the scope open. */
  returned(value: unknown, watch = watchReturned): void {
    if (this.#state !== 'open') return;
    this.#state = 'returned';
    this.step.concludeRefused();
    if (this.#inFlight === 0 && this.#state === 'returned') {
      this.#returnedStream = watch(value, (end) => this.#returnedStreamEnded(end));
      if (!this.#returnedStream) this.#concludeReturn();
    }
  }

  idleSince(): number | undefined {
    return this.#returnedStream ? this.#returnedStream.idleSince() : this.#lastActivityAt;
  }

  giveUp(stoppedAt?: number): void {
    if (this.#state === 'closed') return;
    const idleSince = this.idleSince();
    const at = stoppedAt ?? (idleSince === undefined ? this.now() : timeAt(this.now, idleSince));
    if (this.#state === 'returned' && this.#inFlight === 0) {
      const abandoned = this.#returnedStream?.begun && !this.#last;
      this.#returnedStream = undefined;
      if (abandoned) this.#conclude(this.#proposal('interrupted', at), 'stop');
      this.#concludeReturn(this.#last?.attempt.endedAt ?? at);
      return;
    }
    this.#conclude(this.#proposal('interrupted', at), 'stop');
    this.#close();
  }

  #returnedStreamEnded(end: TailEnd): void {
    this.#returnedStream = undefined;
    if (this.#state !== 'returned') return;
    if (end.how === 'broke' && !isStop(end.error, this.home, this.#last)) {
      this.#conclude(this.#proposal('error', this.now(), { error: end.error }), 'throw');
    } else if (end.how !== 'ended') {
      this.#conclude(this.#proposal('interrupted'), 'stop');
    }
    this.#concludeReturn();
  }

  /** The function has returned and nothing is in flight: the last attempt decides if it did not go well, else the return. */
  #concludeReturn(at?: number): void {
    if (this.#inFlight > 0 || this.#state !== 'returned') return;
    if (this.#background && !this.#conclusion) return;
    // A returned object that is not iterated may be consumed in ways that can't be observed: then the attempts alone decide.
    if (this.#returnedStream && (this.#returnedStream.begun || !this.#last)) return;
    const deciding = this.#stoppedWhileWaiting() ?? this.#attempts.deciding;
    if (!deciding) this.#concludeWithoutCall(at);
    else if (deciding.status === 'completed') this.#conclude(this.#completedBy(deciding.ending, at), 'return');
    else this.#conclude(endingProposal(deciding.ending, this.#options, this.#attempts.endedAt), 'attempt');
    this.#close();
  }

  #stoppedWhileWaiting(): { ending: AttemptEnd; status: TerminalStatus } | undefined {
    const ending = this.#last;
    return ending?.stoppedAt === undefined ? undefined : { ending, status: 'interrupted' };
  }

  #completedBy(ending: AttemptEnd, at = this.now()): Proposal {
    return { ...toProposal('completed', at, undefined, ending, this.#options), shownByAttempts: true };
  }

  #concludeWithoutCall(at: number | undefined): void {
    const recorded = this.#recordedByHand(at);
    if (recorded) this.#conclude(recorded, 'attempt');
    else {
      const presumed = this.step.log.count === this.#countBefore;
      this.#conclude(this.#proposal('completed', at), presumed ? 'presumed' : 'return');
    }
  }

  /** Some functions return before their call has begun. The end of that call is then the end of the scope. */
  #reopen(presumed: Proposal): void {
    this.#conclusion = { proposal: presumed, by: 'return' };
    if (!this.step.withdraw(presumed)) return;
    this.#conclusion = undefined;
    this.#state = 'returned';
    this.step.open(this);
  }

  /** Attempts that the application recorded itself decide like those of the recording fetch. */
  #recordedByHand(at: number | undefined): Proposal | undefined {
    const last = this.step.log.count > this.#countBefore ? this.step.log.last() : undefined;
    if (!last || last.status === 'completed') return undefined;
    if (last.status !== 'failed') return this.#proposal('interrupted', at);
    const type = last.errorType ?? String(last.statusCode ?? '_OTHER');
    return { ...this.#proposal('error', at), failure: { type } };
  }

  #proposal(status: Status, at = this.now(), details?: FinishDetails): Proposal {
    return toProposal(status, at, details, this.#last, this.#options);
  }

  /** Proposes how the scope ended, unless a terminal status was proposed before. */
  #conclude(proposal: Proposal, by: Conclusion['by']): void {
    if (this.#conclusion) return;
    this.#conclusion = { proposal, by };
    this.step.propose(proposal);
  }

  #close(): void {
    this.#state = 'closed';
    this.#background?.close();
    this.#background = undefined;
    this.step.close(this);
  }
}
