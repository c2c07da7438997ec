import type { Attributes, AttributeValue } from '@opentelemetry/api';
import { sendable } from './attribute-value.js';
import * as names from './attributes.js';
import { keptAttributes } from './capture.js';
import type { Redactor } from './redact/redactor.js';
import { report } from './report.js';

/**
 * A part of a message, in the shape of the GenAI semantic conventions.
 *
 * Source: open-telemetry/semantic-conventions-genai v0.1.0, the JSON schemas of input and output messages.
 */
export type MessagePart =
  | { type: 'text'; content: string }
  | { type: 'reasoning'; content: string }
  | { type: 'tool_call'; id?: string; name: string; arguments?: unknown }
  | { type: 'tool_call_response'; id?: string; response: unknown }
  | { type: 'blob'; modality: string; mime_type?: string; content: string }
  | { type: 'uri'; modality: string; mime_type?: string; uri: string }
  | { type: 'file'; modality: string; mime_type?: string; file_id: string }
  | { type: string; [key: string]: unknown };

/** A message, in the shape of the GenAI semantic conventions. */
export interface Message {
  role: string;
  parts: MessagePart[];
  name?: string;
  /** On an output message: why the model stopped. */
  finish_reason?: string;
}

/** What was asked of the model. Every field becomes an attribute; stop sequences, messages, system and tools only where content is captured. */
export interface ModelRequest {
  model?: string;
  /** Whether the answer was asked for as a stream; only `true` is written. */
  stream?: boolean;
  maxTokens?: number;
  temperature?: number;
  topP?: number;
  topK?: number;
  seed?: number;
  stopSequences?: string[];
  frequencyPenalty?: number;
  presencePenalty?: number;
  /** How many answers were asked for; only written if not 1. */
  choiceCount?: number;
  reasoningLevel?: string;
  previousResponseId?: string;
  /** `text`, `json`, `image` or `speech`. */
  outputType?: string;
  messages?: Message[];
  systemInstructions?: MessagePart[];
  toolDefinitions?: unknown[];
  /** Attributes of one provider, under their full names (`openai.api.type`). */
  extra?: Attributes;
}

/** What the model answered. Messages are only written where content is captured. */
export interface ModelResponse {
  id?: string;
  model?: string;
  finishReasons?: string[];
  messages?: Message[];
  /** Attributes of one provider, under their full names (`openai.response.service_tier`). */
  extra?: Attributes;
}

/** What the call cost, in tokens, by the conventions' sums. */
export interface Usage {
  /** All input tokens, those read from and written to a cache included. */
  inputTokens?: number;
  /** All output tokens, those of reasoning included. */
  outputTokens?: number;
  cacheReadTokens?: number;
  cacheWriteTokens?: number;
  reasoningTokens?: number;
}

/** Writes content as JSON: redacted, bounded. */
export interface ContentWriter {
  readonly redactor: Redactor;
  readonly maxBytes: number;
}

/** Adds the attributes of a request, without its content. */
export function addRequest(to: Attributes, request: ModelRequest): void {
  add(to, names.GEN_AI_REQUEST_MODEL, request.model);
  add(to, names.GEN_AI_REQUEST_STREAM, request.stream || undefined);
  add(to, names.GEN_AI_REQUEST_MAX_TOKENS, request.maxTokens);
  add(to, names.GEN_AI_REQUEST_TEMPERATURE, request.temperature);
  add(to, names.GEN_AI_REQUEST_TOP_P, request.topP);
  add(to, names.GEN_AI_REQUEST_TOP_K, request.topK);
  add(to, names.GEN_AI_REQUEST_SEED, request.seed);
  add(to, names.GEN_AI_REQUEST_FREQUENCY_PENALTY, request.frequencyPenalty);
  add(to, names.GEN_AI_REQUEST_PRESENCE_PENALTY, request.presencePenalty);
  add(to, names.GEN_AI_REQUEST_CHOICE_COUNT, request.choiceCount === 1 ? undefined : request.choiceCount);
  add(to, names.GEN_AI_REQUEST_REASONING_LEVEL, request.reasoningLevel);
  add(to, names.GEN_AI_REQUEST_PREVIOUS_RESPONSE_ID, request.previousResponseId);
  add(to, names.GEN_AI_OUTPUT_TYPE, request.outputType);
}

/** Adds the attributes of a response, without its content. */
export function addResponse(to: Attributes, response: ModelResponse): void {
  add(to, names.GEN_AI_RESPONSE_ID, response.id);
  add(to, names.GEN_AI_RESPONSE_MODEL, response.model);
  add(to, names.GEN_AI_RESPONSE_FINISH_REASONS, response.finishReasons?.length ? response.finishReasons : undefined);
}

/** Adds what was asked and answered. */
export function addContent(
  to: Attributes,
  request: ModelRequest,
  response: ModelResponse,
  writer: ContentWriter,
): void {
  // They are text, and often a name: `\nAlice:`.
  Object.assign(to, keptAttributes({ [names.GEN_AI_REQUEST_STOP_SEQUENCES]: request.stopSequences }, writer));
  add(to, names.GEN_AI_SYSTEM_INSTRUCTIONS, content(request.systemInstructions, writer));
  add(to, names.GEN_AI_INPUT_MESSAGES, content(request.messages, writer));
  add(to, names.GEN_AI_TOOL_DEFINITIONS, content(request.toolDefinitions, writer));
  add(to, names.GEN_AI_OUTPUT_MESSAGES, content(response.messages, writer));
}

const TOKENS = ['inputTokens', 'outputTokens', 'cacheReadTokens', 'cacheWriteTokens', 'reasoningTokens'] as const;

/** What of it are numbers: providers leave some out, or send `null`. */
export function usageOf(given: Usage | null | undefined): Usage | undefined {
  if (given == null) return undefined;
  const usage: Usage = {};
  for (const name of TOKENS) {
    const tokens = given[name];
    if (typeof tokens === 'number' && tokens >= 0 && tokens < Number.POSITIVE_INFINITY) usage[name] = tokens;
    else if (tokens != null) report('usage that is no number was left out');
  }
  return usage;
}

/** Adds the attributes of what a call cost. */
export function addUsage(to: Attributes, usage: Usage): void {
  add(to, names.GEN_AI_USAGE_INPUT_TOKENS, usage.inputTokens);
  add(to, names.GEN_AI_USAGE_OUTPUT_TOKENS, usage.outputTokens);
  add(to, names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS, usage.cacheReadTokens);
  add(to, names.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS, usage.cacheWriteTokens);
  add(to, names.GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS, usage.cacheWriteTokens);
  add(to, names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS, usage.reasoningTokens);
}

function content(value: readonly unknown[] | undefined, writer: ContentWriter): string | undefined {
  return value?.length ? contentJson(value, writer) : undefined;
}

export function contentJson(value: unknown, { redactor, maxBytes }: ContentWriter): string {
  const { text, truncatedBytes } = redactor.jsonText(value, maxBytes);
  if (truncatedBytes > 0) report('content was longer than limits.contentBytes; it was truncated');
  return text;
}

function add(to: Attributes, name: string, value: AttributeValue | undefined): void {
  if (value != null) to[name] = sendable(value);
}
