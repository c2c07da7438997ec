/** The events of the AI SDK's telemetry hooks, as far as runtrace reads them. Source: `Telemetry` of `ai` 7. */

/** The property that every event has. */
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
  /** Set if the operation is reported after it happened, by a durable run that spanned several processes. */
  readonly timestamp?: number | undefined;
}

/** The event of `onStepStart` and of `onObjectStepStart`. */
export interface StepStartEvent extends OperationEvent {
  readonly stepNumber: number;
  readonly promptMessages?: unknown;
}

/** The event of `executeLanguageModelCall`; it has properties of `onLanguageModelCallStart`'s. */
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

/** The operations that are recorded, and whether the result is a stream. */
export const STREAMS: Readonly<Record<string, boolean>> = {
  'ai.generateText': false,
  'ai.streamText': true,
  'ai.generateObject': false,
  'ai.streamObject': true,
  'ai.embed': false,
  'ai.embedMany': false,
};

/** Whether an operation is recorded. One that is reported after it happened is not. */
export function isRecordedOperation({ operationId, timestamp }: StartEvent): boolean {
  return Object.hasOwn(STREAMS, operationId) && timestamp === undefined;
}
