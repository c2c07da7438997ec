import type { Attributes } from '@opentelemetry/api';
import * as names from '../otel/names.js';
import { report } from '../util/diagnostics.js';
import type { AttributeWriter } from './levels.js';
import type { Redactor } from './redact/redactor.js';

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

/** Writes the attributes of a request, without its model and its content. */
export function writeRequest(to: AttributeWriter, request: ModelRequest): void {
  to.keep(names.GEN_AI_REQUEST_STREAM, request.stream || undefined);
  to.keep(names.GEN_AI_REQUEST_MAX_TOKENS, request.maxTokens);
  to.keep(names.GEN_AI_REQUEST_TEMPERATURE, request.temperature);
  to.keep(names.GEN_AI_REQUEST_TOP_P, request.topP);
  to.keep(names.GEN_AI_REQUEST_TOP_K, request.topK);
  to.keep(names.GEN_AI_REQUEST_SEED, request.seed);
  to.keep(names.GEN_AI_REQUEST_FREQUENCY_PENALTY, request.frequencyPenalty);
  to.keep(names.GEN_AI_REQUEST_PRESENCE_PENALTY, request.presencePenalty);
  to.keep(names.GEN_AI_REQUEST_CHOICE_COUNT, request.choiceCount === 1 ? undefined : request.choiceCount);
  to.keep(names.GEN_AI_REQUEST_REASONING_LEVEL, request.reasoningLevel);
  to.keep(names.GEN_AI_REQUEST_PREVIOUS_RESPONSE_ID, request.previousResponseId);
  to.keep(names.GEN_AI_OUTPUT_TYPE, request.outputType);
}

/** Writes the attributes of a response, without its content. */
export function writeResponse(to: AttributeWriter, response: ModelResponse): void {
  to.keep(names.GEN_AI_RESPONSE_ID, response.id);
  to.keep(names.GEN_AI_RESPONSE_MODEL, response.model);
  to.keep(names.GEN_AI_RESPONSE_FINISH_REASONS, response.finishReasons?.length ? response.finishReasons : undefined);
}

/** Writes what was asked and answered. */
export function writeContent(
  to: AttributeWriter,
  request: ModelRequest,
  response: ModelResponse,
  writer: ContentWriter,
): void {
  // They are text, and often a name: `\nAlice:`.
  to.keep(names.GEN_AI_REQUEST_STOP_SEQUENCES, request.stopSequences);
  writeJson(to, names.GEN_AI_SYSTEM_INSTRUCTIONS, request.systemInstructions, writer);
  writeJson(to, names.GEN_AI_INPUT_MESSAGES, request.messages, writer);
  writeJson(to, names.GEN_AI_TOOL_DEFINITIONS, request.toolDefinitions, writer);
  writeJson(to, names.GEN_AI_OUTPUT_MESSAGES, response.messages, writer);
}

/** What of it are numbers: providers leave some out, or send `null`. */
export function usageOf(given: Usage | null | undefined): Usage | undefined {
  if (given == null) return undefined;
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens } = given;
  const usage: Usage = {};
  if (isCount(inputTokens)) usage.inputTokens = inputTokens;
  if (isCount(outputTokens)) usage.outputTokens = outputTokens;
  if (isCount(cacheReadTokens)) usage.cacheReadTokens = cacheReadTokens;
  if (isCount(cacheWriteTokens)) usage.cacheWriteTokens = cacheWriteTokens;
  if (isCount(reasoningTokens)) usage.reasoningTokens = reasoningTokens;
  return usage;
}

function isCount(tokens: number | null | undefined): tokens is number {
  if (typeof tokens === 'number' && tokens >= 0 && tokens < Number.POSITIVE_INFINITY) return true;
  if (tokens != null) report('usage that is no number was left out');
  return false;
}

/** Writes the attributes of what a call cost. */
export function writeUsage(to: AttributeWriter, usage: Usage): void {
  to.keep(names.GEN_AI_USAGE_INPUT_TOKENS, usage.inputTokens);
  to.keep(names.GEN_AI_USAGE_OUTPUT_TOKENS, usage.outputTokens);
  to.keep(names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS, usage.cacheReadTokens);
  to.keep(names.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS, usage.cacheWriteTokens);
  to.keep(names.GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS, usage.cacheWriteTokens);
  to.keep(names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS, usage.reasoningTokens);
}

function writeJson(
  to: AttributeWriter,
  name: string,
  value: readonly unknown[] | undefined,
  writer: ContentWriter,
): void {
  if (value?.length) to.write(name, contentJson(value, writer));
}

export function contentJson(value: unknown, { redactor, maxBytes }: ContentWriter): string {
  const { text, truncatedBytes } = redactor.jsonText(value, maxBytes);
  if (truncatedBytes > 0) report('content was longer than limits.contentBytes; it was truncated');
  return text;
}
