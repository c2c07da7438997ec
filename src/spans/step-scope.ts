import type { Attributes, Context } from '@opentelemetry/api';
import type { CaptureSettings } from '../capture/levels.js';
import { type Clock, timeAt } from '../otel/clock.js';
import type { ModelCall } from '../providers/detect.js';
import type { Attempt } from './attempts/attempt.js';
import { Attempts } from './attempts/client-calls.js';
import type { AttemptEnd, AttemptOwner, OutgoingRequest, Pending, PendingAttempt } from './attempts/http-exchange.js';
import type { FinishDetails } from './outcome/finish-details.js';
import { detailedProposal, type Proposal } from './outcome/proposals.js';
import {
  type Conclusion,
  causeOf,
  conclusionWithoutCall,
  explainedBy,
  returnConclusion,
  type ScopeFacts,
  stopConclusion,
  streamConclusion,
  throwConclusion,
} from './outcome/scope-end.js';
import { appended, NO_ITEMS, remove } from './outcome/short-list.js';
import type { Status } from './outcome/status.js';
import type { StepOptions } from './outcome/step-options.js';
import { type Tail, type TailEnd, watchReturned } from './returned-stream.js';
import { type BackgroundOwner, BackgroundResponse, goesOnInBackground } from './routing/background-response.js';
import type { StepHome } from './run-part.js';
import type { StepRecording } from './step.js';

/**
 * - `running`: its function has not ended.
 * - `returned`: its function has returned; a call or a returned stream goes on.
 * - `closed`: it has proposed how it ended.
 */
type ScopeState = 'running' | 'returned' | 'closed';

/** The scope of an explicit `step()`. Its end decides the step's outcome. In a reuse scope, several scopes share one step. */
export class StepScope implements AttemptOwner, BackgroundOwner, Pending {
  readonly step: StepRecording;
  readonly #facts: ScopeFacts;
  /** How many attempts the step had before this scope: in a reuse scope, those of other scopes. */
  readonly #countBefore: number;
  /** The attempts in flight that began before it was closed. Those that begin later propose for themselves. */
  #inFlight: PendingAttempt[] = NO_ITEMS;
  /** What calls it has made: in a format that runtrace reads, or in none that it reads. */
  #calls: 'none' | 'unread' | 'read' = 'none';
  /** Those that may decide how the scope ended. */
  readonly #attempts = new Attempts();
  #state: ScopeState = 'running';
  #conclusion: Conclusion | undefined;
  #returnedStream: Tail | undefined;
  /** A response of one of its calls that goes on in the background. */
  #background: BackgroundResponse | undefined;
  #lastActivityAt = performance.now();

  constructor(step: StepRecording, options: StepOptions, strict = false) {
    this.step = step;
    this.#facts = { home: step.home, options, strict, last: undefined };
    this.#countBefore = step.log.count;
    step.open(this);
  }

