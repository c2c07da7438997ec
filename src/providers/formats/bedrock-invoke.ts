import type { ModelRequest, Usage } from '../../otel/genai.js';
import {
  count,
  defined,
  type JsonObject,
  number,
  object,
  objects,
  parseJson,
  text,
  texts,
} from '../../util/json-fields.js';
import type { Answer, FormatReader, WireFormat } from '../format.js';
import { textParts } from '../message-parts.js';
import { bareError, describeError, plainError, reportedError } from '../provider-error.js';
import { ResponseAccumulator } from '../response-accumulator.js';
import { anthropic } from './anthropic.js';
import { ConverseReader, readConverseRequest } from './bedrock-converse.js';
import { openAiChat } from './openai-chat.js';
import { modelOfSegment } from './path-segment.js';

const PATH = /\/model\/(.+)\/(invoke|invoke-with-response-stream)$/;

/**
 * Bedrock's InvokeModel and InvokeModelWithResponseStream. Bodies are the model family's own; the fields tell which,
 * because an ARN or an inference profile does not: Anthropic's Messages, OpenAI's Chat Completions (gpt-oss, DeepSeek,
 * Qwen, Mistral, AI21), Converse (Nova), or one of the older families (Titan, Llama, Cohere, Mistral's instruct).
 *
 * Source: docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html
 */
export const bedrockInvoke: WireFormat = {
  provider: 'aws.bedrock',

  operation(path) {
    const model = PATH.exec(path)?.[1];
    return model === undefined ? undefined : /embed/i.test(model) ? 'embeddings' : 'chat';
  },

  accepts: () => true,

  readRequest(call, content) {
    const [, model, method] = PATH.exec(call.path) ?? [];
    const request = readRequestOf(call.body)(call.body, content);
    const stream = method === 'invoke-with-response-stream' || undefined;
    delete request.extra;
    return { ...request, ...defined({ model: modelOfSegment(model), stream }) };
  },

  openReader: (content, request) => new InvokeReader(content, request),
};

type ReadRequest = (body: JsonObject, content: boolean) => ModelRequest;

function readRequestOf(body: JsonObject): ReadRequest {
  const of =
    (format: WireFormat): ReadRequest =>
    (given, content) =>
      format.readRequest({ path: '', body: given, headers: {} }, content);
  if (body.anthropic_version !== undefined) return of(anthropic);
  if (body.inferenceConfig !== undefined || body.schemaVersion !== undefined) return readConverseRequest;
  if (!Array.isArray(body.messages)) return readPromptRequest;
  const isConverse = objects(body.messages).every(({ content }) =>
    objects(content).some((block) => !('type' in block)),
  );
  return isConverse && body.messages.length > 0 ? readConverseRequest : of(openAiChat);
}

/** The request of a family that has a prompt. */
function readPromptRequest(body: JsonObject, content: boolean): ModelRequest {
  const config = object(body.textGenerationConfig) ?? body;
  const prompt = body.prompt ?? body.inputText ?? body.message;
  return defined<ModelRequest>({
    maxTokens: number(config.maxTokenCount) ?? number(config.max_gen_len) ?? number(config.max_tokens),
    temperature: number(config.temperature),
    topP: number(config.topP) ?? number(config.top_p) ?? number(config.p),
    topK: number(config.top_k) ?? number(config.k),
    stopSequences: texts(config.stopSequences) ?? texts(config.stop) ?? texts(config.stop_sequences),
    messages: content && typeof prompt === 'string' ? [{ role: 'user', parts: textParts(prompt) }] : undefined,
  });
}

/** Chooses the reader by the first thing that is read. */
class InvokeReader implements FormatReader {
  readonly #content: boolean;
  readonly #request: ModelRequest;
  #reader: FormatReader | undefined;
  /** Bedrock's own counters, at the end of a stream; the model's come first. */
  #metrics: Usage = {};

  constructor(content: boolean, request: ModelRequest) {
    this.#content = content;
    this.#request = request;
  }

  whole(body: JsonObject): void {
    this.#readerFor(body).whole(body);
  }

