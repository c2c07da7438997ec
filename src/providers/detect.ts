import type { ModelRequest } from '../otel/genai.js';
import { type JsonObject, label, object, parseJson } from '../util/json-fields.js';
import type { Protocol } from './format.js';
import { anthropic } from './formats/anthropic.js';
import { gemini } from './formats/gemini.js';
import { openAiChat } from './formats/openai-chat.js';
import { openAiResponses } from './formats/openai-responses.js';
import { providerOf } from './hosts.js';
import { ResponseReader } from './stream/response-reader.js';

export type { Answer } from './format.js';
export { type ProviderError, readErrorCode } from './provider-error.js';
export type { ResponseReader };

const PROTOCOLS: readonly Protocol[] = [openAiChat, openAiResponses, anthropic, gemini];

/** The longest request body, whole answer or single event that is read, in characters: 4 Mi. */
const MAX_LENGTH = 4 << 20;

/** A path that says which version of an API it is, or whose. */
const TELLING_PATH = /\/(?:v\d\w*|openai)\//;

/** A request that is known to be a model call. */
export interface ModelCall {
  /** `gen_ai.operation.name`: `chat`, `generate_content`, `text_completion` or `embeddings`. */
  readonly operation: string;
  /** `gen_ai.provider.name`: by the host where it is known, else the one whose API it is. */
  readonly provider: string;
  /** Whether the answer was asked for as a stream. */
  readonly streaming: boolean;
  readonly request: ModelRequest;
  /** Begins to read the answer of one attempt. */
  openAnswer(): ResponseReader;
}

/**
 * Reads a request; `undefined` if it is not known to be a model call.
 *
 * The path and the shape of the body decide. Where the body is not known (a stream, multipart, or longer than 4 Mi
 * characters) it is the path alone, if its host is a known provider's or it names an API's version (`/v1/…`). Text
 * that is no JSON is a model call only at a known provider's.
 *
 * @param bodyText the body as text; `undefined` if it could not be read.
 * @param content whether messages, system instructions and tools are read as well.
 * @param maxLength the longest answer, or single event of a stream, that is read, in characters. Default: 4 Mi.
 *
 * @example
 * const call = readModelCall('POST', new URL('https://api.openai.com/v1/chat/completions'), body, false);
 * const observer = call?.openAnswer();
 * observer?.chunk(bytes);
 * observer?.end();
 * observer?.answer().usage; // { inputTokens: 12, outputTokens: 34 }
 */
export function readModelCall(
  method: string,
  url: URL,
  bodyText: string | undefined,
  content: boolean,
  maxLength: number = MAX_LENGTH,
): ModelCall | undefined {
  if (method.toUpperCase() !== 'POST') return undefined;
  const path = pathOf(url);
  const host = providerOf(url);
  for (const protocol of PROTOCOLS) {
    const operation = protocol.operation(path);
    if (operation === undefined) continue;
    const body = readBody(bodyText);
    const known = host !== undefined || (TELLING_PATH.test(path) && body !== 'no JSON');
    if (typeof body === 'object' ? !(known || label(body.model)) || !protocol.accepts(path, body) : !known) continue;
    const provider = host ?? protocol.provider;
    const extra = provider === 'openai' || provider === 'azure.ai.openai';
    const request = protocol.readRequest(path, typeof body === 'object' ? body : {}, content);
    if (!extra) delete request.extra;
    return {
      operation,
      provider,
      streaming: request.stream === true,
      request,
      openAnswer: () => new ResponseReader(protocol.openAnswer(content, request), { maxLength, extra }),
    };
  }
  return undefined;
}

/** Whether such a request can be a model call at all; for whoever would have to read its body to know. */
export function mayBeModelCall(method: string, url: URL): boolean {
  const path = pathOf(url);
  return method.toUpperCase() === 'POST' && PROTOCOLS.some((protocol) => protocol.operation(path) !== undefined);
}

function pathOf(url: URL): string {
  return url.pathname.replace(/\/+$/, '');
}

function readBody(bodyText: string | undefined): JsonObject | 'unknown' | 'no JSON' {
  if (bodyText === undefined || bodyText.length > MAX_LENGTH) return 'unknown';
  return object(parseJson(bodyText)) ?? 'no JSON';
}
