import type { ModelRequest } from '../../otel/genai.js';
import { defined, type JsonObject, label, object, objects, word } from '../../util/json-fields.js';
import type { Answer, FormatReader, WireFormat } from '../format.js';
import { filePart, mediaPart, textParts } from '../message-parts.js';
import { errorOfBody } from '../provider-error.js';
import { ResponseAccumulator } from '../response-accumulator.js';
import { modelOfSegment } from './path-segment.js';

/** At Vertex AI the model is in the path. */
const PATH = /\/v1\/ocr$|\/publishers\/mistralai\/models\/([^/:]+):rawPredict$/;

/**
 * Mistral's OCR: a document in, the text of its pages out. It is billed by the page, so that there are no tokens.
 *
 * Source: docs.mistral.ai/api, "ocr", and the types of the `@mistralai/mistralai` package.
 */
export const mistralOcr: WireFormat = {
  provider: 'mistral_ai',

  operation: (path) => (PATH.test(path) ? 'generate_content' : undefined),

  accepts: (_path, body) => object(body.document) !== undefined,

  readRequest({ path, body }, content) {
    const { image_url, document_url, file_id } = object(body.document) ?? {};
    const document =
      file_id === undefined
        ? mediaPart(object(image_url)?.url ?? image_url ?? document_url, image_url ? 'image' : 'document')
        : filePart(file_id);
    return defined<ModelRequest>({
      model: label(body.model) ?? modelOfSegment(PATH.exec(path)?.[1]),
      outputType: 'text',
      messages: content ? [{ role: 'user', parts: [document] }] : undefined,
    });
  },

  openReader: (content) => new OcrReader(content),
};

/** A response is a single result. */
const CHOICE = 0;

class OcrReader implements FormatReader {
  readonly #response: ResponseAccumulator;
  readonly #content: boolean;
  #done = false;

  constructor(content: boolean) {
    this.#content = content;
    this.#response = new ResponseAccumulator(content);
  }

  whole(body: JsonObject): void {
    this.#done = Array.isArray(body.pages);
    this.#response.fail(errorOfBody(body, this.#done));
    this.#response.model = word(body.model);
    if (!this.#content) return;
    const parts = objects(body.pages).flatMap(({ markdown }) => textParts(markdown));
    if (parts.length > 0) this.#response.put(CHOICE, parts, 0);
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
