import { context } from '@opentelemetry/api';
import * as names from '../otel/names.js';
import { defaultRecorder } from '../recorder/default-recorder.js';
import type { Recorder } from '../recorder/recorder.js';
import { RunHandle } from '../recorder/run-handle.js';
import type { RunOptions } from '../recorder/run-options.js';
import { isOutside, runOf } from '../spans/context.js';
import { checkContext, forgetRun, hasContextManager } from '../spans/omissions/lost-context.js';
import { guarded } from '../util/diagnostics.js';
import { label, object } from '../util/json-fields.js';
import { checkObject, requireFunction, requireOptions } from '../util/validation.js';
import { Operation } from './operation.js';
import {
  type EmbedEndEvent,
  type EmbedStartEvent,
  isRecordedOperation,
  type ModelCallEvent,
  type ObjectStepEndEvent,
  type OperationEvent,
  type StartEvent,
  type StepEndEvent,
  type StepStartEvent,
  type ToolEndEvent,
  type ToolEvent,
} from './operation-events.js';

/** The operation that a run is begun for. */
export interface AiSdkOperation {
  /** `generateText`, `streamText`, `generateObject`, `streamObject`, `embed` or `embedMany`. */
  readonly name: string;
  /** `telemetry.functionId` of the call. */
  readonly functionId: string | undefined;
  /** The AI SDK's name of the provider: `openai.chat`… */
  readonly provider: string;
  readonly modelId: string;
  /** The properties of the call's `runtimeContext` that `telemetry.includeRuntimeContext` names. */
  readonly runtimeContext: Readonly<Record<string, unknown>>;
}

/** Options of {@link runtraceTelemetry}. */
export interface RuntraceTelemetryOptions {
  /** Begins a run for an operation outside of any run. Default: the default recorder, which `run` and `step` of this package use. */
  recorder?: Recorder | undefined;
  /**
   * Returns the options of the run for an operation outside of any run; `undefined` for no run. If it throws, the operation is not recorded.
   *
   * Default: `kind` is the `functionId`, else the operation's name; `conversationId` and `userId` come from the runtime context, if the call
   * includes them.
   *
   * @example
   * run: ({ functionId = 'chat', runtimeContext }) => ({ kind: functionId, userId: String(runtimeContext.user) })
   */
  run?: (operation: AiSdkOperation) => RunOptions | undefined;
}

/** The hooks for AI SDK 7's `registerTelemetry`. They only record, and never throw. */
export interface RuntraceTelemetry {
  onStart(event: StartEvent): void;
  onStepStart(event: StepStartEvent): void;
  onStepEnd(event: StepEndEvent): void;
  onStepError(event: OperationEvent & { readonly error: unknown }): void;
  onObjectStepStart(event: StepStartEvent): void;
  onObjectStepEnd(event: ObjectStepEndEvent): void;
  onEmbedStart(event: EmbedStartEvent): void;
  onEmbedEnd(event: EmbedEndEvent): void;
  onToolExecutionEnd(event: ToolEndEvent): void;
  onEnd(event: OperationEvent): void;
  onAbort(event: OperationEvent & { readonly reason?: unknown }): void;
  onError(event: unknown): void;
  executeLanguageModelCall<T>(event: ModelCallEvent & { execute: () => PromiseLike<T> }): PromiseLike<T>;
  executeTool<T>(event: ToolEvent & { execute: () => PromiseLike<T> }): PromiseLike<T>;
}

/**
 * Records the operations of the AI SDK 7. An operation belongs to the run around it, or gets a run of its own. Each model call of its tool
 * loop is a step, with its retries (`maxRetries`). Tools are `execute_tool` spans. An operation also ends if its stream is not read.
 *
 * Attempts are recorded if the provider is made with `fetch: recordingFetch`, or with `runtrace/register`. Otherwise a step has only the
 * facts that the AI SDK reports.
 *
 * Beside `@ai-sdk/otel`, in any order, attempts go on the `chat` spans of that package, and its calls and tools get no second span. Its spans
 * of embeddings, `generateObject` and `streamObject` are never active, so these calls get a step besides. If a call is given both in
 * `telemetry.integrations`, list runtrace's first.
 *
 * `recordInputs: false` or `recordOutputs: false` of a call keep all content out of its steps, bodies included. Throws a `TypeError` for a
 * bad option.
 *
 * @example
 * registerTelemetry(runtraceTelemetry());
 * const openai = createOpenAI({ fetch: recordingFetch });
 */
