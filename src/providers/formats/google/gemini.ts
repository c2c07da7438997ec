import type { Message, MessagePart, ModelRequest, Usage } from '../../../otel/genai.js';
import {
  count,
  defined,
  identifier,
  type JsonObject,
  label,
  number,
  object,
  objects,
  text,
  texts,
  word,
} from '../../../util/json-fields.js';
import type { Answer, FormatReader, WireFormat } from '../../format.js';
import {
  blobPart,
  mediaPart,
  serverToolCallPart,
  serverToolResponsePart,
  textParts,
  toolCallPart,
  toolResponsePart,
} from '../../message-parts.js';
import { errorOfEvent } from '../../provider-error.js';
import { ResponseAccumulator } from '../../response-accumulator.js';

const MODEL_AND_METHOD = /\/([^/:]+):(generateContent|streamGenerateContent|embedContent|batchEmbedContents)$/;

/**
 * Gemini's `generateContent`, whole and streamed, at the Gemini API and Vertex AI, and its embeddings.
 *
 * Source: the Gemini API reference and the types of the `@google/genai` package.
 */
export const gemini: WireFormat = {
  provider: 'gcp.gemini',

  operation(path) {
    const method = MODEL_AND_METHOD.exec(path)?.[2];
    if (method === undefined) return undefined;
    return method.toLowerCase().endsWith('generatecontent') ? 'generate_content' : 'embeddings';
  },

  accepts: (_path, body) => [body.contents, body.content, body.requests].some((field) => typeof field === 'object'),

  readRequest({ path, body }, content) {
    const [, model, method] = MODEL_AND_METHOD.exec(path) ?? [];
    const config = object(body.generationConfig) ?? object(body.generation_config) ?? {};
    return defined<ModelRequest>({
      model: label(model),
      stream: method === 'streamGenerateContent' || undefined,
      maxTokens: number(config.maxOutputTokens),
      temperature: number(config.temperature),
      topP: number(config.topP),
      topK: number(config.topK),
      seed: number(config.seed),
      stopSequences: texts(config.stopSequences),
      frequencyPenalty: number(config.frequencyPenalty),
      presencePenalty: number(config.presencePenalty),
      choiceCount: number(config.candidateCount),
      reasoningLevel: identifier(object(config.thinkingConfig)?.thinkingLevel),
      outputType: outputType(config),
      messages: content ? listed(body.contents).map(readContent) : undefined,
      systemInstructions: content ? readInstruction(body.systemInstruction ?? body.system_instruction) : undefined,
      toolDefinitions: content && Array.isArray(body.tools) ? objects(body.tools).flatMap(flatTools) : undefined,
    });
  },

  openReader: (content, request) => new GeminiReader(content, request.choiceCount ?? 1),
};

class GeminiReader implements FormatReader {
  readonly #response: ResponseAccumulator;
  readonly #content: boolean;
  /** The usage of the last chunk: each chunk has the sums up to it. */
  #usage: JsonObject = {};
  readonly #choicesWanted: number;
  #whole = false;
  #ended = false;
  /** Some servers write `STOP` into every chunk: then only the end of the stream tells that there is no more. */
  #reasonIsFinal = true;

  constructor(content: boolean, choicesWanted: number) {
    this.#content = content;
    this.#choicesWanted = choicesWanted;
    this.#response = new ResponseAccumulator(content);
  }

  whole(body: JsonObject): void {
    this.#read(body, 0);
    this.#whole = [body.candidates, body.promptFeedback, body.embedding, body.embeddings].some(
      (field) => typeof field === 'object',
    );
  }

  event(name: string, data: string): void {
    const chunk = this.#response.readEvent(name, data);
    if (chunk) this.#read(chunk, data.length, name);
  }

  end(): void {
    this.#ended = true;
  }

  answer(): Answer {
    this.#response.usage = readUsage(this.#usage);
    // There is no last event: the finish reasons tell. Before the end, a candidate may still be to come.
    const { finished, choiceCount } = this.#response;
    const isFinal = this.#ended || (this.#reasonIsFinal && choiceCount >= this.#choicesWanted);
    return this.#response.answer(this.#whole || (finished && isFinal));
  }

  #read(chunk: JsonObject, length: number, name = ''): void {
    const draft = this.#response;
    draft.id ??= word(chunk.responseId);
    draft.model ??= word(chunk.modelVersion);
    const usage = object(chunk.usageMetadata);
    if (usage) this.#usage = usage;
    draft.fail(errorOfEvent(name, chunk, isResponse(chunk)));
    const candidates = objects(chunk.candidates);
    if (candidates.length > 0 && draft.finished) this.#reasonIsFinal = false;
    for (const [position, candidate] of candidates.entries()) {
      const index = count(candidate.index) ?? position;
      draft.choice(index, candidate.finishReason);
      if (this.#content) this.#readParts(index, candidate, length);
    }
    // The response to a prompt that was refused has no candidates; the reason stands here.
    const blockReason = object(chunk.promptFeedback)?.blockReason;
    if (candidates.length === 0 && blockReason !== undefined) draft.choice(0, blockReason);
  }

  #readParts(index: number, candidate: JsonObject, length: number): void {
    for (const part of objects(object(candidate.content)?.parts)) {
      if (part.text !== undefined)
        this.#response.append(index, part.thought === true ? 'reasoning' : 'text', part.text);
      else this.#response.put(index, readPart(part), length);
    }
  }
}

