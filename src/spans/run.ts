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
import type { Usage } from '../capture/genai-writer.js';
import { AttributeWriter, type CaptureSettings, keepValues, type RunIdentity } from '../capture/levels.js';
import { type Clock, startClock, toHrTime } from '../otel/clock.js';
import * as names from '../otel/names.js';
import { report } from '../util/diagnostics.js';
import {
  badOption,
  checkFields,
  checkObject,
  checkString,
  copyGiven,
  merged,
  requireObject,
  requireString,
} from '../util/validation.js';
import { isUnsampled, runOf } from './context.js';
import { type Bucket, cancel, type Deadline, type Open, type OpenRuns, schedule } from './deadlines.js';
import { ManagedSpan, type SpanOwner } from './managed-span.js';
import { isAbort, isTimeout } from './outcome/errors.js';
import {
  checkFinish,
  type FinishDetails,
  MAX_STATUS_UPDATES,
  outcomeFailure,
  type Proposal,
  Proposals,
  spanStatus,
  toProposal,
  writeException,
} from './outcome/proposals.js';
import type { Status } from './outcome/status.js';
import { type Tail, type TailEnd, watchReturned } from './returned-stream.js';
import type { Step, StepHome, StepOptions, StepRecording, StepSummary } from './step.js';

/** What a run is about. */
export interface RunOptions {
  /** What kind of work it is: `chat_turn`, `title_generation`, `compaction`… */
  kind: string;
  /** A UUID, if the application has one for it. Default: a new one. The nil UUID is refused. */
  id?: string | null | undefined;
  /** The conversation that it is a part of; only a real one, never made up. */
  conversationId?: string | null | undefined;
  /** Who it is for. */
  userId?: string | null | undefined;
  /** The agent that does it. */
  agentName?: string | null | undefined;
  /** For the run of a sub-agent: the conversation that started it. */
  parentConversationId?: string | null | undefined;
  /** For the run of a sub-agent: the conversation that all began with. */
  rootConversationId?: string | null | undefined;
  /**
   * Inside somebody else's span: `new` makes a trace of its own with a link to that span, `join` a child of it. Default `new`.
   * Inside another run it is always a child in its trace.
   */
  trace?: 'new' | 'join' | undefined;
  /** Further attributes, under their full names. Strings are redacted. */
  attributes?: Attributes | null | undefined;
}

