import {
  type Attributes,
  type Context,
  isSpanContextValid,
  type Link,
  type Span,
  SpanKind,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { AttributeWriter } from '../capture/attribute-writer.js';
import { keepValues } from '../capture/captured-content.js';
import type { CaptureSettings, RunIdentity } from '../capture/levels.js';
import { type Clock, startClock, toHrTime } from '../otel/clock.js';
import type { Usage } from '../otel/genai.js';
import * as names from '../otel/names.js';
import { report } from '../util/diagnostics.js';
import { copyGiven, merged } from '../util/validation.js';
import { isUnsampled, runOf } from './context.js';
import { type Bucket, cancel, type Deadline, type Open, type OpenRuns, schedule } from './deadlines.js';
import { ManagedSpan, type SpanOwner } from './managed-span.js';
import type { FinishDetails } from './outcome/finish-details.js';
import { MAX_STATUS_UPDATES, type Proposal, Proposals, toProposal } from './outcome/proposals.js';
import { outcomeFailure, spanStatus, writeException } from './outcome/span-status.js';
import type { Status } from './outcome/status.js';
import { forgetCalls, isStop, nestCalls } from './outcome/stops.js';
import { type Tail, type TailEnd, watchReturned } from './returned-stream.js';
import type { RunPart, StepHome, StepSummary } from './run-part.js';
import type { StepRecording } from './step.js';
import { StepNumbers } from './step-numbers.js';

/**
 * How long a run's handle is held, whoever else holds it. After that its being dropped is watched for, which costs more than everything
 * else that is done for a short run: what a `FinalizationRegistry` knows outlives all collections but the full ones.
 */
const HELD_MILLIS = 1000;

/** How a run starts, apart from its identity. */
export interface RunStart {
  readonly trace?: 'new' | 'join' | undefined;
  readonly attributes?: Attributes | null | undefined;
}

/** One run as it is recorded: everything is kept beside the span until it settles. */
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
  readonly #managed: ManagedSpan;
  readonly #openRuns: Pick<OpenRuns, 'add' | 'delete'>;
  readonly #startedAt: number;
  #stepNumbers: StepNumbers | undefined;
  readonly #identity: Attributes;
  /** The application's. */
  readonly #own: Attributes | undefined;
  readonly #proposals = new Proposals();
  /** Not settled yet. */
  readonly #parts = new Set<RunPart>();
  /** Those of them that a call may be a retry of: few, where most calls go well. */
  #retriable: Set<StepRecording> | undefined;
  #stepCount = 0;
  #attemptCount = 0;
  #failedAttemptCount = 0;
  #hasError = false;
  #lastStepStatus: Status | undefined;
  #usage: Usage = {};
  #endpoint: StepSummary['endpoint'];
  #saidHow = false;
  #endsAs: RunPart | undefined;
  #tail: Tail | undefined;
  /** When it was over, in `performance.now()` time. */
  #overAt: number | undefined;
  #watch: Deadline | undefined;
  #settling = false;
  #settled = false;

  constructor(
    identity: RunIdentity,
    start: RunStart,
    capturing: CaptureSettings,
    tracer: Tracer,
    openRuns: Pick<OpenRuns, 'add' | 'delete'>,
    ctx: Context,
  ) {
    const outer = runOf(ctx)?.recording;
    if (outer) nestCalls(this, outer);
    this.id = identity.id;
    this.conversationId = identity.conversationId;
    this.capturing = capturing;
    this.tracer = tracer;
    this.now = outer?.now ?? startClock();
    this.#openRuns = openRuns;
    this.#startedAt = this.now();
    this.#identity = keepValues(identityAttributes(identity), capturing);
    this.#identity[names.RUN_ID] = this.id;
    const isInner = outer !== undefined || isUnsampled(ctx);
    const foreign = isInner ? undefined : trace.getSpanContext(ctx);
    const links: Link[] = foreign && isSpanContextValid(foreign) ? [{ context: foreign }] : [];
    this.#isRoot = !isInner && !(start.trace === 'join' && links.length > 0);
    this.#managed = new ManagedSpan(
      this,
      true,
      tracer,
      runName(this.#identity),
      {
        kind: SpanKind.INTERNAL,
        startTime: toHrTime(this.#startedAt),
        attributes: this.#identity,
        root: this.#isRoot,
        links: this.#isRoot ? links : [],
      },
      ctx,
    );
    this.traceId = this.span.spanContext().traceId;
    this.#own = copyGiven(start.attributes);
    if (!this.isRecording) {
      this.#settling = this.#settled = true;
      return;
    }
    this.#stepNumbers = StepNumbers.acquire(this.id);
    openRuns.add(this);
  }

  get wantedTraceId(): string | undefined {
    return this.#isRoot ? this.id.replaceAll('-', '').toLowerCase() : undefined;
  }

  get span(): Span {
    return this.#managed.span;
  }

  get isRecording(): boolean {
    return this.#managed.isRecording;
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** Whether its function has ended, or `finish` was called with a terminal status. */
  get hasEnded(): boolean {
    return this.#saidHow || this.#overAt !== undefined;
  }

  nextStepNumber(): number {
    return this.#stepNumbers?.next() ?? 0;
  }

  resumeAfterStep(n: number): void {
    this.#stepNumbers?.resumeAfter(n);
  }

  /** What it waits for, oldest first. */
  get parts(): ReadonlySet<RunPart> {
    return this.#parts;
  }

  add(part: RunPart): void {
    this.#parts.add(part);
  }

  /** The steps that no code announced and that a call may be a retry of. */
  get retriable(): Iterable<StepRecording> {
    return this.#retriable ?? [];
  }

  mayBeRetried(step: StepRecording): void {
    this.#retriable ??= new Set();
    this.#retriable.add(step);
  }

  propose(proposal: Proposal): void {
    if (this.#settled) report('a status was proposed after its run had settled');
    else this.#proposals.propose(proposal);
  }

  /** What application code says. It outranks whatever the function's end would say. */
  finish(status: Status, details: FinishDetails | undefined): void {
    if (status !== 'in_progress') this.#saidHow = true;
    this.proposeStatus(status, details);
  }

  proposeStatus(status: Status, details: FinishDetails | undefined): void {
    this.propose(toProposal(status, this.now(), details));
  }

  threw(error: unknown): void {
    const interrupted = isStop(error, this);
    this.#sayOnce(toProposal(interrupted ? 'interrupted' : 'error', this.now(), interrupted ? {} : { error }));
    for (const part of this.#parts) part.concludeRefused();
    const parts = [...this.#parts];
    // Whoever threw has given up on the retries of its calls. What still goes on beside it (`Promise.all`) may not have.
    if (parts.every((part) => part.finished)) for (const part of parts) part.settle();
    this.over();
  }

  /** Its function returned; a stream that it returned keeps it running. */
  returned(value: unknown): void {
    this.#tail = watchReturned(value, (end) => this.#tailEnded(end));
    if (!this.#tail) this.#sayOnce(toProposal('completed', this.now()));
    this.over();
  }

  /** Nothing new begins in it any more; it settles when its calls have ended. */
  over(): void {
    this.#overAt ??= performance.now();
    if (!this.#tail) for (const part of this.#parts) part.concludeRefused();
    this.#settleIfDone();
  }

  /** As `over`, for a run that no code announced: it is no more than `part`, and how that ends is how it ends. */
  overAs(part: RunPart): void {
    this.#endsAs = part;
    this.over();
  }

  /** As `over`, after the rest of this turn: another `finish` may follow at once. */
  overSoon(): void {
    this.#overAt ??= performance.now();
    queueMicrotask(() => this.#settleIfDone());
  }

  /** Learns of it when nobody holds `handle` any more; a run that is over soon never has to. */
  watchForDropOf(handle: object, registry: FinalizationRegistry<RunRecording>): void {
    this.#watch = {
      due: () => {
        this.#watch = undefined;
        registry.register(handle, this);
      },
    };
    schedule(this.#watch, HELD_MILLIS);
  }

  /** Nobody can finish it any more. */
  abandoned(): void {
    if (this.#overAt !== undefined || this.#settled) return;
    report('a run was dropped without being finished; it was ended as interrupted');
    this.#sayOnce(toProposal('interrupted', this.now()));
    this.over();
  }

  endEarly(why: string): void {
    report(why);
    this.shutdown();
  }

  partChanged(): void {
    this.#settleIfDone();
  }

  /** Takes in what a part came to. */
  takeIn(part: RunPart, summary: StepSummary): void {
    this.#parts.delete(part);
    this.#retriable?.delete(part as StepRecording);
    this.#stepCount += summary.stepCount;
    if (summary.stepCount > 0) this.#lastStepStatus = summary.outcome.status;
    this.#attemptCount += summary.attemptCount;
    this.#failedAttemptCount += summary.failedAttemptCount;
    const { status, at, failure } = summary.outcome;
    this.#hasError ||= summary.stepCount > 0 && status === 'error';
    if (this.#endsAs === part) {
      this.#endsAs = undefined;
      this.#sayOnce({ status, at, failure });
    }
    const { inputTokens, outputTokens } = summary.usage;
    if (inputTokens !== undefined) this.#usage.inputTokens = (this.#usage.inputTokens ?? 0) + inputTokens;
    if (outputTokens !== undefined) this.#usage.outputTokens = (this.#usage.outputTokens ?? 0) + outputTokens;
    const { endpoint } = summary;
    if (endpoint && !(this.#endpoint && this.#endpoint.at <= endpoint.at)) this.#endpoint = endpoint;
    this.#settleIfDone();
  }

  due(): void {
    this.#settleIfDone();
  }

  flush(): void {
    if (this.#overAt === undefined || this.#tail) return;
    for (const part of this.#parts) if (part.finished) part.settle();
    this.#settleIfDone();
  }

  shutdown(): void {
    if (this.#settling) return;
    this.#sayOnce(toProposal('interrupted', this.now()));
    this.#settle();
  }

  #sayOnce(proposal: Proposal): void {
    if (this.#saidHow) return;
    this.#saidHow = true;
    this.propose(proposal);
  }

  #tailEnded(end: TailEnd): void {
    this.#tail = undefined;
    if (this.#settled) return;
    if (end.how === 'ended') this.#sayOnce(toProposal('completed', this.now()));
    else if (end.how === 'cancelled' || isStop(end.error, this)) this.#sayOnce(toProposal('interrupted', this.now()));
    else this.#sayOnce(toProposal('error', this.now(), { error: end.error }));
    this.#settleIfDone();
  }

  /** Settles, or waits for whoever shows a sign of life, and no longer than that. */
  #settleIfDone(): void {
    if (this.#overAt === undefined || this.#settling) return;
    const now = performance.now();
    const { idleMillis } = this.capturing.limits;
    let wait = 0;
    if (this.#tail) {
      const idleSince = this.#tail.idleSince();
      wait = idleSince === undefined ? Number.POSITIVE_INFINITY : Math.max(idleSince, this.#overAt) + idleMillis - now;
    }
    for (const part of this.#parts) wait = Math.max(wait, part.patience(this.#overAt, now));
    // Where somebody waits for the network, nothing tells when he goes on to wait for nothing: it is looked at again.
    if (wait > 0) schedule(this, wait === Number.POSITIVE_INFINITY ? idleMillis : wait);
    else this.#settle();
  }

  #settle(): void {
    if (this.#settling) return;
    this.#settling = true;
    cancel(this);
    for (const part of this.#parts) part.settle();
    this.#sayOnce(this.#tail ? this.#leftAlone(this.#tail) : toProposal('completed', this.now()));
    this.#tail = undefined;
    this.#settled = true;
    this.#openRuns.delete(this);
    forgetCalls(this);
    if (this.#watch) cancel(this.#watch);
    this.#stepNumbers?.release();
    this.#write();
  }

  /**
   * Nobody reads what it returned any more. Where it was not read in any way that can be seen, or the last call was over all the same, it
   * may well have been read.
   */
  #leftAlone(tail: Tail): Proposal {
    const last = this.#lastStepStatus;
    const interrupted = last === 'interrupted' || (tail.begun && last !== 'completed');
    const now = performance.now();
    const idleMillis = now - Math.max(tail.idleSince() ?? now, this.#overAt ?? now);
    return toProposal(interrupted ? 'interrupted' : 'completed', this.now() - idleMillis);
  }

  #write(): void {
    const outcome = this.#proposals.outcome as Proposal;
    const endedAt = Math.max(outcome.at, this.#startedAt);
    const { capturing } = this;
    const failure = outcomeFailure(outcome, capturing);
    const write = (span: Span) => {
      const to = new AttributeWriter(span, this.#identity, merged(this.#own, outcome.attributes), capturing);
      to.write(names.STATUS, outcome.status);
      to.write(names.RUN_STEP_COUNT, this.#stepCount);
      to.write(names.RUN_ATTEMPT_COUNT, this.#attemptCount);
      to.write(names.RUN_FAILED_ATTEMPT_COUNT, this.#failedAttemptCount);
      to.write(names.RUN_HAS_ERROR, this.#hasError);
      const { inputTokens, outputTokens } = merged(this.#usage, outcome.usage) ?? {};
      to.keep(names.RUN_INPUT_TOKENS, inputTokens);
      to.keep(names.RUN_OUTPUT_TOKENS, outputTokens);
      if (this.#endpoint) to.write(names.RUN_ENDPOINT, this.#endpoint.name);
      if (failure) {
        to.write(names.ERROR_TYPE, failure.type);
        writeException(span, failure, endedAt);
      }
      this.#proposals.writeHistory(span, endedAt, MAX_STATUS_UPDATES, capturing);
      to.end();
    };
    this.#managed.end(write, spanStatus(outcome.status, failure), endedAt);
  }
}

/** `invoke_agent {name}` or `invoke_workflow {kind}`. */
function runName(identity: Attributes): string {
  return `${identity[names.GEN_AI_OPERATION_NAME]} ${identity[names.GEN_AI_AGENT_NAME] ?? identity[names.RUN_KIND]}`;
}

function identityAttributes(identity: RunIdentity): Attributes {
  const attributes: Attributes = {
    [names.GEN_AI_OPERATION_NAME]: identity.agentName ? 'invoke_agent' : 'invoke_workflow',
  };
  if (identity.agentName) attributes[names.GEN_AI_AGENT_NAME] = identity.agentName;
  attributes[names.RUN_KIND] = identity.kind;
  if (identity.conversationId) attributes[names.GEN_AI_CONVERSATION_ID] = identity.conversationId;
  if (identity.userId) attributes[names.USER_ID] = identity.userId;
  if (identity.parentConversationId) attributes[names.RUN_PARENT_CONVERSATION_ID] = identity.parentConversationId;
  if (identity.rootConversationId) attributes[names.RUN_ROOT_CONVERSATION_ID] = identity.rootConversationId;
  return attributes;
}
