/** Recognizes model calls, and opens the reader of their responses. */
import type { ModelRequest } from '../otel/genai.js';
import { type JsonObject, label, object, parseJson } from '../util/json-fields.js';
import { remembered } from '../util/memo.js';
import { withoutLastSlashes } from '../util/url-parts.js';
import type { WireFormat } from './format.js';
import { aiGateway } from './formats/ai-gateway.js';
import { anthropic } from './formats/anthropic.js';
import { bedrockConverse } from './formats/bedrock/bedrock-converse.js';
import { bedrockInvoke } from './formats/bedrock/bedrock-invoke.js';
import { cohere } from './formats/cohere/cohere.js';
import { cohereV1 } from './formats/cohere/cohere-v1.js';
import { gemini } from './formats/google/gemini.js';
import { geminiInteractions } from './formats/google/gemini-interactions.js';
import { vertexPredict } from './formats/google/vertex-predict.js';
import { mistralConversations } from './formats/mistral-conversations.js';
import { mistralOcr } from './formats/mistral-ocr.js';
import { ollama } from './formats/ollama.js';
import { openAiChat } from './formats/openai/openai-chat.js';
import { openAiMedia } from './formats/openai/openai-media.js';
import { openAiResponses } from './formats/openai/openai-responses.js';
import { replicate } from './formats/replicate.js';
import { watsonxChat, watsonxText } from './formats/watsonx.js';
import { providerOf, providerOfPath } from './provider-names.js';
import { excerpt, excerptInTwo } from './stream/excerpt.js';
import { ASKED, contentExtent } from './stream/extent.js';
import { ResponseReader } from './stream/response-reader.js';
import { mayBeUnreadCall, servesModels } from './unread-call.js';

export type { Answer } from './format.js';
export { type ProviderError, readErrorCode } from './provider-error.js';
export {
  type UnknownRequest,
  type UnreadCall,
  type UnreadCallRules,
  type UnreadKind,
  unreadKindOf,
} from './unread-call.js';
export type { ResponseReader };

/** Every wire format that is read. The first one that accepts a request reads it. */
const FORMATS: readonly WireFormat[] = [
  watsonxChat,
  watsonxText,
  openAiChat,
  openAiResponses,
  anthropic,
  gemini,
  geminiInteractions,
  ollama,
  cohere,
  cohereV1,
  bedrockConverse,
  bedrockInvoke,
  aiGateway,
  mistralConversations,
  mistralOcr,
  openAiMedia,
  vertexPredict,
  replicate,
];

/** The longest request body, whole response or single event that is read, in characters or bytes: 4 Mi. */
const MAX_LENGTH = 4 << 20;

/** How much of each content is recorded by default, in characters. */
const CONTENT_LENGTH = 65_536;

/** A path that names an API's version, or whose API it is, or (Bedrock's) the model. */
const API_PATH = /\/(?:v\d\w*|openai|model)\//;