  progressed(): void {
    this.step.progressed();
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

  get isRunning(): boolean {
    return this.#state === 'running';
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

  /** Whether it only waits for a response in the background. */
  get isInBackground(): boolean {
    return this.#state === 'returned' && !this.#isInFlight && this.#background !== undefined;
  }

  /** Whether one of its calls is in a format that runtrace reads. */
  get understood(): boolean {
    return this.#calls === 'read';
  }

  /** Whether all of its calls so far have failed. */
  get awaitsRetry(): boolean {
    return this.#state === 'running' && !this.#isInFlight && this.#facts.last?.how !== 'answered';
  }

  /** Adds attributes to its options. */
  note(attributes: Attributes): void {
    const { options } = this.#facts;
    options.attributes = { ...options.attributes, ...attributes };
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
    if (this.#state === 'closed') return this.step.begin(live);
    this.#inFlight = appended(this.#inFlight, live);
    return this.step.beginInScope(live);
  }

  refused(live: PendingAttempt): void {
    this.step.refused(live);
  }

  end(live: PendingAttempt, given: AttemptEnd): void {
    if (!remove(this.#inFlight, live)) {
      this.step.end(live, given, this.#facts.options);
      return;
    }
    const ending = this.step.recognized(given);
    this.#lastActivityAt = performance.now();
    this.#record(ending);
    if (!this.#isInFlight) this.#attempts.prune();
    if (this.#state !== 'closed' && goesOnInBackground(ending)) {
      this.#background = new BackgroundResponse(this.step, this, ending);
    }
    // The function threw while the call was in flight: its proposal lacks the facts of that call.
    if (this.#state === 'closed' && this.#conclusion) this.#conclusion.proposal.ending = this.#facts.last;
    this.step.endInScope(live, ending);
    this.#closeIfOver(ending.attempt.endedAt);
  }

  pollEnded(ending: AttemptEnd, ended: boolean): void {
    this.#lastActivityAt = performance.now();
    if (ended) {
      this.#background = undefined;
      this.#record(ending);
    }
    this.step.recordEnding(ending);
    this.#closeIfOver(ending.attempt.endedAt);
  }

  leftInBackground(last: AttemptEnd): void {
    this.#background = undefined;
    this.#record(last);
    this.#closeIfOver(last.attempt.endedAt);
  }

  amend(ending: AttemptEnd): void {
    if (this.#facts.last?.attempt.number === ending.attempt.number) this.#facts.last = ending;
    this.step.amend(ending);
  }

  get #isInFlight(): boolean {
    return this.#inFlight.length > 0;
  }

  #record(ending: AttemptEnd): void {
    if (!this.#facts.last || ending.attempt.number >= this.#facts.last.attempt.number) this.#facts.last = ending;
    this.#attempts.add(ending);
  }

  /** Proposes what application code says. The scope's end then proposes nothing. */
  finish(status: Status, details: FinishDetails | undefined): void {
    const proposal = detailedProposal(status, this.now(), details, this.#facts.last, this.#facts.options);
    if (proposal.failure) this.#explainLast(details?.error);
    if (status !== 'in_progress') this.#conclusion = { proposal, by: 'finish' };
    this.step.propose(proposal);
  }

  /** The cause of an abort. A client that waits for its retry throws an abort error, even if its signal's reason is a timeout. */
  reasonFor(error: unknown): unknown {
    return causeOf(error, this.#facts);
  }

  /** The scope's function threw. */
  threw(thrown: unknown): void {
    if (this.#state !== 'running') return;
    this.step.concludeRefused();
    const error = this.reasonFor(thrown);
    const conclusion = throwConclusion(error, this.#facts, this.now());
    this.#explainLast(error);
    conclusion.proposal.ending = this.#facts.last;
    this.#conclude(conclusion);
    this.#close();
  }

  #explainLast(error: unknown): void {
    const explained = explainedBy(error, this.#facts);
    if (explained) this.amend(explained);
  }

  /** The scope's function returned. A returned stream, or a call in flight, keeps the scope open. */
  returned(value: unknown, watch = watchReturned): void {
    if (this.#state !== 'running') return;
    this.#state = 'returned';
    this.step.concludeRefused();
    if (!this.#isInFlight && this.#state === 'returned') {
      this.#returnedStream = watch(value, (end) => this.#returnedStreamEnded(end));
      if (!this.#returnedStream) this.#closeIfOver();
    }
  }

  idleSince(): number | undefined {
    return this.#returnedStream ? this.#returnedStream.idleSince() : this.#lastActivityAt;
  }

  giveUp(stoppedAt?: number): void {
    if (this.#state === 'closed') return;
    const idleSince = this.idleSince();
    const at = stoppedAt ?? (idleSince === undefined ? this.now() : timeAt(this.now, idleSince));
    if (this.#state === 'returned' && !this.#isInFlight) {
      const abandoned = this.#returnedStream?.begun && !this.#facts.last;
      this.#returnedStream = undefined;
      if (abandoned) this.#conclude(stopConclusion(this.#facts, at));
      this.#closeIfOver(this.#facts.last?.attempt.endedAt ?? at);
      return;
    }
    this.#conclude(stopConclusion(this.#facts, at));
    this.#close();
  }

  #returnedStreamEnded(end: TailEnd): void {
    this.#returnedStream = undefined;
    if (this.#state !== 'returned') return;
    const conclusion = streamConclusion(end, this.#facts, this.now());
    if (conclusion) this.#conclude(conclusion);
    this.#closeIfOver();
  }

  /** The function has returned and nothing is in flight: the last attempt decides if it did not go well, else the return. */
  #closeIfOver(at?: number): void {
    if (this.#isInFlight || this.#state !== 'returned') return;
    if (this.#background && !this.#conclusion) return;
    // A returned object that is not iterated may be consumed in ways that can't be observed: then the attempts alone decide.
    if (this.#returnedStream && (this.#returnedStream.begun || !this.#facts.last)) return;
    if (!this.#conclusion) this.#conclude(this.#conclusionOfReturn(at ?? this.now()));
    this.#close();
  }

  #conclusionOfReturn(at: number): Conclusion {
    const conclusion = returnConclusion(this.#facts, this.#attempts, at);
    return conclusion ?? conclusionWithoutCall(this.#facts, this.#recordedByHand(), at);
  }

  /** Some functions return before their call has begun. The end of that call is then the end of the scope. */
  #reopen(presumed: Proposal): void {
    if (!this.step.withdraw(presumed)) {
      this.#conclusion = { proposal: presumed, by: 'return' };
      return;
    }
    this.#conclusion = undefined;
    this.#state = 'returned';
    this.step.open(this);
  }

  /** The last attempt of the step since the scope was opened, for a scope of which the recording fetch saw no call. */
  #recordedByHand(): Attempt | undefined {
    const { log } = this.step;
    return log.count > this.#countBefore ? log.last() : undefined;
  }

  /** Proposes how the scope ended, unless a terminal status was proposed before. */
  #conclude(conclusion: Conclusion): void {
    if (this.#conclusion) return;
    this.#conclusion = conclusion;
    this.step.propose(conclusion.proposal);
  }

  #close(): void {
    this.#state = 'closed';
    this.#background?.close();
    this.#background = undefined;
    this.step.close(this);
  }
}
