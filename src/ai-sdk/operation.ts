/**
 * One call of `generateText`, `streamText`, `generateObject`, `streamObject`, `embed` or `embedMany`, from its start to its end.
 *
 * The hooks decide the outcome of a step only if the wire does not: for a model that is not called through a recording fetch, or in a
 * format that runtrace does not read. No hook fires for a stream that its consumer cancels or does not read. Then the wire decides, or the
 * operation ends when it is idle for too long.
 */
import { type Context, context } from '@opentelemetry/api';
import type { CaptureSettings } from '../capture/levels.js';
import type { ModelRequest } from '../otel/genai.js';
import { openScope } from '../recorder/step-start.js';
import { type ActiveRun, capturingIn, stepOf, withStep } from '../spans/context.js';
import { isTimeout, lastTryOf } from '../spans/outcome/errors.js';
import { type Proposal, toProposal } from '../spans/outcome/proposals.js';
import type { TerminalStatus } from '../spans/outcome/status.js';
import type { StepOptions } from '../spans/outcome/step-options.js';
import { isStop } from '../spans/outcome/stops/is-stop.js';
import { isInOthersModelSpan } from '../spans/routing/others-model-span.js';
import type { RunPart } from '../spans/run-part.js';
import type { Activity } from '../spans/settle/idle.js';
import type { StepRecording } from '../spans/step.js';
import type { StepScope } from '../spans/step-scope.js';
import { guarded } from '../util/diagnostics.js';
import { AnnouncedCalls } from './announced-calls.js';
import { requestOf, stepOptionsOf } from './model-step.js';
import { contextHere, contextOf } from './operation-context.js';
import {
  type EmbedEndEvent,
  type EmbedStartEvent,
  type ModelCallEvent,
  type ObjectStepEndEvent,
  STREAMS,
  type StartEvent,
  type StepEndEvent,
  type StepStartEvent,
  type ToolEndEvent,
  type ToolEvent,
} from './operation-events.js';
import { failureOf } from './operation-failure.js';
import { recordAnswer } from './recorded-call.js';
import { ToolCalls } from './tool-calls.js';

const UNRECORDED = 'a call of the AI SDK could not be recorded';

export class Operation implements RunPart {
  readonly #start: StartEvent;
  readonly #streams: boolean;
  readonly #run: ActiveRun;
  /** Whether the run was begun for this operation alone. */
  readonly #own: boolean;
  /** The context in which it was called. */
  readonly #around: Context;
  /** The context of its model calls and tools. */
  readonly #inside: Context;
  readonly #onSettled: () => void;
  readonly #announced: AnnouncedCalls;
  readonly #tools: ToolCalls;
  #stepStart: StepStartEvent | undefined;
  /** The scope of the model call that began last. */
  #scope: StepScope | undefined;
  /** How many calls of models and tools have not returned. */
  #busy = 0;
  /** Whether a model call failed: the AI SDK retries it, or a hook tells that it gives up. */
  #failed = false;
  /** Whether a model call has begun. */
  #asked = false;
  /** The finish reason of the step before, until another step begins. */
  #lastReason: string | undefined;
  #signOfLife = performance.now();
  #ending: Proposal | undefined;
  #settled = false;

  constructor(start: StartEvent, run: ActiveRun, own: boolean, onSettled: () => void) {
    this.#start = start;
    this.#streams = STREAMS[start.operationId] === true;
    this.#run = run;
    this.#own = own;
    this.#onSettled = onSettled;
    this.#around = context.active();
    this.#inside = contextOf(start, run, own);
    this.#announced = new AnnouncedCalls(this.#around);
    this.#tools = new ToolCalls(run, this.#inside);
    const { recording } = run;
    recording.add(this);
    // No hook fires when the consumer of a stream leaves, so the run is over from the start, and settles when the operation is idle.
    if (own) recording.closeAs(this);
  }

  get finished(): boolean {
    return this.#ending !== undefined;
  }

