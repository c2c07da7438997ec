import { type Attributes, type AttributeValue, type Context, type Span, SpanKind, trace } from '@opentelemetry/api';
import { AttributeWriter } from '../capture/attribute-writer.js';
import { keepValues } from '../capture/captured-content.js';
import { contentWriter, writeContent, writeRequest, writeResponse, writeUsage } from '../capture/genai-writer.js';
import type { CaptureSettings } from '../capture/levels.js';
import { type Clock, toHrTime } from '../otel/clock.js';
import type { ModelRequest, Usage } from '../otel/genai.js';
import * as names from '../otel/names.js';
import type { ModelCall } from '../providers/detect.js';
import { report } from '../util/diagnostics.js';
import { urlParts } from '../util/url-parts.js';
import { merged } from '../util/validation.js';
import { capturingIn, toolOf } from './context.js';
import { type Bucket, cancel, type Deadline, schedule } from './deadlines.js';
import { ManagedSpan, type SpanOwner } from './managed-span.js';
import { AttemptLog } from './outcome/attempt-log.js';
import type { FinishDetails } from './outcome/finish-details.js';
import {
  type AttemptEnd,
  type AttemptOwner,
  asTimeout,
  type OutgoingRequest,
  type Pending,
  type PendingAttempt,
} from './outcome/http-exchange.js';
import { endingProposal, MAX_STATUS_UPDATES, type Proposal, Proposals, toProposal } from './outcome/proposals.js';
import { canRetryHelp, maySendAgain, Resends } from './outcome/resends.js';
import { outcomeFailure, spanStatus, writeException } from './outcome/span-status.js';
import type { Status } from './outcome/status.js';
import type { StepOptions } from './outcome/step-options.js';
import type { RunPart, StepHome } from './run-part.js';

/** Ten seconds past the longest Retry-After, a retry is not expected any more. */
const RETRY_GRACE_MILLIS = 10_000;

/** One step as it is recorded: everything is kept beside the span until it settles. */
export class StepRecording implements AttemptOwner, SpanOwner, RunPart, Deadline {
  readonly id = crypto.randomUUID();
  readonly number: number;
  readonly home: StepHome;
  readonly capturing: CaptureSettings;
  readonly log: AttemptLog;
  /** Whether no code said that here is a step: its outcome is what the wire says. */
  readonly implicit: boolean;
  bucket?: Bucket | undefined;
  place?: number;
  readonly #managed: ManagedSpan;
  readonly #options: StepOptions;
  readonly #startedAt: number;
  /** What its span began with: samplers look at it. */
  readonly #begun: Attributes;
  readonly #name: string;
  readonly #tool: Span | undefined;
  /** What is open or in flight, in the order in which it began. */
  #pending: Pending[] = [];
  /** Those of them of which only a refused body is open. */
  #refused: PendingAttempt[] = [];
  readonly #proposals = new Proposals();
  readonly #resends: Resends;
  #lastEnding: AttemptEnd | undefined;
  #retryAfterMillis = 0;
  #signOfLife = performance.now();
  #settling = false;
  #settled = false;

