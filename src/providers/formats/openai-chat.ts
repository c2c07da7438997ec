import type { Message, MessagePart, ModelRequest, Usage } from '../../capture/genai-writer.js';
import * as names from '../../otel/names.js';
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
import type { Answer, AnswerReader, Protocol } from '../format.js';
import {
  audioPart,
  filePart,
  mediaPart,
  otherPart,
  textParts,
  toolCallPart,
  toolResponsePart,
} from '../message-parts.js';
import { describeError, enclosedError } from '../provider-error.js';
import { ResponseAccumulator } from '../response-accumulator.js';

/**
 * OpenAI's Chat Completions, the older Completions and Embeddings, and whoever speaks them: Azure, OpenRouter, Groq,
 * Mistral, xAI, DeepSeek, Ollama, vLLM and many more.
 *
 * Source: the OpenAI API reference and the types of the `openai` package; what the others do differently is said where
 * it is read.
 */
export const openAiChat: Protocol = {
  provider: 'openai',

  operation(path) {
    if (path.endsWith('/chat/completions')) return 'chat';
    if (path.endsWith('/completions')) return 'text_completion';
    return path.endsWith('/embeddings') ? 'embeddings' : undefined;
  },

  accepts(path, body) {
    if (path.endsWith('/chat/completions')) return Array.isArray(body.messages);
    return path.endsWith('/completions') ? body.prompt !== undefined : body.input !== undefined;
  },

  readRequest(path, body, content) {
    const chat = path.endsWith('/chat/completions');
    return defined<ModelRequest>({
      model: label(body.model) ?? azureDeployment(path),
      stream: body.stream === true || undefined,
      maxTokens: number(body.max_completion_tokens) ?? number(body.max_tokens),
      temperature: number(body.temperature),
      topP: number(body.top_p),
      topK: number(body.top_k),
      seed: number(body.seed),
      stopSequences: texts(body.stop),
      frequencyPenalty: number(body.frequency_penalty),
      presencePenalty: number(body.presence_penalty),
      choiceCount: number(body.n),
      // OpenRouter has an object for it.
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

  openAnswer: (content) => new OpenAiChatAnswer(content),
};

/**
 * What tells more than the next piece of text: without content, a chunk that has none of it needn't be parsed. `role`
 * is in the first chunk of each choice; the fields that are mostly `null` count where they aren't.
 */
const TELLING = /"(?:finish_reason|usage)"\s*:\s*[^n\s]|"(?:error|role)"/;

class OpenAiChatAnswer implements AnswerReader {
  readonly #draft: ResponseAccumulator;
  readonly #content: boolean;
  #done = false;
  #ended = false;

  constructor(content: boolean) {
    this.#content = content;
    this.#draft = new ResponseAccumulator(content);
  }

  whole(body: JsonObject): void {
    this.#readHead(body);
    for (const [position, choice] of objects(body.choices).entries()) {
      const index = count(choice.index) ?? position;
      this.#draft.choice(index, choice.finish_reason);
      this.#failIf(choice);
      if (!this.#content) continue;
      const message = object(choice.message);
      this.#draft.put(index, message ? messageParts(message) : textParts(choice.text), 0);
    }
    this.#done = Array.isArray(body.choices) || Array.isArray(body.data);
  }

  event(name: string, data: string): void {
    if (data.startsWith('[DONE]')) {
      this.#done = true;
      return;
    }
    if (this.#tellsNothing(name, data)) return;
    const chunk = object(parseJson(data));
    if (!chunk) return;
    this.#readHead(chunk);
    if (name === 'error' && !enclosedError(chunk)) this.#draft.fail(describeError(chunk));
    for (const [position, choice] of objects(chunk.choices).entries()) {
      const index = count(choice.index) ?? position;
      this.#draft.choice(index, choice.finish_reason);
      this.#failIf(choice);
      if (this.#content) this.#readDelta(index, object(choice.delta) ?? choice);
    }
  }

  end(): void {
    this.#ended = true;
  }

  answer(): Answer {
    // Some compatible servers never send `[DONE]`: their last event is the one with the finish reason.
    return this.#draft.answer(this.#done || (this.#ended && this.#draft.finished));
  }

  /** Whether a chunk is known to have nothing but the next piece of text, which isn't wanted. */
  #tellsNothing(name: string, data: string): boolean {
    const { id, model } = this.#draft;
    return !this.#content && id !== undefined && model !== undefined && name !== 'error' && !TELLING.test(data);
  }

  #readHead(body: JsonObject): void {
    const draft = this.#draft;
    // Azure begins with a chunk of nothing but its filter's results, with an empty id and model.
    draft.id ??= word(body.id);
    draft.model ??= word(body.model);
    const tier = identifier(body.service_tier);
    if (tier !== undefined) draft.extra[names.OPENAI_RESPONSE_SERVICE_TIER] = tier;
    const fingerprint = word(body.system_fingerprint);
    if (fingerprint !== undefined) draft.extra[names.OPENAI_RESPONSE_SYSTEM_FINGERPRINT] = fingerprint;
    // Groq has it in an object of its own in streams that weren't asked for usage.
    const usage = object(body.usage) ?? object(object(body.x_groq)?.usage);
    if (usage) draft.usage = readUsage(usage);
    this.#failIf(body);
  }

  /** The whole answer and each choice (OpenRouter) may hold an error. */
  #failIf(body: JsonObject): void {
    const error = enclosedError(body);
    if (error) this.#draft.fail(error);
  }

  #readDelta(index: number, delta: JsonObject): void {
    const draft = this.#draft;
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
      // Gemini's compatible endpoint numbers them not at all.
      const part = draft.part(index, 'tool_call', `call ${count(call.index) ?? label(call.id) ?? position}`);
      if (!part) continue;
      const { name, args } = calledTool(call);
      part.id ??= label(call.id);
      part.name ??= label(name);
      draft.extend(part, args);
    }
  }
}

function readUsage(usage: JsonObject): Usage {
  const input = object(usage.prompt_tokens_details);
  const inputTokens = count(usage.prompt_tokens);
  const completionTokens = count(usage.completion_tokens);
  // Perplexity has it beside the sums.
  const reasoningTokens =
    count(object(usage.completion_tokens_details)?.reasoning_tokens) ?? count(usage.reasoning_tokens);
  return defined<Usage>({
    inputTokens,
    outputTokens: outputTokens(count(usage.total_tokens), inputTokens, completionTokens, reasoningTokens),
    // DeepSeek's own name.
    cacheReadTokens: count(input?.cached_tokens) ?? count(usage.prompt_cache_hit_tokens),
    cacheWriteTokens: count(input?.cache_write_tokens),
    reasoningTokens,
  });
}

/** The conventions' sum has the reasoning in it, as OpenAI's has. xAI's hasn't, which only its total shows. */
function outputTokens(total?: number, input?: number, completion?: number, reasoning?: number): number | undefined {
  if (completion === undefined || !reasoning || total !== (input ?? 0) + completion + reasoning) return completion;
  return completion + reasoning;
}

function readMessage(message: JsonObject): Message {
  const role = text(message.role) ?? 'user';
  const name = label(message.name);
  const parts =
    role === 'tool' ? [toolResponsePart(message.tool_call_id, responseOf(message.content))] : messageParts(message);
  return { role, parts, ...(name !== undefined && { name }) };
}

/** A tool's answer, without the bytes of what is attached to it. */
function responseOf(content: unknown): unknown {
  return Array.isArray(content) ? objects(content).flatMap(readPart) : content;
}

function messageParts(message: JsonObject): MessagePart[] {
  return [
    ...textParts(reasoningOf(message), 'reasoning'),
    ...textParts(message.content),
    ...objects(message.content).flatMap(readPart),
    ...textParts(message.refusal, 'refusal'),
    ...textParts(object(message.audio)?.transcript),
    ...objects(message.images).flatMap(readPart),
    ...toolCallsOf(message).map((call) => {
      const { name, args } = calledTool(call);
      return toolCallPart(call.id, name, args);
    }),
  ];
}

/** DeepSeek, xAI and vLLM call it `reasoning_content`, OpenRouter, Groq and Ollama `reasoning`. */
function reasoningOf(message: JsonObject): unknown {
  return message.reasoning_content ?? message.reasoning;
}

function toolCallsOf(message: JsonObject): JsonObject[] {
  const older = object(message.function_call);
  return older ? [{ function: older }] : objects(message.tool_calls);
}

function calledTool(call: JsonObject): { name: unknown; args: unknown } {
  const called = object(call.function);
  if (called) return { name: called.name, args: called.arguments };
  const custom = object(call.custom);
  return { name: custom?.name, args: custom?.input };
}

function readPart(part: JsonObject): MessagePart[] {
  switch (part.type) {
    case 'text':
      return textParts(part.text);
    case 'refusal':
      return textParts(part.refusal, 'refusal');
    case 'image_url':
      return [mediaPart(object(part.image_url)?.url ?? part.image_url, 'image')];
    case 'video_url':
      return [mediaPart(object(part.video_url)?.url, 'video')];
    case 'input_audio':
      return [audioPart(part.input_audio)];
    case 'file': {
      const file = object(part.file);
      return [file?.file_data === undefined ? filePart(file?.file_id) : mediaPart(file.file_data, 'document')];
    }
    // Mistral's reasoning.
    case 'thinking':
      return objects(part.thinking).flatMap((thought) => textParts(thought.text, 'reasoning'));
    default:
      return otherPart(part);
  }
}

/** The conventions have the function's fields on the tool itself. */
function flatTool(tool: JsonObject): JsonObject {
  const { function: called, custom, ...rest } = tool;
  return { ...rest, ...object(called), ...object(custom) };
}

function promptMessages(prompt: unknown): Message[] | undefined {
  return texts(prompt)?.map((content) => ({ role: 'user', parts: textParts(content) }));
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

/** Azure has the deployment's name in the path, and the body may leave out the model. */
function azureDeployment(path: string): string | undefined {
  return /\/deployments\/([^/]+)\//.exec(path)?.[1];
}
