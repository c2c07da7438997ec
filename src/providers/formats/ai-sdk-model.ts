/**
 * The calls and results of the AI SDK's language models, in the conventions' shapes.
 *
 * Source: `LanguageModelV2`, `V3` and `V4` of `@ai-sdk/provider`. Where they differ (usage, finish reasons, files), each
 * is read as it is.
 */
import type { Message, MessagePart, ModelRequest, ModelResponse, Usage } from '../../otel/genai.js';
import {
  count,
  defined,
  identifier,
  type JsonObject,
  label,
  number,
  object,
  objects,
  text,
  texts,
  word,
} from '../../util/json-fields.js';
import {
  blobPart,
  filePart,
  mediaPart,
  otherPart,
  textParts,
  toolCallPart,
  toolResponsePart,
} from '../message-parts.js';
import { ResponseAccumulator } from '../response-accumulator.js';

/** Reads the options of a call; messages, system instructions and tools only if `content`. */
export function readCall(given: unknown, streaming: boolean, content: boolean): ModelRequest {
  const call = object(given) ?? {};
  const messages = content ? objects(call.prompt) : [];
  const system = messages.filter(({ role }) => role === 'system');
  return defined<ModelRequest>({
    stream: streaming,
    maxTokens: number(call.maxOutputTokens),
    temperature: number(call.temperature),
    topP: number(call.topP),
    topK: number(call.topK),
    seed: number(call.seed),
    stopSequences: texts(call.stopSequences),
    frequencyPenalty: number(call.frequencyPenalty),
    presencePenalty: number(call.presencePenalty),
    reasoningLevel: call.reasoning === 'provider-default' ? undefined : identifier(call.reasoning),
    outputType: object(call.responseFormat)?.type === 'json' ? 'json' : undefined,
    systemInstructions: system.length > 0 ? system.flatMap((message) => textParts(message.content)) : undefined,
    messages: content ? messages.filter(({ role }) => role !== 'system').map(readMessage) : undefined,
    toolDefinitions: content && Array.isArray(call.tools) ? objects(call.tools).map(readTool) : undefined,
  });
}

function readMessage({ role, content }: JsonObject): Message {
  return {
    role: label(role) ?? 'user',
    parts: typeof content === 'string' ? textParts(content) : objects(content).flatMap(readPart),
  };
}

function readTool(tool: JsonObject): JsonObject {
  const { type, name, id, description, inputSchema } = tool;
  return type === 'function'
    ? defined({ type, name, description, parameters: inputSchema })
    : defined({ type: 'extension', name, id, args: tool.args });
}

/** A part of a message of the prompt or the result. */
function readPart(part: JsonObject): MessagePart[] {
  switch (part.type) {
    case 'text':
    case 'reasoning':
      return textParts(part.text, part.type);
    case 'tool-call':
      return [toolCallPart(part.toolCallId, part.toolName, part.input)];
    case 'tool-result': {
      const output = object(part.output);
      return [
        toolResponsePart(part.toolCallId, output && 'value' in output ? output.value : (part.output ?? part.result)),
      ];
    }
    case 'file':
    case 'reasoning-file':
      return [readFile(part)];
    default:
      return otherPart(part);
  }
}

function readFile(part: JsonObject): MessagePart {
  // `generateText` passes on a file object of its own, which would have to encode the bytes first.
  const file = object(part.file);
  const mediaType = part.mediaType ?? file?.mediaType;
  if (file) return { ...blobPart(mediaType, ''), content: '[a generated file]' };
  const data = object(part.data);
  const given = data?.data ?? data?.url ?? part.data;
  if (data?.type === 'text') return { type: 'text', content: text(data.text) ?? '' };
  if (data?.type === 'reference') return filePart(Object.values(object(data.reference) ?? {})[0]);
  if (given instanceof Uint8Array) return { ...blobPart(mediaType, ''), content: `[${given.byteLength} bytes]` };
  if (given instanceof URL) return mediaPart(given.href, undefined, mediaType);
  return blobPart(mediaType, given);
}

/** The AI SDK's counters, as the conventions' sums. */
export function readUsage(given: unknown): Usage {
  const usage = object(given) ?? {};
  const input = object(usage.inputTokens);
  const output = object(usage.outputTokens);
  // `generateText` adds the details beside the sums.
  const inputDetails = input ?? object(usage.inputTokenDetails);
  const outputDetails = output ?? object(usage.outputTokenDetails);
  return defined<Usage>({
    inputTokens: count(input ? input.total : (usage.inputTokens ?? usage.tokens)),
    outputTokens: count(output ? output.total : usage.outputTokens),
    cacheReadTokens: count(inputDetails?.cacheRead ?? inputDetails?.cacheReadTokens ?? usage.cachedInputTokens),
    cacheWriteTokens: count(inputDetails?.cacheWrite ?? inputDetails?.cacheWriteTokens),
    reasoningTokens: count(outputDetails?.reasoning ?? outputDetails?.reasoningTokens ?? usage.reasoningTokens),
  });
}

