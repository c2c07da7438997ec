import type { ModelRequest } from '../../otel/genai.js';
import {
  count,
  defined,
  type JsonObject,
  label,
  number,
  object,
  objects,
  texts,
  word,
} from '../../util/json-fields.js';
import type { Answer, FormatReader, WireFormat } from '../format.js';
import { promptMessages } from '../message-parts.js';
import { errorOfBody, errorOfEvent } from '../provider-error.js';
import { ResponseAccumulator } from '../response-accumulator.js';
import { openAiChat } from './openai/openai-chat.js';

const PATH = /\/ml\/v1\/(?:deployments\/([^/]+)\/)?text\/(chat|generation|embeddings|rerank)(_stream)?$/;

const OPERATIONS: Readonly<Record<string, string>> = {
  chat: 'chat',
  generation: 'text_completion',
  embeddings: 'embeddings',
  rerank: 'rerank',
};

function operationOf(path: string): string | undefined {
  return OPERATIONS[PATH.exec(path)?.[2] ?? ''];
}

/** What the path and the body say together: a deployment has its model, which a request then does not name. */
function modelAndStream(path: string, body: JsonObject): Pick<ModelRequest, 'model' | 'stream'> {
  const [, deployment, , stream] = PATH.exec(path) ?? [];
  return defined({ model: label(body.model_id) ?? deployment, stream: stream !== undefined || undefined });
}

/**
 * The chat of IBM watsonx.ai: Chat Completions at paths of its own, one for whole and one for streamed answers.
 *
 * Source: cloud.ibm.com/apidocs/watsonx-ai and the types of the `@ibm-cloud/watsonx-ai` package.
 */
export const watsonxChat: WireFormat = {
  provider: 'ibm.watsonx.ai',

  operation: (path) => (operationOf(path) === 'chat' ? 'chat' : undefined),

  accepts: (_path, body) => Array.isArray(body.messages),

  readRequest({ path, body, headers }, content) {
    const request = openAiChat.readRequest({ path: '/chat/completions', body, headers }, content);
    return { ...request, ...modelAndStream(path, body) };
  },

  openReader: openAiChat.openReader,
};

/** What else watsonx.ai makes of text: generation from a prompt, embeddings and ranks. Source: as of {@link watsonxChat}. */
export const watsonxText: WireFormat = {
  provider: 'ibm.watsonx.ai',

  operation(path) {
    const operation = operationOf(path);
    return operation === 'chat' ? undefined : operation;
  },

  accepts: (_path, body) =>
    typeof body.input === 'string' || Array.isArray(body.inputs) || object(body.parameters) !== undefined,

  readRequest({ path, body }, content) {
    const parameters = object(body.parameters) ?? {};
    return defined<ModelRequest>({
      ...modelAndStream(path, body),
      maxTokens: number(parameters.max_new_tokens),
      temperature: number(parameters.temperature),
      topP: number(parameters.top_p),
      topK: number(parameters.top_k),
      seed: number(parameters.random_seed),
      stopSequences: texts(parameters.stop_sequences),
      messages: content ? promptMessages(body.input) : undefined,
    });
  },

  openReader: (content) => new WatsonxTextReader(content),
};

/** A response is a single text, or the results for all inputs. */
const CHOICE = 0;

class WatsonxTextReader implements FormatReader {
  readonly #response: ResponseAccumulator;
  #whole = false;

  constructor(content: boolean) {
    this.#response = new ResponseAccumulator(content);
  }

  whole(body: JsonObject): void {
    this.#whole = Array.isArray(body.results);
    this.#response.fail(errorOfBody(body, this.#whole));
    this.#read(body);
  }

  event(name: string, data: string): void {
    const event = this.#response.readEvent(name, data);
    if (!event) return;
    this.#response.fail(errorOfEvent(name, event, Array.isArray(event.results)));
    this.#read(event);
  }

  end(): void {}

  answer(): Answer {
    // There is no last event: the stop reason tells.
    return this.#response.answer(this.#whole || this.#response.finished);
  }

  #read(body: JsonObject): void {
    const response = this.#response;
    response.model ??= word(body.model_id);
    this.#count(body);
    for (const result of objects(body.results)) {
      this.#count(result);
      if (result.generated_text === undefined) continue;
      response.append(CHOICE, 'text', result.generated_text);
      response.choice(CHOICE, result.stop_reason === 'not_finished' ? undefined : result.stop_reason);
    }
  }

  /** The first event of a stream has the input's counter, and each one the sum of the output so far; the others have 0. */
  #count(counters: JsonObject): void {
    const { usage } = this.#response;
    this.#response.usage = defined({
      inputTokens: count(counters.input_token_count) || usage.inputTokens,
      outputTokens: count(counters.generated_token_count) ?? usage.outputTokens,
    });
  }
}
