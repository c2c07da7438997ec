import type { ModelRequest, Usage } from '../../../otel/genai.js';
import * as names from '../../../otel/names.js';
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
} from '../../../util/json-fields.js';
import type { RepeatedJson } from '../../../util/repeated-json.js';
import type { Answer, FormatReader, WireFormat } from '../../format.js';
import { promptMessages, textParts } from '../../message-parts.js';
import { errorOfBody, errorOfEvent, isErrorEvent, plainError, reportedError } from '../../provider-error.js';
import { ResponseAccumulator } from '../../response-accumulator.js';
import { RepeatedEvent } from '../../stream/repeated-event.js';
import { asChatCompletion } from './llama-api.js';
import {
  calledTool,
  flatTool,
  messageParts,
  readMessage,
  readPart,
  reasoningOf,
  toolCallsOf,
} from './openai-chat-content.js';
import { readTimings, readUsage } from './openai-chat-usage.js';

/**
 * OpenAI's Chat Completions, the older Completions and Embeddings, at OpenAI and at every compatible server: Azure,
 * OpenRouter, Groq, Mistral, xAI, DeepSeek, Ollama, vLLM and many more; and Meta's Llama API, whose responses differ.
 *
 * Source: the OpenAI API reference and the types of the `openai` package. A comment names each server that does
 * something differently.
 */
export const openAiChat: WireFormat = {
  provider: 'openai',

  operation(path) {
    if (isChat(path)) return 'chat';
    if (path.endsWith('/completions')) return 'text_completion';
    return EMBEDDINGS.test(path) ? 'embeddings' : undefined;
  },

  accepts(path, body) {
    if (isChat(path)) return Array.isArray(body.messages);
    return (path.endsWith('/completions') ? body.prompt : (body.input ?? body.inputs)) !== undefined;
  },

  readRequest({ path, body }, content) {
    const chat = isChat(path);
    return defined<ModelRequest>({
      model: label(body.model) ?? modelOfPath(path),
      stream: body.stream === true || undefined,
      // xAI: docs.x.ai/docs/guides/deferred-chat-completions
      inBackground: body.deferred === true || undefined,
      maxTokens: number(body.max_completion_tokens) ?? number(body.max_tokens),
      temperature: number(body.temperature),
      topP: number(body.top_p),
      topK: number(body.top_k),
      seed: number(body.seed),
      stopSequences: texts(body.stop),
      frequencyPenalty: number(body.frequency_penalty),
      presencePenalty: number(body.presence_penalty),
      choiceCount: number(body.n),
      // OpenRouter's name is `reasoning`.
      reasoningLevel: identifier(body.reasoning_effort) ?? identifier(object(body.reasoning)?.effort),
      outputType: outputType(body),
      messages: content ? (chat ? objects(body.messages).map(readMessage) : promptMessages(body.prompt)) : undefined,
      toolDefinitions: content && Array.isArray(body.tools) ? objects(body.tools).map(flatTool) : undefined,
      extra: defined({
        [names.OPENAI_API_TYPE]: chat ? 'chat_completions' : undefined,
        [names.OPENAI_REQUEST_SERVICE_TIER]: identifier(body.service_tier),
      }),
    });
  },

  openReader: (content, request) => new OpenAiChatReader(content, request),
};

/** Voyage and Perplexity have more kinds of them, each at a path of its own. */
const EMBEDDINGS = /\/(?:contextualized|multimodal)?embeddings$/;

/**
 * The fields for which a chunk is parsed where content is not wanted. `role` is in the first chunk of each choice; the
 * fields that are `null` in most chunks count only where they have a value.
 */
const TELLING = /"(?:finish_reason|usage|timings)"\s*:\s*[^n\s]|"(?:errors?|error_code|base_resp|role)"/;

