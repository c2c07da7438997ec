import type { ModelRequest } from '../../otel/genai.js';
import {
  count,
  defined,
  first,
  type JsonObject,
  label,
  number,
  object,
  text,
  texts,
  word,
} from '../../util/json-fields.js';
import type { Answer, FormatReader, WireFormat } from '../format.js';
import { mediaPart, promptMessages, textParts } from '../message-parts.js';
import { errorOfBody } from '../provider-error.js';
import { ResponseAccumulator } from '../response-accumulator.js';

const PATH = /\/(?:(?:models|deployments)\/([^/]+\/[^/]+)\/)?predictions$/;

/**
 * Replicate's predictions. A request answers at once or waits (`Prefer: wait`); one that answers before the prediction's end is
 * polled. What its own host streams, by a GET, is not seen.
 *
 * Source: replicate.com/docs/reference/http and the types of the `replicate` package.
 */
export const replicate: WireFormat = {
  provider: 'replicate',

  operation: (path) => (PATH.test(path) ? 'generate_content' : undefined),

  accepts: (path, body) => object(body.input) !== undefined && modelOf(path, body) !== undefined,

  readRequest({ path, body }, content) {
    const input = object(body.input) ?? {};
    return defined<ModelRequest>({
      model: modelOf(path, body),
      maxTokens: first([input.max_tokens, input.max_new_tokens, input.max_completion_tokens], number),
      temperature: number(input.temperature),
      topP: number(input.top_p),
      topK: number(input.top_k),
      seed: number(input.seed),
      messages: content ? promptMessages(input.prompt) : undefined,
      systemInstructions:
        content && typeof input.system_prompt === 'string' ? textParts(input.system_prompt) : undefined,
    });
  },

  openReader: (content) => new PredictionReader(content),
};

/** A model that is its owner's alone is known by its version. */
function modelOf(path: string, body: JsonObject): string | undefined {
  return PATH.exec(path)?.[1] ?? label(body.model) ?? label(body.version);
}

/** A prediction has one output. */
const CHOICE = 0;

/** The statuses of a prediction, in the words of OpenAI's responses. */
const STATUSES: Readonly<Record<string, string>> = {
  starting: 'queued',
  processing: 'in_progress',
  canceled: 'cancelled',
  aborted: 'cancelled',
};

class PredictionReader implements FormatReader {
  readonly #response: ResponseAccumulator;
  readonly #content: boolean;
  #status: string | undefined;

  constructor(content: boolean) {
    this.#content = content;
    this.#response = new ResponseAccumulator(content);
  }

  whole(body: JsonObject): void {
    const response = this.#response;
    const status = text(body.status);
    const id = word(body.id);
    const isPrediction = status !== undefined && id !== undefined;
    response.fail(errorOfBody(body, isPrediction));
    if (!isPrediction) return;
    this.#status = STATUSES[status] ?? status;
    if (status === 'failed') response.fail({});
    response.id = id;
    response.model = word(body.model);
    const metrics = object(body.metrics) ?? {};
    response.usage = defined({
      inputTokens: count(metrics.input_token_count),
      outputTokens: count(metrics.output_token_count),
    });
    response.choice(CHOICE, status === 'succeeded' ? status : undefined);
    if (this.#content) for (const piece of texts(body.output) ?? []) this.#addOutput(piece);
  }

  event(): void {}

  end(): void {}

  answer(): Answer {
    const answer = this.#response.answer(this.#status !== undefined);
    if (this.#status === undefined) return answer;
    return { ...answer, responseStatus: this.#status, pollPath: `/v1/predictions/${answer.response.id}` };
  }

  /** The pieces of a text are a list too. */
  #addOutput(piece: string): void {
    if (/^(?:https|data):/.test(piece)) this.#response.put(CHOICE, [mediaPart(piece)], piece.length);
    else this.#response.append(CHOICE, 'text', piece);
  }
}
