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
  word,
} from '../../../util/json-fields.js';
import type { RepeatedJson } from '../../../util/repeated-json.js';
import type { Answer, FormatReader, WireFormat } from '../../format.js';
import { textParts } from '../../message-parts.js';
import {
  bareError,
  describeError,
  isErrorEvent,
  mayReportError,
  type ProviderError,
  plainError,
  reportedError,
} from '../../provider-error.js';
import { ResponseAccumulator } from '../../response-accumulator.js';
import { RepeatedEvent } from '../../stream/repeated-event.js';
import { eventType } from '../event-type.js';
import { formatType } from './openai-chat.js';
import { inputMessages, readItem } from './openai-responses-items.js';

/**
 * OpenAI's Responses, at OpenAI and at every compatible server: Azure, OpenRouter, Groq, xAI, Ollama, vLLM.
 *
 * Source: the OpenAI API reference and the types of the `openai` package.
 */
export const openAiResponses: WireFormat = {
  provider: 'openai',

  operation: (path) => (/\/responses(?:\/compact)?$/.test(path) ? 'chat' : undefined),

  accepts: (_path, body) =>
    [body.input, body.prompt, body.conversation, body.previous_response_id].some((field) => field !== undefined),

  readRequest({ body }, content) {
    return defined<ModelRequest>({
      model: label(body.model),
      stream: body.stream === true || undefined,
      inBackground: body.background === true || undefined,
      maxTokens: number(body.max_output_tokens),
      temperature: number(body.temperature),
      topP: number(body.top_p),
      reasoningLevel: identifier(object(body.reasoning)?.effort),
      previousResponseId: word(body.previous_response_id),
      outputType: formatType(object(body.text)?.format),
      messages: content ? inputMessages(body.input) : undefined,
      systemInstructions: content ? textParts(body.instructions) : undefined,
      toolDefinitions: content && Array.isArray(body.tools) ? objects(body.tools) : undefined,
      extra: defined({
        [names.OPENAI_API_TYPE]: 'responses',
        [names.OPENAI_REQUEST_SERVICE_TIER]: identifier(body.service_tier),
      }),
    });
  },

  openReader: (content) => new OpenAiResponsesReader(content),
};

/** The events that hold the whole response as far as it was generated. */
const WHOLE_RESPONSE = /^response\.(?:created|queued|in_progress|completed|incomplete|failed|cancelled|done)$/;

/** The events that end a stream. Some compatible servers have one name, `response.done`, for all of them. */
const LAST_EVENT = /^response\.(?:completed|incomplete|cancelled|done)$/;

/** The events that add a text to an item, and what it is a part of. */
const DELTAS: ReadonlyMap<string, string> = /* @__PURE__ */ new Map([
  ['response.output_text.delta', 'text'],
  ['response.refusal.delta', 'refusal'],
  ['response.reasoning_text.delta', 'reasoning'],
  ['response.reasoning_summary_text.delta', 'reasoning'],
  ['response.function_call_arguments.delta', 'tool_call'],
  ['response.custom_tool_call_input.delta', 'tool_call'],
]);

/** All items of a response are one choice. */
const CHOICE = 0;

/** More ids and indices of items than this are not told apart. */
const MAX_KEYS = 4096;

class OpenAiResponsesReader implements FormatReader {
  readonly #response: ResponseAccumulator;
  readonly #content: boolean;
  #status: string | undefined;
  #anyOutput = false;
  #done = false;
  /** The keys of the items, by their ids and by their indices. */
  readonly #keys = new Map<string | number, string | number>();
  /** The last delta, its type, and the item that it belongs to. */
  #delta = new RepeatedEvent('delta');
  #deltaType = '';
  #deltaKey: string | number = '';

  constructor(content: boolean) {
    this.#content = content;
    this.#response = new ResponseAccumulator(content);
  }

