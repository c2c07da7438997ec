import type { ModelRequest, Usage } from '../../otel/genai.js';
import {
  count,
  defined,
  identifier,
  type JsonObject,
  label,
  number,
  object,
  objects,
  texts,
  word,
} from '../../util/json-fields.js';
import type { RepeatedJson } from '../../util/repeated-json.js';
import type { Answer, FormatReader, WireFormat } from '../format.js';
import { errorOfBody, errorOfEvent, mayReportError } from '../provider-error.js';
import { ResponseAccumulator } from '../response-accumulator.js';
import { RepeatedEvent } from '../stream/repeated-event.js';
import { functionTool, readBlock, readContent, readMessage } from './anthropic-content.js';
import { eventType } from './event-type.js';
import { modelOfSegment } from './path-segment.js';

/** Vertex AI has the model in the path. Its count of tokens is called like a model. */
const MODEL_IN_PATH = /\/publishers\/anthropic\/models\/(?!count-tokens:)([^/:]+):(?:rawP|streamRawP)redict$/;

/**
 * Anthropic's Messages, at Anthropic, Vertex AI and every compatible server.
 *
 * Source: the Anthropic API reference and the types of the `@anthropic-ai/sdk` package.
 */
export const anthropic: WireFormat = {
  provider: 'anthropic',

  operation: (path) => (path.endsWith('/messages') || MODEL_IN_PATH.test(path) ? 'chat' : undefined),

  // SMS and chat services have a path `/messages` too, so the body has to look like a model call's.
  accepts: (_path, body) =>
    Array.isArray(body.messages) && (number(body.max_tokens) !== undefined || label(body.model) !== undefined),

  readRequest({ path, body }, content) {
    const output = object(body.output_config);
    return defined<ModelRequest>({
      model: label(body.model) ?? modelOfSegment(MODEL_IN_PATH.exec(path)?.[1]),
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

  openReader: (content) => new AnthropicReader(content),
};

/** A response is a single message. */
const CHOICE = 0;

/** The events of the format, without `error`. */
const EVENT = /^(?:message_|content_block_|ping$)/;

class AnthropicReader implements FormatReader {
  readonly #response: ResponseAccumulator;
  readonly #content: boolean;
  readonly #counters = new Map<string, number>();
  /** The last delta of text, and the block that it belongs to. */
  readonly #textDelta = new RepeatedEvent('text');
  #textBlock = 0;
  #iterations: JsonObject[] = [];
  #done = false;
  #ended = false;

  constructor(content: boolean) {
    this.#content = content;
    this.#response = new ResponseAccumulator(content);
  }

  whole(body: JsonObject): void {
    const isMessage = Array.isArray(body.content);
    this.#response.fail(errorOfBody(body, isMessage));
    if (!isMessage) return;
    this.#readHead(body);
    if (this.#content) this.#response.put(CHOICE, readContent(body.content), 0);
    this.#done = true;
  }

  get repeated(): RepeatedJson | undefined {
    return this.#textDelta.earlier;
  }

  repeat(text: string): void {
    if (this.#content) this.#response.extend(this.#response.part(CHOICE, 'text', this.#textBlock), text);
  }

  event(name: string, data: string): void {
    const type = eventType(name, data);
    // Some gateways end a stream with the sentinel of Chat Completions. A stream without a message has answered nothing.
    if (type === 'message_stop' || data.startsWith('[DONE]')) {
      this.#done = this.#response.choiceCount > 0;
      return;
    }
    const ofContent = type.startsWith('content_block_');
    if (ofContent) this.#response.choice(CHOICE);
    const next = type === 'content_block_delta' ? this.#textDelta.textOf(data) : undefined;
    if (next !== undefined) {
      this.repeat(next);
      return;
    }
    if (((ofContent && !this.#content) || type === 'ping') && !mayReportError(data)) {
      if (type === 'content_block_delta') this.#textDelta.learn(data);
      return;
    }
    const event = this.#response.readEvent(type, data);
    if (!event) return;
    this.#response.fail(errorOfEvent(type, event, EVENT.test(type)));
    if (ofContent) this.#readBlock(type, event, data);
    else if (type === 'message_start') this.#readHead(object(event.message) ?? {});
    else if (type === 'message_delta') this.#readDelta(event);
  }

  end(): void {
    this.#ended = true;
  }

  answer(): Answer {
    // A consumer may stop reading once the message has its stop reason. A stream that ends has to have its last event.
    return this.#response.answer(this.#done || (!this.#ended && this.#response.finished));
  }

  #readHead(message: JsonObject): void {
    this.#response.id = word(message.id);
    this.#response.model = word(message.model);
    this.#response.choice(CHOICE, message.stop_reason);
    this.#readUsage(message.usage);
  }

  #readDelta(event: JsonObject): void {
    this.#response.choice(CHOICE, object(event.delta)?.stop_reason);
    this.#readUsage(event.usage);
  }

  /** The counters of `message_delta` are sums, not differences. Counters that it does not have, or has as 0, stay as they were. */
  #readUsage(usage: unknown): void {
    const counters = object(usage);
    if (!counters) return;
    for (const name of ['input_tokens', 'output_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens']) {
      const counter = count(counters[name]);
      if (counter !== undefined) this.#counters.set(name, counter || (this.#counters.get(name) ?? 0));
    }
    const thinking = count(object(counters.output_tokens_details)?.thinking_tokens);
    if (thinking !== undefined) this.#counters.set('thinking_tokens', thinking);
    if (Array.isArray(counters.iterations)) this.#iterations = objects(counters.iterations);
    this.#response.usage = totalUsage(this.#counters, this.#iterations);
  }

  #readBlock(type: string, event: JsonObject, data: string): void {
    const key = count(event.index);
    if (key === undefined) return;
    if (type === 'content_block_start') this.#beginBlock(key, object(event.content_block) ?? {}, data.length);
    if (type !== 'content_block_delta') return;
    const delta = object(event.delta) ?? {};
    this.#extendBlock(key, delta);
    const isText = delta.type === 'text_delta' && !mayReportError(data);
    if (isText && this.#textDelta.learn(data)) this.#textBlock = key;
  }

  #beginBlock(key: number, block: JsonObject, length: number): void {
    const draft = this.#response;
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
    const draft = this.#response;
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
