import type { Span, Tracer } from '@opentelemetry/api';
import type { CaptureSettings } from '../capture/levels.js';
import { type Clock, startClock } from '../otel/clock.js';
import { inNextTurn } from '../otel/next-turn.js';
import { report } from '../util/diagnostics.js';
import type { OutgoingRequest } from './attempts/http-exchange.js';
import { inTraceOf, runOf } from './context.js';
import { checkRunEnd } from './omissions/missed-calls.js';
import type { FinishDetails } from './outcome/finish-details.js';
import { detailedProposal, type Proposal, Proposals, toProposal } from './outcome/proposals.js';
import type { Status } from './outcome/status.js';
import { isStop } from './outcome/stops/is-stop.js';
import { forgetCalls, nestCalls } from './outcome/stops/run-calls.js';
import { abandonedStream, streamEndProposal } from './outcome/stream-end.js';
import { progressed } from './progress/listener.js';
import { type Tail, type TailEnd, watchReturned } from './returned-stream.js';
import type { BackgroundResponse } from './routing/background-response.js';
import { type RunBeginning, traceOf } from './run-attributes.js';
import type { RunPart, StepHome, StepSummary } from './run-part.js';
import { RunTotals } from './run-totals.js';
import { type Bucket, cancel, type Deadline, type Open, schedule } from './settle/deadlines.js';
import { activityOf, idleAt } from './settle/idle.js';
import { LateRegistration } from './settle/late-registration.js';
import type { SpanOwner } from './settle/managed-span.js';
import { RunParts } from './settle/run-parts.js';
import { RunSpan } from './settle/run-span.js';
import type { StepRecording } from './step.js';
import { StepNumbers } from './step-numbers.js';

/**
 * - `running`: its function has not ended.
 * - `over`: its function has ended or it was finished; it waits for its calls.
 * - `settling`: its parts are being settled; nothing may settle it again.
 * - `settled`: its span has ended; what comes now is reported.
 * - `cut short`: settled by a shutdown or at a limit.
 */
type RunState = 'running' | 'over' | 'settling' | 'settled' | 'cut short';

/** The recording of one run. Nothing is written to its span until it settles. */
export class RunRecording implements StepHome, SpanOwner, Deadline, Open {
  readonly id: string;
  readonly traceId: string;
  readonly conversationId: string | undefined;
  readonly capturing: CaptureSettings;
  readonly now: Clock;
  bucket?: Bucket | undefined;
  place?: number;
  readonly tracer: Tracer;
  readonly #isRoot: boolean;
  readonly #span: RunSpan;
  readonly #openRuns: RunBeginning['openRuns'];
  #stepNumbers: StepNumbers | undefined;
  readonly #proposals = new Proposals();
  readonly #parts = new RunParts();
  readonly #totals = new RunTotals();
  newestCall: StepHome['newestCall'];
  readonly polls = new Map<string, BackgroundResponse>();
  #state: RunState = 'running';
  /** When the run was over, in `performance.now()` time. */
  #overAt = Number.POSITIVE_INFINITY;
  /** How the run ended, by its `finish` or its function. Only the first one is proposed. */
  #conclusion: Proposal | undefined;
  /** The part whose outcome is the run's. */
  #endsAs: RunPart | undefined;
  /** The stream that its function returned, until it ends. */
  #returnedStream: Tail | undefined;
  #registration: LateRegistration<RunRecording> | undefined;
  readonly #outer: RunRecording | undefined;
  readonly #settleInNextTurn = inNextTurn(() => this.#settleIfIdle('now'));

