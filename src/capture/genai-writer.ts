import type { ModelRequest, ModelResponse, Usage } from '../otel/genai.js';
import * as names from '../otel/names.js';
import { report } from '../util/diagnostics.js';
import type { AttributeWriter } from './attribute-writer.js';
import { type Deferred, deferred } from './deferred.js';
import type { CaptureSettings } from './levels.js';
import type { Redactor } from './redact/redactor.js';

/** Writes content as JSON: redacted, bounded. */
export interface ContentWriter {
  readonly redactor: Redactor;
  readonly maxBytes: number;
}

/** Writes the attributes of a request, without its model and its content. */
export function writeRequest(to: AttributeWriter, request: ModelRequest): void {
  to.keep(names.GEN_AI_AGENT_NAME, request.agentName);
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
  if (value?.length) to.write(name, prepared.get(value)?.value ?? contentJson(value, writer));
}

/** The JSON of content that is final, by the list that it is of. */
const prepared = new WeakMap<object, Deferred<string | undefined>>();

/** Redacts content that is final before its step settles, a list at a time. */
export function prepareContent(request: ModelRequest, response: ModelResponse, writer: ContentWriter): void {
  const { systemInstructions, messages, toolDefinitions } = request;
  for (const value of [systemInstructions, messages, toolDefinitions, response.messages]) {
    if (!value?.length || prepared.has(value)) continue;
    prepared.set(
      value,
      deferred(writer.maxBytes, () => contentJson(value, writer), undefined),
    );
  }
}

export function contentJson(value: unknown, { redactor, maxBytes }: ContentWriter): string {
  const { text, truncatedBytes } = redactor.jsonText(value, maxBytes);
  if (truncatedBytes > 0) report('content was longer than limits.contentBytes; it was truncated');
  return text;
}

export function contentWriter({ messages, redactor, limits }: CaptureSettings): ContentWriter | undefined {
  return messages ? { redactor, maxBytes: limits.contentBytes } : undefined;
}
