import { context } from '@opentelemetry/api';
import * as names from '../otel/names.js';
import { defaultRecorder } from '../recorder/default-recorder.js';
import type { Recorder } from '../recorder/recorder.js';
import { RunHandle } from '../recorder/run-handle.js';
import type { RunOptions } from '../recorder/run-options.js';
import { isOutside, runOf } from '../spans/context.js';
import { guarded } from '../util/diagnostics.js';
import { label, object } from '../util/json-fields.js';
import { checkObject, requireFunction, requireObject } from '../util/validation.js';
import {
  type EmbedEndEvent,
  type EmbedStartEvent,
  isRecordedOperation,
  type ModelCallEvent,
  type ObjectStepEndEvent,
  Operation,
  type OperationEvent,
  type StartEvent,
  type StepEndEvent,
  type StepStartEvent,
  type ToolEndEvent,
  type ToolEvent,
} from './operation.js';

/** What a run is begun for. */
export interface AiSdkOperation {
  /** `generateText`, `streamText`, `generateObject`, `streamObject`, `embed` or `embedMany`. */
  readonly name: string;
  /** `telemetry.functionId` of the call. */
  readonly functionId: string | undefined;
  /** The AI SDK's name of the provider: `openai.chat`… */
  readonly provider: string;
  readonly modelId: string;
  /** Those properties of the call's `runtimeContext` that `telemetry.includeRuntimeContext` names. */
  readonly runtimeContext: Readonly<Record<string, unknown>>;
}

/** Options of {@link runtraceTelemetry}. */
export interface RuntraceTelemetryOptions {
  /** Begins the runs of operations that are in none. Default: the recorder that `run` and `step` of this package belong to. */
  recorder?: Recorder;
  /**
   * What the run of an operation that is in none is about; `undefined` for no run. If it throws, the operation is not recorded.
   *
   * Default: its kind is the `functionId`, else the operation's name; `conversationId` and `userId` are those of the runtime context, if the
   * call includes them.
   *
   * @example
   * run: ({ functionId = 'chat', runtimeContext }) => ({ kind: functionId, userId: String(runtimeContext.user) })
   */
  run?: (operation: AiSdkOperation) => RunOptions | undefined;
}

/** The hooks for AI SDK 7's `registerTelemetry`. They do nothing but record, and don't throw. */
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
 * Records what the AI SDK 7 does: each operation belongs to the run around it, or is a run of its own; each model call of its tool loop is a
 * step with all that `maxRetries` tries; tools are `execute_tool` spans. Whatever becomes of a stream, it ends.
 *
 * Attempts are seen where the provider is made with `fetch: recordingFetch` (or with `runtrace/register`); without it the steps are there, with
 * what the AI SDK says of them.
 *
 * Beside `@ai-sdk/otel`, in any order, attempts go on its `chat` spans, and no second span is made for them or for its tools. (Its spans of
 * embeddings, of `generateObject` and of `streamObject` are never active, so for these there is a step besides.) Where both are given to one call
 * as `telemetry.integrations`, it is to be the first.
 *
 * `recordInputs: false` or `recordOutputs: false` of a call keep all content of its steps out, bodies included. Throws a `TypeError` for a bad option.
 *
 * @example
 * registerTelemetry(runtraceTelemetry());
 * const openai = createOpenAI({ fetch: recordingFetch });
 */
export function runtraceTelemetry(options: RuntraceTelemetryOptions = {}): RuntraceTelemetry {
  requireObject(options, 'options');
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
    // A structured output of its own kind that could not be parsed.
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

/** The operations that go on, by their ids. Who is registered twice, as modules that are loaded anew do, records each once. */
function recordedBy(recorder: Recorder): Set<string> {
  const known = callsOf.get(recorder) ?? new Set();
  callsOf.set(recorder, known);
  return known;
}

/**
 * The AI SDK calls the model through its integrations, and the one that is listed first is the innermost: there the spans that the others
 * have made can be seen. It is registered at once after it is made, if at all.
 */
function standFirst(telemetry: RuntraceTelemetry): void {
  const { AI_SDK_TELEMETRY_INTEGRATIONS: registered } = globalThis as { AI_SDK_TELEMETRY_INTEGRATIONS?: unknown[] };
  const position = Array.isArray(registered) ? registered.indexOf(telemetry) : -1;
  if (position > 0) registered?.unshift(...registered.splice(position, 1));
}

const UNRECORDED = 'an operation of the AI SDK could not be recorded';

/** A run for an operation that is in none; `undefined` if it isn't recorded. */
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
  return run instanceof RunHandle ? run : undefined;
}

function defaultRunOptions({ name, functionId, runtimeContext }: AiSdkOperation): RunOptions {
  const options: RunOptions = { kind: functionId || name };
  const conversationId = label(runtimeContext.conversationId);
  const userId = label(runtimeContext.userId);
  if (conversationId !== undefined) options.conversationId = conversationId;
  if (userId !== undefined) options.userId = userId;
  return options;
}
