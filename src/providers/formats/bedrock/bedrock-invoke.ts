import type { ModelRequest, Usage } from '../../../otel/genai.js';
import {
  count,
  defined,
  first,
  type JsonObject,
  number,
  object,
  objects,
  parseJson,
  text,
  texts,
} from '../../../util/json-fields.js';
import type { Answer, FormatReader, WireFormat } from '../../format.js';
import { promptMessages, toolCallPart } from '../../message-parts.js';
import { errorOfBody, errorOfEvent } from '../../provider-error.js';
import { ResponseAccumulator } from '../../response-accumulator.js';
import { anthropic } from '../anthropic.js';
import { openAiChat } from '../openai/openai-chat.js';
import { modelOfSegment } from '../path-segment.js';
import { ConverseReader, readConverseRequest } from './bedrock-converse.js';

const PATH = /(?<=\/model\/(.+))\/(invoke|invoke-with-response-stream)$/;

/** What the models do that do not chat; an ARN of an inference profile of one's own does not tell. */
const OPERATIONS: readonly (readonly [model: RegExp, operation: string])[] = [
  [/embed/i, 'embeddings'],
  [/rerank/i, 'rerank'],
  [/titan-image|canvas|reel|stability\./i, 'generate_content'],
];

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
    return model === undefined ? undefined : (OPERATIONS.find(([name]) => name.test(model))?.[1] ?? 'chat');
  },

  accepts: () => true,

  readRequest(call, content) {
    const [, model, method] = PATH.exec(call.path) ?? [];
    const request = readRequestOf(call.body)(call.body, content);
    const stream = method === 'invoke-with-response-stream' || undefined;
    delete request.extra;
    return { ...request, ...defined({ model: modelOfSegment(model), stream }) };
  },

  openReader: (content, request, headers) => new InvokeReader(content, request, readCounters(headers)),
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

const MAX_TOKENS = [
  'maxTokenCount',
  'max_gen_len',
  'max_tokens',
  'maxTokens',
  'max_tokens_to_sample',
  'maxOutputTokens',
];

/** The request of a family that has a prompt. */
function readPromptRequest(body: JsonObject, content: boolean): ModelRequest {
  const config = object(body.textGenerationConfig) ?? body;
  const prompt = body.prompt ?? body.inputText ?? body.message ?? body.inputPrompt;
  return defined<ModelRequest>({
    maxTokens: first(
      MAX_TOKENS.map((name) => config[name]),
      number,
    ),
    temperature: number(config.temperature),
    topP: number(config.topP) ?? number(config.top_p) ?? number(config.p),
    topK: number(config.top_k) ?? number(config.k),
    stopSequences: texts(config.stopSequences) ?? texts(config.stop) ?? texts(config.stop_sequences),
    messages: content ? promptMessages(prompt) : undefined,
  });
}

/** Chooses the reader by the first thing that is read. */
class InvokeReader implements FormatReader {
  readonly #content: boolean;
  readonly #request: ModelRequest;
  #reader: FormatReader | undefined;
  /** Bedrock's own counters: in the headers of a whole response, at the end of a stream. The model's come first. */
  #metrics: Usage;

  constructor(content: boolean, request: ModelRequest, metrics: Usage) {
    this.#content = content;
    this.#request = request;
    this.#metrics = metrics;
  }

  whole(body: JsonObject): void {
    this.#readerFor(body).whole(withReasons(body));
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
      reader.event('', Array.isArray(part.choices) ? JSON.stringify(withReasons(part)) : json);
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
    if (Array.isArray(part.choices)) return openAiChat.openReader(this.#content, this.#request, {});
    if ('messageStart' in part || object(object(part.output)?.message)) return new ConverseReader(this.#content);
    if (part.type === 'message' || part.type === 'message_start')
      return anthropic.openReader(this.#content, this.#request, {});
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

/** The counters that a whole response has in its headers. Every family has them there, some nowhere else. */
function readCounters(headers: Readonly<Record<string, string>>): Usage {
  const counter = (name: string) => {
    const value = headers[`x-amzn-bedrock-${name}-token-count`];
    return value === undefined ? undefined : count(Number(value));
  };
  return defined<Usage>({ inputTokens: counter('input'), outputTokens: counter('output') });
}

/** Mistral and DeepSeek have the finish reasons of their choices, and in a stream Mistral its deltas, under other names. */
function withReasons(body: JsonObject): JsonObject {
  if (!Array.isArray(body.choices)) return body;
  const choices = objects(body.choices).map((choice) => {
    const { delta = choice.message, finish_reason = choice.stop_reason } = choice;
    return defined<JsonObject>({ ...choice, delta, finish_reason });
  });
  return { ...body, choices };
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
  ...['results', 'outputText', 'generation', 'outputs', 'generations', 'text', 'completion', 'completions'],
  ...['embedding', 'embeddings', 'embeddingsByType', 'data', 'images', 'artifacts', 'finishReason'],
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
    const event = this.#response.readEvent(name, data);
    if (name === 'error' && event) this.#response.fail(errorOfEvent(name, event, false));
    // An error has a message of its own in the stream; Pegasus has its text in this field.
    else if (event) this.#read(event, typeof event.message === 'string');
  }

  end(): void {}

  answer(): Answer {
    // There is no last event: the finish reason tells.
    return this.#response.answer(this.#whole || (this.#any && this.#response.finished));
  }

  #read(body: JsonObject, isText = false): void {
    const isResult = isText || RESULT_FIELDS.some((name) => body[name] !== undefined);
    this.#any ||= isResult;
    this.#response.fail(errorOfBody(body, isResult));
    const lists = [body.results, body.outputs, body.generations, body.completions].flatMap(objects);
    const results = lists.length > 0 ? lists : [body];
    for (const [index, result] of results.entries()) this.#readResult(index, result);
    // Cohere's Command R has no ids for its calls.
    for (const { name, parameters } of objects(body.tool_calls)) {
      this.#response.put(0, [toolCallPart(undefined, name, parameters)], 0);
    }
    this.#readUsage(body, lists[0]);
  }

  #readResult(index: number, result: JsonObject): void {
    const { outputText, generation, text: plain, completion, message, data } = result;
    const output = first([outputText, generation, plain, completion, object(data)?.text, message], text);
    const { completionReason, stop_reason, finish_reason, finishReason } = result;
    const reason = completionReason ?? stop_reason ?? finish_reason ?? object(finishReason)?.reason ?? finishReason;
    if (output === undefined && reason === undefined) return;
    this.#response.append(index, 'text', output);
    this.#response.choice(index, reason);
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
