import { remembered } from '../../util/memo.js';

const METADATA_HEADERS = new Set([
  'apim-request-id',
  'cf-ray',
  'content-encoding',
  'content-length',
  'content-type',
  'llm-provider-request-id',
  'openai-processing-ms',
  'request-id',
  'retry-after',
  'retry-after-ms',
  'x-amz-request-id',
  'x-amzn-errortype',
  'x-amzn-requestid',
  'x-client-request-id',
  'x-correlation-id',
  'x-generation-id',
  'x-goog-request-id',
  'x-ms-client-request-id',
  'x-ms-request-id',
  'x-request-id',
  'x-should-retry',
  'x-stainless-retry-count',
  'x-stainless-timeout',
  'x-vercel-id',
]);

/** `x-ratelimit-remaining-tokens`, `anthropic-ratelimit-requests-limit`, `ratelimit-policy`, `x-ms-ratelimit-…`. */
const RATE_LIMIT = /(?:^|-)rate-?limit(?:-|$)/;
/** `x-amzn-bedrock-input-token-count` and its kin. */
const BEDROCK_METRIC = /^x-amzn-bedrock-/;

/**
 * Whether a header may be recorded at `capture: 'metadata'`: content types and lengths, Retry-After, request ids, rate limits,
 * and what model clients say about their retries. Case does not matter.
 *
 * @example
 * isMetadataHeader('X-RateLimit-Remaining-Tokens'); // true
 * isMetadataHeader('authorization'); // false
 */
export const isMetadataHeader = /* @__PURE__ */ remembered((name: string): boolean => {
  const lowerCase = name.toLowerCase();
  return METADATA_HEADERS.has(lowerCase) || RATE_LIMIT.test(lowerCase) || BEDROCK_METRIC.test(lowerCase);
});

const URL_HEADERS = new Set(['content-location', 'destination', 'location', 'origin', 'referer', 'x-original-url']);

/** Whether a header's value is a URL, perhaps a relative one. */
export function isUrlHeader(name: string): boolean {
  return URL_HEADERS.has(name.toLowerCase());
}
