/**
 * One call of `generateText`, `streamText`, `generateObject`, `streamObject`, `embed` or `embedMany`, from its start to its end.
 *
 * What its hooks say counts where nobody else knows: for models that are not asked through a recording fetch, or in a protocol that can't be
 * read. Otherwise what was seen on the wire counts, as for every implicit step. No hook at all tells of a stream that its consumer cancels,
 * or doesn't read: then the wire does, or that nothing shows a sign of life any more.
 */
import { type Attributes, type Context, context, trace } from '@opentelemetry/api';
import type { CaptureSettings } from '../capture/levels.js';
import type { ModelRequest } from '../otel/genai.js';
import * as names from '../otel/names.js';
import { ModelAnswer, readCall, readUsage } from '../providers/formats/ai-sdk-model.js';
import { providerOfAiSdk } from '../providers/provider-names.js';
import { openScope } from '../recorder/step-start.js';
import {
  type ActiveRun,
  capturingIn,
  contextIn,
  runOf,
  stepOf,
  withCapturing,
  withRun,
  withStep,
} from '../spans/context.js';
import { describeFailure, type Failure, isTimeout } from '../spans/outcome/errors.js';
import { type Proposal, toProposal } from '../spans/outcome/proposals.js';
import type { TerminalStatus } from '../spans/outcome/status.js';
import type { StepOptions } from '../spans/outcome/step-options.js';
import { isStop } from '../spans/outcome/stops.js';
import { expectCall } from '../spans/routing/expected-calls.js';
import { isInOthersModelSpan } from '../spans/routing/others-model-span.js';
import type { RunPart } from '../spans/run-part.js';
import type { Activity } from '../spans/settle/idle.js';
import type { StepRecording } from '../spans/step.js';
import type { StepScope } from '../spans/step-scope.js';
import { isInOthersToolSpan, type OpenTool, openTool } from '../spans/tool.js';
import { guarded } from '../util/diagnostics.js';
import { label, object } from '../util/json-fields.js';
import { recordAnswer } from './recorded-call.js';

/** What every event of an operation says. */
export interface OperationEvent {
  readonly callId: string;
}

/** The event of `onStart`. */
export interface StartEvent extends OperationEvent {
  /** `ai.generateText`… */
  readonly operationId: string;
  readonly provider: string;
  readonly modelId: string;
  readonly functionId?: string | undefined;
  readonly runtimeContext?: unknown;
  readonly recordInputs?: boolean | undefined;
  readonly recordOutputs?: boolean | undefined;
  /** The specification of a structured output. */
  readonly output?: unknown;
  /** Given where it is reported after it happened, by a durable run that spanned several processes. */
  readonly timestamp?: number | undefined;
}

/** The event of `onStepStart` and of `onObjectStepStart`. */
export interface StepStartEvent extends OperationEvent {
  readonly stepNumber: number;
  readonly promptMessages?: unknown;
}

/** The event of `executeLanguageModelCall`: that of `onLanguageModelCallStart`, as far as it is there. */
export interface ModelCallEvent extends OperationEvent {
  readonly provider?: string;
  readonly modelId?: string;
}

/** The event of `onStepEnd`. */
export interface StepEndEvent extends OperationEvent {
  readonly finishReason: string;
}

/** The event of `onObjectStepEnd`. */
export interface ObjectStepEndEvent extends OperationEvent {
  readonly objectText: string;
  readonly finishReason: unknown;
  readonly usage: unknown;
  readonly response: unknown;
}

/** The event of `onEmbedStart`. */
export interface EmbedStartEvent extends OperationEvent {
  readonly embedCallId: string;
  readonly modelId: string;
  readonly values: readonly string[];
}

/** The event of `onEmbedEnd`. */
export interface EmbedEndEvent extends OperationEvent {
  readonly embedCallId: string;
  readonly usage: unknown;
}

/** The event of `executeTool`. */
export interface ToolEvent extends OperationEvent {
  readonly toolCallId: string;
  readonly toolCall?: { readonly toolName: string; readonly input?: unknown };
}