/** A chunk without choices may be an error in any shape. */
const HAS_CHOICES = /"choices"\s*:\s*\[/;

/** The sentinel that ends a stream; some servers write it as a JSON text. */
const DONE = /^\s*"?\[DONE\]/;

const OPENING_BRACE = 123;

/** Errors that gateways write as plain text, or as a JSON text, where a chunk is expected. */
const PLAIN_ERROR = /^\s*"?(?:\[error\b|error:)/i;

class OpenAiChatReader implements FormatReader {
  readonly #response: ResponseAccumulator;
  readonly #content: boolean;
  readonly #choicesWanted: number;
  readonly #inBackground: boolean;
  /** The id by which a completion that was deferred is asked for. */
  #deferred: string | undefined;
  #usage: Usage | undefined;
  /** Usage from other places, which counts only if the response has none in its own field. */
  #otherUsage: Usage | undefined;
  readonly #choiceUsage = new Map<number, Usage>();
  /** The last chunk that had nothing but the next piece of text, and the choice that this belongs to. */
  readonly #textChunk = new RepeatedEvent('content');
  #textChoice = 0;
  #done = false;
  #ended = false;

  constructor(content: boolean, { choiceCount = 1, inBackground = false }: ModelRequest) {
    this.#content = content;
    this.#choicesWanted = choiceCount;
    this.#inBackground = inBackground;
    this.#response = new ResponseAccumulator(content);
  }

  whole(given: JsonObject): void {
    const body = asChatCompletion(given);
    const isResult = Array.isArray(body.choices) || Array.isArray(body.data);
    if (this.#inBackground && !isResult) this.#deferred = word(body.request_id);
    this.#done = isResult || this.#deferred !== undefined;
    this.#readHead(body, !isResult);
    // Voyage counts the input of its embeddings in the total only.
    const total = Array.isArray(body.data) ? count(object(body.usage)?.total_tokens) : undefined;
    if (total !== undefined) this.#usage = { inputTokens: total, ...this.#usage };
    for (const [position, choice] of objects(body.choices).entries()) {
      const index = count(choice.index) ?? position;
      const message = object(choice.message);
      this.#readChoice(index, choice, message);
      if (this.#content) this.#response.put(index, message ? messageParts(message) : textParts(choice.text), 0);
    }
  }

  get repeated(): RepeatedJson | undefined {
    return this.#textChunk.earlier;
  }

  repeat(text: string): void {
    if (this.#content) this.#response.append(this.#textChoice, 'text', text);
  }

  event(name: string, data: string): void {
    if (data.charCodeAt(0) !== OPENING_BRACE && DONE.test(data)) {
      // A stream that had no choice has answered nothing, though it ended properly.
      this.#done = this.#response.choiceCount > 0;
      return;
    }
    const next = name === '' ? this.#textChunk.textOf(data) : undefined;
    if (next !== undefined) {
      this.repeat(next);
      return;
    }
    if (this.#tellsNothing(name, data)) return;
    const event = object(parseJson(data));
    if (!event) {
      if (isErrorEvent(name) || PLAIN_ERROR.test(data)) this.#response.fail(plainError(data));
      return;
    }
    const chunk = asChatCompletion(event);
    this.#readHead(chunk, !Array.isArray(chunk.choices) && !object(chunk.usage));
    if (isErrorEvent(name)) this.#response.fail(errorOfEvent(name, chunk, false));
    const choices = objects(chunk.choices);
    for (const [position, choice] of choices.entries()) {
      const index = count(choice.index) ?? position;
      const delta = object(choice.delta);
      this.#readChoice(index, choice, delta);
      if (this.#content) this.#readDelta(index, delta ?? choice);
      const isText = this.#content && choices.length === 1 && hasOnlyText(delta) && isPiece(data);
      if (isText && this.#textChunk.learn(data)) this.#textChoice = index;
    }
  }

  end(): void {
    this.#ended = true;
  }

  answer(): Answer {
    this.#response.usage = this.#usage ?? this.#otherUsage ?? {};
    // Some compatible servers never send `[DONE]`, and a consumer may stop reading before it: the finish reasons tell.
    // Before the end, a choice that was asked for may still be to come.
    const { finished, choiceCount } = this.#response;
    const done = this.#done || (finished && (this.#ended || choiceCount >= this.#choicesWanted));
    const answer = this.#response.answer(done);
    const id = this.#deferred;
    if (id === undefined || answer.error) return answer;
    const pollPath = `../deferred-completion/${id}`;
    return { ...answer, response: { ...answer.response, id }, responseStatus: 'queued', pollPath };
  }

  /** Whether a chunk has nothing but the next piece of text, which is not wanted. */
  #tellsNothing(name: string, data: string): boolean {
    const { id, model, choiceCount } = this.#response;
    // Some servers have the role in the first chunk of the stream only, so a choice may begin with a piece of text.
    if (this.#content || id === undefined || model === undefined || choiceCount < this.#choicesWanted) return false;
    if (isErrorEvent(name) || !isPiece(data)) return false;
    this.#textChunk.learn(data);
    return true;
  }

  /** Reads what a whole response and a chunk have in common; `bare` if it has none of the format's own fields. */
  #readHead(body: JsonObject, bare: boolean): void {
    const draft = this.#response;
    // Azure begins with a chunk of nothing but its filter's results, with an empty id and model. watsonx calls it `model_id`.
    draft.id ??= word(body.id);
    draft.model ??= word(body.model ?? body.model_id);
    const tier = identifier(body.service_tier);
    if (tier !== undefined) draft.extra[names.OPENAI_RESPONSE_SERVICE_TIER] = tier;
    const fingerprint = word(body.system_fingerprint);
    if (fingerprint !== undefined) draft.extra[names.OPENAI_RESPONSE_SYSTEM_FINGERPRINT] = fingerprint;
    // Groq has its own object for usage that was not asked for, and for an error that stopped the stream early.
    const groq = object(body.x_groq);
    const usage = object(body.usage) ?? object(groq?.usage);
    const read = usage && readUsage(usage, draft.model);
    // A usage without counters, or of zeros, says nothing of what an earlier chunk counted.
    const counters = Object.values(read ?? {});
    if (counters.length > 0 && (!this.#usage || counters.some((counter) => counter > 0))) this.#usage = read;
    const timings = object(body.timings);
    if (timings) this.#otherUsage = readTimings(timings);
    draft.fail((groq && reportedError(groq)) ?? errorOfBody(body, !bare));
  }

  /** Reads a choice without its content. `message` is its message or delta. */
  #readChoice(index: number, choice: JsonObject, message: JsonObject | undefined): void {
    const draft = this.#response;
    // OpenRouter's choices may hold an error.
    draft.fail(reportedError(choice) ?? (message && reportedError(message)));
    draft.choice(index, choice.finish_reason);
    const usage = object(choice.usage);
    if (usage) this.#addChoiceUsage(index, readUsage(usage));
  }

  /** Moonshot has the usage in the last chunk of each choice. All choices have the same prompt. */
  #addChoiceUsage(index: number, usage: Usage): void {
    this.#choiceUsage.set(index, usage);
    const outputs = [...this.#choiceUsage.values()].flatMap(({ outputTokens }) => outputTokens ?? []);
    const outputTokens = outputs.reduce((sum, tokens) => sum + tokens, 0);
    this.#otherUsage = { ...usage, ...(outputs.length > 0 && { outputTokens }) };
  }

  #readDelta(index: number, delta: JsonObject): void {
    const draft = this.#response;
    draft.append(index, 'reasoning', reasoningOf(delta));
    draft.append(index, 'text', delta.content ?? delta.text);
    // Mistral's content may be a list, as in a message.
    for (const part of objects(delta.content).flatMap(readPart)) {
      if (part.type === 'text' || part.type === 'reasoning')
        draft.append(index, part.type, (part as { content: unknown }).content);
      else draft.put(index, [part], 0);
    }
    draft.append(index, 'refusal', delta.refusal);
    draft.append(index, 'text', object(delta.audio)?.transcript);
    for (const image of objects(delta.images)) draft.put(index, readPart(image), 0);
    for (const [position, call] of toolCallsOf(delta).entries()) {
      const { name, args } = calledTool(call);
      // Gemini's compatible endpoint does not number them.
      const key = `call ${count(Number(call.index ?? position)) ?? position}`;
      draft.extend(draft.toolCall(index, key, { id: call.id, name }), object(args) ? JSON.stringify(args) : args);
    }
  }
}

/** Whether a chunk has no field that tells more than a piece of the answer. */
function isPiece(data: string): boolean {
  return HAS_CHOICES.test(data) && !TELLING.test(data);
}

/** Whether a delta has no other value than its content. */
function hasOnlyText(delta: JsonObject | undefined): boolean {
  if (typeof delta?.content !== 'string') return false;
  return Object.entries(delta).every(([name, value]) => name === 'content' || value === null || value === '');
}

function outputType(body: JsonObject): string | undefined {
  const modalities = Array.isArray(body.modalities) ? body.modalities : [];
  if (modalities.includes('audio')) return 'speech';
  if (modalities.includes('image')) return 'image';
  return formatType(body.response_format);
}

/** The `gen_ai.output.type` of a format as OpenAI's APIs have it. */
export function formatType(format: unknown): string | undefined {
  const type = text(object(format)?.type);
  return type?.startsWith('json_') ? 'json' : type === 'text' ? 'text' : undefined;
}

/** Mistral's agents have a path of their own. */
function isChat(path: string): boolean {
  return /\/(?:chat|agents)\/completions$/.test(path) || RAW_PREDICT.test(path);
}

/** Vertex AI's models of Mistral and AI21. */
const RAW_PREDICT = /\/publishers\/(?:mistralai|ai21)\/models\/([^/:]+):(?:rawP|streamRawP)redict$/;

/** Azure has the deployment's name in the path (as has Cloudflare's gateway), Vertex AI the model's, and the body may leave it out. */
export function modelOfPath(path: string): string | undefined {
  return (/\/(?:deployments|azure-openai\/[^/]+)\/([^/]+)\//.exec(path) ?? RAW_PREDICT.exec(path))?.[1];
}