  activities(): Activity[] {
    const { completedHoldMillis, idleMillis, retryHoldMillis } = this.#run.recording.capturing.limits;
    // A structured output is parsed after the hook for the end, and may fail.
    if (this.#ending) return [{ idleSince: this.#signOfLife, limitMillis: completedHoldMillis }];
    // The operation continues without its consumer.
    if (!this.#streams || !this.#asked || this.#busy > 0) return [{ idleSince: undefined, limitMillis: idleMillis }];
    const step = this.#scope?.step;
    const cancelled = step?.finished && step.status === 'interrupted';
    const isWaitedFor = this.#announced.size > 0 && this.#scope?.begun === false;
    const goesOn = this.#failed || this.#lastReason === 'tool-calls' || isWaitedFor;
    const limitMillis = cancelled ? completedHoldMillis : goesOn ? retryHoldMillis + idleMillis : idleMillis;
    return [{ idleSince: Math.max(this.#signOfLife, step?.lastActivityAt ?? 0), limitMillis }];
  }

  concludeRefused(): void {}

  settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#ending ??= this.#leftAlone();
    this.#announced.withdrawAll();
    this.#tools.leaveAlone();
    const nothing = { stepCount: 0, attemptCount: 0, failedAttemptCount: 0, usages: [], firstCompleted: undefined };
    this.#run.recording.partSettled(this, { ...nothing, outcome: this.#ending });
    this.#onSettled();
  }

  /** The operation was idle for too long. It is completed if its last step was. */
  #leftAlone(): Proposal {
    const step = this.#scope?.step;
    step?.settle();
    const wasLast = this.#lastReason !== undefined && this.#lastReason !== 'tool-calls';
    const completed = wasLast && step?.outcome?.status === 'completed';
    return toProposal(completed ? 'completed' : 'interrupted', step?.outcome?.at ?? this.#run.recording.now());
  }

  stepStarts(event: StepStartEvent): void {
    this.#alive();
    this.#scope?.returned(undefined);
    this.#scope = undefined;
    this.#stepStart = event;
  }

  /** Runs a model call. Its retries are attempts of the same step. */
  runModelCall<T>(event: ModelCallEvent, execute: () => PromiseLike<T>): PromiseLike<T> {
    const inside = guarded(UNRECORDED, () => this.#enterModelCall(event));
    if (!inside) return execute();
    this.#busy++;
    return context.with(inside, execute).then(
      (result) => {
        guarded(UNRECORDED, () => this.#modelAnswered(result));
        return result;
      },
      (error) => {
        this.#busy--;
        this.#failed = true;
        throw error;
      },
    );
  }

  stepEnded({ finishReason }: StepEndEvent): void {
    this.#alive();
    this.#scope?.returned(undefined);
    this.#lastReason = finishReason;
  }

  stepFailed(error: unknown): void {
    this.#alive();
    this.#scope?.threw(lastTryOf(error));
    // This may be the last hook that fires for a stream that fails.
    if (this.#streams) this.#end('error', error);
  }

  /** `generateObject` or `streamObject` begins its only step. */
  objectStepStarts(event: StepStartEvent): void {
    this.#begins();
    this.#stepStart = event;
    const { modelId } = this.#start;
    const request = { ...this.#request({ ...this.#start, prompt: event.promptMessages }), outputType: 'json' };
    this.#announced.objectStarts(modelId, () => this.#announce(modelId, { operation: 'chat', request }));
  }

  objectStepEnded(event: ObjectStepEndEvent): void {
    this.#alive();
    this.#announced.objectEnded(event);
  }

  embedStarts(event: EmbedStartEvent): void {
    this.#begins();
    const isOne = this.#start.operationId === 'ai.embed';
    const options: StepOptions = { operation: 'embeddings', request: { stream: false } };
    this.#announced.embedStarts(event, isOne, () => this.#announce(event.modelId, options));
  }

  embedEnded(event: EmbedEndEvent): void {
    this.#alive();
    this.#announced.embedEnded(event);
  }

  /** Runs a tool, in a span of its own unless another instrumentation has made one. */
  runTool<T>(event: ToolEvent, execute: () => PromiseLike<T>): PromiseLike<T> {
    if (this.#tools.has(event)) return execute();
    const inside = guarded(UNRECORDED, () => this.#tools.begin(event) ?? contextHere(this.#start, this.#run));
    if (!inside) return execute();
    this.#busy++;
    const done = () => {
      this.#busy--;
      this.#signOfLife = performance.now();
    };
    const result = context.with(inside, execute);
    result.then(done, done);
    return result;
  }

  toolEnded(event: ToolEndEvent): void {
    this.#alive();
    this.#tools.end(event);
  }

  ended(error: unknown): void {
    this.#scope?.returned(undefined);
    // A stream continues to its end after an error in it.
    const failed = error != null || this.#scope?.step.status === 'error';
    this.#end(failed ? 'error' : 'completed', error);
  }

  failed(thrown: unknown): void {
    const error = this.#scope?.reasonFor(thrown) ?? thrown;
    this.#scope?.threw(lastTryOf(error));
    this.#announced.threw(lastTryOf(error));
    const stopped = isStop(error, this.#run.recording) || this.#scope?.step.status === 'interrupted';
    const interrupted = !isTimeout(error) && stopped;
    this.#end(interrupted ? 'interrupted' : 'error', error);
  }

  aborted(reason: unknown): void {
    const scope = this.#scope;
    const timedOut = isTimeout(reason);
    if (scope?.isRunning || (timedOut && scope?.step.status === 'interrupted')) {
      scope.finish(timedOut ? 'error' : 'interrupted', timedOut ? { error: reason } : {});
      scope.returned(undefined);
    }
    this.#end(timedOut ? 'error' : 'interrupted', reason);
  }

  #end(status: TerminalStatus, error: unknown): void {
    this.#alive();
    const failure = status === 'error' ? failureOf(this.#scope?.step, error, this.#capturing) : undefined;
    this.#ending = { ...toProposal(status, this.#run.recording.now()), failure };
    const mayStillFail = status === 'completed' && this.#start.output != null;
    if (this.#own && mayStillFail) this.#run.recording.partChanged();
    else this.settle();
  }

  get #capturing(): CaptureSettings {
    return capturingIn(this.#inside, this.#run.recording.capturing);
  }

  #alive(): void {
    this.#signOfLife = performance.now();
    this.#failed = false;
  }

  /** A model call begins. */
  #begins(): void {
    this.#alive();
    this.#asked = true;
    this.#lastReason = undefined;
  }

  #enterModelCall(event: ModelCallEvent): Context {
    this.#begins();
    const active = context.active();
    if (isInOthersModelSpan(active)) return contextHere(this.#start, this.#run);
    const around = stepOf(this.#inside);
    if (around && !around.step.settled) return this.#inside;
    if (this.#scope?.isRunning) return withStep(this.#inside, this.#scope);
    const request = this.#request({ ...event, prompt: this.#stepStart?.promptMessages });
    // The AI SDK retries a stream that failed.
    const earlier = this.#scope?.step.settled ? undefined : this.#scope?.step;
    const { provider = this.#start.provider, modelId = this.#start.modelId } = event;
    const { scope, inside } = this.#open({ operation: 'chat', request }, provider, modelId, earlier);
    this.#scope = scope;
    return inside;
  }

  #request(call: object): ModelRequest {
    return requestOf(this.#start, call, this.#capturing.messages);
  }

  #open(options: StepOptions, provider: string, model: string, earlier?: StepRecording) {
    const stepOptions = stepOptionsOf(this.#start, this.#stepStart, options, provider, model);
    return openScope(this.#run, stepOptions, { ctx: this.#inside, strict: true, earlier });
  }

  /** Opens the scope of a call that is announced; `undefined` inside an explicit step. */
  #announce(model: string, options: StepOptions): StepScope | undefined {
    const around = stepOf(this.#inside);
    if (around && !around.step.settled) return undefined;
    const { scope } = this.#open(options, this.#start.provider, model);
    if (scope) this.#scope = scope;
    return scope;
  }

  /** A model call has returned. If it returned a stream, that goes on. */
  #modelAnswered(result: unknown): void {
    this.#busy--;
    this.#alive();
    if (this.#scope?.isRunning) recordAnswer(this.#scope, result, this.#streams);
  }
}
