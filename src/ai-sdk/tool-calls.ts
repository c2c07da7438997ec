import { type Context, context } from '@opentelemetry/api';
import type { ActiveRun } from '../spans/context.js';
import { isInOthersToolSpan, ToolCall } from '../spans/tool.js';
import type { ToolEndEvent, ToolEvent } from './operation-events.js';

/** The tool calls of one operation. Each gets a span, unless another instrumentation has made one. */
export class ToolCalls {
  readonly #run: ActiveRun;
  readonly #inside: Context;
  readonly #open = new Map<string, ToolCall>();

  /** `inside`: the context of the operation. */
  constructor(run: ActiveRun, inside: Context) {
    this.#run = run;
    this.#inside = inside;
  }

  /** Whether this tool call is recorded already: the AI SDK calls every integration that is registered. */
  has({ toolCallId }: ToolEvent): boolean {
    return this.#open.has(toolCallId);
  }

  /** Begins the span of a tool call. Returns the context to run it in; `undefined` if another instrumentation has made its span. */
  begin({ toolCallId, toolCall }: ToolEvent): Context | undefined {
    if (isInOthersToolSpan(context.active())) return undefined;
    const options = { name: toolCall?.toolName ?? 'unknown', callId: toolCallId, type: 'function' };
    const tool = new ToolCall({ ...options, arguments: toolCall?.input }, this.#run.recording, this.#inside);
    this.#open.set(toolCallId, tool);
    return tool.inside;
  }

  end({ toolCall, toolOutput }: ToolEndEvent): void {
    const { toolCallId } = toolCall;
    const { type, output, error } = toolOutput;
    this.#open.get(toolCallId)?.end(type === 'tool-error' ? { error } : { value: output });
    this.#open.delete(toolCallId);
  }

  /** Ends the spans of which no hook told the end. */
  leaveAlone(): void {
    for (const tool of this.#open.values()) tool.end({ leftAlone: true });
  }
}