/** Why the model stopped: in the provider's own words, if it has them, else in the AI SDK's. */
function finishReason(given: unknown): string | undefined {
  const reason = object(given);
  return reason ? (label(reason.raw) ?? label(reason.unified)) : label(given);
}

/** The warnings of a call: `unsupported: temperature`. Their free text only if `content`. */
export function readWarnings(given: unknown, content: boolean): string[] {
  return objects(given)
    .slice(0, MAX_WARNINGS)
    .map((warning) => {
      const about = word(warning.feature) ?? word(warning.setting) ?? word(object(warning.tool)?.name);
      const details = content ? (text(warning.details) ?? text(warning.message)) : undefined;
      return [identifier(warning.type) ?? 'other', about, details].filter((part) => part !== undefined).join(': ');
    });
}

const MAX_WARNINGS = 16;

/**
 * The AI SDK's finish reason for a stream that its provider ended without a completion signal, since `ai` 7.0.149. It does not mean the
 * status `interrupted`: the caller did not stop the call. https://ai-sdk.dev/docs/reference/ai-sdk-core/stream-text
 */
const INTERRUPTED = 'interrupted';

/** The finish reasons of the AI SDK that mean failure. */
const FAILED: readonly unknown[] = ['error', INTERRUPTED];

/** The error for an answer that makes no sense, with the `error.type` that such an answer has at the wire. */
export function invalidAnswer(message: string): Error {
  return Object.assign(new TypeError(message), { code: 'invalid_response' });
}

/** One answer of a language model, whole or part by part, in bounded memory. */
export class ModelAnswer {
  readonly #response: ResponseAccumulator;
  #warnings: unknown;
  #reason: unknown;
  /** The error part of a stream, if there was one. */
  #error: unknown;

  /** Messages are accumulated only if `content`. */
  constructor(content: boolean) {
    this.#response = new ResponseAccumulator(content);
  }

  /** The result of `doGenerate`. */
  whole(result: JsonObject): void {
    const { response, content, warnings } = result;
    this.#metadata(object(response) ?? {});
    this.#response.put(0, objects(content).flatMap(readPart), 0);
    this.#warnings = warnings;
    this.#finish(result);
  }

  /** One part of the stream of `doStream`. */
  part(part: JsonObject): void {
    const response = this.#response;
    const { type, id, delta } = part;
    const key = `${type === 'tool-call' || type === 'tool-result' ? part.toolCallId : id}`;
    switch (type) {
      case 'stream-start':
        this.#warnings = part.warnings;
        break;
      case 'response-metadata':
        this.#metadata(part);
        break;
      case 'text-delta':
        response.extend(response.part(0, 'text', `text ${key}`), delta);
        break;
      case 'reasoning-delta':
        response.extend(response.part(0, 'reasoning', `reasoning ${key}`), delta);
        break;
      case 'tool-input-start':
        Object.assign(response.part(0, 'tool_call', `call ${key}`) ?? {}, { id, name: part.toolName });
        break;
      case 'tool-input-delta':
        response.extend(response.part(0, 'tool_call', `call ${key}`), delta);
        break;
      case 'tool-call':
        response.put(0, readPart(part), text(part.input)?.length ?? 0, `call ${key}`);
        break;
      case 'tool-result':
      case 'file':
      case 'reasoning-file':
      case 'source':
      case 'custom':
        response.put(0, readPart(part), 0);
        break;
      case 'error':
        this.#error = part.error;
        break;
      case 'finish':
        this.#finish(part);
        break;
    }
  }

  /** Whether the answer has a finish reason or an error: then its outcome is known, even if the stream goes on. */
  get decided(): boolean {
    return this.#reason !== undefined || this.#error !== undefined;
  }

  /** Whether the answer has a finish reason that means success, and no error. Some models send both. */
  get complete(): boolean {
    return this.decided && this.#error === undefined && !FAILED.includes(this.unifiedReason);
  }

  /** Why the answer is not complete; `undefined` if the model gives no error with the finish reason `error`. */
  get error(): unknown {
    if (this.#error !== undefined) return this.#error;
    if (this.#reason === undefined) return invalidAnswer('the model gave no finish reason');
    return this.unifiedReason === INTERRUPTED
      ? invalidAnswer('the stream ended without its completion signal')
      : undefined;
  }

  /** The finish reason in the AI SDK's words; `undefined` if there is none yet. */
  get unifiedReason(): string | undefined {
    return label(object(this.#reason)?.unified ?? this.#reason);
  }

  /** What was read so far. */
  get details(): { response: ModelResponse; usage: Usage } {
    const { response, usage } = this.#response.answer(this.complete);
    return { response, usage };
  }

  warnings(content: boolean): string[] {
    return readWarnings(this.#warnings, content);
  }

  #metadata({ id, modelId }: JsonObject): void {
    this.#response.id ??= word(id);
    this.#response.model ??= word(modelId);
  }

  #finish({ finishReason: reason, usage }: JsonObject): void {
    this.#reason = reason;
    this.#response.choice(0, finishReason(reason));
    this.#response.usage = readUsage(usage);
  }
}
