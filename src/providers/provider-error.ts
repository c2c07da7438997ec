/** Errors as providers and compatible servers write them, in bodies and in the events of a stream. */
import { first, identifier, type JsonObject, number, object, parseJson, text } from '../util/json-fields.js';

/** What a provider says went wrong. */
export interface ProviderError {
  /** The provider's own type or code, for `error.type`. */
  code?: string;
  message?: string;
}

/** The first `data` line with JSON in a body of server-sent events. */
const FIRST_DATA_LINE = /^data:\s*(\{.*)$/m;

/** The header in which AWS has an error's type: `ThrottlingException`, or `ThrottlingException:http://internal.amazon.com/…`. */
const AWS_ERROR_TYPE = 'x-amzn-errortype';

/**
 * Reads the body and the headers (by lower-case name) of an error response.
 *
 * @example
 * readErrorCode('{"error":{"type":"overloaded_error","message":"Overloaded"}}')
 * // { code: 'overloaded_error', message: 'Overloaded' }
 */
export function readErrorCode(bodyText: string, headers: Readonly<Record<string, string>> = {}): ProviderError {
  const code = identifier(headers[AWS_ERROR_TYPE]?.split(':', 1)[0]);
  return { ...readErrorBody(bodyText), ...(code !== undefined && { code }) };
}

function readErrorBody(bodyText: string): ProviderError {
  // DashScope answers a streaming request with an SSE body, also where it refuses it.
  const parsed = parseJson(bodyText) ?? parseJson(FIRST_DATA_LINE.exec(bodyText)?.[1] ?? '');
  // Gemini's OpenAI-compatible endpoint, and its streams, put the error into a list.
  const body = object(Array.isArray(parsed) ? parsed[0] : parsed);
  return body ? (reportedError(body) ?? describeError(body)) : {};
}

/** The fields that {@link reportedError} reads, except `object` and `type`. */
const ERROR_FIELD = /"(?:errors?|error_code|base_resp|fault)"/;

/** Whether an event may report an error beside its content, which is not parsed otherwise. */
export function mayReportError(json: string): boolean {
  return ERROR_FIELD.test(json);
}

/**
 * The error that a body or an event reports in a field of its own, which may stand beside content.
 *
 * - `error`: an object (OpenAI, Anthropic, Gemini), which may hold another one (gateways), a text (Ollama, xAI, TGI), a list
 *   (Cloudflare, Hugging Face), a status code
 * - `errors`: a list (Cloudflare)
 * - `fault`: an object (the gateways of Apigee and WSO2)
 * - `base_resp.status_code` other than 0 (MiniMax)
 * - `error_code` other than 0 (FastChat, Baidu)
 * - `object` or `type` is `error`, with the error's fields beside it (vLLM, Mistral, OpenAI's `error` event)
 */
export function reportedError(body: JsonObject): ProviderError | undefined {
  for (const name of ['error', 'errors', 'fault']) {
    const enclosed = fromField(body[name], body);
    if (enclosed) return enclosed;
  }
  const status = object(body.base_resp);
  if (status && isFailureCode(status.status_code)) return describeError(status);
  if (isFailureCode(body.error_code)) return describeError(body);
  return body.object === 'error' || body.type === 'error' ? describeError(body) : undefined;
}

/**
 * The error that a body or an event is, if it has none of the fields of a response: `{"detail": …}` (FastAPI, NVIDIA),
 * `{"message": …, "code": …}` (Cerebras, DashScope, Cohere), `{"code": 1, "msg": …}`.
 */
export function bareError(body: JsonObject): ProviderError | undefined {
  if (isSuccessCode(body.code) || body.success === true) return undefined;
  const error = describeError(body);
  const says = error.message !== undefined || isFailureCode(body.code) || body.success === false;
  return says ? error : undefined;
}

/** The error of a whole response: beside its content, or the response itself if it has none of the fields of a result. */
export function errorOfBody(body: JsonObject, isResult: boolean): ProviderError | undefined {
  return reportedError(body) ?? (isResult ? undefined : bareError(body));
}

/** The error of an event: beside its content, or the event itself if it is called `error`, or is none of the format's own. */
export function errorOfEvent(type: string, event: JsonObject, isKnown: boolean): ProviderError | undefined {
  return isErrorEvent(type) ? (reportedError(event) ?? describeError(event)) : errorOfBody(event, isKnown);
}

/** Whether an event is an error by its name: `error`, `response.error`, `exception`, and those of AWS (`throttlingException`). */
export function isErrorEvent(type: string): boolean {
  return /(?:^|[._-])(?:error|exception)$|Exception$/.test(type);
}

/** The error whose text is all that there is: `event: error`, `data: upstream gone`. */
export function plainError(message: string): ProviderError {
  const parsed = parseJson(message);
  const said = (text(parsed) ?? message).trim();
  return withMessage(codeInText(said), said === '' ? undefined : said);
}

/**
 * The error that an error object describes. `code` is the most telling of what providers use: Gemini's `status`,
 * OpenAI's `code`, then its `type`, which is all that Anthropic has; a bare number (OpenRouter, vLLM) comes last. xAI's
 * codes are sentences, which are none. An error inside says more: gateways put the error of the server behind them into
 * their own; Apigee, and servers made with FastAPI, have the code in the details.
 */
export function describeError(error: JsonObject, depth = 0): ProviderError {
  const { status, code, type, error_type, err_type, status_code = error.statusCode } = error;
  const error_code = error.error_code ?? error.errorCode ?? error.errorcode;
  const words = [status, code, type, error_type, err_type, awsType(error.__type), error_code];
  const numbers = [code, error_code, status_code, status, error.http_status_code];
  const inner = object(error.error) ?? object(error.detail);
  return {
    ...withMessage(first(words, tellingCode) ?? first(numbers, numericCode), messageOf(error)),
    ...(inner && fromField(inner, error, depth + 1)),
  };
}

/** An error in a field of a body, whose other fields may hold the code (xAI, TGI) or the message. */
function fromField(value: unknown, body: JsonObject, depth = 0): ProviderError | undefined {
  if (depth > MAX_DEPTH) return undefined;
  if (value === true) return describeError(body);
  if (typeof value === 'number') return isFailureCode(value) ? withMessage(String(value), messageOf(body)) : undefined;
  if (typeof value === 'string' && value !== '') {
    return withMessage(first([body.code, body.error_type], tellingCode) ?? codeInText(value), value);
  }
  if (Array.isArray(value)) {
    for (const item of value) {
      const error = fromField(item, body, depth + 1);
      if (error) return error;
    }
  }
  const error = object(value);
  return error && Object.keys(error).length > 0 ? describeError(error, depth) : undefined;
}

/** How deep errors in errors are looked for. */
const MAX_DEPTH = 3;

const MESSAGE_FIELDS = [
  ...['message', 'msg', 'detail', 'error_msg', 'status_msg', 'title'],
  ...['errorMessage', 'faultstring', 'Message'],
];

/** Mistral's message may be an object with FastAPI's list of details. */
function messageOf(error: JsonObject, depth = 0): string | undefined {
  for (const name of MESSAGE_FIELDS) {
    const value = Array.isArray(error[name]) ? error[name][0] : error[name];
    const nested = object(value);
    const message = nested && depth < MAX_DEPTH ? messageOf(nested, depth + 1) : text(value);
    if (message !== undefined && message !== '') return message;
  }
  return undefined;
}

/** Words that stand where a code could, and say nothing: the envelope's own type, and Python's `None` (LiteLLM). */
const EMPTY_CODES = new Set(['error', 'none', 'null', 'undefined']);

function tellingCode(value: unknown): string | undefined {
  const code = identifier(value);
  return code !== undefined && EMPTY_CODES.has(code.toLowerCase()) ? undefined : code;
}

/** A code that stands where a message could: `over_capacity`, `ModelError`; but not `Unauthorized`, which is a message. */
function codeInText(value: string): string | undefined {
  return /^[a-z]|[\d_.:-]|[a-z][A-Z]/.test(value) ? tellingCode(value) : undefined;
}

function numericCode(value: unknown): string | undefined {
  return number(value)?.toString();
}

/** AWS writes `com.amazon.coral.service#ThrottlingException`. */
function awsType(value: unknown): unknown {
  return text(value)?.replace(/^.*#/, '');
}

const SUCCESS_CODE = /^(?:0|200|ok|success)$/i;

function isSuccessCode(code: unknown): boolean {
  return (typeof code === 'number' || typeof code === 'string') && SUCCESS_CODE.test(String(code));
}

function isFailureCode(code: unknown): boolean {
  return (typeof code === 'number' || (typeof code === 'string' && code !== '')) && !isSuccessCode(code);
}

function withMessage(code: string | undefined, message: string | undefined): ProviderError {
  return { ...(code !== undefined && { code }), ...(message !== undefined && { message }) };
}
