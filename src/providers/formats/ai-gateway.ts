import type { ModelRequest } from '../../otel/genai.js';
import { defined, type JsonObject, label } from '../../util/json-fields.js';
import type { Answer, FormatReader, WireFormat } from '../format.js';
import { errorOfBody } from '../provider-error.js';
import { ResponseAccumulator } from '../response-accumulator.js';
import { ModelAnswer, readCall, readUsage } from './ai-sdk-model.js';

const PATH = /\/v\d+\/ai\/(language|embedding|reranking|decision|image|video|speech|transcription)-model$/;
const OPERATIONS: Readonly<Record<string, string>> = {
  language: 'chat',
  embedding: 'embeddings',
  reranking: 'rerank',
  decision: 'generate_content',
  image: 'generate_content',
  video: 'generate_content',
  speech: 'generate_content',
  transcription: 'generate_content',
};
const OUTPUT_TYPES: Readonly<Record<string, string>> = { image: 'image', speech: 'speech', transcription: 'text' };

/**
 * Vercel's AI Gateway, the AI SDK's default provider: its language, embedding, reranking, decision, image, video, speech
 * and transcription models. Bodies are the AI SDK's own calls and results; the model is in a header.
 *
 * Source: `@ai-sdk/gateway` 4, gateway-language-model.ts and the files beside it.
 */
export const aiGateway: WireFormat = {
  provider: 'vercel',

  operation: (path) => OPERATIONS[PATH.exec(path)?.[1] ?? ''],

  accepts: (path, body) => !path.endsWith('/language-model') || Array.isArray(body.prompt),

  readRequest({ path, body, headers }, content) {
    const kind = PATH.exec(path)?.[1] ?? '';
    const model = label(headers['ai-language-model-id']) ?? label(headers['ai-model-id']);
    const request: ModelRequest =
      kind === 'language' ? readCall(body, headers['ai-language-model-streaming'] === 'true', content) : {};
    const outputType = request.outputType ?? OUTPUT_TYPES[kind];
    return { ...request, ...defined<ModelRequest>({ model, outputType }) };
  },

  openReader: (content) => new AiGatewayReader(content),
};

/** The fields in which the models that are no language models have their results. */
const RESULT_FIELDS = ['embeddings', 'ranking', 'answers', 'images', 'videos', 'audio', 'text', 'segments'];

/** The finish reason of the AI SDK for a stream that broke off between the gateway and the provider. */
const BROKE_OFF = 'interrupted';

class AiGatewayReader implements FormatReader {
  /** Reads a language model's result. */
  readonly #model: ModelAnswer;
  /** Holds the errors, and the result of any other model. */
  readonly #response: ResponseAccumulator;
  #isLanguageModel = false;
  #done = false;

  constructor(content: boolean) {
    this.#model = new ModelAnswer(content);
    this.#response = new ResponseAccumulator(false);
  }

  whole(body: JsonObject): void {
    this.#isLanguageModel = body.finishReason !== undefined;
    this.#done = this.#isLanguageModel || RESULT_FIELDS.some((name) => body[name] !== undefined);
    this.#response.fail(errorOfBody(body, this.#done));
    if (this.#isLanguageModel) this.#model.whole(body);
    else {
      this.#response.model = label(body.model);
      this.#response.usage = readUsage(body.usage);
    }
  }

  event(name: string, data: string): void {
    if (data.startsWith('[DONE]')) return;
    const part = this.#response.readEvent(name, data);
    if (!part) return;
    this.#response.fail(errorOfBody(part, part.type !== undefined));
    if (part.type === 'result') this.#done = true;
    else this.#isLanguageModel = true;
    this.#model.part(part);
    if (part.type === 'finish') this.#done = true;
  }

  end(): void {}

  answer(): Answer {
    const reason = this.#model.unifiedReason;
    if (reason === 'error') this.#response.fail({});
    const answer = this.#response.answer(this.#done && reason !== BROKE_OFF);
    return this.#isLanguageModel ? { ...answer, ...this.#model.details } : answer;
  }
}
