import type { Message, MessagePart, ModelRequest, Usage } from '../../otel/genai.js';
import {
  count,
  defined,
  identifier,
  type JsonObject,
  label,
  number,
  object,
  objects,
  parseJson,
  text,
  texts,
  word,
} from '../../util/json-fields.js';
import type { Answer, AnswerReader, Protocol } from '../format.js';
import {
  blobPart,
  filePart,
  mediaPart,
  otherPart,
  serverToolCallPart,
  serverToolResponsePart,
  textParts,
  toolCallPart,
  toolResponsePart,
} from '../message-parts.js';
import { bareError, describeError, plainError, reportedError } from '../provider-error.js';
import { ResponseAccumulator } from '../response-accumulator.js';
import { eventType } from './event-type.js';

/** Vertex AI and Bedrock have the model in the path. Bedrock's streams are not server-sent events, and not read. */
const MODEL_IN_PATH =
  /\/publishers\/anthropic\/models\/([^/:]+):(?:rawP|streamRawP)redict$|\/model\/([^/]*anthropic[^/]*)\/invoke$/;

/**
 * Anthropic's Messages, at its own API, Vertex AI, Bedrock and whoever else speaks them.
 *
 * Source: the Anthropic API reference and the types of the `@anthropic-ai/sdk` package.
 */
export const anthropic: Protocol = {
  provider: 'anthropic',

  operation: (path) => (path.endsWith('/messages') || MODEL_IN_PATH.test(path) ? 'chat' : undefined),

  // SMS and chat services have a path `/messages` too.
  accepts: (_path, body) =>
    Array.isArray(body.messages) && (number(body.max_tokens) !== undefined || label(body.model) !== undefined),

  readRequest(path, body, content) {
    const output = object(body.output_config);
    return defined<ModelRequest>({
      model: label(body.model) ?? modelInPath(path),
      stream: body.stream === true || path.endsWith(':streamRawPredict') || undefined,
      maxTokens: number(body.max_tokens),
      temperature: number(body.temperature),
      topP: number(body.top_p),
      topK: number(body.top_k),
      stopSequences: texts(body.stop_sequences),
      reasoningLevel: identifier(output?.effort),
      outputType: object(output?.format) ? 'json' : undefined,
      messages: content ? objects(body.messages).map(readMessage) : undefined,
      systemInstructions: content ? readContent(body.system) : undefined,
      toolDefinitions: content && Array.isArray(body.tools) ? objects(body.tools).map(functionTool) : undefined,
    });
  },

  openAnswer: (content) => new AnthropicAnswer(content),
};

/** A response is a single message. */
const CHOICE = 0;

/** The events of the format, without `error`. */
const EVENT = /^(?:message_|content_block_|ping$)/;

/** A field in which any event may report an error. */
const ERROR_FIELD = /"(?:errors?|error_code|base_resp)"/;

class AnthropicAnswer implements AnswerReader {
  readonly #draft: ResponseAccumulator;
  readonly #content: boolean;
  readonly #counters = new Map<string, number>();
  #iterations: JsonObject[] = [];
  #done = false;
  #ended = false;

  constructor(content: boolean) {
    this.#content = content;
    this.#draft = new ResponseAccumulator(content);
  }

