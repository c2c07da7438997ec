import type { Message, MessagePart, ModelRequest, Usage } from '../../../otel/genai.js';
import {
  count,
  defined,
  type JsonObject,
  label,
  number,
  object,
  objects,
  text,
  texts,
  word,
} from '../../../util/json-fields.js';
import type { Answer, FormatReader, WireFormat } from '../../format.js';
import { mediaPart, otherPart, textParts, toolCallPart, toolResponsePart } from '../../message-parts.js';
import { errorOfBody, errorOfEvent, mayReportError, reportedError } from '../../provider-error.js';
import { ResponseAccumulator } from '../../response-accumulator.js';
import { eventType } from '../event-type.js';
import { calledTool, flatTool } from '../openai/openai-chat-content.js';

const PATH = /\/(?:v2\/chat|v[12]\/embed|rerank)$/;
const OPERATIONS: Readonly<Record<string, string>> = { chat: 'chat', embed: 'embeddings', rerank: 'rerank' };

/**
 * Cohere's API v2: chat, embed and rerank. Jina, Voyage, Together, Pinecone and vLLM have the same rerank.
 *
 * Source: docs.cohere.com/reference and the types of the `cohere-ai` package.
 */
export const cohere: WireFormat = {
  provider: 'cohere',

  operation(path) {
    return PATH.test(path) ? OPERATIONS[path.slice(path.lastIndexOf('/') + 1)] : undefined;
  },

  accepts(path, body) {
    if (path.endsWith('/chat')) return label(body.model) !== undefined && Array.isArray(body.messages);
    if (path.endsWith('/rerank')) return body.query !== undefined && Array.isArray(body.documents);
    return [body.texts, body.images, body.inputs].some(Array.isArray);
  },

  readRequest({ body }, content) {
    return defined<ModelRequest>({
      model: label(body.model),
      stream: body.stream === true || undefined,
      maxTokens: number(body.max_tokens),
      temperature: number(body.temperature),
      topP: number(body.p),
      topK: number(body.k),
      seed: number(body.seed),
      stopSequences: texts(body.stop_sequences),
      frequencyPenalty: number(body.frequency_penalty),
      presencePenalty: number(body.presence_penalty),
      outputType: object(body.response_format)?.type === 'json_object' ? 'json' : undefined,
      messages: content && Array.isArray(body.messages) ? objects(body.messages).map(readMessage) : undefined,
      toolDefinitions: content && Array.isArray(body.tools) ? objects(body.tools).map(flatTool) : undefined,
    });
  },

  openReader: (content) => new CohereReader(content),
};

/** A response is a single message. */
const CHOICE = 0;

/** The events that have no content, and so are read in any case. */
const HEAD_EVENT = /^message-(?:start|end)$/;

const EVENT = /^(?:message|content|tool-plan|tool-call|citation|debug)\b/;

class CohereReader implements FormatReader {
  readonly #response: ResponseAccumulator;
  readonly #content: boolean;
  #done = false;
  #ended = false;

  constructor(content: boolean) {
    this.#content = content;
    this.#response = new ResponseAccumulator(content);
  }

  whole(body: JsonObject): void {
    const response = this.#response;
    const message = object(body.message);
    // Voyage has its ranks in `data`.
    this.#done = [message, body.embeddings, body.results, body.data].some((field) => typeof field === 'object');
    response.fail(errorOfBody(body, this.#done));
    response.id = word(body.id);
    response.model = word(body.model);
    response.usage = readUsage(object(body.usage) ?? object(body.meta) ?? {});
    if (!message) return;
    response.choice(CHOICE, body.finish_reason);
    if (this.#content) response.put(CHOICE, messageParts(message), 0);
  }

  event(name: string, data: string): void {
    const response = this.#response;
    if (data.startsWith('[DONE]')) return;
    const type = eventType(name, data);
    const isKnown = EVENT.test(type);
    if (isKnown && !this.#content && !HEAD_EVENT.test(type) && !mayReportError(data)) return;
    const event = response.readEvent(type, data);
    if (!event) return;
    const delta = object(event.delta) ?? {};
    response.fail(reportedError(delta) ?? errorOfEvent(type, event, isKnown));
    if (type === 'message-start') {
      response.id = word(event.id);
      response.choice(CHOICE);
    } else if (type === 'message-end') {
      response.choice(CHOICE, delta.finish_reason);
      response.usage = readUsage(object(delta.usage) ?? {});
      this.#done = true;
    } else if (this.#content) {
      this.#readDelta(type, count(event.index) ?? 0, object(delta.message) ?? {});
    }
  }

  end(): void {
    this.#ended = true;
  }

  answer(): Answer {
    return this.#response.answer(this.#done || (!this.#ended && this.#response.finished));
  }

  #readDelta(type: string, index: number, message: JsonObject): void {
    const response = this.#response;
    const content = object(message.content);
    const call = object(message.tool_calls);
    if (type === 'content-start')
      response.begin(CHOICE, content?.type === 'thinking' ? 'reasoning' : 'text', `content ${index}`);
    if (content) {
      const part = response.part(CHOICE, content.thinking === undefined ? 'text' : 'reasoning', `content ${index}`);
      response.extend(part, content.thinking ?? content.text);
    }
    response.append(CHOICE, 'reasoning', message.tool_plan);
    if (!call) return;
    const { name, args } = calledTool(call);
    response.extend(response.toolCall(CHOICE, `call ${index}`, { id: call.id, name }), args);
  }
}

/** `tokens` is what the model processed, `billed_units` what is billed; the others that have rerank use OpenAI's names. */
export function readUsage(usage: JsonObject): Usage {
  const tokens = object(usage.tokens) ?? object(usage.billed_units) ?? {};
  return defined<Usage>({
    inputTokens: count(tokens.input_tokens) ?? count(usage.prompt_tokens) ?? count(usage.total_tokens),
    outputTokens: count(tokens.output_tokens),
    cacheReadTokens: count(usage.cached_tokens),
  });
}

function readMessage(message: JsonObject): Message {
  const role = text(message.role) ?? 'user';
  if (role !== 'tool') return { role, parts: messageParts(message) };
  return { role, parts: [toolResponsePart(message.tool_call_id, message.content, readPart)] };
}

function messageParts(message: JsonObject): MessagePart[] {
  return [
    ...textParts(message.tool_plan, 'reasoning'),
    ...textParts(message.content),
    ...objects(message.content).flatMap(readPart),
    ...objects(message.tool_calls).map((call) => {
      const { name, args } = calledTool(call);
      return toolCallPart(call.id, name, args);
    }),
  ];
}

function readPart(part: JsonObject): MessagePart[] {
  switch (part.type) {
    case 'text':
      return textParts(part.text);
    case 'thinking':
      return textParts(part.thinking, 'reasoning');
    case 'image_url':
      return [mediaPart(object(part.image_url)?.url ?? part.image_url, 'image')];
    default:
      return otherPart(part);
  }
}
