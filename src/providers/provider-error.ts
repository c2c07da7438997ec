import { identifier, type JsonObject, number, object, parseJson, text } from '../util/json-fields.js';

/** What a provider says went wrong. */
export interface ProviderError {
  /** The provider's own type or code, for `error.type`. */
  code?: string;
  message?: string;
}

/**
 * Reads the body of an error response.
 *
 * @example
 * readErrorCode('{"error":{"type":"overloaded_error","message":"Overloaded"}}')
 * // { code: 'overloaded_error', message: 'Overloaded' }
 */
export function readErrorCode(bodyText: string): ProviderError {
  const parsed = parseJson(bodyText);
  // Gemini's OpenAI-compatible endpoint, and its streams, put the error into a list.
  const body = object(Array.isArray(parsed) ? parsed[0] : parsed);
  // vLLM and Mistral have nothing around the error.
  return body ? (enclosedError(body) ?? describeError(body)) : {};
}

/** The error in the `error` field of `body`, if there is one. */
export function enclosedError(body: JsonObject): ProviderError | undefined {
  const error = object(body.error);
  if (error) return describeError(error);
  // Ollama and xAI: the text alone, xAI with the code beside it.
  return text(body.error) ? withMessage(identifier(body.code), text(body.error)) : undefined;
}

/**
 * The error that an error object describes. `code` is the most telling of what providers use: Gemini's `status`,
 * OpenAI's `code`, then its `type`, which is all that Anthropic has; a bare number (OpenRouter, vLLM) comes last. xAI's
 * codes are sentences, which are none.
 */
export function describeError(error: JsonObject): ProviderError {
  const code =
    identifier(error.status) ?? identifier(error.code) ?? identifier(error.type) ?? number(error.code)?.toString();
  return withMessage(code, text(error.message));
}

function withMessage(code: string | undefined, message: string | undefined): ProviderError {
  return { ...(code !== undefined && { code }), ...(message !== undefined && { message }) };
}