function isResponse(chunk: JsonObject): boolean {
  return [chunk.candidates, chunk.promptFeedback, chunk.usageMetadata, chunk.embedding, chunk.embeddings].some(
    (field) => typeof field === 'object',
  );
}

/**
 * The conventions count thoughts as output and tool results as input; Gemini counts both separately.
 */
function readUsage(usage: JsonObject): Usage {
  const thoughts = count(usage.thoughtsTokenCount);
  return defined<Usage>({
    inputTokens: sum(count(usage.promptTokenCount), count(usage.toolUsePromptTokenCount)),
    outputTokens: sum(count(usage.candidatesTokenCount), thoughts),
    cacheReadTokens: count(usage.cachedContentTokenCount),
    reasoningTokens: thoughts,
  });
}

/** The sum of two counters, of which either may be missing. */
export function sum(first: number | undefined, second: number | undefined): number | undefined {
  return first === undefined && second === undefined ? undefined : (first ?? 0) + (second ?? 0);
}

/** Roles that the conventions call otherwise. */
export const ROLES: ReadonlyMap<string, string> = new Map([
  ['model', 'assistant'],
  ['function', 'tool'],
]);

/** A message; one without a role is the user's. */
function readContent(content: JsonObject): Message {
  const role = text(content.role) ?? 'user';
  return { role: ROLES.get(role) ?? role, parts: objects(content.parts).flatMap(readPart) };
}

function readInstruction(instruction: unknown): MessagePart[] {
  return [...textParts(instruction), ...listed(instruction).flatMap((content) => readContent(content).parts)];
}

/** The objects in a list; the API accepts a single object in its place. */
export function listed(value: unknown): JsonObject[] {
  return objects(Array.isArray(value) ? value : [value]);
}

function readPart(part: JsonObject): MessagePart[] {
  if (part.text !== undefined) return textParts(part.text, part.thought === true ? 'reasoning' : 'text');
  const call = object(part.functionCall);
  // Vertex AI can stream the arguments; the parts after the first one have no name.
  if (call) return call.name === undefined ? [] : [toolCallPart(call.id, call.name, call.args)];
  const response = object(part.functionResponse);
  if (response) return [toolResponsePart(response.id ?? response.name, response.response)];
  const blob = object(part.inlineData) ?? object(part.inline_data);
  if (blob) return [blobPart(blob.mimeType ?? blob.mime_type, blob.data)];
  const file = object(part.fileData) ?? object(part.file_data);
  if (file) return [mediaPart(file.fileUri ?? file.file_uri, undefined, file.mimeType ?? file.mime_type)];
  const code = object(part.executableCode);
  if (code) return [serverToolCallPart(code.id, 'code_execution', code)];
  const result = object(part.codeExecutionResult);
  return result ? [serverToolResponsePart(result.id, { type: 'code_execution', ...result })] : [];
}

/** A tool of Gemini is a list of functions, or an object named after the tool that the provider runs itself. */
function flatTools(tool: JsonObject): JsonObject[] {
  const { functionDeclarations, function_declarations, ...others } = tool;
  const functions = objects(functionDeclarations ?? function_declarations).map((declared) => {
    const { parametersJsonSchema, parameters = parametersJsonSchema, ...rest } = declared;
    return { type: 'function', ...rest, ...(parameters !== undefined && { parameters }) };
  });
  return [...functions, ...Object.keys(others).map((name) => ({ type: name, name }))];
}

function outputType(config: JsonObject): string | undefined {
  const modalities = Array.isArray(config.responseModalities) ? config.responseModalities : [];
  if (modalities.includes('IMAGE')) return 'image';
  if (modalities.includes('AUDIO')) return 'speech';
  const mimeType = text(config.responseMimeType);
  if (mimeType === undefined) return undefined;
  return mimeType === 'application/json' ? 'json' : 'text';
}
