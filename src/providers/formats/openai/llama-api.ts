/** Meta's Llama API: the requests of Chat Completions, and responses of its own, which are put into the shape of Chat Completions here. */
import { defined, type JsonObject, object, objects, text } from '../../../util/json-fields.js';

/**
 * A whole response, or an event of a stream, in the shape of Chat Completions; one that is in no shape of the Llama API as it is.
 *
 * Source: the types of `llama-api-client` (`CreateChatCompletionResponse`, `CreateChatCompletionResponseStreamChunk`).
 */
export function asChatCompletion(body: JsonObject): JsonObject {
  const message = object(body.completion_message);
  if (message) return withChoice(body, message.stop_reason, body.metrics, { message: wholeMessage(message) });
  const event = object(body.event);
  return event && text(event.event_type) !== undefined
    ? withChoice(body, event.stop_reason, event.metrics, { delta: deltaOf(object(event.delta) ?? {}) })
    : body;
}

function withChoice(body: JsonObject, reason: unknown, metrics: unknown, choice: JsonObject): JsonObject {
  return { ...body, choices: [{ index: 0, finish_reason: reason, ...choice }], usage: usageOf(objects(metrics)) };
}

/** Its content may be a single part. */
function wholeMessage(message: JsonObject): JsonObject {
  const part = object(message.content);
  return part ? { ...message, content: [part] } : message;
}

function deltaOf({ type, text, reasoning, id, function: called }: JsonObject): JsonObject {
  if (type === 'tool_call') return { tool_calls: [{ id, function: called }] };
  return type === 'reasoning' ? { reasoning } : { content: text };
}

function usageOf(metrics: readonly JsonObject[]): JsonObject | undefined {
  if (metrics.length === 0) return undefined;
  const tokens = (name: string) => metrics.find(({ metric }) => metric === name)?.value;
  return defined<JsonObject>({
    prompt_tokens: tokens('num_prompt_tokens'),
    completion_tokens: tokens('num_completion_tokens'),
    total_tokens: tokens('num_total_tokens'),
  });
}
