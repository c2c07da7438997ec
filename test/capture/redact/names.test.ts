import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSecretParameter, nameKind, PLAIN, SECRET, SUSPECT, TOKEN } from '../../../src/capture/redact/names.js';

const KINDS = {
  [SECRET]: [
    'password',
    'DB_PASSWORD',
    'userPasswd',
    'pwd',
    'passphrase',
    'secret',
    'client_secret',
    'clientSecret',
    'SecretAccessKey',
    'aws_secret_access_key',
    'AWSAccessKeyId',
    'api_key',
    'apiKey',
    'APIKEY',
    'x-api-key',
    'X-Goog-Api-Key',
    'OPENAI_API_KEY',
    'api_keys',
    'Ocp-Apim-Subscription-Key',
    'AccountKey',
    'SharedAccessKey',
    'SharedAccessSignature',
    'private_key',
    'credentials',
    'authorization',
    'Proxy-Authorization',
    'cookie',
    'Set-Cookie',
    'jwt',
    'app.user.password',
  ],
  [TOKEN]: [
    'token',
    'access_token',
    'accessTokens',
    'refreshToken',
    'id_token',
    'X-Auth-Token',
    'x-csrf-token',
    'X-Amz-Security-Token',
    'AWS_BEARER_TOKEN_BEDROCK',
    'GITHUB_TOKEN',
    'backendToken',
    'pass',
  ],
  [SUSPECT]: ['key', 'auth', 'sig', 'server_key', 'mykey'],
  [PLAIN]: [
    'input_tokens',
    'output_tokens',
    'total_tokens',
    'max_tokens',
    'max_completion_tokens',
    'maxOutputTokens',
    'cached_tokens',
    'cache_read_input_tokens',
    'reasoning_tokens',
    'prompt_tokens_details',
    'promptTokenCount',
    'token_count',
    'tokenCount',
    'tokens',
    'tokens_per_second',
    'cost_per_token',
    'max_token',
    'eos_token',
    'time_to_first_token',
    'token_type',
    'tokenizer',
    'token_ids',
    'next_page_token',
    'pageToken',
    'x-ratelimit-remaining-tokens',
    'x-ratelimit-limit-tokens',
    'anthropic-ratelimit-input-tokens-remaining',
    'x-amzn-bedrock-input-token-count',
    'idempotency_key',
    'prompt_cache_key',
    'primaryKey',
    'public_key',
    'password_policy',
    'apiKeySource',
    'secretary',
    'author',
    'signature',
    'session_id',
    'x-request-id',
    'keyboard',
    'content',
    '',
  ],
} as const;

for (const [kind, names] of Object.entries(KINDS)) {
  for (const name of names) {
    test(`'${name}' is of kind ${kind}`, () => {
      assert.equal(nameKind(name), Number(kind));
    });
  }
}

test('the keys that sign URLs are secret parameters, those that ask for something are not', () => {
  const secret = [
    'key',
    'sig',
    'Signature',
    'X-Amz-Signature',
    'X-Amz-Credential',
    'X-Goog-Signature',
    'code',
    'token',
  ];
  for (const name of secret) assert.equal(isSecretParameter(name), true, name);
  for (const name of ['alt', 'api-version', 'q', 'X-Amz-Date', 'sv', 'page'])
    assert.equal(isSecretParameter(name), false, name);
});
