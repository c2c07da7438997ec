import { type Context, type Span, SpanKind, trace } from '@opentelemetry/api';
import type { CaptureSettings } from '../capture/levels.js';
import { type Clock, timeAt, toHrTime } from '../otel/clock.js';
import * as names from '../otel/names.js';
import type { ModelCall } from '../providers/detect.js';
import { report } from '../util/diagnostics.js';
import { merged } from '../util/validation.js';
import { capturingIn } from './context.js';
import { AttemptLog } from './outcome/attempt-log.js';
import { type ClientCall, ClientCalls } from './outcome/client-calls.js';
import { ClientTimeouts, mayBeTimeout } from './outcome/client-timeouts.js';
import type { FinishDetails } from './outcome/finish-details.js';
import {
  type AttemptEnd,
  type AttemptOwner,
  asTimeout,
  isRetriable,
  type OutgoingRequest,
  type Pending,
  type PendingAttempt,
} from './outcome/http-exchange.js';
import { endingProposal, MAX_STATUS_UPDATES, type Proposal, Proposals, toProposal } from './outcome/proposals.js';
import { maySendAgain, Resends } from './outcome/resends.js';
import { outcomeFailure, spanStatus, writeException } from './outcome/span-status.js';
import type { Status } from './outcome/status.js';
import type { StepOptions } from './outcome/step-options.js';
import { watchForStop } from './outcome/stop-while-waiting.js';
import { BackgroundResponse, goesOnInBackground } from './routing/background-response.js';
import type { RunPart, StepHome } from './run-part.js';
import { type Bucket, cancel, type Deadline, schedule } from './settle/deadlines.js';
import { type Activity, activityOf } from './settle/idle.js';
import { ManagedSpan, type SpanOwner } from './settle/managed-span.js';
import { type StepStart, stepStart, writeStepAttributes } from './step-attributes.js';

/** A retry is not expected later than ten seconds past the longest Retry-After. */
const RETRY_GRACE_MILLIS = 10_000;

/**
 * - `open`: attempts and proposals are accepted. If it is finished, it is held for a retry or a late proposal.
 * - `settling`: what is pending is being ended; nothing may settle it again.
 * - `settled`: its span has ended; what comes now is reported.
 */
type StepState = 'open' | 'settling' | 'settled';

/** The recording of one step. Nothing that may change is written to its span until it settles. */
export class StepRecording implements AttemptOwner, SpanOwner, RunPart, Deadline {
  readonly id = crypto.randomUUID();
  readonly number: number;
  readonly home: StepHome;
  readonly capturing: CaptureSettings;
  readonly log: AttemptLog;
  /** Whether the step was made for a model call outside of any `step()`. Its outcome is read at the wire. */
  readonly implicit: boolean;
  bucket?: Bucket | undefined;
  place?: number;
  readonly #managed: ManagedSpan;
  readonly #options: StepOptions;
  readonly #startedAt: number;
  readonly #start: StepStart;
  readonly #parent: Span | undefined;
  /** Open scopes and attempts in flight, in the order in which they began. */
  #pending: Pending[] = [];
  /** Those of them that were refused and whose body is still open. */
  #refused: PendingAttempt[] = [];
  readonly #proposals = new Proposals();
  /** The calls whose attempts propose: all of an implicit step, and those that begin after their scope was closed. */
  readonly #calls = new ClientCalls();
  /** Whether it is shared in a reuse scope, where a call without a number is a new call. */
  #isShared = false;
  readonly #timeouts = new ClientTimeouts();
  #stopWatch: (() => void) | undefined;
  readonly #resends: Resends;
  #lastEnding: AttemptEnd | undefined;
  #pollCount = 0;
  #retryAfterMillis = 0;
  #lastActivityAt = performance.now();
  #state: StepState = 'open';