/** The event of `onToolExecutionEnd`. */
export interface ToolEndEvent extends OperationEvent {
  readonly toolCall: { readonly toolCallId: string };
  readonly toolOutput: { readonly type: string; readonly output?: unknown; readonly error?: unknown };
}

const UNRECORDED = 'a call of the AI SDK could not be recorded';

/** Whether what an operation gives is a stream; the others are not recorded. */
const STREAMS: Readonly<Record<string, boolean>> = {
  'ai.generateText': false,
  'ai.streamText': true,
  'ai.generateObject': false,
  'ai.streamObject': true,
  'ai.embed': false,
  'ai.embedMany': false,
};

/** Whether such an operation is recorded, while it goes on. */
export function isRecordedOperation({ operationId, timestamp }: StartEvent): boolean {
  return Object.hasOwn(STREAMS, operationId) && timestamp === undefined;
}

/** A model call of which no context tells where it belongs: its `fetch` is called in the application's. */
interface ExpectedCall {
  readonly scope: StepScope;
  readonly withdraw: () => void;
  /** What is embedded. */
  readonly values: readonly string[];
}

export class Operation implements RunPart {
  readonly #start: StartEvent;
  readonly #streams: boolean;
  readonly #run: ActiveRun;
  /** Whether the run is of its making, and no more than it. */
  readonly #own: boolean;
  /** Where it was called. */
  readonly #around: Context;
  /** Where its model calls and tools run. */
  readonly #inside: Context;
  readonly #onSettled: () => void;
  readonly #announced = new Map<string, ExpectedCall>();
  readonly #tools = new Map<string, OpenTool>();
  #stepStart: StepStartEvent | undefined;
  /** Of the model call that began last. */
  #scope: StepScope | undefined;
  /** Calls of the model and of tools that have not returned. */
  #busy = 0;
  /** A call of the model failed: it is tried again, or a hook says that it isn't. */
  #failed = false;
  /** Whether any call of the model has begun. */
  #asked = false;
  /** Why the step before stopped, if no other one has begun. */
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
    const inside = own ? withRun(this.#around, run) : contextIn(run, this.#around);
    const { recording } = run;
    const isPrivate = start.recordInputs === false || start.recordOutputs === false;
    this.#inside = isPrivate
      ? withCapturing(inside, { ...capturingIn(inside, recording.capturing), content: false, messages: false })
      : inside;
    recording.add(this);
    // Nobody says when the consumer of a stream is gone, so it is over from the start, and settles when nothing is alive any more.
    if (own) recording.closeAs(this);
  }

  get finished(): boolean {
    return this.#ending !== undefined;
  }