  whole(body: JsonObject): void {
    const isMessage = Array.isArray(body.content);
    const error = reportedError(body) ?? (isMessage ? undefined : bareError(body));
    if (error) this.#draft.fail(error);
    if (!isMessage) return;
    this.#readHead(body);
    if (this.#content) this.#draft.put(CHOICE, readContent(body.content), 0);
    this.#done = true;
  }

  event(name: string, data: string): void {
    const type = eventType(name, data);
    // Some gateways end a stream with the sentinel of Chat Completions. A stream without a message has answered nothing.
    if (type === 'message_stop' || data.startsWith('[DONE]')) {
      this.#done = this.#draft.choiceCount > 0;
      return;
    }
    const ofContent = type.startsWith('content_block_');
    if (ofContent) this.#draft.choice(CHOICE);
    if (((ofContent && !this.#content) || type === 'ping') && !ERROR_FIELD.test(data)) return;
    const event = object(parseJson(data));
    if (!event) {
      if (type === 'error') this.#draft.fail(plainError(data));
      return;
    }
    this.#failIf(type, event);
    if (ofContent) this.#readBlock(type, event, data.length);
    else if (type === 'message_start') this.#readHead(object(event.message) ?? {});
    else if (type === 'message_delta') this.#readDelta(event);
  }

  end(): void {
    this.#ended = true;
  }

  answer(): Answer {
    // A consumer may stop reading once the message has its stop reason. A stream that ends has to have its last event.
    return this.#draft.answer(this.#done || (!this.#ended && this.#draft.finished));
  }

  #failIf(type: string, event: JsonObject): void {
    const error =
      reportedError(event) ??
      (type === 'error' ? describeError(event) : EVENT.test(type) ? undefined : bareError(event));
    if (error) this.#draft.fail(error);
  }

  #readHead(message: JsonObject): void {
    this.#draft.id = word(message.id);
    this.#draft.model = word(message.model);
    this.#draft.choice(CHOICE, message.stop_reason);
    this.#readUsage(message.usage);
  }

  #readDelta(event: JsonObject): void {
    this.#draft.choice(CHOICE, object(event.delta)?.stop_reason);
    this.#readUsage(event.usage);
  }

  /** The counters of `message_delta` are sums, not differences, and those that it doesn't have stay as they were. */
  #readUsage(usage: unknown): void {
    const counters = object(usage);
    if (!counters) return;
    for (const name of ['input_tokens', 'output_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens']) {
      const counter = count(counters[name]);
      if (counter !== undefined) this.#counters.set(name, counter);
    }
    const thinking = count(object(counters.output_tokens_details)?.thinking_tokens);
    if (thinking !== undefined) this.#counters.set('thinking_tokens', thinking);
    if (Array.isArray(counters.iterations)) this.#iterations = objects(counters.iterations);
    this.#draft.usage = totalUsage(this.#counters, this.#iterations);
  }

  #readBlock(type: string, event: JsonObject, length: number): void {
    const key = count(event.index);
    if (key === undefined) return;
    if (type === 'content_block_start') this.#beginBlock(key, object(event.content_block) ?? {}, length);
    if (type === 'content_block_delta') this.#extendBlock(key, object(event.delta) ?? {});
  }

  #beginBlock(key: number, block: JsonObject, length: number): void {
    const draft = this.#draft;
    switch (block.type) {
      case 'text':
        draft.extend(draft.begin(CHOICE, 'text', key), block.text);
        break;
      case 'thinking':
        draft.extend(draft.begin(CHOICE, 'reasoning', key), block.thinking);
        break;
      case 'tool_use':
      case 'server_tool_use':
      case 'mcp_tool_use': {
        const part = draft.begin(CHOICE, block.type === 'tool_use' ? 'tool_call' : 'server_tool_call', key);
        if (part) Object.assign(part, { id: label(block.id), name: label(block.name) });
        break;
      }
      default:
        draft.begin(CHOICE, 'whole', key);
        draft.put(CHOICE, readBlock(block), length, key);
    }
  }

  #extendBlock(key: number, delta: JsonObject): void {
    const draft = this.#draft;
    switch (delta.type) {
      case 'text_delta':
        draft.extend(draft.part(CHOICE, 'text', key), delta.text);
        break;
      case 'thinking_delta':
        draft.extend(draft.part(CHOICE, 'reasoning', key), delta.thinking);
        break;
      case 'input_json_delta':
        draft.extend(draft.part(CHOICE, 'tool_call', key), delta.partial_json);
        break;
    }
  }
}

/**
 * The usage of a response, with the iterations that its own counters leave out.
 *
 * - A compaction is billed in addition to the message ("a compaction entry's tokens are not included in the top-level
 *   usage fields"), and so is an advisor, which is another model.
 * - If a fallback model answered, the models that declined before it are not billed: only the iterations of the model
 *   that answered count.
 *
 * Source: `BetaIterationsUsage` and `BetaFallbackMessageIterationUsage` of `@anthropic-ai/sdk` 1.12;
 * platform.claude.com/docs: build-with-claude/compaction, refusals-and-fallback, agents-and-tools/tool-use/advisor-tool.
 */
