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
  otherPart,
  promptMessages,
  serverToolCallPart,
  serverToolResponsePart,
  textParts,
  toolCallPart,
  toolResponsePart,
} from '../../message-parts.js';
import { errorOfBody, errorOfEvent, mayReportError, reportedError } from '../../provider-error.js';
import { ResponseAccumulator } from '../../response-accumulator.js';
import { listed, ROLES, sum } from './gemini.js';

/**
 * Gemini's interactions, with a model or an agent, whole and streamed. Before May 2026 the API had `outputs` in the place of steps and
 * other names for its events; both are read.
 *
 * Source: ai.google.dev/gemini-api/docs/interactions, and the types of the `@google/genai` package.
 */
export const geminiInteractions: WireFormat = {
  provider: 'gcp.gemini',

  operation: (path) => (/\/interactions$/.test(path) ? 'chat' : undefined),

  accepts: (_path, body) =>
    label(body.model ?? body.agent) !== undefined && (body.input ?? body.continuation_token) != null,

  readRequest({ body }, content) {
    const config = object(body.generation_config) ?? {};
    return defined<ModelRequest>({
      model: label(body.model),
      agentName: label(body.agent),
      stream: body.stream === true || undefined,
      inBackground: body.background === true || undefined,
      maxTokens: number(config.max_output_tokens),
      temperature: number(config.temperature),
      topP: number(config.top_p),
      seed: number(config.seed),
      stopSequences: texts(config.stop_sequences),
      reasoningLevel: identifier(config.thinking_level),
      previousResponseId: word(body.previous_interaction_id),
      outputType: outputType(body),
      messages: content ? readInput(body.input) : undefined,
      systemInstructions: content ? textParts(body.system_instruction) : undefined,
      toolDefinitions: content && Array.isArray(body.tools) ? objects(body.tools) : undefined,
    });
  },

  openReader: (content) => new InteractionReader(content),
};

/** All steps of an interaction are one choice. */
const CHOICE = 0;

const EVENT = /^(?:interaction|step|content)\./;

/** Any event may say what was used so far: the only usage of a stream that does not come to its end. */
const USED_SO_FAR = /"total_usage"/;

/** The events of an interaction as a whole that do not end its stream. */
const BEFORE_END = /^interaction\.(?:start|created|status_update|in_progress)$/;

class InteractionReader implements FormatReader {
  readonly #response: ResponseAccumulator;
  readonly #content: boolean;
  #status: string | undefined;
  #done = false;
  /** The step that is being streamed, as it began. */
  #step: JsonObject = {};

  constructor(content: boolean) {
    this.#content = content;
    this.#response = new ResponseAccumulator(content);
  }

