import type { ModelRequest } from '../../../otel/genai.js';
import { count, defined, type JsonObject, number, object, objects } from '../../../util/json-fields.js';
import type { Answer, FormatReader, WireFormat } from '../../format.js';
import { promptMessages } from '../../message-parts.js';
import { errorOfBody } from '../../provider-error.js';
import { ResponseAccumulator } from '../../response-accumulator.js';
import { modelOfSegment } from '../path-segment.js';

/** A model of a publisher. An endpoint with a model of one's own has another path: that can be any kind of model. */
const MODEL = /\/models\/([^/:]+):predict$/;

const EMBEDS = /embed|(?:^|-)e5(?:-|$)/;

/**
 * Vertex AI's `predict`: its text and multimodal embeddings, Imagen and other media models, which the Gemini API has too.
 *
 * Source: the Vertex AI reference ("Text embeddings API", "Imagen API") and the types of the `@google/genai` package.
 */
export const vertexPredict: WireFormat = {
  provider: 'gcp.vertex_ai',

  operation(path) {
    const model = MODEL.exec(path)?.[1];
    return model && (EMBEDS.test(model) ? 'embeddings' : 'generate_content');
  },

  accepts: (_path, body) => Array.isArray(body.instances),

  readRequest({ path, body }, content) {
    const model = modelOfSegment(MODEL.exec(path)?.[1]);
    const parameters = object(body.parameters) ?? {};
    return defined<ModelRequest>({
      model,
      choiceCount: number(parameters.sampleCount),
      seed: number(parameters.seed),
      outputType: model?.startsWith('imagen') ? 'image' : undefined,
      messages: content ? promptMessages(objects(body.instances).map(({ prompt }) => prompt)) : undefined,
    });
  },

  openReader: () => new PredictionReader(),
};

/** Of a longer list, the end may not have been read, so its tokens can't be summed up. */
const MAX_COUNTED = 255;

class PredictionReader implements FormatReader {
  readonly #response = new ResponseAccumulator(false);
  #done = false;

  whole(body: JsonObject): void {
    this.#done = Array.isArray(body.predictions);
    this.#response.fail(errorOfBody(body, this.#done));
    this.#response.usage = defined({ inputTokens: inputTokens(objects(body.predictions)) });
  }

  event(name: string, data: string): void {
    const event = this.#response.readEvent(name, data);
    if (event) this.whole(event);
  }

  end(): void {}

  answer(): Answer {
    return this.#response.answer(this.#done);
  }
}

/** Each text that was embedded has its own count; images and multimodal embeddings have none. */
function inputTokens(predictions: readonly JsonObject[]): number | undefined {
  if (predictions.length === 0 || predictions.length > MAX_COUNTED) return undefined;
  let sum = 0;
  for (const prediction of predictions) {
    const tokens = count(object(object(prediction.embeddings)?.statistics)?.token_count);
    if (tokens === undefined) return undefined;
    sum += tokens;
  }
  return sum;
}
