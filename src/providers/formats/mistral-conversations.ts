import type { Message, MessagePart, ModelRequest, Usage } from '../../otel/genai.js';
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
} from '../../util/json-fields.js';
import type { Answer, FormatReader, WireFormat } from '../format.js';
import { promptMessages, serverToolCallPart, textParts, toolCallPart, toolResponsePart } from '../message-parts.js';
import { errorOfBody, errorOfEvent, mayReportError } from '../provider-error.js';
import { ResponseAccumulator } from '../response-accumulator.js';
import { eventType } from './event-type.js';
import { flatTool, readPart } from './openai/openai-chat-content.js';

const PATH = /\/v1\/conversations(?:\/[^/]+(?:\/restart)?)?$/;

/**
 * Mistral's conversations, begun, continued and restarted. (Its agents' completions are Chat Completions.)
 *
 * Source: docs.mistral.ai/api, "beta.conversations", and the types of the `@mistralai/mistralai` package.
 */
export const mistralConversations: WireFormat = {
  provider: 'mistral_ai',

  operation: (path) => (PATH.test(path) ? 'chat' : undefined),

  // OpenAI's conversations, which are only stored, have no inputs.
  accepts: (_path, body) => body.inputs !== undefined,

  readRequest({ body }, content) {
    const args = object(body.completion_args) ?? {};
    return defined<ModelRequest>({
      model: label(body.model),
      stream: body.stream === true || undefined,
      maxTokens: number(args.max_tokens),
      temperature: number(args.temperature),
      topP: number(args.top_p),
      seed: number(args.random_seed),
      stopSequences: texts(args.stop),
      frequencyPenalty: number(args.frequency_penalty),
      presencePenalty: number(args.presence_penalty),
      messages: content ? (promptMessages(body.inputs) ?? objects(body.inputs).map(readInput)) : undefined,
      systemInstructions: content && typeof body.instructions === 'string' ? textParts(body.instructions) : undefined,
      toolDefinitions: content && Array.isArray(body.tools) ? objects(body.tools).map(flatTool) : undefined,
    });
  },

  openReader: (content) => new ConversationReader(content),
};

/** All entries of a response are one choice. */
const CHOICE = 0;

const EVENT = /^(?:conversation|message|tool|agent|function)\./;

/** The events that have no content, and so are read in any case. */
const HEAD_EVENT = /^conversation\.|^message\.output\./;

class ConversationReader implements FormatReader {
  readonly #response: ResponseAccumulator;
  readonly #content: boolean;
  #done = false;

  constructor(content: boolean) {
    this.#content = content;
    this.#response = new ResponseAccumulator(content);
  }

  whole(body: JsonObject): void {
    const response = this.#response;
    this.#done = Array.isArray(body.outputs);
    response.fail(errorOfBody(body, this.#done));
    if (!this.#done) return;
    const outputs = objects(body.outputs);
    response.id = word(body.conversation_id);
    response.model = word(outputs.find(({ model }) => word(model))?.model);
    response.choice(CHOICE);
    response.usage = readUsage(object(body.usage) ?? {});
    if (this.#content) response.put(CHOICE, outputs.flatMap(readEntry), 0);
  }

  event(name: string, data: string): void {
    const type = eventType(name, data);
    if (!this.#content && EVENT.test(type) && !HEAD_EVENT.test(type) && !mayReportError(data)) return;
    const event = this.#response.readEvent(type, data);
    if (!event) return;
    // The event's own `type` is no code.
    const { type: _, ...details } = event;
    this.#response.fail(errorOfEvent(type, details, EVENT.test(type)));
    this.#read(type, event, data.length);
  }

  end(): void {}

  answer(): Answer {
    return this.#response.answer(this.#done);
  }

  #read(type: string, event: JsonObject, length: number): void {
    const response = this.#response;
    const index = count(event.output_index) ?? 0;
    switch (type) {
      case 'conversation.response.started':
        response.id = word(event.conversation_id);
        response.choice(CHOICE);
        break;
      case 'message.output.delta':
        response.model ??= word(event.model);
        this.#readContent(`${index} ${count(event.content_index) ?? 0}`, event.content);
        break;
      case 'function.call.delta': {
        const call = response.toolCall(CHOICE, `call ${index}`, { id: event.tool_call_id, name: event.name });
        response.extend(call, event.arguments);
        break;
      }
      case 'tool.execution.done':
        response.put(CHOICE, [serverToolCallPart(event.id, event.name, { info: event.info })], length);
        break;
      case 'conversation.response.done':
        response.usage = readUsage(object(event.usage) ?? {});
        this.#done = true;
        break;
    }
  }

  /** A delta is text, or a chunk that is a part of its own. */
  #readContent(key: string, content: unknown): void {
    const response = this.#response;
    if (typeof content === 'string') response.extend(response.part(CHOICE, 'text', `text ${key}`), content);
    const chunk = object(content);
    if (!chunk || !this.#content) return;
    for (const part of readPart(chunk)) {
      if (part.type === 'text' || part.type === 'reasoning') {
        response.append(CHOICE, part.type, (part as { content: unknown }).content);
      } else {
        response.put(CHOICE, [part], 0);
      }
    }
  }
}

function readUsage(usage: JsonObject): Usage {
  const input = count(usage.prompt_tokens);
  return defined<Usage>({
    // What the provider's own tools add to the prompt is counted apart.
    inputTokens: input === undefined ? undefined : input + (count(usage.connector_tokens) ?? 0),
    outputTokens: count(usage.completion_tokens),
  });
}

function readInput(entry: JsonObject): Message {
  const role = text(entry.role) ?? (entry.type === 'function.result' ? 'tool' : 'assistant');
  return { role, parts: readEntry(entry) };
}

/** An entry of a conversation: a message, a call, a result. */
function readEntry(entry: JsonObject): MessagePart[] {
  switch (entry.type) {
    case 'function.call':
      return [toolCallPart(entry.tool_call_id, entry.name, entry.arguments)];
    case 'function.result':
      return [toolResponsePart(entry.tool_call_id, entry.result)];
    case 'tool.execution':
      return [serverToolCallPart(entry.id, entry.name, { info: entry.info })];
    default:
      return [...textParts(entry.content), ...objects(entry.content).flatMap(readPart)];
  }
}