  whole(body: JsonObject): void {
    this.#done = Array.isArray(body.output);
    this.#readResponse(body);
    if (!this.#done) this.#response.fail(bareError(body));
  }

  event(name: string, data: string): void {
    const type = eventType(name, data);
    const isKnown = type.startsWith('response.');
    const isWhole = isKnown && WHOLE_RESPONSE.test(type);
    if (isKnown && !isWhole && !this.#anyOutput) {
      this.#anyOutput = true;
      this.#response.choice(CHOICE);
    }
    const next = type === this.#deltaType ? this.#delta.textOf(data) : undefined;
    if (next !== undefined) {
      this.repeat(next);
      return;
    }
    if (isKnown && !isWhole && !this.#content && !isErrorEvent(type) && !mayReportError(data)) {
      if (DELTAS.has(type) && this.#delta.learn(data)) this.#deltaType = type;
      return;
    }
    const event = object(parseJson(data));
    if (!event) {
      this.#readPlainData(type, data);
      return;
    }
    const error = reportedError(event) ?? (isErrorEvent(type) ? errorOfErrorEvent(event) : undefined);
    this.#response.fail(error);
    if (isWhole) {
      this.#readResponse(object(event.response) ?? {});
      this.#done ||= LAST_EVENT.test(type);
    } else if (isKnown) {
      if (this.#content) this.#readOutput(type, event, data);
    } else if (!error) {
      this.#response.fail(bareError(event));
    }
  }

  get repeated(): RepeatedJson | undefined {
    return this.#delta.earlier;
  }

  repeat(text: string): void {
    if (this.#content) this.#extend(this.#deltaType, this.#deltaKey, text);
  }

  end(): void {}

  answer(): Answer {
    const answer = this.#response.answer(this.#done);
    // A stream that is resumed may begin in the middle.
    const status = this.#status ?? (this.#anyOutput && !this.#done ? 'in_progress' : undefined);
    if (status !== undefined) answer.responseStatus = status;
    return answer;
  }

  /** Some compatible servers end a stream of output with the sentinel of Chat Completions, and no event of their own. */
  #readPlainData(type: string, data: string): void {
    if (isErrorEvent(type)) this.#response.fail(plainError(data));
    else if (data.startsWith('[DONE]') && this.#anyOutput && !this.#done) {
      this.#done = true;
      // The last status that such a server told was `in_progress`.
      this.#status = undefined;
    }
  }

  #readResponse(response: JsonObject): void {
    const draft = this.#response;
    draft.id ??= word(response.id);
    draft.model = word(response.model) ?? draft.model;
    const tier = identifier(response.service_tier);
    if (tier !== undefined) draft.extra[names.OPENAI_RESPONSE_SERVICE_TIER] = tier;
    const usage = object(response.usage);
    if (usage) draft.usage = readUsage(usage);
    this.#status = identifier(response.status) ?? this.#status;
    const error = errorOfResponse(response);
    if (error || response.status === 'failed') draft.fail(error ?? {});
    const output = objects(response.output);
    if (output.length > 0 && this.#content) {
      // The whole output, which replaces what was accumulated from deltas.
      draft.clear(CHOICE);
      draft.put(CHOICE, output.flatMap(readItem), 0);
    }
    draft.choice(CHOICE, finishReason(response));
  }

  /** The key of the item that an event belongs to. Some servers give all items the same index; others change an item's id with each event. */
  #keyOf(event: JsonObject, item: JsonObject | undefined, begins: boolean): string | number | undefined {
    const id = word(item?.id) ?? word(event.item_id);
    const index = count(event.output_index);
    const known = this.#keys.get(id ?? '') ?? (begins ? undefined : this.#keys.get(index ?? ''));
    const key = known ?? id ?? index;
    if (known !== undefined || key === undefined || this.#keys.size > MAX_KEYS) return key;
    // The same delta may belong to another item from now on.
    this.#delta = new RepeatedEvent('delta');
    if (id !== undefined) this.#keys.set(id, key);
    if (index !== undefined) this.#keys.set(index, key);
    return key;
  }

  #readOutput(type: string, event: JsonObject, data: string): void {
    const draft = this.#response;
    const item = object(event.item);
    const key = this.#keyOf(event, item, type === 'response.output_item.added');
    if (key === undefined) return;
    if (DELTAS.has(type)) {
      this.#extend(type, key, event.delta);
      if (this.#delta.learn(data)) {
        this.#deltaType = type;
        this.#deltaKey = key;
      }
    } else if (type === 'response.output_item.added' || type === 'response.output_item.done') {
      if (item?.type === 'function_call' || item?.type === 'custom_tool_call') {
        draft.toolCall(CHOICE, key, { id: item.call_id, name: item.name });
      }
      if (item && type.endsWith('done')) draft.put(CHOICE, readItem(item), data.length, key);
    }
  }

  #extend(type: string, key: string | number, delta: unknown): void {
    const part = DELTAS.get(type);
    if (part !== undefined) this.#response.extend(this.#response.part(CHOICE, part, key), delta);
  }
}

/** The error of a response. Servers that took over the objects of OpenAI's Realtime API or of its runs have it in those fields. */
function errorOfResponse(response: JsonObject): ProviderError | undefined {
  return (
    reportedError(response) ??
    reportedError({ error: response.last_error }) ??
    reportedError(object(response.status_details) ?? {})
  );
}

/** The error of an `error` event. Its own `type` is no code. */
function errorOfErrorEvent({ type: _, ...event }: JsonObject): ProviderError {
  return errorOfResponse(object(event.response) ?? {}) ?? describeError(event);
}

/**
 * The response's status, or why it is incomplete, in the provider's words. None while it is in progress, or if it
 * failed.
 */
function finishReason(response: JsonObject): unknown {
  switch (response.status) {
    case 'incomplete':
      return object(response.incomplete_details)?.reason ?? response.status;
    case 'completed':
    case 'cancelled':
      return response.status;
  }
}

function readUsage(usage: JsonObject): Usage {
  const input = object(usage.input_tokens_details);
  return defined<Usage>({
    inputTokens: count(usage.input_tokens),
    outputTokens: count(usage.output_tokens),
    cacheReadTokens: count(input?.cached_tokens),
    cacheWriteTokens: count(input?.cache_write_tokens),
    reasoningTokens: count(object(usage.output_tokens_details)?.reasoning_tokens),
  });
}