  constructor(beginning: RunBeginning) {
    const { identity, capturing, tracer, openRuns, ctx } = beginning;
    this.#outer = runOf(ctx)?.recording;
    if (this.#outer) nestCalls(this, this.#outer);
    this.id = identity.id;
    this.conversationId = identity.conversationId;
    this.capturing = capturing;
    this.tracer = tracer;
    this.now = this.#outer?.now ?? startClock();
    this.#openRuns = openRuns;
    const startedAt = this.now();
    const { isRoot, links } = traceOf(ctx, this.#outer !== undefined, beginning.trace);
    this.#isRoot = isRoot;
    const placed = inTraceOf(this.#outer?.span, ctx);
    const start = { startedAt, isRoot, links: [...links, ...placed.links], given: beginning.attributes };
    this.#span = new RunSpan(this, identity, start, placed.parent);
    this.traceId = this.span.spanContext().traceId;
    if (!this.isRecording) {
      this.#state = 'settled';
      return;
    }
    this.#stepNumbers = StepNumbers.acquire(this.id);
    openRuns.add(this);
    progressed(this.#span);
  }

  get wantedTraceId(): string | undefined {
    return this.#isRoot ? this.id.replaceAll('-', '').toLowerCase() : undefined;
  }

  get span(): Span {
    return this.#span.span;
  }

  get isRecording(): boolean {
    return this.#span.isRecording;
  }

  get outcome(): Proposal | undefined {
    return this.#proposals.outcome;
  }

  get settled(): boolean {
    return this.#state === 'settled' || this.#state === 'cut short';
  }

  /** Whether a shutdown or a limit settled it. */
  get isCutShort(): boolean {
    return this.#state === 'cut short';
  }

  /** How many of its steps have settled. */
  get stepCount(): number {
    return this.#totals.stepCount;
  }

  /** Whether its function has ended, or `finish` was called with a terminal status. */
  get hasEnded(): boolean {
    return this.#conclusion !== undefined || this.#state !== 'running';
  }

  get hasFailed(): boolean {
    return this.#conclusion?.status === 'error';
  }

  get isRunning(): boolean {
    return this.#state === 'running' || this.#returnedStream !== undefined;
  }

  nextStepNumber(): number {
    return this.#stepNumbers?.next() ?? 0;
  }

  resumeAfterStep(n: number): void {
    this.#stepNumbers?.resumeAfter(n);
  }

  /** Parts that have not settled, oldest first. */
  get parts(): ReadonlySet<RunPart> {
    return this.#parts.all;
  }

  retriableWith(outgoing: OutgoingRequest): StepRecording[] {
    return this.#parts.retriableWith(outgoing);
  }

  add(part: RunPart): void {
    this.#parts.add(part);
  }

  mayBeRetried(step: StepRecording, failed: OutgoingRequest): void {
    this.#parts.mayBeRetried(step, failed);
  }

  propose(proposal: Proposal): void {
    if (this.settled) report('a status was proposed after its run had settled');
    else {
      this.#proposals.propose(proposal);
      progressed(this.#span);
    }
  }

  /** Proposes what application code says. The end of the run's function then proposes nothing. */
  finish(status: Status, details: FinishDetails | undefined): void {
    const proposal = detailedProposal(status, this.now(), details);
    if (status !== 'in_progress') this.#conclusion = proposal;
    if (proposal.failure) this.#parts.explainLastAttempt(details?.error);
    this.propose(proposal);
  }

  proposeStatus(status: Status, details: FinishDetails | undefined): void {
    this.propose(detailedProposal(status, this.now(), details));
  }

  /** The run's function threw, or its promise was rejected. */
  threw(error: unknown): void {
    if (isStop(error, this)) this.#conclude(toProposal('interrupted', this.now()));
    else this.#conclude(detailedProposal('error', this.now(), { error }));
    this.#parts.concludeRefused();
    this.#parts.explainLastAttempt(error);
    // A function that throws has given up on retries, so they are not waited for. Calls beside it (`Promise.all`) may still be retried.
    this.#parts.settleIfAllFinished();
    this.close();
  }

  /** The run's function returned. A returned stream keeps the run going until it ends. */
  returned(value: unknown): void {
    this.#returnedStream = watchReturned(value, (end) => this.#returnedStreamEnded(end));
    if (!this.#returnedStream) this.#conclude(toProposal('completed', this.now()));
    this.close();
  }

  /** The run is over: it settles when its calls have ended. */
  close(): void {
    if (this.#state === 'running') {
      this.#state = 'over';
      this.#overAt = performance.now();
    }
    if (!this.#returnedStream) this.#parts.concludeRefused();
    this.#settleIfIdle();
  }

  /** As `close`, for a run that was made for one call: the outcome of `part` is the run's. */
  closeAs(part: RunPart): void {
    this.#endsAs = part;
    this.close();
  }

  /** Registers `handle` with `registry` if the run is still open after a second. */
  registerLater(handle: object, registry: FinalizationRegistry<RunRecording>): void {
    this.#registration = new LateRegistration<RunRecording>(handle, this, registry);
  }

  /** The run's handle was collected before it was finished, so no code can finish it. */
  abandoned(): void {
    if (this.#state !== 'running') return;
    report('a run was dropped without being finished; it was ended as interrupted');
    this.#conclude(toProposal('interrupted', this.now()));
    this.close();
  }

  endEarly(why: string): void {
    report(why);
    this.shutdown();
  }

  partChanged(): void {
    this.#settleIfIdle();
  }

  partSettled(part: RunPart, summary: StepSummary): void {
    this.#parts.delete(part);
    this.#totals.add(summary);
    if (this.#endsAs === part) {
      this.#endsAs = undefined;
      const { status, at, failure } = summary.outcome;
      this.#conclude(Object.assign(toProposal(status, at), { failure }));
    }
    if (!this.#parts.isSettling) this.#settleIfIdle();
  }

  due(): void {
    this.#settleIfIdle('now');
  }

  flush(): void {
    if (this.#state !== 'over' || this.#returnedStream) return;
    this.#parts.settleFinished();
    this.#settleIfIdle('now');
  }

  shutdown(): void {
    if (this.#state !== 'running' && this.#state !== 'over') return;
    const now = this.now();
    // A stream of which no read was observed may have been read to its end.
    if (this.#returnedStream?.begun !== false) this.#conclude(toProposal('interrupted', now));
    this.#settle(now);
  }

  /** Proposes how the run ended, unless it was proposed before. */
  #conclude(proposal: Proposal): void {
    if (this.#conclusion) return;
    this.#conclusion = proposal;
    this.propose(proposal);
  }

  #returnedStreamEnded(end: TailEnd): void {
    this.#returnedStream = undefined;
    if (this.settled) {
      report('a returned stream ended after its run had settled');
      return;
    }
    this.#conclude(streamEndProposal(end, this.now(), this));
    this.#settleIfIdle();
  }

  #idleAt(): number {
    const stream = this.#returnedStream;
    const activities = stream ? [activityOf(stream.idleSince(), stream.begun, this.capturing.limits)] : [];
    return Math.max(this.#parts.idleAt(this.#overAt), idleAt(activities, this.#overAt));
  }

  /**
   * Settles a run that is over and idle; else looks again when it may be idle. A turn of the event loop passes before it settles, because its
   * function may have started a call without awaiting it, whose request is not sent yet.
   */
  #settleIfIdle(when: 'now' | 'next turn' = 'next turn'): void {
    if (this.#state !== 'over') return;
    const wait = this.#idleAt() - performance.now();
    // No event fires when a read stops waiting for the network, so look again.
    if (wait > 0) schedule(this, wait === Number.POSITIVE_INFINITY ? this.capturing.limits.idleMillis : wait);
    else if (when === 'now') this.#settle();
    else this.#settleInNextTurn();
  }

  #settle(stoppedAt?: number): void {
    this.#state = 'settling';
    cancel(this);
    this.#parts.settle(stoppedAt);
    this.#conclude(
      this.#returnedStream
        ? abandonedStream(this.#returnedStream, this.#overAt, this.#totals.lastStepStatus, this.now, stoppedAt)
        : toProposal('completed', this.now()),
    );
    this.#returnedStream = undefined;
    this.#state = stoppedAt === undefined ? 'settled' : 'cut short';
    this.#openRuns.delete(this);
    checkRunEnd(this, this.#outer);
    forgetCalls(this);
    this.#registration?.end();
    // Code that outlives the run may hold it: an open connection holds the context that it was made in.
    this.newestCall = undefined;
    this.#stepNumbers?.release();
    this.#span.end(this.#proposals, this.#totals);
    progressed(this.#span);
  }
}