  whole(body: JsonObject): void {
    this.#done = identifier(body.status) !== undefined;
    if (this.#done) this.#readInteraction(body);
    else this.#response.fail(errorOfBody(body, false));
  }

  event(name: string, data: string): void {
    const isRead = this.#content || mayReportError(data) || USED_SO_FAR.test(data);
    if (!isRead && /^(?:step|content)\./.test(name)) return;
    const event = this.#response.readEvent(name, data);
    if (!event) return;
    const type = name === '' || name === 'message' ? (text(event.event_type) ?? '') : name;
    this.#response.fail(errorOfEvent(type, event, EVENT.test(type)));
    const used = object(object(event.metadata)?.total_usage);
    if (used) this.#response.usage = readUsage(used);
    if (type.startsWith('interaction.')) {
      const { interaction_id: id, status, usage } = event;
      this.#readInteraction(object(event.interaction) ?? { id, status, usage });
      this.#done ||= !BEFORE_END.test(type);
    } else if (this.#content && EVENT.test(type)) {
      this.#readStep(type, event, data.length);
    }
  }

  end(): void {}

  answer(): Answer {
    const answer = this.#response.answer(this.#done);
    if (this.#status !== undefined) answer.responseStatus = this.#status;
    return answer;
  }

  #readInteraction(interaction: JsonObject): void {
    const response = this.#response;
    response.id ??= word(interaction.id);
    response.model = word(interaction.model) ?? response.model;
    const usage = object(interaction.usage);
    if (usage) response.usage = readUsage(usage);
    const status = identifier(interaction.status);
    this.#status = status ?? this.#status;
    const steps = objects(interaction.steps ?? interaction.outputs);
    if (status === 'failed') response.fail(reportedError(interaction) ?? errorOfSteps(steps) ?? {});
    const output = this.#content ? steps.filter((step) => roleOf(step) === 'assistant').flatMap(readStep) : [];
    if (output.length > 0) {
      // The whole output, which replaces what was accumulated from deltas.
      response.clear(CHOICE);
      response.put(CHOICE, output, 0);
    }
    response.choice(CHOICE, isEnd(status) ? status : undefined);
  }

  #readStep(type: string, event: JsonObject, length: number): void {
    const response = this.#response;
    const index = count(event.index) ?? 0;
    if (type.endsWith('.start')) {
      this.#step = object(event.step) ?? {};
      this.#begin(index, this.#step, length);
      return;
    }
    const delta = object(event.delta);
    switch (delta?.type) {
      case undefined:
      case 'thought_signature':
      case 'text_annotation_delta':
        break;
      case 'text':
        response.append(CHOICE, 'text', delta?.text);
        break;
      case 'thought_summary':
        response.append(CHOICE, 'reasoning', object(delta?.content)?.text);
        break;
      case 'arguments_delta':
        response.extend(response.toolCall(CHOICE, index, {}), delta?.arguments);
        break;
      default:
        // Media, or the rest of a call or a result, whose id came with its start.
        response.put(
          CHOICE,
          readStep({ ...this.#step, ...delta }),
          length,
          delta?.type === this.#step.type ? index : undefined,
        );
    }
  }

  #begin(index: number, step: JsonObject, length: number): void {
    const response = this.#response;
    if (step.type === 'function_call') {
      const call = response.toolCall(CHOICE, index, { id: step.id, name: step.name });
      const args = object(step.arguments) ?? {};
      if (Object.keys(args).length > 0) response.extend(call, JSON.stringify(args));
      return;
    }
    const parts = readStep(step);
    if (parts.length > 0) response.put(CHOICE, parts, length, index);
  }
}

/** Whether a status is why the interaction ended, in the provider's words. A failure has an error for that. */
function isEnd(status: string | undefined): boolean {
  return status !== 'queued' && status !== 'in_progress' && status !== 'failed';
}

function errorOfSteps(steps: readonly JsonObject[]) {
  return steps.map(({ error }) => reportedError({ error })).find((error) => error !== undefined);
}

/** Thoughts and what tools add to the prompt are counted apart, as in {@link gemini}. */
function readUsage(usage: JsonObject): Usage {
  const thoughts = count(usage.total_thought_tokens);
  return defined<Usage>({
    inputTokens: sum(count(usage.total_input_tokens), count(usage.total_tool_use_tokens)),
    outputTokens: sum(count(usage.total_output_tokens), thoughts),
    cacheReadTokens: count(usage.total_cached_tokens),
    reasoningTokens: thoughts,
  });
}

/** The input is a text, content, or steps; before May 2026 turns with a role. */
function readInput(input: unknown): Message[] {
  const prompts = promptMessages(input);
  if (prompts) return prompts;
  const items = listed(input);
  if (items.every(isContent)) return [{ role: 'user', parts: items.flatMap(readContent) }];
  return items.map((item) => ({ role: roleOf(item), parts: readStep(item) }));
}

const CONTENT = /^(?:text|image|audio|document|video)$/;

function isContent({ type }: JsonObject): boolean {
  return CONTENT.test(text(type) ?? '');
}

function roleOf({ role, type }: JsonObject): string {
  const given = text(role);
  if (given !== undefined) return ROLES.get(given) ?? given;
  return type === 'user_input' ? 'user' : type === 'function_result' ? 'tool' : 'assistant';
}

function readStep(step: JsonObject): MessagePart[] {
  // A signature is long, and opaque.
  const { signature: _, ...details } = step;
  const type = text(step.type) ?? 'turn';
  switch (type) {
    case 'turn':
    case 'user_input':
    case 'model_output':
      return [...textParts(step.content), ...objects(step.content).flatMap(readContent)];
    case 'thought':
      return objects(step.summary).flatMap((part) => textParts(part.text, 'reasoning'));
    case 'function_call':
      return [toolCallPart(step.id, step.name, step.arguments)];
    case 'function_result':
      return [toolResponsePart(step.call_id, step.result, readContent)];
  }
  if (type.endsWith('_call'))
    return [serverToolCallPart(step.id, step.name ?? type.slice(0, -'_call'.length), details)];
  if (type.endsWith('_result')) return [serverToolResponsePart(step.call_id, details)];
  return readContent(step);
}

function readContent(part: JsonObject): MessagePart[] {
  if (part.type === 'text') return textParts(part.text);
  if (!isContent(part)) return otherPart(part);
  const modality = label(part.type);
  if (part.data !== undefined) return [blobPart(part.mime_type, part.data, modality)];
  return [mediaPart(part.uri, modality, part.mime_type)];
}

/** The format of the response; one without a type is a JSON schema. */
function outputType({ response_format, response_modalities: modalities }: JsonObject): string | undefined {
  const [format] = listed(response_format);
  const kind = format?.type ?? (Array.isArray(modalities) ? modalities[0] : undefined);
  if (kind === 'image') return 'image';
  if (kind === 'audio') return 'speech';
  if (!format) return undefined;
  return kind === 'text' && format.mime_type !== 'application/json' ? 'text' : 'json';
}