  constructor(
    home: StepHome,
    options: StepOptions,
    ctx: Context,
    implicit: boolean,
    begun?: { startedAt: number; log: AttemptLog; resends: Resends },
  ) {
    this.home = home;
    this.capturing = capturingIn(ctx, home.capturing);
    this.#parent = trace.getSpan(ctx);
    this.implicit = implicit;
    this.#options = options;
    this.number = home.nextStepNumber();
    this.log = begun?.log ?? new AttemptLog(this.capturing);
    this.#startedAt = begun?.startedAt ?? home.now();
    this.#resends = begun?.resends ?? new Resends();
    this.#start = stepStart(this.number, options, this.capturing);
    this.#managed = new ManagedSpan(
      this,
      home.id === undefined,
      home.tracer,
      this.#start.name,
      { kind: SpanKind.CLIENT, startTime: toHrTime(this.#startedAt), attributes: this.#start.attributes },
      ctx,
    );
    if (this.#managed.isRecording) home.add(this);
    else this.#state = 'settled';
  }

  get span(): Span {
    return this.#managed.span;
  }

  /** False if the sampler dropped its span. */
  get isRecording(): boolean {
    return this.#managed.isRecording;
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
    return this.#lastActivityAt;
  }

  /** Whether it has a terminal status, its scopes are closed and nothing is in flight: it is only held. */
  get finished(): boolean {
    return this.#pending.length === 0 && this.status !== 'in_progress';
  }

  /** Whether it was begun under the span that is active in `ctx`. */
  beganIn(ctx: Context): boolean {
    return this.#parent === trace.getSpan(ctx);
  }

  /** How its last attempt ended, if nothing is pending. */
  get lastEnding(): AttemptEnd | undefined {
    return this.#pending.length === 0 ? this.#lastEnding : undefined;
  }

  /** The last attempt that was refused, if nothing but the bodies of refused attempts is open. */
  get openRefusal(): PendingAttempt | undefined {
    return this.#pending.length === this.#refused.length ? this.#refused.at(-1) : undefined;
  }

  contextFor(active: Context): Context {
    return trace.getSpan(active) === this.span ? active : trace.setSpan(active, this.span);
  }

  recall(outgoing: OutgoingRequest): ModelCall | undefined {
    return this.#resends.recall(outgoing);
  }

  /** Called when a reuse scope shares the step among its calls. */
  share(): void {
    this.#isShared = true;
  }

  /** An attempt begins that no open scope judges. A retry withdraws what the attempt before it proposed. */
  begin(live: PendingAttempt): { number: number; resendCount: number } {
    const begun = this.beginInScope(live);
    const call = this.#calls.begin(live, this.#isShared || !this.implicit);
    if (call.proposal) this.#proposals.withdraw(call.proposal);
    call.proposal = undefined;
    return begun;
  }

  /** An attempt begins whose scope judges how it ends. */
  beginInScope(live: PendingAttempt): { number: number; resendCount: number } {
    this.concludeRefused(live.outgoing);
    this.#endStopWatch();
    this.home.attemptsBegun++;
    const last = this.#lastEnding;
    // The client aborted that attempt itself and sends it again: its timeout had expired.
    if (last?.how === 'aborted' && last.beforeHeaders && maySendAgain(last.outgoing, live.outgoing)) {
      this.#timedOut(last, undefined);
    }
    this.#pending.push(live);
    this.#changed();
    return { number: this.log.next(), resendCount: this.#resends.sent(live.outgoing) };
  }

  /** `options`: those of the scope that the attempt belongs to, if there is one. */
  end(live: PendingAttempt, given: AttemptEnd, options: StepOptions = {}): void {
    const ending = this.recognized(given);
    // Before the attempt is removed: a step that has a status and nothing pending may settle.
    if (this.#state !== 'settled') {
      const call = this.#calls.end(live, ending);
      if (this.#state === 'open' && goesOnInBackground(ending)) this.#waitForResponse(call, ending, options);
      else this.#proposeFor(call, options);
    }
    this.record(live, ending);
  }

  /** The response goes on in the background: its call proposes when the response has ended, or the run. */
  #waitForResponse(call: ClientCall, request: AttemptEnd, options: StepOptions): void {
    const end = (ending: AttemptEnd) => {
      this.#calls.update(call, ending);
      this.#proposeFor(call, options);
    };
    new BackgroundResponse(
      this,
      {
        pollEnded: (ending, ended) => {
          if (ended) end(ending);
          this.recordEnding(ending);
        },
        leftInBackground: end,
      },
      request,
    );
  }

  /** A poll answered that the response is queued or in progress. */
  polled(): void {
    this.#pollCount++;
  }

  /** Records how an attempt ended, without a proposal: the scope that it belongs to proposes. */
  record(live: PendingAttempt, ending: AttemptEnd): void {
    if (this.#state === 'settled') {
      report('an attempt ended after its step had settled');
      return;
    }
    this.recordEnding(ending);
    this.close(live);
  }

  /** Continues attempts that began on another span: the one that ended last, and those in flight. */
  continueFrom(last: AttemptEnd, inFlight: Iterable<PendingAttempt>): void {
    const live = [...inFlight];
    this.#pending.push(...live);
    this.recordEnding(last);
    this.#proposeFor(this.#calls.adopt(last, live), {});
  }

  /** The ending, as a timeout if an earlier attempt of the step shows that it was one. */
  recognized(ending: AttemptEnd): AttemptEnd {
    return this.#timeouts.explains(ending) ? asTimeout(ending, undefined) : ending;
  }

  /** The run's function threw the client's timeout: it explains the last attempt, if that was aborted before the headers. */
  timedOutWith(error: unknown): void {
    const last = this.#lastEnding;
    if (last && mayBeTimeout(last)) this.#timedOut(last, error);
  }

  /** The run's function threw an abort error: the caller stopped the call while its client waited for the retry. */
  stoppedByRun(): void {
    if (this.#lastEnding && this.awaitsRetry) this.#stopped(this.#lastEnding);
  }

  #timedOut(aborted: AttemptEnd, error: unknown): void {
    const ending = asTimeout(aborted, error);
    this.amend(ending);
    this.#timeouts.add(ending);
    if (this.#lastEnding === aborted) this.#lastEnding = ending;
    this.#update(ending);
  }

  /** More became known of an attempt that had ended: its call proposes anew. */
  #update(ending: AttemptEnd): void {
    const call = this.#calls.callEndedBy(ending);
    if (!call || this.#state === 'settled') return;
    this.#calls.update(call, ending);
    if (call.inFlight === 0) this.#proposeFor(call, call.proposal?.options ?? {});
  }

  #proposeFor(call: ClientCall, options: StepOptions): void {
    const ending = call.attempts.deciding?.ending;
    if (!ending) return;
    const before = call.proposal;
    call.proposal = endingProposal(ending, options);
    if (before) this.#proposals.withdraw(before);
    this.propose(call.proposal);
  }

  /** Adds an attempt that ended to the log. */
  recordEnding(ending: AttemptEnd): void {
    this.log.record(ending.attempt);
    this.#retryAfterMillis = Math.max(this.#retryAfterMillis, ending.retryAfterMillis ?? 0);
    if (!this.#lastEnding || ending.attempt.number >= this.#lastEnding.attempt.number) this.#lastEnding = ending;
    this.#resends.ended(ending);
    if (ending.how === 'answered') return;
    if (this.implicit) this.home.mayBeRetried(this);
    if (ending.how === 'failed') this.#watchForStop(ending);
  }

  #watchForStop(ending: AttemptEnd): void {
    this.#endStopWatch();
    const { attemptsBegun } = this.home;
    this.#stopWatch = watchForStop(ending, () => {
      // Where nothing shows that the client would have retried, another call since then shows that it had given up.
      const gaveUp = ending.retry === 'possible' && this.home.attemptsBegun !== attemptsBegun;
      const isRunning = this.#pending.length > 0 || this.home.isRunning;
      if (!gaveUp && isRunning) this.#stopped(ending);
    });
  }

  #endStopWatch(): void {
    this.#stopWatch?.();
    this.#stopWatch = undefined;
  }

