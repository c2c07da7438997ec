import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMetadataHeader } from '../../../src/capture/redact/headers.js';
import { createRedactor } from '../../../src/capture/redact/redactor.js';

const redactor = createRedactor();

test('a header with credentials keeps its name only', () => {
  const headers = {
    Authorization: 'Bearer abc',
    'x-api-key': 'abc',
    'api-key': 'abc',
    'X-Goog-Api-Key': 'abc',
    Cookie: 'a=b; c=d',
    'set-cookie': 'sid=1; Path=/',
    'x-amz-security-token': 'abc',
    'ocp-apim-subscription-key': 'abc',
    'x-functions-key': 'abc',
    'x-auth': 'abc',
  };
  for (const [name, value] of Object.entries(headers)) assert.equal(redactor.header(name, value), 'REDACTED', name);
});

test('a secret inside of a harmless header is replaced, and nothing around it', () => {
  const key = 'sk-proj-abcDEF1234567890';
  assert.equal(
    redactor.header('sec-websocket-protocol', `realtime, openai-insecure-api-key.${key}`),
    'realtime, openai-insecure-api-key.REDACTED',
  );
  assert.equal(redactor.header('location', '/done?access_token=abc&page=2'), '/done?access_token=REDACTED&page=2');
  assert.equal(
    redactor.header('link', '<https://u:p@example.com/>; rel="next"'),
    '<https://REDACTED:REDACTED@example.com/>; rel="next"',
  );
});

const METADATA = [
  'Content-Type',
  'content-length',
  'Retry-After',
  'retry-after-ms',
  'x-request-id',
  'request-id',
  'x-amzn-requestid',
  'apim-request-id',
  'cf-ray',
  'openai-processing-ms',
  'X-RateLimit-Remaining-Tokens',
  'x-ratelimit-reset-requests',
  'anthropic-ratelimit-tokens-remaining',
  'x-ms-ratelimit-remaining-tokens',
  'ratelimit-policy',
  'x-stainless-retry-count',
  'x-stainless-timeout',
  'x-should-retry',
  'x-amzn-bedrock-input-token-count',
];

for (const name of METADATA) {
  test(`${name} is metadata, and stays readable`, () => {
    assert.equal(isMetadataHeader(name), true);
    assert.equal(redactor.header(name, '17'), '17');
  });
}

test('headers that may hold content or credentials are no metadata', () => {
  for (const name of [
    'authorization',
    'cookie',
    'set-cookie',
    'x-api-key',
    'user-agent',
    'referer',
    'x-forwarded-for',
    'openai-organization',
    'unlimited-rate',
  ]) {
    assert.equal(isMetadataHeader(name), false, name);
  }
});
