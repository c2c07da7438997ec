import type { Message, ModelRequest } from '../../../otel/genai.js';
import { defined, type JsonObject, object, objects, text, word } from '../../../util/json-fields.js';
import type { Answer, FormatReader, WireFormat } from '../../format.js';
import { textParts, toolCallPart, toolResponsePart } from '../../message-parts.js';
import { errorOfBody, reportedError } from '../../provider-error.js';
import { ResponseAccumulator } from '../../response-accumulator.js';
import { cohere, readUsage } from './cohere.js';

/**
 * The chat of Cohere's API v1: a message with its history, whole and streamed as JSON lines.
 *
 * Source: docs.cohere.com/v1/reference/chat and the types of the `cohere-ai` package.
 */
export const cohereV1: WireFormat = {
  provider: 'cohere',
  framing: 'json-lines',

  // LM Studio's own API has `/api/v1/chat`.
  operation: (path) => (/(?<!\/api)\/v1\/chat$/.test(path) ? 'chat' : undefined),

  accepts: (_path, body) => typeof body.message === 'string',

  readRequest(call, content) {
    const { body } = call;
    // The parameters are those of v2.
    return {
      ...cohere.readRequest(call, false),
      ...defined<ModelRequest>({
        messages: content ? readMessages(body) : undefined,
        systemInstructions: content && typeof body.preamble === 'string' ? textParts(body.preamble) : undefined,
        toolDefinitions: content && Array.isArray(body.tools) ? objects(body.tools) : undefined,
      }),
    };
  },

  openReader: (content) => new CohereV1Reader(content),
};

/** A response is a single message. */
const CHOICE = 0;

class CohereV1Reader implements FormatReader {
  readonly #response: ResponseAccumulator;
  readonly #content: boolean;
  #done = false;

  constructor(content: boolean) {
    this.#content = content;
    this.#response = new ResponseAccumulator(content);
  }

  whole(body: JsonObject): void {
    const isResult = typeof body.text === 'string';
    this.#response.fail(errorOfBody(body, isResult));
    if (isResult) this.#finish(body);
  }

  event(name: string, data: string): void {
    const response = this.#response;
    const event = response.readEvent(name, data);
    if (!event) return;
    response.fail(reportedError(event));
    switch (event.event_type) {
      case undefined:
        // A whole response is a line too.
        this.whole(event);
        break;
      case 'stream-start':
        response.id = word(event.generation_id);
        response.choice(CHOICE);
        break;
      case 'text-generation':
        response.append(CHOICE, 'text', event.text);
        break;
      case 'stream-end':
        this.#finish({ ...object(event.response), finish_reason: event.finish_reason });
        break;
    }
  }

  end(): void {}

  answer(): Answer {
    return this.#response.answer(this.#done);
  }

  #finish(body: JsonObject): void {
    const response = this.#response;
    this.#done = true;
    response.id = word(body.response_id) ?? word(body.generation_id) ?? response.id;
    response.usage = readUsage(object(body.meta) ?? {});
    if (this.#content && typeof body.text === 'string') {
      // The last event of a stream has the whole text again.
      response.clear(CHOICE);
      response.put(CHOICE, readMessage({ role: 'CHATBOT', message: body.text, tool_calls: body.tool_calls }).parts, 0);
    }
    response.choice(CHOICE, body.finish_reason);
  }
}

const ROLES = new Map([
  ['CHATBOT', 'assistant'],
  ['SYSTEM', 'system'],
  ['TOOL', 'tool'],
]);

function readMessages({ chat_history: history, message, tool_results }: JsonObject): Message[] {
  const asked = tool_results === undefined ? { role: 'USER', message } : { role: 'TOOL', tool_results };
  return [...objects(history), asked].map(readMessage);
}

/** The calls of tools and their results have no ids. */
function readMessage(message: JsonObject): Message {
  return {
    role: ROLES.get(text(message.role) ?? '') ?? 'user',
    parts: [
      ...textParts(message.message),
      ...objects(message.tool_calls).map(({ name, parameters }) => toolCallPart(undefined, name, parameters)),
      ...objects(message.tool_results).map(({ outputs }) => toolResponsePart(undefined, outputs)),
    ],
  };
}