/** A request, as far as it is known. */
export interface GivenRequest {
  readonly method: string;
  readonly url: URL;
  /** The body, as text or in UTF-8; `undefined` if it could not be read. */
  readonly body: string | Uint8Array | undefined;
  /** The headers, by lower-case name. Some formats have the model there. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** How a request is read. */
export interface RequestOptions {
  /** Whether messages, system instructions and tools are read as well; `later` prepares for `readContent` of the call. */
  readonly content: boolean | 'later';
  /**
   * How much of messages, system instructions and tools is recorded, in characters: no more is read of a long body than its beginning shows.
   * Default: 65 536.
   */
  readonly contentLength?: number | undefined;
  /** The longest whole response, or single event, that is read, in characters. Default: 4 Mi. */
  readonly maxLength?: number;
}

/** How the response of one attempt is read. */
export interface AnswerOptions {
  /** The response's headers, by lower-case name. Some formats have counters there. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether output messages are read. Default: as the request's are. */
  readonly content?: boolean;
  /** How much of the output messages is recorded, in characters. */
  readonly contentLength?: number;
}

/** A request that is known to be a model call. */
export interface ModelCall {
  /** `gen_ai.operation.name`: `chat`, `generate_content`, `text_completion`, `embeddings`… */
  readonly operation: string;
  /** `gen_ai.provider.name`: by the host if it is known, else the provider that the format or the path comes from. */
  readonly provider: string;
  /** Whether a streamed response was asked for. */
  readonly streaming: boolean;
  /** Whether the response was asked for in the background: it goes on if its stream is left. */
  readonly inBackground: boolean;
  readonly request: ModelRequest;
  /** The size of the request's body in bytes of UTF-8; `undefined` if the body was not read. */
  readonly bodyBytes: number | undefined;
  /** The request with its content, if that is read later than the rest. */
  readonly fullRequest?: { readonly value: ModelRequest | undefined };
  /** Reads the request with its content, from a text of this length. Only if content was to be read `later`. */
  readonly readContent?: { readonly length: number; readonly read: () => ModelRequest };
  /** Begins to read the response of one attempt. */
  openAnswer(options?: AnswerOptions): ResponseReader;
}

/**
 * Reads a request; `undefined` if it is not known to be a model call.
 *
 * The path and the shape of the body decide. If the body is not known (a stream, multipart, or longer than 4 Mi
 * characters), the path alone decides, provided that the host is a known provider's or the path names an API's version
 * (`/v1/…`). A body that is not JSON is a model call only at a known provider.
 *
 * @example
 * const url = new URL('https://api.openai.com/v1/chat/completions');
 * const call = readModelCall({ method: 'POST', url, body }, { content: false });
 * const reader = call?.openAnswer();
 * reader?.chunk(bytes);
 * reader?.end();
 * reader?.answer().usage; // { inputTokens: 12, outputTokens: 34 }
 */
export function readModelCall(
  { method, url, body: source, headers = {} }: GivenRequest,
  { content, contentLength = CONTENT_LENGTH, maxLength = MAX_LENGTH }: RequestOptions,
): ModelCall | undefined {
  if (method.toUpperCase() !== 'POST') return undefined;
  const { path, formats } = recognized(url.pathname);
  if (formats.length === 0) return undefined;
  const host = providerOf(url);
  let read: RequestReading | undefined;
  for (const { format, operation } of formats) {
    read ??= readBody(source, content, contentLength);
    const { body, bytes, later } = read;
    const known = host !== undefined || (API_PATH.test(path) && body !== 'no JSON');
    if (typeof body === 'object' ? !(known || label(body.model)) || !format.accepts(path, body) : !known) continue;
    const provider = host ?? providerOfPath(path) ?? format.provider;
    const extra = provider === 'openai' || provider === 'azure.ai.openai';
    const requestOf = (given: RequestBody, withContent: boolean) => {
      const request = format.readRequest({ path, body: typeof given === 'object' ? given : {}, headers }, withContent);
      if (!extra) delete request.extra;
      return request;
    };
    const request = requestOf(body, content === true);
    return {
      operation,
      provider,
      streaming: request.stream === true,
      inBackground: request.inBackground === true,
      request,
      bodyBytes: bytes,
      ...(later && { readContent: readContent(later, requestOf) }),
      openAnswer: ({
        headers: responseHeaders = {},
        content: ofAnswer = content !== false,
        contentLength: length = contentLength,
      } = {}) =>
        new ResponseReader(format, {
          request,
          headers: responseHeaders,
          content: ofAnswer,
          contentLength: length,
          extra,
          maxLength,
        }),
    };
  }
  return undefined;
}

/** Whether such a request can be a model call, as far as method and path tell: only then its body has to be read. */
export function mayBeModelCall(method: string, url: URL): boolean {
  return method.toUpperCase() === 'POST' && recognized(url.pathname).formats.length > 0;
}

/** Whether a POST to this URL may be a model call at a known provider, as far as the URL tells. */
export function mayAskProvider(url: URL): boolean {
  return servesModels(url) && (mayBeModelCall('POST', url) || mayBeUnreadCall(url));
}

/** A path without its trailing slashes, and the formats that have it, each with its operation. A client calls few paths. */
const recognized = /* @__PURE__ */ remembered((pathname: string) => {
  const path = withoutLastSlashes(pathname);
  const formats: { format: WireFormat; operation: string }[] = [];
  for (const format of FORMATS) {
    const operation = format.operation(path);
    if (operation !== undefined) formats.push({ format, operation });
  }
  return { path, formats };
});

type RequestBody = JsonObject | 'unknown' | 'no JSON';

/** A function of its own, so that what reads the answer does not hold the text as well. */
function readContent(
  { length, json }: NonNullable<RequestReading['later']>,
  requestOf: (body: RequestBody, withContent: boolean) => ModelRequest,
): NonNullable<ModelCall['readContent']> {
  return { length, read: () => requestOf(bodyOf(json()), true) };
}

interface RequestReading {
  readonly body: RequestBody;
  /** The size of the whole body, in bytes of UTF-8. */
  readonly bytes?: number;
  /** The JSON text that has the content too, if that is read later. */
  readonly later?: { readonly length: number; readonly json: () => string | undefined };
}

function readBody(
  source: string | Uint8Array | undefined,
  content: boolean | 'later',
  contentLength: number,
): RequestReading {
  if (source === undefined || source.length > MAX_LENGTH) return { body: 'unknown' };
  const extent = content ? contentExtent(contentLength, ASKED) : ASKED;
  if (content !== 'later') {
    const { json, bytes } = excerpt(source, extent);
    return { body: bodyOf(json), bytes };
  }
  const { json, bytes, more, moreLength } = excerptInTwo(source, extent);
  return { body: bodyOf(json), bytes, later: { length: moreLength, json: more } };
}

function bodyOf(json: string | undefined): RequestBody {
  return (json === undefined ? undefined : object(parseJson(json))) ?? 'no JSON';
}
