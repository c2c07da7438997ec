import { type Attributes, type Context, context, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { keptAttributes } from '../capture/captured-content.js';
import { contentJson } from '../capture/genai-writer.js';
import type { CaptureSettings } from '../capture/levels.js';
import { toHrTime } from '../otel/clock.js';
import * as names from '../otel/names.js';
import { readArguments } from '../providers/message-parts.js';
import { guarded, report } from '../util/diagnostics.js';
import {
  checkObject,
  checkString,
  copyGiven,
  requireFunction,
  requireOptions,
  requireString,
} from '../util/validation.js';
import { type ActiveRun, capturingIn, contextIn, inTraceOf, withoutStep, withTool } from './context.js';
import { checkContext } from './omissions/lost-context.js';
import { describeFailure, keptFailure } from './outcome/errors.js';
import { spanStatus, writeException } from './outcome/span-status.js';
import { isStop } from './outcome/stops/is-stop.js';
import { saysFailed, TOOL_ERROR } from './outcome/tool-answer.js';
import { type InProgress, progressed, type SpanSnapshot } from './progress/listener.js';
import { snapshotOf } from './progress/snapshot.js';
import type { RunRecording } from './run.js';
import { managedSpanOf } from './settle/managed-span.js';

/** The options of a tool call. */
export interface ToolOptions {
  /** The tool's name. */
  name: string;
  /** The id of the call, which the model made. */
  callId?: string | null | undefined;
  /** `function`, `extension` or `datastore`. */
  type?: string | null | undefined;
  /** What the tool does. */
  description?: string | null | undefined;
  /** The arguments that the model gave: a value, or JSON text as in `function.arguments` of OpenAI. Recorded only where content is captured. */
  arguments?: unknown;
  /** Further attributes, under their full names. Strings are redacted. */
  attributes?: Attributes | null | undefined;
}

/** Runs `fn` in an `execute_tool` span of the run around it, which `active` has. Without a run, it only runs `fn`. */
export function runTool<T>(
  run: ActiveRun | undefined,
  options: ToolOptions,
  fn: () => T | PromiseLike<T>,
  active: Context,
): Promise<T> {
  checkToolOptions(options);
  requireFunction(fn, 'fn');
  const call = async () => fn();
  if (!run) {
    checkContext(active);
    return call();
  }
  if (run.recording.settled) {
    report('a tool call was begun after its run had settled; it is not recorded');
    return call();
  }
  const ctx = contextIn(run, active);
  const tool = guarded(UNRECORDED, () => new ToolCall(options, run.recording, ctx));
  if (!tool) return context.with(withoutStep(ctx), call);
  return context.with(tool.inside, call).then(
    (value) => {
      guarded(UNRECORDED, () => tool.end({ value }));
      return value;
    },
    (error) => {
      guarded(UNRECORDED, () => tool.end({ error }));
      throw error;
    },
  );
}

const UNRECORDED = 'a tool call could not be recorded';

type ToolEnd = { value: unknown } | { error: unknown } | { leftAlone: true };

/** A tool call in progress, and its span. */
export class ToolCall implements InProgress {
  readonly span: Span;
  /** The context to run it in. */
  readonly inside: Context;
  readonly #recording: RunRecording;
  readonly #capturing: CaptureSettings;
  readonly #parent: Span | undefined;
  readonly #name: string;
  readonly #startedAt: number;
  readonly #attributes: Attributes;
  #endedAt: number | undefined;

  constructor(options: ToolOptions, recording: RunRecording, ctx: Context) {
    this.#recording = recording;
    this.#capturing = capturingIn(ctx, recording.capturing);
    this.#attributes = toolAttributes(options, this.#capturing);
    this.#name = `execute_tool ${this.#attributes[names.GEN_AI_TOOL_NAME]}`;
    this.#startedAt = recording.now();
    const { tracer } = recording;
    const { parent, links } = inTraceOf(recording.span, ctx);
    this.#parent = trace.getSpan(parent);
    const spanOptions = {
      kind: SpanKind.INTERNAL,
      startTime: toHrTime(this.#startedAt),
      attributes: this.#attributes,
      links,
    };
    this.span = tracer.startSpan(this.#name, spanOptions, parent);
    this.inside = withTool(ctx, this.span);
    if (this.span.isRecording()) progressed(this);
  }

  get hasEnded(): boolean {
    return this.#endedAt !== undefined;
  }

  end(end: ToolEnd): void {
    const isShown = this.span.isRecording();
    this.#endedAt = this.#recording.now();
    endTool(this.span, this.#capturing, this.#recording, end, this.#endedAt);
    if (isShown) progressed(this);
  }

  /** The tool call as it is now, for the local viewer. */
  snapshot(): SpanSnapshot {
    const beginning = {
      span: this.span,
      parent: this.#parent,
      name: this.#name,
      startedAt: this.#startedAt,
      attributes: this.#attributes,
    };
    return snapshotOf(beginning, [], this.hasEnded, this.#endedAt);
  }
}

/** Whether a tool span of another instrumentation is active. */
export function isInOthersToolSpan(active: Context): boolean {
  const span = trace.getSpan(active);
  if (!span?.isRecording() || managedSpanOf(span)) return false;
  const { attributes } = span as { attributes?: Record<string, unknown> };
  return (
    attributes?.[names.GEN_AI_OPERATION_NAME] === 'execute_tool' ||
    attributes?.[names.AI_OPERATION_ID] === 'ai.toolCall'
  );
}

const OPTIONS = ['name', 'callId', 'type', 'description', 'arguments', 'attributes'];

function checkToolOptions(options: unknown): void {
  const { name, callId, type, description, attributes } = requireOptions(options, 'options', OPTIONS);
  requireString(name, 'options.name');
  checkString(callId, 'options.callId');
  checkString(type, 'options.type');
  checkString(description, 'options.description');
  checkObject(attributes, 'options.attributes');
}

function toolAttributes(options: ToolOptions, capturing: CaptureSettings): Attributes {
  const known: Attributes = {
    ...copyGiven(options.attributes),
    [names.GEN_AI_OPERATION_NAME]: 'execute_tool',
    [names.GEN_AI_TOOL_NAME]: options.name,
  };
  if (options.callId) known[names.GEN_AI_TOOL_CALL_ID] = options.callId;
  if (options.type) known[names.GEN_AI_TOOL_TYPE] = options.type;
  if (options.description) known[names.GEN_AI_TOOL_DESCRIPTION] = options.description;
  const attributes = keptAttributes(known, capturing);
  const given = capturing.content && contentText(readArguments(options.arguments), capturing);
  if (given) attributes[names.GEN_AI_TOOL_CALL_ARGUMENTS] = given;
  return attributes;
}

function endTool(span: Span, capturing: CaptureSettings, recording: RunRecording, end: ToolEnd, endedAt: number): void {
  if ('value' in end) {
    const result = contentText(end.value, capturing);
    if (result !== undefined) span.setAttribute(names.GEN_AI_TOOL_CALL_RESULT, result);
    const isFailed = saysFailed(end.value);
    if (isFailed) span.setAttribute(names.ERROR_TYPE, TOOL_ERROR);
    span.setStatus(isFailed ? spanStatus('error', { type: TOOL_ERROR }) : { code: SpanStatusCode.OK });
  } else if ('error' in end && !isStop(end.error, recording)) {
    const failure = keptFailure(describeFailure(end.error), capturing);
    span.setAttribute(names.ERROR_TYPE, failure.type);
    writeException(span, failure, endedAt);
    span.setStatus(spanStatus('error', failure));
  }
  span.end(toHrTime(endedAt));
}

function contentText(value: unknown, { content, redactor, limits }: CaptureSettings): string | undefined {
  if (!content || value === undefined) return undefined;
  return contentJson(value, { redactor, maxBytes: limits.contentBytes });
}
