import type { Attributes } from '@opentelemetry/api';
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
  const to: Attributes = {
    [names.ATTEMPT_NUMBER]: attempt.number,
    [names.ATTEMPT_STATUS]: attempt.status,
  };
  if (attempt.statusCode !== undefined) to[names.HTTP_RESPONSE_STATUS_CODE] = sendable(attempt.statusCode);
  if (attempt.errorType !== undefined) to[names.ERROR_TYPE] = attempt.errorType;
  if (attempt.errorMessage !== undefined) to[names.EXCEPTION_MESSAGE] = attempt.errorMessage;
  to[names.ATTEMPT_DURATION_MS] = sendable(Math.max(0, Math.round(endedAt - startedAt)));
  if (previous && startedAt >= previous.endedAt) {
    to[names.ATTEMPT_WAIT_MS] = sendable(Math.round(startedAt - previous.endedAt));
  }
  if (attempt.timeToFirstChunkMillis !== undefined) {
    to[names.ATTEMPT_TIME_TO_FIRST_CHUNK_MS] = sendable(Math.round(attempt.timeToFirstChunkMillis));
  }
  if (attempt.resendCount !== undefined) to[names.HTTP_REQUEST_RESEND_COUNT] = sendable(attempt.resendCount);
  if (attempt.method !== undefined) to[names.HTTP_REQUEST_METHOD] = attempt.method;
  if (url !== undefined) {
    to[names.URL_FULL] = url;
    const parts = urlParts(url);
    if (parts) {
      to[names.SERVER_ADDRESS] = parts.address;
      to[names.SERVER_PORT] = parts.port;
    }
  }
  if (attempt.requestBodySize !== undefined) to[names.HTTP_REQUEST_BODY_SIZE] = sendable(attempt.requestBodySize);
  if (attempt.responseBodySize !== undefined) to[names.HTTP_RESPONSE_BODY_SIZE] = sendable(attempt.responseBodySize);
  for (const name in requestHeaders) to[requestHeader(name)] = [requestHeaders[name] as string];
  for (const name in responseHeaders) to[responseHeader(name)] = [responseHeaders[name] as string];
  if (requestBody !== undefined && requestBody !== previous?.requestBody) {
    to[names.HTTP_REQUEST_BODY_CONTENT] = requestBody;
  }
  if (attempt.responseBody !== undefined) to[names.HTTP_RESPONSE_BODY_CONTENT] = attempt.responseBody;
  if (attempt.usage) writeUsage(to, attempt.usage);
  if (attempt.truncatedBytes !== undefined) to[names.ATTEMPT_TRUNCATED_BYTES] = sendable(attempt.truncatedBytes);
  return to;
}

function writeUsage(to: Attributes, usage: Usage): void {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens } = usage;
  if (inputTokens !== undefined) to[names.GEN_AI_USAGE_INPUT_TOKENS] = sendable(inputTokens);
  if (outputTokens !== undefined) to[names.GEN_AI_USAGE_OUTPUT_TOKENS] = sendable(outputTokens);
  if (cacheReadTokens !== undefined) to[names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS] = sendable(cacheReadTokens);
  if (cacheWriteTokens !== undefined) to[names.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS] = sendable(cacheWriteTokens);
  if (reasoningTokens !== undefined) to[names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS] = sendable(reasoningTokens);
}
