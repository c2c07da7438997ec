import type { Attributes, AttributeValue } from '@opentelemetry/api';
import { sendable } from '../../otel/attribute-value.js';
import type { Usage } from '../../otel/genai.js';
import * as names from '../../otel/names.js';
import { remembered } from '../../util/memo.js';
import { urlParts } from '../../util/url-parts.js';
import type { Attempt } from './attempt.js';

const requestHeader = /* @__PURE__ */ remembered((name: string) => names.HTTP_REQUEST_HEADER_PREFIX + name);
const responseHeader = /* @__PURE__ */ remembered((name: string) => names.HTTP_RESPONSE_HEADER_PREFIX + name);

/** The attributes of the event that an attempt becomes. A request body that equals that of the attempt before is left out. */
export function attemptAttributes(attempt: Attempt, previous: Attempt | undefined): Attributes {
  const { startedAt, endedAt, url, requestHeaders, responseHeaders, requestBody } = attempt;
  const to: Attributes = {};
  put(to, names.ATTEMPT_NUMBER, attempt.number);
  put(to, names.ATTEMPT_STATUS, attempt.status);
  put(to, names.HTTP_RESPONSE_STATUS_CODE, attempt.statusCode);
  put(to, names.ERROR_TYPE, attempt.errorType);
  put(to, names.EXCEPTION_MESSAGE, attempt.errorMessage);
  put(to, names.ATTEMPT_DURATION_MS, Math.max(0, Math.round(endedAt - startedAt)));
  if (previous && startedAt >= previous.endedAt) {
    put(to, names.ATTEMPT_WAIT_MS, Math.round(startedAt - previous.endedAt));
  }
  if (attempt.timeToFirstChunkMillis !== undefined) {
    put(to, names.ATTEMPT_TIME_TO_FIRST_CHUNK_MS, Math.round(attempt.timeToFirstChunkMillis));
  }
  put(to, names.HTTP_REQUEST_RESEND_COUNT, attempt.resendCount);
  put(to, names.HTTP_REQUEST_METHOD, attempt.method);
  put(to, names.URL_FULL, url);
  const server = url === undefined ? undefined : urlParts(url);
  put(to, names.SERVER_ADDRESS, server?.address);
  put(to, names.SERVER_PORT, server?.port);
  put(to, names.HTTP_REQUEST_BODY_SIZE, attempt.requestBodySize);
  put(to, names.HTTP_RESPONSE_BODY_SIZE, attempt.responseBodySize);
  for (const name in requestHeaders) to[requestHeader(name)] = [requestHeaders[name] as string];
  for (const name in responseHeaders) to[responseHeader(name)] = [responseHeaders[name] as string];
  if (requestBody !== previous?.requestBody) put(to, names.HTTP_REQUEST_BODY_CONTENT, requestBody);
  put(to, names.HTTP_RESPONSE_BODY_CONTENT, attempt.responseBody);
  if (attempt.usage) putUsage(to, attempt.usage);
  put(to, names.ATTEMPT_TRUNCATED_BYTES, attempt.truncatedBytes);
  return to;
}

function putUsage(to: Attributes, usage: Usage): void {
  put(to, names.GEN_AI_USAGE_INPUT_TOKENS, usage.inputTokens);
  put(to, names.GEN_AI_USAGE_OUTPUT_TOKENS, usage.outputTokens);
  put(to, names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS, usage.cacheReadTokens);
  put(to, names.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS, usage.cacheWriteTokens);
  put(to, names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS, usage.reasoningTokens);
}

/** The one place that stores an attribute: each store under a constant name is compiled to 300 bytes and more. */
function put(to: Attributes, name: string, value: AttributeValue | undefined): void {
  if (value !== undefined) to[name] = sendable(value);
}
