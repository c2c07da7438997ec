import type { Message, MessagePart, ModelRequest } from '../../otel/genai.js';
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
import type { Answer, FormatReader, WireFormat } from '../format.js';
import { blobPart, textParts, toolCallPart, toolResponsePart } from '../message-parts.js';
import { errorOfBody, plainError } from '../provider-error.js';
import { ResponseAccumulator } from '../response-accumulator.js';
import { flatTool } from './openai/openai-chat-content.js';

const PATH = /\/api\/(chat|generate|embed|embeddings)$/;

/**
 * Ollama's own API: `/api/chat`, `/api/generate` and its embeddings. A stream is a sequence of JSON objects, one a line;
 * a whole response is such a sequence of one.
 *
 * Source: docs.ollama.com/api and the types of the `ollama` package.
 */
export const ollama: WireFormat = {
  provider: 'ollama',
  framing: 'json-lines',

  operation(path) {
    const method = PATH.exec(path)?.[1];
    if (method === undefined) return undefined;
    return method === 'chat' ? 'chat' : method === 'generate' ? 'text_completion' : 'embeddings';
  },

  // Applications often name a route of their own `/api/chat`; the AI SDK's hooks post to it, without a model.
  accepts(path, body) {
    if (label(body.model) === undefined) return false;
    if (path.endsWith('/chat')) return Array.isArray(body.messages) && objects(body.messages).every(isMessage);
    if (path.endsWith('/embed')) return body.input !== undefined;
    return typeof body.prompt === 'string';
  },

  readRequest({ path, body }, content) {
    const options = object(body.options) ?? {};
    const generates = !path.includes('/embed');
    return defined<ModelRequest>({
      model: label(body.model),
      stream: (generates && body.stream !== false) || undefined,
      maxTokens: number(options.num_predict),
      temperature: number(options.temperature),
      topP: number(options.top_p),
      topK: number(options.top_k),
      seed: number(options.seed),
      stopSequences: texts(options.stop),
      frequencyPenalty: number(options.frequency_penalty),
      presencePenalty: number(options.presence_penalty),
      reasoningLevel: identifier(body.think),
      outputType: body.format === 'json' || object(body.format) ? 'json' : undefined,
      messages: content && generates ? readMessages(body) : undefined,
      systemInstructions: content && typeof body.system === 'string' ? textParts(body.system) : undefined,
      toolDefinitions: content && Array.isArray(body.tools) ? objects(body.tools).map(flatTool) : undefined,
    });
  },

  openReader: (content) => new OllamaReader(content),
};

/** A response is a single message. */
const CHOICE = 0;

class OllamaReader implements FormatReader {
  readonly #response: ResponseAccumulator;
  readonly #content: boolean;
  #done = false;

  constructor(content: boolean) {
    this.#content = content;
    this.#response = new ResponseAccumulator(content);
  }

  whole(body: JsonObject): void {
    this.#read(body, 0);
  }

  event(_name: string, data: string): void {
    const part = object(parseJson(data));
    if (part) this.#read(part, data.length);
    else this.#response.fail(plainError(data));
  }

  end(): void {}

  answer(): Answer {
    return this.#response.answer(this.#done);
  }

  #read(part: JsonObject, length: number): void {
    const response = this.#response;
    const isEmbedding = Array.isArray(part.embeddings) || Array.isArray(part.embedding);
    const isResponse = isEmbedding || typeof part.done === 'boolean' || object(part.message) !== undefined;
    response.fail(errorOfBody(part, isResponse));
    if (!isResponse) return;
    response.model ??= word(part.model);
    if (!isEmbedding) response.choice(CHOICE, part.done_reason);
    if (this.#content) this.#readContent(part, length);
    if (!isEmbedding && part.done !== true) return;
    this.#done = true;
    response.usage = defined({
      inputTokens: count(part.prompt_eval_count),
      outputTokens: count(part.eval_count),
    });
  }

  #readContent(part: JsonObject, length: number): void {
    const response = this.#response;
    const message = object(part.message);
    response.append(CHOICE, 'reasoning', message?.thinking ?? part.thinking);
    response.append(CHOICE, 'text', message?.content ?? part.response);
    for (const call of objects(message?.tool_calls)) response.put(CHOICE, [readToolCall(call)], length);
  }
}

function isMessage(message: JsonObject): boolean {
  return typeof message.role === 'string' && (message.content === undefined || typeof message.content === 'string');
}

function readMessages(body: JsonObject): Message[] {
  if (Array.isArray(body.messages)) return objects(body.messages).map(readMessage);
  return [{ role: 'user', parts: [...textParts(body.prompt), ...readImages(body.images)] }];
}

function readMessage(message: JsonObject): Message {
  const role = text(message.role) ?? 'user';
  // A tool result names the tool, because calls have no ids.
  if (role === 'tool') return { role, parts: [toolResponsePart(message.tool_name, message.content)] };
  return {
    role,
    parts: [
      ...textParts(message.thinking, 'reasoning'),
      ...textParts(message.content),
      ...readImages(message.images),
      ...objects(message.tool_calls).map(readToolCall),
    ],
  };
}

function readImages(images: unknown): MessagePart[] {
  return (texts(images) ?? []).map((image) => blobPart(undefined, image, 'image'));
}

function readToolCall(call: JsonObject): MessagePart {
  const called = object(call.function);
  return toolCallPart(call.id, called?.name, called?.arguments);
}