  event(name: string, data: string): void {
    const event = object(parseJson(data)) ?? {};
    if (name === 'error') {
      this.#reader ??= new PromptReader(this.#content);
      this.#reader.event('error', data);
      return;
    }
    const json = typeof event.bytes === 'string' ? decodeBase64(event.bytes) : data;
    const part = object(parseJson(json));
    if (!part) return;
    const metrics = object(part['amazon-bedrock-invocationMetrics']);
    if (metrics) this.#metrics = readMetrics(metrics);
    const reader = this.#readerFor(part);
    // An event of Nova is the field of an object.
    if (reader instanceof ConverseReader) {
      for (const [type, inner] of Object.entries(part)) reader.event(type, JSON.stringify(inner));
    } else {
      reader.event('', json);
    }
  }

  end(receivedBytes: number): void {
    this.#reader?.end(receivedBytes);
  }

  answer(): Answer {
    const answer = (this.#reader ?? new PromptReader(this.#content)).answer();
    return { ...answer, usage: { ...this.#metrics, ...answer.usage } };
  }

  #readerFor(part: JsonObject): FormatReader {
    this.#reader ??= this.#open(part);
    return this.#reader;
  }

  #open(part: JsonObject): FormatReader {
    if (Array.isArray(part.choices)) return openAiChat.openReader(this.#content, this.#request);
    if ('messageStart' in part || object(object(part.output)?.message)) return new ConverseReader(this.#content);
    if (part.type === 'message' || part.type === 'message_start')
      return anthropic.openReader(this.#content, this.#request);
    return new PromptReader(this.#content);
  }
}

function readMetrics(metrics: JsonObject): Usage {
  const cacheRead = count(metrics.cacheReadInputTokenCount);
  const cacheWrite = count(metrics.cacheWriteInputTokenCount);
  const input = count(metrics.inputTokenCount);
  return defined<Usage>({
    inputTokens: input === undefined ? undefined : input + (cacheRead ?? 0) + (cacheWrite ?? 0),
    outputTokens: count(metrics.outputTokenCount),
    cacheReadTokens: cacheRead,
    cacheWriteTokens: cacheWrite,
  });
}

function decodeBase64(base64: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
  } catch {
    return '';
  }
}

/** The fields in which the older families and the models for embeddings and images have their results. */
const RESULT_FIELDS = [
  ...['results', 'outputText', 'generation', 'outputs', 'generations', 'text', 'completion'],
  ...['embedding', 'embeddings', 'embeddingsByType', 'images', 'artifacts'],
];

/** Reads the response of a family that answers a prompt, or makes embeddings or images. */
class PromptReader implements FormatReader {
  readonly #response: ResponseAccumulator;
  #any = false;
  #whole = false;

  constructor(content: boolean) {
    this.#response = new ResponseAccumulator(content);
  }

  whole(body: JsonObject): void {
    this.#read(body);
    this.#whole = this.#any;
  }

  event(name: string, data: string): void {
    const event = object(parseJson(data));
    if (name === 'error')
      this.#response.fail(event ? (reportedError(event) ?? describeError(event)) : plainError(data));
    else if (event) this.#read(event);
  }

  end(): void {}

  answer(): Answer {
    // There is no last event: the finish reason tells.
    return this.#response.answer(this.#whole || (this.#any && this.#response.finished));
  }

  #read(body: JsonObject): void {
    const isResult = RESULT_FIELDS.some((name) => body[name] !== undefined);
    this.#any ||= isResult;
    const error = reportedError(body) ?? (isResult ? undefined : bareError(body));
    if (error) this.#response.fail(error);
    const lists = [body.results, body.outputs, body.generations].flatMap(objects);
    const results = lists.length > 0 ? lists : [body];
    for (const [index, result] of results.entries()) {
      const output = text(result.outputText) ?? text(result.generation) ?? text(result.text) ?? text(result.completion);
      if (output === undefined) continue;
      this.#response.append(index, 'text', output);
      const reason = result.completionReason ?? result.stop_reason ?? result.finish_reason;
      this.#response.choice(index, reason);
    }
    this.#readUsage(body, lists[0]);
  }

  #readUsage(body: JsonObject, result: JsonObject | undefined): void {
    const usage = defined<Usage>({
      inputTokens: count(body.inputTextTokenCount) ?? count(body.prompt_token_count),
      outputTokens:
        count(body.totalOutputTextTokenCount) ?? count(body.generation_token_count) ?? count(result?.tokenCount),
    });
    this.#response.usage = { ...this.#response.usage, ...usage };
  }
}
