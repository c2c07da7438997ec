import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import Anthropic from '@anthropic-ai/sdk';
import { generateText } from 'ai';
import OpenAI from 'openai';
import { recordingFetch } from 'runtrace';
import { type Provider, startProvider, status } from '../../../examples/demo/provider.js';
import { only, type ReadableSpan, traced } from '../../support/traced.js';

let provider: Provider;
before(async () => {
  provider = await startProvider();
});
after(() => provider.close());

const failureOf = ({ attributes, status }: ReadableSpan) => [attributes['error.type'], status.message];

/** How the run, and the explicit step in it, ended whose functions threw what `call` throws. */
async function thrownBy(call: () => unknown): Promise<unknown[]> {
  const { recorder, runs, steps } = traced();
  await assert.rejects(recorder.run({ kind: 'chat_turn' }, () => recorder.step({}, call)));
  const [run, step] = [failureOf(only(runs())), failureOf(only(steps()))];
  assert.deepEqual(step, run);
  return run;
}

/** A request of each client, which is refused; with the provider's code, and the class of what the client throws. */
const settings = (path = '') => ({ apiKey: 'none', baseURL: provider.url + path, fetch: recordingFetch });
const messages = [{ role: 'user' as const, content: 'Hello?' }];
const clients: Record<string, [code: string, className: string, ask: (model: string) => unknown]> = {
  openai: [
    'rate_limit_exceeded',
    'RateLimitError',
    (model) => new OpenAI({ ...settings('/v1'), maxRetries: 0 }).chat.completions.create({ model, messages }),
  ],
  '@anthropic-ai/sdk': [
    'rate_limit_error',
    'RateLimitError',
    (model) => new Anthropic({ ...settings(), maxRetries: 0 }).messages.create({ model, messages, max_tokens: 9 }),
  ],
  '@ai-sdk/openai': [
    'rate_limit_exceeded',
    'AI_APICallError',
    (model) => generateText({ model: createOpenAI(settings('/v1')).chat(model), messages, maxRetries: 0 }),
  ],
  '@ai-sdk/anthropic': [
    'rate_limit_error',
    'AI_APICallError',
    (model) => generateText({ model: createAnthropic(settings('/v1'))(model), messages, maxRetries: 0 }),
  ],
  '@ai-sdk/openai, after its retries': [
    'rate_limit_exceeded',
    'AI_APICallError',
    (model) => generateText({ model: createOpenAI(settings('/v1')).chat(model), messages, maxRetries: 1 }),
  ],
};

describe('what a refused client throws has', { concurrency: true }, () => {
  for (const [name, [code, className, ask]] of Object.entries(clients)) {
    test(`${name}: the provider's code`, async () => {
      const model = `code of ${name}`;
      provider.script(model, status(429, { retryAfterMillis: 1 }));
      assert.deepEqual(await thrownBy(() => ask(model)), [code, `${code} ${className}`]);
    });

    test(`${name}: the HTTP status, if there is no code`, async () => {
      const model = `status of ${name}`;
      provider.script(model, status(429, { retryAfterMillis: 1, body: 'Slow down.' }));
      assert.deepEqual(await thrownBy(() => ask(model)), ['429', `429 ${className}`]);
    });
  }

  // @mistralai/mistralai and @openrouter/sdk; @ai-sdk/amazon-bedrock
  const answers = {
    rate_limit_exceeded: { statusCode: 429, body: '{"error":{"type":"requests","code":"rate_limit_exceeded"}}' },
    ThrottlingException: {
      statusCode: 429,
      data: { message: 'Slow down.' },
      responseBody: '{"message":"Slow down."}',
      responseHeaders: { 'x-amzn-errortype': 'ThrottlingException' },
    },
  };
  for (const [code, answer] of Object.entries(answers)) {
    test(`the code in the answer that it holds as a text: ${code}`, async () => {
      class ClientError extends Error {}
      const thrown = Object.assign(new ClientError('Slow down.'), answer);
      assert.deepEqual(await thrownBy(() => Promise.reject(thrown)), [code, `${code} ClientError`]);
    });
  }

  // @mistralai/mistralai and cohere-ai; ollama
  for (const field of ['statusCode', 'status_code']) {
    test(`the HTTP status in \`${field}\``, async () => {
      class ClientError extends Error {}
      const thrown = Object.assign(new ClientError('Slow down.'), { [field]: 429 });
      assert.deepEqual(await thrownBy(() => Promise.reject(thrown)), ['429', '429 ClientError']);
    });
  }
});