  /** The caller stopped the call while its client waited for the retry of `ending`. */
  #stopped(ending: AttemptEnd): void {
    ending.stoppedAt = this.now();
    this.#update(ending);
  }

  amend(ending: AttemptEnd): void {
    if (this.#state === 'settled') report('closing a body failed after its step had settled');
    else this.log.replace(ending.attempt.number, ending.attempt);
  }

  /** A scope opens; the step is not finished before it is closed. */
  open(pending: Pending): void {
    this.#pending.push(pending);
    this.#changed();
  }

  /** A scope has closed, or an attempt has ended. */
  close(pending: Pending): void {
    remove(this.#pending, pending);
    remove(this.#refused, pending as PendingAttempt);
    this.#lastActivityAt = performance.now();
    this.#changed(this.#lastActivityAt);
  }

  /** An attempt was refused: a retry does not wait until its body is read. */
  refused(live: PendingAttempt): void {
    this.#refused.push(live);
    if (this.implicit) this.home.mayBeRetried(this);
  }

  /** Ends the refused attempts whose body is still open: all, or those that `retry` sends again. */
  concludeRefused(retry?: OutgoingRequest): void {
    if (this.#refused.length === 0) return;
    for (const live of [...this.#refused]) if (!retry || maySendAgain(live.outgoing, retry)) live.giveUp();
  }

  propose(proposal: Proposal): void {
    if (this.#state === 'settled') {
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

  proposeStatus(status: Status, details: FinishDetails | undefined): void {
    this.propose(toProposal(status, this.now(), details, this.#lastEnding));
  }

  activities(): Activity[] {
    if (this.finished && !this.awaitsRetry) return [];
    // A run that is over does not wait for responses in the background.
    if (this.#pending.length > 0 && this.#pending.every(({ isInBackground }) => isInBackground)) return [];
    const { limits } = this.capturing;
    const activities: Activity[] = this.#pending.map((pending) =>
      activityOf(pending.idleSince(), pending.isBeingRead, limits),
    );
    activities.push({ idleSince: this.#lastActivityAt + this.#retryAfterMillis, limitMillis: limits.idleMillis });
    return activities;
  }

  /** Ends what is still open. A step without an outcome becomes `interrupted`. */
  #giveUp(stoppedAt: number | undefined): void {
    const lastActivityAt = this.#lastActivityAt;
    // The attempts before the scopes that they belong to.
    if (this.#pending.length > 0) for (const pending of [...this.#pending].reverse()) pending.giveUp(stoppedAt);
    if (this.status !== 'in_progress') return;
    const at = stoppedAt ?? timeAt(this.now, lastActivityAt);
    this.propose(toProposal('interrupted', at, undefined, this.#lastEnding));
  }

  due(): void {
    this.settle();
  }

  flush(): void {
    this.home.flush();
  }

  shutdown(): void {
    this.home.shutdown();
  }

  /** Whether a client that retries would send the last attempt again. */
  get awaitsRetry(): boolean {
    const last = this.#lastEnding;
    if (!this.implicit || this.status !== 'error' || last?.how !== 'failed') return false;
    return isRetriable(last.attempt.statusCode);
  }

  /** Starts the hold of a finished step, or stops it. */
  #changed(now?: number): void {
    if (this.#state !== 'open') return;
    if (!this.finished) {
      cancel(this);
      return;
    }
    const { completedHoldMillis, retryHoldMillis } = this.capturing.limits;
    const retryMillis = this.#retryAfterMillis > 0 ? this.#retryAfterMillis + RETRY_GRACE_MILLIS : 0;
    schedule(this, this.status === 'completed' ? completedHoldMillis : Math.max(retryHoldMillis, retryMillis), now);
    this.home.partChanged();
  }

  /** Writes the outcome and ends the span. Once. */
  settle(stoppedAt?: number): void {
    if (this.#state !== 'open') return;
    this.#state = 'settling';
    this.#giveUp(stoppedAt);
    this.#state = 'settled';
    this.#endStopWatch();
    cancel(this);
    const outcome = this.#proposals.outcome as Proposal;
    // Each attempt's event needs a microsecond of its own.
    const endedAt = Math.max(outcome.at, this.#startedAt + this.log.count / 1000);
    const { id, home, capturing, implicit } = this;
    const usage = merged(this.log.usage(), outcome.usage) ?? {};
    const failure = outcomeFailure(outcome, capturing);
    const write = (span: Span) => {
      const lastCall = this.#lastEnding?.call;
      const facts = { id, home, capturing, implicit, start: this.#start, options: this.#options };
      const to = writeStepAttributes(span, { ...facts, outcome, lastCall, usage, pollCount: this.#pollCount });
      this.log.writeTo(span, to, this.#startedAt, endedAt);
      if (failure) {
        to.write(names.ERROR_TYPE, failure.type);
        writeException(span, failure, endedAt);
      }
      this.#proposals.writeHistory(span, endedAt, MAX_STATUS_UPDATES - Number(failure !== undefined), capturing);
      to.end();
    };
    this.#managed.end(write, spanStatus(outcome.status, failure), endedAt);
    home.partSettled(this, {
      outcome,
      stepCount: 1,
      attemptCount: this.log.count,
      failedAttemptCount: this.log.failedCount,
      usage,
      endpoint: this.log.endpoint(),
      endedAt,
    });
  }
}

function remove<T>(list: T[], item: T): void {
  const index = list.indexOf(item);
  if (index === list.length - 1) list.pop();
  else if (index >= 0) list.splice(index, 1);
}
