import { type Context, type Span, trace } from '@opentelemetry/api';
import type { CaptureSettings } from '../capture/levels.js';
import { type Clock, timeAt } from '../otel/clock.js';
import type { ModelCall } from '../providers/detect.js';
import { report } from '../util/diagnostics.js';
import { AttemptLog } from './attempts/attempt-log.js';
import type {
  AttemptEnd,
  AttemptOwner,
  AttemptProgress,
  OutgoingRequest,
  Pending,
  PendingAttempt,
} from './attempts/http-exchange.js';
import { Resends } from './attempts/resends.js';
import { capturingIn, toolOf } from './context.js';
import type { FinishDetails } from './outcome/finish-details.js';
import { detailedProposal, type Proposal, Proposals } from './outcome/proposals.js';
import type { Status } from './outcome/status.js';
import type { StepOptions } from './outcome/step-options.js';
import { progressed } from './progress/listener.js';
import type { RunPart, StepHome } from './run-part.js';
import { type Bucket, cancel, type Deadline, schedule } from './settle/deadlines.js';
import { type Activity, NO_ACTIVITIES } from './settle/idle.js';
import type { SpanOwner } from './settle/managed-span.js';
import { StepSpan } from './settle/step-span.js';
import { StepWait } from './settle/step-wait.js';
import type { StepBeginning } from './step-attributes.js';
import { StepCalls } from './step-calls.js';

/**
 * - `open`: attempts and proposals are accepted. If it is finished, it is held for a retry or a late proposal.
 * - `settling`: what is pending is being ended; nothing may settle it again.
 * - `settled`: its span has ended; what comes now is reported.
 */
type StepState = 'open' | 'settling' | 'settled';

/** The recording of one step. Nothing that may change is written to its span until it settles. */
export class StepRecording implements AttemptOwner, SpanOwner, RunPart, Deadline {
  readonly number: number;
  readonly home: StepHome;
  readonly capturing: CaptureSettings;
  readonly log: AttemptLog;
  /** Whether it was made for a model call outside of any `step()`. Its outcome is then read at the wire. */
  readonly implicit: boolean;
  bucket?: Bucket | undefined;
  place?: number;
  readonly #span: StepSpan;
  /** The span of the tool call that the step began in. */
  readonly #tool: Span | undefined;
  readonly #wait = new StepWait();
  readonly #proposals = new Proposals();
  readonly #calls = new StepCalls(this);
  /** Whether all of its attempts are one call: not in an explicit step, nor in one that a reuse scope shares. */
  #isOneCall: boolean;
  readonly #resends: Resends;
  #pollCount = 0;
  #state: StepState = 'open';

