import type { ModelRequest, Usage } from '../../../otel/genai.js';
import { count, defined, type JsonObject, label, number, object } from '../../../util/json-fields.js';
import type { Answer, FormatReader, WireFormat } from '../../format.js';
import { promptMessages, textParts } from '../../message-parts.js';
import { errorOfBody, errorOfEvent } from '../../provider-error.js';
import { ResponseAccumulator } from '../../response-accumulator.js';
import { eventType } from '../event-type.js';
import { modelOfPath } from './openai-chat.js';

const PATH =
  /\/(images(?:\/(?:generations|edits|variations))?|audio\/(?:speech|transcriptions|translations)|moderations|decisions)$/;

/**
 * OpenAI's images, speech, transcriptions, translations, moderations and decisions, and compatible servers (Groq, Mistral,
 * xAI, Together, OpenRouter). A multipart request is known by its path; of a form that is in memory the fields are read.
 *
 * Source: the OpenAI API reference and the types of the `openai` package.
 */
export const openAiMedia: WireFormat = {
  provider: 'openai',
  framing: 'bytes',

  operation(path) {
    const kind = PATH.exec(path)?.[1];
    return kind === undefined ? undefined : kind === 'moderations' ? 'moderation' : 'generate_content';
  },

  accepts: (_path, body) => [body.prompt, body.input, body.image, body.file].some((field) => field !== undefined),

  readRequest({ path, body }, content) {
    const kind = PATH.exec(path)?.[1];
    return defined<ModelRequest>({
      model: label(body.model) ?? modelOfPath(path),
      stream: body.stream === true || body.stream_format === 'sse' || undefined,
      temperature: number(body.temperature),
      choiceCount: number(body.n),
      outputType: outputType(kind),
      messages: content ? (promptMessages(body.prompt) ?? promptMessages(body.input)) : undefined,
    });
  },

  openReader: (content, { outputType: type }, { 'content-type': sent = '' }) =>
    new OpenAiMediaReader(content, (type === 'speech' || type === 'text') && !JSON_OR_EVENTS.test(sent)),
};

/** A body of this type is never audio or plain text: one that does not parse has broken off. */
const JSON_OR_EVENTS = /\bjson\b|^text\/event-stream\b/i;

function outputType(kind: string | undefined): string | undefined {
  if (kind === 'audio/speech') return 'speech';
  if (kind?.startsWith('audio/')) return 'text';
  return kind?.startsWith('images') ? 'image' : undefined;
}

/** A response is a single result. */
const CHOICE = 0;

/** `image_generation.completed`, `image_edit.completed`, `speech.audio.done`, `transcript.text.done`; Mistral: `transcription.done`. */
const LAST_EVENT = /^(?:image_\w+\.completed|speech\.audio\.done|transcript\.text\.done|transcription\.done)$/;
const EVENT = /^(?:image_\w+|speech|transcript|transcription)\./;
const TEXT_EVENT = /^transcript(?:ion)?\.text\.delta$/;

class OpenAiMediaReader implements FormatReader {
  readonly #response: ResponseAccumulator;
  readonly #content: boolean;
  /** Whether the result may be something else than JSON: audio, or a transcript as plain text. */
  readonly #mayBeBytes: boolean;
  #done = false;
  #anyEvent = false;

  constructor(content: boolean, mayBeBytes: boolean) {
    this.#content = content;
    this.#mayBeBytes = mayBeBytes;
    this.#response = new ResponseAccumulator(content);
  }

  whole(body: JsonObject): void {
    this.#anyEvent = true;
    // Mistral's speech is a text in JSON.
    const isText = [body.text, body.audio_data].some((field) => typeof field === 'string');
    this.#done = isText || [body.data, body.results, body.answers].some(Array.isArray);
    this.#response.fail(errorOfBody(body, this.#done));
    this.#response.id = label(body.id);
    this.#response.model = label(body.model);
    this.#readUsage(body.usage);
    if (this.#content && typeof body.text === 'string')
      this.#response.put(CHOICE, textParts(body.text), body.text.length);
  }

  event(name: string, data: string): void {
    this.#anyEvent = true;
    if (data.startsWith('[DONE]')) return;
    const type = eventType(name, data);
    const event = this.#response.readEvent(type, data);
    if (!event) return;
    this.#response.fail(errorOfEvent(type, event, EVENT.test(type)));
    if (this.#content && TEXT_EVENT.test(type)) this.#response.append(CHOICE, 'text', event.delta ?? event.text);
    if (!LAST_EVENT.test(type)) return;
    this.#done = true;
    this.#response.model = label(event.model);
    this.#readUsage(event.usage);
  }

  /** Audio, and a transcript as plain text, are complete at their end. */
  end(receivedBytes: number): void {
    if (!this.#anyEvent && this.#mayBeBytes) this.#done = receivedBytes > 0;
  }

  answer(): Answer {
    return this.#response.answer(this.#done);
  }

  #readUsage(given: unknown): void {
    const usage = object(given);
    if (usage) this.#response.usage = readUsage(usage);
  }
}

/** The usage of audio may be a duration, which is not counted in tokens. */
function readUsage(usage: JsonObject): Usage {
  return defined<Usage>({
    inputTokens: count(usage.input_tokens) ?? count(usage.prompt_tokens),
    outputTokens: count(usage.output_tokens) ?? count(usage.completion_tokens),
    cacheReadTokens: count(object(usage.input_tokens_details)?.cached_tokens),
  });
}