function totalUsage(counters: ReadonlyMap<string, number>, iterations: readonly JsonObject[]): Usage {
  const fallback = iterations.findLast(({ type }) => type === 'fallback_message');
  const besides = iterations.filter(({ type }) => type === 'compaction' || type === 'advisor_message');
  const message = fallback
    ? iterations.filter(
        ({ type, model }) => type === 'fallback_message' || (type === 'message' && model === fallback.model),
      )
    : [Object.fromEntries(counters)];
  const sum = (name: string) => sumOf([...message, ...besides].map((counted) => count(counted[name])));
  const input = sum('input_tokens');
  const cacheRead = sum('cache_read_input_tokens');
  const cacheWrite = sum('cache_creation_input_tokens');
  return defined<Usage>({
    // The conventions' input is all input; Anthropic's leaves out what was read from and written to the cache.
    inputTokens: input === undefined ? undefined : input + (cacheRead ?? 0) + (cacheWrite ?? 0),
    outputTokens: sum('output_tokens'),
    cacheReadTokens: cacheRead,
    cacheWriteTokens: cacheWrite,
    reasoningTokens: counters.get('thinking_tokens'),
  });
}

/** The sum of the counters that are there; `undefined` if there is none. */
function sumOf(counters: readonly (number | undefined)[]): number | undefined {
  const known = counters.filter((counter) => counter !== undefined);
  return known.length === 0 ? undefined : known.reduce((total, counter) => total + counter, 0);
}

function readMessage(message: JsonObject): Message {
  return { role: text(message.role) ?? 'user', parts: readContent(message.content) };
}

function readContent(content: unknown): MessagePart[] {
  return typeof content === 'string' ? textParts(content) : objects(content).flatMap(readBlock);
}

function readBlock(block: JsonObject): MessagePart[] {
  switch (block.type) {
    case 'tool_use':
      return [toolCallPart(block.id, block.name, block.input)];
    case 'tool_result':
      return [toolResponsePart(block.tool_use_id, responseOf(block.content))];
    case 'server_tool_use':
    case 'mcp_tool_use':
      return [serverToolCallPart(block.id, block.name, { input: block.input })];
  }
  const isResult = typeof block.type === 'string' && block.type.endsWith('_tool_result');
  return isResult ? [serverToolResponsePart(block.tool_use_id, block)] : readSimpleBlock(block);
}

/** A block that holds no other blocks. */
function readSimpleBlock(block: JsonObject): MessagePart[] {
  switch (block.type) {
    case 'text':
      return textParts(block.text);
    case 'thinking':
      return textParts(block.thinking, 'reasoning');
    case 'redacted_thinking':
      return [{ type: 'redacted_thinking' }];
    case 'image':
    case 'document':
      return readSource(block.type, object(block.source) ?? {});
    case 'container_upload':
      return [filePart(block.file_id)];
    default:
      return otherPart(block);
  }
}

/** A tool's answer, without the bytes of what is attached to it. */
function responseOf(content: unknown): unknown {
  return Array.isArray(content) ? objects(content).flatMap(readSimpleBlock) : content;
}

function readSource(modality: string, source: JsonObject): MessagePart[] {
  switch (source.type) {
    case 'base64':
      return [blobPart(source.media_type, source.data, modality)];
    case 'url':
      return [mediaPart(source.url, modality, source.media_type)];
    case 'file':
      return [filePart(source.file_id, modality)];
    case 'text':
      return textParts(source.data);
    default:
      return textParts(source.content);
  }
}

/** The conventions have `parameters` for what Anthropic calls `input_schema`; a tool without a type is a function. */
function functionTool(tool: JsonObject): JsonObject {
  const { input_schema: parameters, ...rest } = tool;
  return { type: 'function', ...rest, ...(parameters !== undefined && { parameters }) };
}

function modelInPath(path: string): string | undefined {
  const found = MODEL_IN_PATH.exec(path);
  const model = found?.[1] ?? found?.[2];
  return model === undefined ? undefined : decodePathSegment(model);
}

function decodePathSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