export function runtraceTelemetry(options: RuntraceTelemetryOptions = {}): RuntraceTelemetry {
  requireOptions(options, 'options', ['recorder', 'run']);
  checkObject(options.recorder, 'options.recorder');
  if (options.run !== undefined) requireFunction(options.run, 'options.run');
  const { recorder = defaultRecorder(), run: runOptionsOf = defaultRunOptions } = options;
  const operations = new Map<string, Operation>();

  function begin(start: StartEvent): void {
    const { callId } = start;
    const recorded = recordedBy(recorder);
    if (!isRecordedOperation(start) || recorded.has(callId)) return;
    const active = context.active();
    const around = runOf(active);
    const isAround = around !== undefined && !around.recording.settled;
    if (!around && !isOutside(active)) return;
    checkContext(active);
    const run = isAround ? around : beginRun(recorder, runOptionsOf, start);
    if (!run) return;
    recorded.add(callId);
    const onSettled = () => {
      operations.delete(callId);
      recorded.delete(callId);
    };
    operations.set(callId, new Operation(start, run, !isAround, onSettled));
  }

  function on<Event extends OperationEvent>(tell: (operation: Operation, event: Event) => void) {
    return (event: Event): void => {
      guarded(UNRECORDED, () => {
        const operation = operations.get(event.callId);
        if (operation) tell(operation, event);
      });
    };
  }

  const telemetry: RuntraceTelemetry = {
    onStart: (event) =>
      void guarded(UNRECORDED, () => {
        standFirst(telemetry);
        begin(event);
      }),
    onStepStart: on((operation, event) => operation.stepStarts(event)),
    onStepEnd: on((operation, event) => operation.stepEnded(event)),
    onStepError: on((operation, { error }) => operation.stepFailed(error)),
    onObjectStepStart: on((operation, event) => operation.objectStepStarts(event)),
    onObjectStepEnd: on((operation, event) => operation.objectStepEnded(event)),
    onEmbedStart: on((operation, event) => operation.embedStarts(event)),
    onEmbedEnd: on((operation, event) => operation.embedEnded(event)),
    onToolExecutionEnd: on((operation, event) => operation.toolEnded(event)),
    // It has an error if a structured output could not be parsed.
    onEnd: on((operation, event: OperationEvent & { readonly error?: unknown }) => operation.ended(event.error)),
    onAbort: on((operation, { reason }) => operation.aborted(reason)),
    onError: on((operation, event: OperationEvent & { readonly error?: unknown }) =>
      operation.failed(event.error),
    ) as RuntraceTelemetry['onError'],
    executeLanguageModelCall({ execute, ...event }) {
      const operation = operations.get(event.callId);
      return operation ? operation.runModelCall(event, execute) : execute();
    },
    executeTool({ execute, ...event }) {
      const operation = operations.get(event.callId);
      return operation ? operation.runTool(event, execute) : execute();
    },
  };
  queueMicrotask(() => standFirst(telemetry));
  return telemetry;
}

const callsOf = new WeakMap<Recorder, Set<string>>();

/** The ids of the operations in progress, so that telemetry which is registered twice (a module that is reloaded) records each once. */
function recordedBy(recorder: Recorder): Set<string> {
  const known = callsOf.get(recorder) ?? new Set();
  callsOf.set(recorder, known);
  return known;
}

/**
 * Moves runtrace's telemetry to the front. The AI SDK calls the model through all integrations, and the first is the innermost: only there
 * are the spans of the others active. Applications register it in the turn in which they make it.
 */
function standFirst(telemetry: RuntraceTelemetry): void {
  const { AI_SDK_TELEMETRY_INTEGRATIONS: registered } = globalThis as { AI_SDK_TELEMETRY_INTEGRATIONS?: unknown[] };
  const position = Array.isArray(registered) ? registered.indexOf(telemetry) : -1;
  if (position > 0) registered?.unshift(...registered.splice(position, 1));
}

const UNRECORDED = 'an operation of the AI SDK could not be recorded';

/** Begins a run for an operation outside of any run; `undefined` if it is not recorded. */
function beginRun(
  recorder: Recorder,
  runOptionsOf: (operation: AiSdkOperation) => RunOptions | undefined,
  { operationId, functionId, provider, modelId, runtimeContext }: StartEvent,
): RunHandle | undefined {
  const name = operationId.replace(/^ai\./, '');
  const options = runOptionsOf({ name, functionId, provider, modelId, runtimeContext: object(runtimeContext) ?? {} });
  if (!options) return undefined;
  const attributes = { ...options.attributes, [names.AI_SDK_OPERATION_ID]: operationId };
  const run = recorder.startRun({
    ...options,
    attributes: functionId === undefined ? attributes : { ...attributes, [names.AI_SDK_FUNCTION_ID]: functionId },
  });
  if (!(run instanceof RunHandle)) return undefined;
  // The operation calls the model in a context with the run.
  if (hasContextManager()) forgetRun(run.recording);
  return run;
}

function defaultRunOptions({ name, functionId, runtimeContext }: AiSdkOperation): RunOptions {
  const options: RunOptions = { kind: functionId || name };
  const conversationId = label(runtimeContext.conversationId);
  const userId = label(runtimeContext.userId);
  if (conversationId !== undefined) options.conversationId = conversationId;
  if (userId !== undefined) options.userId = userId;
  return options;
}
