import type { Message, MessagePart, ModelRequest, Usage } from '../../../otel/genai.js';
import { count, defined, type JsonObject, number, object, objects, text, texts } from '../../../util/json-fields.js';
import type { Answer, FormatReader, WireFormat } from '../../format.js';
import { blobPart, mediaPart, otherPart, textParts, toolCallPart, toolResponsePart } from '../../message-parts.js';
import { errorOfBody, errorOfEvent } from '../../provider-error.js';
import { ResponseAccumulator } from '../../response-accumulator.js';
import { modelOfSegment } from '../path-segment.js';

/** The model is an id, an inference profile or an ARN, whose slashes some clients do not encode. */
const PATH = /(?<=\/model\/(.+))\/(converse|converse-stream)$/;

/**
 * Bedrock's Converse and ConverseStream, which is an AWS event stream.
 *
 * Source: docs.aws.amazon.com/bedrock/latest/APIReference, API_runtime_Converse and API_runtime_ConverseStream.
 */
export const bedrockConverse: WireFormat = {
  provider: 'aws.bedrock',

  operation: (path) => (PATH.test(path) ? 'chat' : undefined),

  accepts: (_path, body) => Array.isArray(body.messages),

  readRequest({ path, body }, content) {
    const [, model, method] = PATH.exec(path) ?? [];
    return {
      ...readConverseRequest(body, content),
      ...defined({ model: modelOfSegment(model), stream: method === 'converse-stream' || undefined }),
    };
  },

  openReader: (content) => new ConverseReader(content),
};

/** The request of Converse, and of the models that have the same body (Nova). */
export function readConverseRequest(body: JsonObject, content: boolean): ModelRequest {
  const config = object(body.inferenceConfig) ?? {};
  const tools = object(body.toolConfig)?.tools;
  return defined<ModelRequest>({
    maxTokens: number(config.maxTokens) ?? number(config.max_new_tokens),
    temperature: number(config.temperature),
    topP: number(config.topP),
    topK: number(config.topK),
    stopSequences: texts(config.stopSequences),
    messages: content ? objects(body.messages).map(readMessage) : undefined,
    systemInstructions: content && Array.isArray(body.system) ? objects(body.system).flatMap(readBlock) : undefined,
    toolDefinitions: content && Array.isArray(tools) ? objects(tools).flatMap(readTool) : undefined,
  });
}

/** A response is a single message. */
const CHOICE = 0;

const EVENT = /^(?:message(?:Start|Stop)|contentBlock(?:Start|Delta|Stop)|metadata)$/;

/** Reads a response of Converse, and of the models that have the same one (Nova). */
export class ConverseReader implements FormatReader {
  readonly #response: ResponseAccumulator;
  readonly #content: boolean;
  #done = false;

  constructor(content: boolean) {
    this.#content = content;
    this.#response = new ResponseAccumulator(content);
  }

  whole(body: JsonObject): void {
    const response = this.#response;
    const message = object(object(body.output)?.message);
    response.fail(errorOfBody(body, message !== undefined));
    if (!message) return;
    this.#done = true;
    response.choice(CHOICE, body.stopReason);
    response.usage = readUsage(object(body.usage) ?? {});
    if (this.#content) response.put(CHOICE, objects(message.content).flatMap(readBlock), 0);
  }

  event(name: string, data: string): void {
    if (!this.#content && name.startsWith('contentBlock')) return;
    const event = this.#response.readEvent(name, data);
    if (event) this.#read(name, event);
  }

  end(): void {}

  answer(): Answer {
    return this.#response.answer(this.#done);
  }

  #read(name: string, event: JsonObject): void {
    const response = this.#response;
    const key = count(event.contentBlockIndex) ?? 0;
    switch (name) {
      case 'messageStart':
        response.choice(CHOICE);
        break;
      case 'contentBlockStart': {
        const call = object(object(event.start)?.toolUse);
        if (call) response.toolCall(CHOICE, key, { id: call.toolUseId, name: call.name });
        break;
      }
      case 'contentBlockDelta':
        this.#readDelta(key, object(event.delta) ?? {});
        break;
      case 'messageStop':
        response.choice(CHOICE, event.stopReason);
        this.#done = true;
        break;
      case 'metadata':
        response.usage = readUsage(object(event.usage) ?? {});
        break;
    }
    response.fail(errorOfEvent(name, event, EVENT.test(name)));
  }

  #readDelta(key: number, delta: JsonObject): void {
    const response = this.#response;
    const reasoning = object(delta.reasoningContent);
    const call = object(delta.toolUse);
    if (delta.text !== undefined) response.extend(response.part(CHOICE, 'text', key), delta.text);
    else if (reasoning) response.extend(response.part(CHOICE, 'reasoning', key), reasoning.text);
    else if (call) response.extend(response.part(CHOICE, 'tool_call', key), call.input);
  }
}

/**
 * The conventions' input is all input; Bedrock's leaves out what was read from and written to the cache, unless the
 * model's `totalTokens` shows that it does not.
 */
function readUsage(usage: JsonObject): Usage {
  const input = count(usage.inputTokens);
  const output = count(usage.outputTokens);
  const cacheRead = count(usage.cacheReadInputTokens) ?? count(usage.cacheReadInputTokenCount);
  const cacheWrite = count(usage.cacheWriteInputTokens) ?? count(usage.cacheWriteInputTokenCount);
  const isAll = count(usage.totalTokens) === (input ?? 0) + (output ?? 0);
  return defined<Usage>({
    inputTokens: input === undefined || isAll ? input : input + (cacheRead ?? 0) + (cacheWrite ?? 0),
    outputTokens: output,
    cacheReadTokens: cacheRead,
    cacheWriteTokens: cacheWrite,
  });
}

function readMessage(message: JsonObject): Message {
  return { role: text(message.role) ?? 'user', parts: objects(message.content).flatMap(readBlock) };
}

/** A content block: an object with one field, which says what it is. */
function readBlock(block: JsonObject): MessagePart[] {
  if (block.text !== undefined) return textParts(block.text);
  const [[type, value] = []] = Object.entries(block);
  const content = object(value);
  if (type === undefined || !content) return [];
  switch (type) {
    case 'toolUse':
      return [toolCallPart(content.toolUseId, content.name, content.input)];
    case 'toolResult':
      return [toolResponsePart(content.toolUseId, content.content, readResult)];
    case 'reasoningContent':
      return textParts(object(content.reasoningText)?.text, 'reasoning');
    case 'image':
    case 'video':
    case 'audio':
    case 'document':
      return [readMedia(type, content)];
    default:
      return otherPart({ type, ...content });
  }
}

/** A part of a tool's result: JSON, or a content block. */
function readResult(part: JsonObject): MessagePart[] {
  return part.json === undefined ? readBlock(part) : [{ type: 'json', content: part.json }];
}

function readMedia(modality: string, media: JsonObject): MessagePart {
  const source = object(media.source) ?? {};
  const location = object(source.s3Location)?.uri;
  const format = text(media.format) ?? 'octet-stream';
  const mimeType = `${modality === 'document' ? 'application' : modality}/${format}`;
  return location === undefined ? blobPart(mimeType, source.bytes, modality) : mediaPart(location, modality, mimeType);
}

function readTool(tool: JsonObject): JsonObject[] {
  const spec = object(tool.toolSpec);
  if (!spec) return [];
  const { inputSchema, ...rest } = spec;
  const parameters = object(inputSchema)?.json;
  return [{ type: 'function', ...rest, ...(parameters !== undefined && { parameters }) }];
}