/** One unit of work for a conversation. */
export interface Run {
  /** A UUID. */
  readonly id: string;
  /** 32 hex digits, for a link to the backend; all zeros where there is no trace. */
  readonly traceId: string;
  /**
   * Proposes how the run ended; the status-priority rule decides. Never throws, except a `TypeError` for an unknown status or bad details.
   *
   * @example run.finish('interrupted');
   */
  finish(status: Status, details?: FinishDetails): void;
  /** As the function `step`, in this run, also where no context manager is registered. */
  step<T>(options: StepOptions, fn: (step: Step) => T | PromiseLike<T>): Promise<T>;
  /** As the function `startStep`, in this run, also where no context manager is registered. */
  startStep(options?: StepOptions): Step;
  /** Carries on a run that another process began: the next step is `n + 1`. Never goes back. Throws a `TypeError` if `n` is not a count. */
  resumeAfterStep(n: number): void;
  /** Ends the run as `interrupted` if it has no terminal status yet: `using run = startRun(…)` calls it when its block ends. */
  [Symbol.dispose](): void;
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const NIL_UUID = '00000000-0000-0000-0000-000000000000';
const OPTIONS = [
  'kind',
  'id',
  'conversationId',
  'userId',
  'agentName',
  'parentConversationId',
  'rootConversationId',
  'trace',
  'attributes',
];
const ID_OPTIONS = ['conversationId', 'userId', 'agentName', 'parentConversationId', 'rootConversationId'] as const;

/** Checks the options of a run; throws a `TypeError` that names what is wrong. */
export function checkRunOptions(options: unknown): asserts options is RunOptions {
  checkFields(requireObject(options, 'options'), 'options', OPTIONS);
  const { kind, id, trace, conversationId, userId, agentName, parentConversationId, rootConversationId, attributes } =
    requireObject(options, 'options');
  requireString(kind, 'options.kind');
  if (id != null && !(typeof id === 'string' && UUID.test(id) && id !== NIL_UUID)) {
    throw badOption('options.id', 'a UUID that is not nil', id);
  }
  if (trace !== undefined && trace !== 'new' && trace !== 'join')
    throw badOption('options.trace', "'new' or 'join'", trace);
  checkString(conversationId, 'options.conversationId');
  checkString(userId, 'options.userId');
  checkString(agentName, 'options.agentName');
  checkString(parentConversationId, 'options.parentConversationId');
  checkString(rootConversationId, 'options.rootConversationId');
  checkObject(attributes, 'options.attributes');
}

export function checkStepNumber(n: unknown): void {
  if (!Number.isInteger(n) || (n as number) < 0) throw badOption('n', 'an integer of at least 0', n);
}

/** Who a run is for, with what is absent left out. */
export function runIdentity(options: RunOptions): RunIdentity {
  const identity: RunIdentity = { id: options.id ?? crypto.randomUUID(), kind: options.kind };
  for (const name of ID_OPTIONS) {
    const value = options[name];
    if (value) identity[name] = value;
  }
  return identity;
}

/** The step numbers of one run id, for as long as somebody in the process uses it. */
interface Numbering {
  last: number;
  users: number;
}

const numberings = new Map<string, Numbering>();

/** Something that a run waits for, and that settles with it at the latest. */
export interface RunPart {
  /** Nothing can come of it but better news. */
  readonly finished: boolean;
  /**
   * How long from `now` until it has shown no sign of life for `idleMillis` since the run was over, `overAt` (both in
   * `performance.now()` time): 0 if it is finished, `Infinity` while somebody waits for the network.
   */
  patience(overAt: number, now: number): number;
  /** Ends the attempts of which only a refused body is open. */
  concludeRefused(): void;
  settle(): void;
}

/**
 * How long a run's handle is held, whoever else holds it. After that its being dropped is watched for, which costs more than everything
 * else that is done for a short run: what a `FinalizationRegistry` knows outlives all collections but the full ones.
 */
const HELD_MILLIS = 1000;

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
  readonly #numbering: Numbering;
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
    options: RunOptions,
    capturing: CaptureSettings,
    tracer: Tracer,
    openRuns: Pick<OpenRuns, 'add' | 'delete'>,
    ctx: Context,
  ) {
    const outer = runOf(ctx)?.recording;
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
    this.#isRoot = !isInner && !(options.trace === 'join' && links.length > 0);
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
    this.#own = copyGiven(options.attributes);
    this.#numbering = numberings.get(this.id) ?? { last: 0, users: 0 };
    if (!this.isRecording) {
      this.#settling = this.#settled = true;
      return;
    }
    this.#numbering.users++;
    numberings.set(this.id, this.#numbering);
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
    return ++this.#numbering.last;
  }

  resumeAfterStep(n: number): void {
    this.#numbering.last = Math.max(this.#numbering.last, n);
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
    const interrupted = isAbort(error) && !isTimeout(error);
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
    else if (end.how === 'cancelled' || isAbort(end.error)) this.#sayOnce(toProposal('interrupted', this.now()));
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
    if (this.#watch) cancel(this.#watch);
    if (--this.#numbering.users === 0) numberings.delete(this.id);
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

/** A run that was dropped without being finished can be finished by nobody else. */
const dropped =
  typeof FinalizationRegistry === 'undefined'
    ? undefined
    : /* @__PURE__ */ new FinalizationRegistry<RunRecording>((recording) => recording.abandoned());

/** What begins the steps of a run; the recorder's. */
export interface StepStarter {
  step<T>(run: RunHandle | undefined, options: StepOptions, fn: (step: Step) => T | PromiseLike<T>): Promise<T>;
  startStep(run: RunHandle | undefined, options: StepOptions | undefined): Step;
}

/**
 * What application code and the context hold of a run. While one of them does, somebody can finish it; the recording itself is held by
 * the settle engine and doesn't hold its handle.
 */
export class RunHandle implements Run {
  readonly id: string;
  readonly traceId: string;
  readonly recording: RunRecording;
  readonly #steps: StepStarter;
  readonly #closes: boolean;

  /** `closes`: there is no function around it, so the first terminal `finish` says that it is over. */
  constructor(recording: RunRecording, steps: StepStarter, closes: boolean) {
    this.recording = recording;
    this.id = recording.id;
    this.traceId = recording.traceId;
    this.#steps = steps;
    this.#closes = closes;
    if (recording.isRecording && dropped) recording.watchForDropOf(this, dropped);
  }

  // Functions of their own, because applications take a run apart: `({ step, finish }) => …`.

  readonly finish: Run['finish'] = (status, details) => {
    checkFinish(status, details);
    this.recording.finish(status, details);
    if (this.#closes && status !== 'in_progress') this.recording.overSoon();
  };

  readonly step: Run['step'] = (options, fn) => this.#steps.step(this, options, fn);

  readonly startStep: Run['startStep'] = (options) => this.#steps.startStep(this, options);

  readonly resumeAfterStep: Run['resumeAfterStep'] = (n) => {
    checkStepNumber(n);
    this.recording.resumeAfterStep(n);
  };

  [Symbol.dispose](): void {
    if (!this.recording.hasEnded) this.finish('interrupted');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
  }
}