  constructor(
    home: StepHome,
    options: StepOptions,
    ctx: Context,
    implicit: boolean,
    begun?: { startedAt: number; log: AttemptLog; resends: Resends },
  ) {
    this.home = home;
    this.capturing = capturingIn(ctx, home.capturing);
    this.#tool = toolOf(ctx);
    this.implicit = implicit;
    this.#options = options;
    this.number = home.nextStepNumber();
    this.log = begun?.log ?? new AttemptLog(this.capturing);
    this.#startedAt = begun?.startedAt ?? home.now();
    this.#resends = begun?.resends ?? new Resends();
    const { provider, model } = options;
    const operation = options.operation || 'chat';
    const known: Attributes = { [names.GEN_AI_OPERATION_NAME]: operation };
    if (provider) known[names.GEN_AI_PROVIDER_NAME] = provider;
    if (model) known[names.GEN_AI_REQUEST_MODEL] = model;
    const attributes = keepValues(known, this.capturing);
    attributes[names.STEP_NUMBER] = this.number;
    this.#begun = attributes;
    this.#name = spanName(attributes[names.GEN_AI_OPERATION_NAME], attributes[names.GEN_AI_REQUEST_MODEL]);
    this.#managed = new ManagedSpan(
      this,
      home.id === undefined,
      home.tracer,
      this.#name,
      { kind: SpanKind.CLIENT, startTime: toHrTime(this.#startedAt), attributes },
      ctx,
    );
    if (this.#managed.isRecording) home.add(this);
    else this.#settling = this.#settled = true;
  }

  get span(): Span {
    return this.#managed.span;
  }

  /** Not so if the sampler drops it. */
  get isRecording(): boolean {
    return this.#managed.isRecording;
  }

  get settled(): boolean {
    return this.#settled;
  }

  get now(): Clock {
    return this.home.now;
  }

  get status(): Status {
    return this.#proposals.status;
  }

  /** How it stands, or ended. */
  get outcome(): Proposal | undefined {
    return this.#proposals.outcome;
  }

  /** When something in it ended last, in `performance.now()` time. */
  get signOfLife(): number {
    return this.#signOfLife;
  }

  /** Terminal, closed, and with nothing in flight: only held for better news. */
  get finished(): boolean {
    return this.#pending.length === 0 && this.status !== 'in_progress';
  }

  /** Whether it was begun in the same tool call as `ctx`, or likewise outside of any. Spans of other instrumentations do not count. */
  beganIn(ctx: Context): boolean {
    return this.#tool === toolOf(ctx);
  }

  /** How its last attempt ended, if none is in flight. */
  get lastEnding(): AttemptEnd | undefined {
    return this.#pending.length === 0 ? this.#lastEnding : undefined;
  }

  /** The attempt that was refused, if nothing but its body is open. */
  get openRefusal(): PendingAttempt | undefined {
    return this.#pending.length === this.#refused.length ? this.#refused.at(-1) : undefined;
  }

  contextFor(active: Context): Context {
    return trace.getSpan(active) === this.span ? active : trace.setSpan(active, this.span);
  }

  recall(outgoing: OutgoingRequest): ModelCall | undefined {
    return this.#resends.recall(outgoing);
  }

  begin(live: PendingAttempt): { number: number; resendCount: number } {
    this.concludeRefused(live.outgoing);
    const last = this.#lastEnding;
    // The client aborted that attempt itself, and asks again: its time had run out.
    if (last?.how === 'aborted' && last.beforeHeaders && maySendAgain(last.outgoing, live.outgoing)) {
      this.amend(asTimeout(last, undefined));
    }
    this.#pending.push(live);
    this.#changed();
    return { number: this.log.next(), resendCount: this.#resends.sent(live.outgoing) };
  }

  /** `options`: what its scope was told, if there is one. */
  end(live: PendingAttempt, ending: AttemptEnd, options: StepOptions = {}): void {
    // While the attempt is still in flight: as soon as it isn't, a step that has a status may settle.
    if (!this.#settled) this.propose(endingProposal(ending, options));
    this.record(live, ending);
  }

  /** Takes an attempt's end into the log; the scope that it belongs to proposes. */
  record(live: PendingAttempt, ending: AttemptEnd): void {
    if (this.#settled) {
      report('an attempt ended after its step had settled');
      return;
    }
    this.#take(ending);
    this.close(live);
  }

  /** Goes on with what was begun elsewhere: the attempt that ended last, and those in flight. */
  takeOver(last: AttemptEnd, inFlight: Iterable<PendingAttempt>): void {
    this.#pending.push(...inFlight);
    this.#take(last);
    this.propose(endingProposal(last, {}));
  }

  #take(ending: AttemptEnd): void {
    this.log.record(ending.attempt);
    this.#retryAfterMillis = Math.max(this.#retryAfterMillis, ending.retryAfterMillis ?? 0);
    if (!this.#lastEnding || ending.attempt.number >= this.#lastEnding.attempt.number) this.#lastEnding = ending;
    this.#resends.ended(ending);
    if (this.implicit && ending.how !== 'answered') this.home.mayBeRetried(this);
  }

  amend(ending: AttemptEnd): void {
    if (this.#settled) report('closing a body failed after its step had settled');
    else this.log.replace(ending.attempt.number, ending.attempt);
  }

  /** Something that is open begins. */
  open(pending: Pending): void {
    this.#pending.push(pending);
    this.#changed();
  }

  /** Something that was open, or in flight, is not any more. */
  close(pending: Pending): void {
    remove(this.#pending, pending);
    remove(this.#refused, pending as PendingAttempt);
    this.#signOfLife = performance.now();
    this.#changed(this.#signOfLife);
  }

  /** Whatever comes next does not wait for the body of a refused attempt to be read. */
  refused(live: PendingAttempt): void {
    this.#refused.push(live);
    if (this.implicit) this.home.mayBeRetried(this);
  }

  /** Ends the attempts of which only a refused body is open: all, or those that `retry` asks again for. */
  concludeRefused(retry?: OutgoingRequest): void {
    if (this.#refused.length === 0) return;
    for (const live of [...this.#refused]) if (!retry || maySendAgain(live.outgoing, retry)) live.giveUp();
  }

  propose(proposal: Proposal): void {
    if (this.#settled) {
      report('a status was proposed after its step had settled');
      return;
    }
    this.#proposals.propose(proposal);
    this.#changed();
  }

  /** Takes back what was presumed, unless there is more than that by now. Returns whether it did. */
  retract(proposal: Proposal): boolean {
    return !this.#settling && this.#proposals.retract(proposal);
  }

  proposeStatus(status: Status, details: FinishDetails | undefined): void {
    this.propose(toProposal(status, this.now(), details, this.#lastEnding));
  }

  patience(overAt: number, now: number): number {
    const { idleMillis } = this.capturing.limits;
    let idleSince = overAt;
    for (const pending of this.#pending) {
      const since = pending.idleSince();
      if (since === undefined) return Number.POSITIVE_INFINITY;
      idleSince = Math.max(idleSince, since);
    }
    if (this.finished && !this.#awaitsRetry()) return 0;
    idleSince = Math.max(idleSince, this.#signOfLife + this.#retryAfterMillis);
    return Math.max(0, idleSince + idleMillis - now);
  }

  /** Ends what is still open; what has no outcome by then is `interrupted`. */
  giveUp(): void {
    // The attempts before the scopes that they belong to.
    if (this.#pending.length > 0) for (const pending of [...this.#pending].reverse()) pending.giveUp();
    if (this.status === 'in_progress') this.proposeStatus('interrupted', undefined);
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

  /** A client that was refused or got no answer may ask again, if it is one of those that do. */
  #awaitsRetry(): boolean {
    const last = this.#lastEnding;
    if (!this.implicit || this.status !== 'error' || last?.how !== 'failed') return false;
    const { statusCode } = last.attempt;
    return statusCode === undefined || canRetryHelp(statusCode);
  }

  #changed(now?: number): void {
    if (this.#settling) return;
    if (!this.finished) {
      cancel(this);
      return;
    }
    const { completedHoldMillis, retryHoldMillis } = this.capturing.limits;
    const retryMillis = this.#retryAfterMillis > 0 ? this.#retryAfterMillis + RETRY_GRACE_MILLIS : 0;
    schedule(this, this.status === 'completed' ? completedHoldMillis : Math.max(retryHoldMillis, retryMillis), now);
    this.home.partChanged();
  }

  /** The outcome is written and the span ends. Once. */
  settle(): void {
    if (this.#settling) return;
    this.#settling = true;
    this.giveUp();
    this.#settled = true;
    cancel(this);
    const outcome = this.#proposals.outcome as Proposal;
    // At least the microsecond that each attempt's event needs for itself.
    const endedAt = Math.max(outcome.at, this.#startedAt + this.log.count / 1000);
    const { capturing } = this;
    const usage = merged(outcome.ending?.answer?.usage, outcome.usage) ?? {};
    const failure = outcomeFailure(outcome, capturing);
    const write = (span: Span) => {
      const to = this.#writeAttributes(outcome, usage);
      this.log.writeTo(span, to, this.#startedAt, endedAt);
      if (failure) {
        to.write(names.ERROR_TYPE, failure.type);
        writeException(span, failure, endedAt);
      }
      this.#proposals.writeHistory(span, endedAt, MAX_STATUS_UPDATES - Number(failure !== undefined), capturing);
      to.end();
    };
    this.#managed.end(write, spanStatus(outcome.status, failure), endedAt);
    this.home.takeIn(this, {
      outcome,
      stepCount: 1,
      attemptCount: this.log.count,
      failedAttemptCount: this.log.failedCount,
      usage,
      endpoint: this.log.endpoint(),
    });
  }

  /** What is known of the call that the outcome rests on; what the application said comes before what the wire says. */
  #writeAttributes(outcome: Proposal, usage: Usage): AttributeWriter {
    const { span, home, capturing } = this;
    const { answer, outgoing, attempt } = outcome.ending ?? {};
    const call = outcome.ending?.call ?? this.#lastEnding?.call;
    // What an implicit step began with was read from its first call, and another one may have won.
    const options = outcome.options ?? (this.implicit && call ? {} : this.#options);
    const request: ModelRequest = merged(call?.request, options.request) ?? {};
    const streaming = call?.streaming ?? request.stream;
    const response = merged(answer?.response, outcome.response) ?? {};
    const own = merged((outcome.options ?? this.#options).attributes, outcome.attributes);
    const others = merged(own, merged(response.extra, request.extra));
    const to = new AttributeWriter(span, this.#begun, others, capturing);
    const operation = to.keep(names.GEN_AI_OPERATION_NAME, options.operation || call?.operation || 'chat');
    to.keep(names.GEN_AI_PROVIDER_NAME, options.provider || call?.provider);
    to.keep(names.GEN_AI_CONVERSATION_ID, options.conversationId || home.conversationId);
    to.keep(names.USER_ID, options.userId);
    const model = to.keep(names.GEN_AI_REQUEST_MODEL, options.model || request.model);
    const name = spanName(operation, model);
    if (name !== this.#name) span.updateName(name);
    writeRequest(to, request);
    writeResponse(to, response);
    const server = outgoing && urlParts(capturing.redactUrl(outgoing.url.href));
    if (server) {
      to.write(names.SERVER_ADDRESS, server.address);
      to.write(names.SERVER_PORT, server.port);
    }
    to.write(names.STATUS, outcome.status);
    to.write(names.STEP_ID, this.id);
    if (streaming !== undefined) to.write(names.STEP_OPERATION, streaming ? 'stream' : 'generate');
    if (home.id) to.write(names.RUN_ID, home.id);
    const writer = contentWriter(capturing);
    if (writer) writeContent(to, request, response, writer);
    writeUsage(to, usage);
    const firstChunkMillis = streaming ? attempt?.timeToFirstChunkMillis : undefined;
    if (firstChunkMillis !== undefined) to.write(names.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK, firstChunkMillis / 1000);
    return to;
  }
}

function remove<T>(list: T[], item: T): void {
  const index = list.indexOf(item);
  if (index === list.length - 1) list.pop();
  else if (index >= 0) list.splice(index, 1);
}

/** `chat gpt-5` */
function spanName(operation: AttributeValue | undefined, model: AttributeValue | undefined): string {
  return model ? `${operation} ${model}` : String(operation);
}