  constructor(home: StepHome, ctx: Context, beginning: StepBeginning) {
    const { implicit, continues } = beginning;
    this.home = home;
    this.capturing = capturingIn(ctx, home.capturing);
    this.#tool = toolOf(ctx);
    this.implicit = implicit;
    this.#isOneCall = implicit;
    this.number = home.nextStepNumber();
    this.log = continues?.log ?? new AttemptLog(this.capturing);
    const startedAt = continues?.startedAt ?? home.now();
    this.#resends = continues?.resends ?? new Resends();
    this.#span = new StepSpan(this, startedAt, ctx, beginning);
    if (this.#span.isRecording) home.add(this);
    else this.#state = 'settled';
    this.progressed();
  }

  get id(): string {
    return this.#span.id;
  }

  get span(): Span {
    return this.#span.span;
  }

  /** False if the sampler dropped its span. */
  get isRecording(): boolean {
    return this.#span.isRecording;
  }

  get settled(): boolean {
    return this.#state === 'settled';
  }

  get now(): Clock {
    return this.home.now;
  }

  get status(): Status {
    return this.#proposals.status;
  }

  /** The outcome so far. */
  get outcome(): Proposal | undefined {
    return this.#proposals.outcome;
  }

  /** When a scope or an attempt ended last, in `performance.now()` time. */
  get lastActivityAt(): number {
    return this.#wait.lastActivityAt;
  }

  /** Whether it has a terminal status, its scopes are closed and nothing is in flight: it is only held. */
  get finished(): boolean {
    return !this.#wait.isPending && this.status !== 'in_progress';
  }

  /** Whether a scope is open or an attempt in flight. */
  get isPending(): boolean {
    return this.#wait.isPending;
  }

  /** What is known of its attempts in flight. */
  get inFlight(): AttemptProgress[] {
    return this.#wait.inFlight();
  }

  /** Whether it was begun in the same tool call as `ctx`, or likewise outside of any. Spans of other instrumentations do not count. */
  beganIn(ctx: Context): boolean {
    return this.#tool === toolOf(ctx);
  }

  /** How its last attempt ended, if nothing is pending but responses in the background. */
  get lastEnding(): AttemptEnd | undefined {
    return this.#wait.isPending && !this.#wait.isInBackground ? undefined : this.#calls.last;
  }

  /** The last attempt that was refused, if nothing but the bodies of refused attempts is open. */
  get openRefusal(): PendingAttempt | undefined {
    return this.#wait.openRefusal;
  }

  contextFor(active: Context): Context {
    return trace.getSpan(active) === this.span ? active : trace.setSpan(active, this.span);
  }

  recall(outgoing: OutgoingRequest): ModelCall | undefined {
    return this.#resends.recall(outgoing);
  }

  /** A reuse scope shares it: a call without a number is then a new call. */
  share(): void {
    this.#isOneCall = false;
  }

  /** An attempt begins that no open scope judges. */
  begin(live: PendingAttempt): { number: number; resendCount: number } {
    const begun = this.beginInScope(live);
    this.#calls.begin(live, this.#isOneCall);
    return begun;
  }

  /** An attempt begins whose scope judges how it ends. */
  beginInScope(live: PendingAttempt): { number: number; resendCount: number } {
    this.concludeRefused(live.outgoing);
    if (!live.outgoing.retryCount) this.home.newestCall = { signal: live.signal };
    this.#calls.attemptBegins(live);
    this.#wait.add(live);
    this.#changed();
    return { number: this.log.next(), resendCount: this.#resends.sent(live.outgoing) };
  }

  /** An attempt ended that no open scope judges, so it proposes. `options`: those of the scope that it was made in, if there was one. */
  end(live: PendingAttempt, given: AttemptEnd, options: StepOptions = {}): void {
    const ending = this.recognized(given);
    // Before the attempt is removed: a step that has a status and nothing pending may settle.
    if (!this.settled) this.#calls.end(live, ending, options);
    this.endInScope(live, ending);
  }

  /** An attempt ended whose scope judges it, and proposes. */
  endInScope(live: PendingAttempt, ending: AttemptEnd): void {
    if (this.settled) {
      report('an attempt ended after its step had settled');
      return;
    }
    this.recordEnding(ending);
    this.close(live);
  }

  /** A poll answered that the response is queued or in progress. */
  polled(): void {
    this.#pollCount++;
  }

  /** Continues attempts that began on another span: the one that ended last, and those in flight. */
  continueFrom(last: AttemptEnd, inFlight: Iterable<PendingAttempt>): void {
    const live = [...inFlight];
    for (const attempt of live) this.#wait.add(attempt);
    this.recordEnding(last);
    this.#calls.adopt(last, live);
  }

  /** The ending, as a timeout if an earlier attempt of the step shows that it was one. */
  recognized(ending: AttemptEnd): AttemptEnd {
    return this.#calls.recognized(ending);
  }

  /** The error that the run's function threw tells how the last attempt ended, where the wire does not. */
  explainedBy(error: unknown): void {
    this.#calls.explainedBy(error);
  }

  recordEnding(ending: AttemptEnd): void {
    this.log.record(ending.attempt);
    this.#wait.retryAfter(ending.retryAfterMillis);
    this.#resends.ended(ending, this.#isOneCall);
    if (this.implicit && ending.how !== 'answered') this.home.mayBeRetried(this, ending.outgoing);
    this.#calls.attemptEnded(ending);
    if (ending.how === 'answered') this.#span.prepareContent(ending);
  }

  amend(ending: AttemptEnd): void {
    if (this.settled) report('closing a body failed after its step had settled');
    else this.log.replace(ending.attempt.number, ending.attempt);
  }

  /** A scope opens; the step is not finished before it is closed. */
  open(pending: Pending): void {
    this.#wait.add(pending);
    this.#changed();
  }

  /** A scope has closed, or an attempt has ended. */
  close(pending: Pending): void {
    this.#wait.remove(pending);
    this.#changed(this.#wait.lastActivityAt);
  }

  /** An attempt was refused: a retry does not wait until its body is read. */
  refused(live: PendingAttempt): void {
    this.#wait.refused(live);
    if (this.implicit) this.home.mayBeRetried(this, live.outgoing);
  }

  /** Ends the refused attempts whose body is still open: all, or those that `retry` sends again. */
  concludeRefused(retry?: OutgoingRequest): void {
    this.#wait.concludeRefused(retry);
  }

  propose(proposal: Proposal): void {
    if (this.settled) {
      report('a status was proposed after its step had settled');
      return;
    }
    this.#proposals.propose(proposal);
    this.#changed();
  }

  /** Withdraws an inferred proposal. Returns whether it did; not if the step has settled. */
  withdraw(proposal: Proposal): boolean {
    return this.#state === 'open' && this.#proposals.withdraw(proposal);
  }

  /** `at`: when it ended so, in milliseconds since the epoch. */
  proposeStatus(status: Status, details?: FinishDetails, at = this.now()): void {
    this.propose(detailedProposal(status, at, details, this.#calls.last));
  }

  activities(): readonly Activity[] {
    return this.finished && !this.#calls.awaitsRetry ? NO_ACTIVITIES : this.#wait.activities(this.capturing.limits);
  }

  flush(): void {
    this.home.flush();
  }

  shutdown(): void {
    this.home.shutdown();
  }

  progressed(): void {
    if (this.isRecording) progressed(this.#span);
  }

  /** Starts the hold of a finished step, or stops it. */
  #changed(now?: number): void {
    if (this.#state !== 'open') return;
    this.progressed();
    if (!this.finished) {
      cancel(this);
      return;
    }
    schedule(this, this.#wait.holdMillis(this.status, this.capturing.limits), now);
    this.home.partChanged();
  }

  due(): void {
    this.settle();
  }

  /** Ends what is still open, writes the outcome and ends the span. Once. A step without an outcome becomes `interrupted`. */
  settle(stoppedAt?: number): void {
    if (this.#state !== 'open') return;
    // A run that failed does not wait for its retries.
    if (!this.home.hasFailed) this.#calls.retriesMissed();
    this.#state = 'settling';
    const { lastActivityAt } = this.#wait;
    this.#wait.giveUp(stoppedAt);
    if (this.status === 'in_progress')
      this.proposeStatus('interrupted', undefined, stoppedAt ?? timeAt(this.now, lastActivityAt));
    this.#state = 'settled';
    this.#calls.endStopWatch();
    cancel(this);
    this.home.partSettled(this, this.#span.end(this.#proposals, this.#calls.last?.call, this.#pollCount));
    this.progressed();
  }
}