  activities(): Activity[] {
    const { completedHoldMillis, idleMillis, retryHoldMillis } = this.#run.recording.capturing.limits;
    // A structured output is parsed after the end was told, and may fail.
    if (this.#ending) return [{ idleSince: this.#signOfLife, limitMillis: completedHoldMillis }];
    // It goes on by itself, whatever the consumer does.
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
    for (const { withdraw } of this.#announced.values()) withdraw();
    for (const tool of this.#tools.values()) tool.end({ leftAlone: true });
    const nothing = { stepCount: 0, attemptCount: 0, failedAttemptCount: 0, usage: {}, endpoint: undefined };
    this.#run.recording.partSettled(this, { ...nothing, outcome: this.#ending });
    this.#onSettled();
  }

  /** Nobody reads its stream any more. If that was all there, it was read. */
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

  /** Runs a call of the model, each time that it is tried, as attempts of one step. */
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
    this.#scope?.threw(causeOf(error));
    // Of a stream that fails it may be the last thing that is told.
    if (this.#streams) this.#end('error', error);
  }

  /** The only step of a structured output of its own kind. */
  objectStepStarts(event: StepStartEvent): void {
    this.#alive();
    this.#stepStart = event;
    const { modelId } = this.#start;
    const request = { ...this.#request({ ...this.#start, prompt: event.promptMessages }), outputType: 'json' };
    this.#expectCall('', modelId, [], { operation: 'chat', request });
  }

  objectStepEnded({ objectText, ...answer }: ObjectStepEndEvent): void {
    this.#alive();
    const call = this.#withdraw('');
    if (call) this.#answered(call.scope, { ...answer, content: [{ type: 'text', text: objectText }] });
  }

  /** Told before each try. */
  embedStarts({ embedCallId, modelId, values }: EmbedStartEvent): void {
    this.#alive();
    for (const [id, call] of this.#announced) {
      if (!call.scope.awaitsRetry || !this.#isSameEmbedding(call, values)) continue;
      this.#announced.delete(id);
      this.#announced.set(embedCallId, call);
      return;
    }
    this.#expectCall(embedCallId, modelId, values, { operation: 'embeddings', request: { stream: false } });
  }

  /** Where inputs are not to be recorded, all look alike. */
  #isSameEmbedding({ scope, values: before }: ExpectedCall, values: readonly string[]): boolean {
    if (this.#start.operationId === 'ai.embed') return true;
    const isSame = before.length === values.length && before.every((value, index) => value === values[index]);
    return isSame && (values.length > 0 || scope.begun);
  }

  embedEnded({ embedCallId, usage }: EmbedEndEvent): void {
    this.#alive();
    const scope = this.#withdraw(embedCallId)?.scope;
    if (!scope) return;
    if (!scope.understood) scope.finish('completed', { usage: readUsage(usage) });
    scope.returned(undefined);
  }

  /** Runs a tool in a span of its own, unless somebody else has made one. */
  runTool<T>({ toolCallId, toolCall }: ToolEvent, execute: () => PromiseLike<T>): PromiseLike<T> {
    if (this.#tools.has(toolCallId)) return execute();
    const inside = guarded(UNRECORDED, () => {
      const active = context.active();
      if (isInOthersToolSpan(active)) return this.#withRun(active);
      const options = { name: toolCall?.toolName ?? 'unknown', callId: toolCallId, type: 'function' };
      const tool = openTool({ ...options, arguments: toolCall?.input }, this.#run, this.#inside);
      this.#tools.set(toolCallId, tool);
      return tool.inside;
    });
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

  toolEnded({ toolCall, toolOutput }: ToolEndEvent): void {
    this.#alive();
    const { toolCallId } = toolCall;
    const { type, output, error } = toolOutput;
    this.#tools.get(toolCallId)?.end(type === 'tool-error' ? { error } : { value: output });
    this.#tools.delete(toolCallId);
  }

  ended(error: unknown): void {
    this.#scope?.returned(undefined);
    // A stream goes on to its end after an error in it.
    const failed = error != null || this.#scope?.step.status === 'error';
    this.#end(failed ? 'error' : 'completed', error);
  }

  failed(thrown: unknown): void {
    const error = this.#scope?.reasonFor(thrown) ?? thrown;
    this.#scope?.threw(causeOf(error));
    for (const { scope } of this.#announced.values()) scope.threw(causeOf(error));
    const stopped = isStop(error, this.#run.recording) || this.#scope?.step.status === 'interrupted';
    const interrupted = !isTimeout(error) && stopped;
    this.#end(interrupted ? 'interrupted' : 'error', error);
  }

  aborted(reason: unknown): void {
    const scope = this.#scope;
    const timedOut = isTimeout(reason);
    if (scope?.isOpen || (timedOut && scope?.step.status === 'interrupted')) {
      scope.finish(timedOut ? 'error' : 'interrupted', timedOut ? { error: reason } : {});
      scope.returned(undefined);
    }
    this.#end(timedOut ? 'error' : 'interrupted', reason);
  }

  #end(status: TerminalStatus, error: unknown): void {
    this.#alive();
    const failure = status === 'error' ? this.#failureOf(error) : undefined;
    this.#ending = { ...toProposal(status, this.#run.recording.now()), failure };
    const mayStillFail = status === 'completed' && this.#start.output != null;
    if (this.#own && mayStillFail) this.#run.recording.partChanged();
    else this.settle();
  }

  /** What its last step failed with; the error of the AI SDK tells less. */
  #failureOf(error: unknown): Failure {
    const outcome = this.#scope?.step.outcome;
    const failed = outcome?.status === 'error' ? outcome.failure : undefined;
    const failure = failed ?? describeFailure(causeOf(error));
    if (this.#capturing.content) return failure;
    const { message, stack, ...kept } = failure;
    return kept;
  }

  get #capturing(): CaptureSettings {
    return capturingIn(this.#inside, this.#run.recording.capturing);
  }

  #alive(): void {
    this.#signOfLife = performance.now();
    this.#failed = false;
  }

  /** A call of the model begins. */
  #begins(): void {
    this.#alive();
    this.#asked = true;
    this.#lastReason = undefined;
  }

  #enterModelCall(event: ModelCallEvent): Context {
    this.#begins();
    const active = context.active();
    if (isInOthersModelSpan(active)) return this.#withRun(active);
    const around = stepOf(this.#inside);
    if (around && !around.step.settled) return this.#inside;
    if (this.#scope?.isOpen) return withStep(this.#inside, this.#scope);
    const request = this.#request({ ...event, prompt: this.#stepStart?.promptMessages });
    // A stream that failed is asked for again.
    const earlier = this.#scope?.step.settled ? undefined : this.#scope?.step;
    const { provider = this.#start.provider, modelId = this.#start.modelId } = event;
    const { scope, inside } = this.#open({ operation: 'chat', request }, provider, modelId, earlier);
    this.#scope = scope;
    return inside;
  }

  /** `active` with the run in it, and the span as it is. */
  #withRun(active: Context): Context {
    if (runOf(active) === this.#run) return active;
    const span = trace.getSpan(active);
    const inside = withRun(active, this.#run);
    return span ? trace.setSpan(inside, span) : inside;
  }

  #request(call: object): ModelRequest {
    const request = readCall(call, this.#streams, this.#capturing.messages);
    if ((label(object(this.#start.output)?.name) ?? 'text') !== 'text') request.outputType = 'json';
    return request;
  }

  #open(
    options: StepOptions,
    provider: string,
    model: string,
    earlier?: StepRecording,
  ): { scope?: StepScope; inside: Context } {
    const stepOptions: StepOptions = { ...options, model, attributes: this.#attributes() };
    const name = providerOfAiSdk(provider);
    if (name !== undefined) stepOptions.provider = name;
    return openScope(this.#run, stepOptions, { ctx: this.#inside, strict: true, earlier });
  }

  #attributes(): Attributes {
    const { operationId, functionId, callId } = this.#start;
    const attributes: Attributes = { [names.AI_SDK_OPERATION_ID]: operationId, [names.AI_SDK_CALL_ID]: callId };
    if (functionId !== undefined) attributes[names.AI_SDK_FUNCTION_ID] = functionId;
    if (this.#stepStart) attributes[names.AI_SDK_STEP_NUMBER] = this.#stepStart.stepNumber;
    return attributes;
  }

  #expectCall(id: string, model: string, values: readonly string[], options: StepOptions): void {
    this.#begins();
    if (this.#announced.has(id)) return;
    const around = stepOf(this.#inside);
    if (around && !around.step.settled) return;
    const { scope } = this.#open(options, this.#start.provider, model);
    if (!scope) return;
    this.#scope = scope;
    this.#announced.set(id, { scope, values, withdraw: expectCall(this.#around, model, scope) });
  }

  #withdraw(id: string): ExpectedCall | undefined {
    const call = this.#announced.get(id);
    this.#announced.delete(id);
    call?.withdraw();
    return call;
  }

  /** The call of the model has returned; a stream goes on. */
  #modelAnswered(result: unknown): void {
    this.#busy--;
    this.#alive();
    if (this.#scope?.isOpen) recordAnswer(this.#scope, result, this.#streams);
  }

  /** What the hook of an operation tells whose calls can't be followed. */
  #answered(scope: StepScope, answer: Readonly<Record<string, unknown>>): void {
    if (!scope.understood) {
      const read = new ModelAnswer(scope.capturing.messages);
      read.whole(answer);
      const { details, complete, error } = read;
      if (complete) scope.finish('completed', details);
      else scope.finish('error', error === undefined ? details : { ...details, error });
    }
    scope.returned(undefined);
  }
}

/** The error that made the AI SDK give up, of those that it collected. */
function causeOf(error: unknown): unknown {
  return object(error)?.lastError ?? error;
}
