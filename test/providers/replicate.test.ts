import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { wrapFetch } from 'runtrace';
import { attemptsOf, only, traced } from '../support/traced.js';
import { modelCall, read } from './recorded.js';
import { record } from './wire.js';

const API = 'https://api.replicate.com/v1';
const input = {
  prompt: 'Hi',
  system_prompt: 'Be brief',
  max_tokens: 20,
  temperature: 0.5,
  top_p: 0.9,
  top_k: 5,
  seed: 7,
};
const prediction = (status: string, rest: object = {}) => ({
  id: 'gm3qorzdhgbfurvjtvhg6dckhu',
  model: 'meta/llama-4',
  version: 'v1',
  input,
  logs: '',
  output: null,
  error: null,
  status,
  urls: { get: `${API}/predictions/gm3qorzdhgbfurvjtvhg6dckhu` },
  ...rest,
});
const succeeded = prediction('succeeded', {
  output: ['Hel', 'lo'],
  metrics: { predict_time: 1.2, input_token_count: 3, output_token_count: 2 },
});

/** What is recorded of a prediction that is polled until its end: it has these states, one a request. */
async function polled(...states: object[]) {
  const set = traced({ limits: { completedHoldMillis: 0, retryHoldMillis: 0 } });
  const fetch = wrapFetch(async () => Response.json(states.shift()));
  await set.recorder.run({ kind: 'chat_turn' }, async () => {
    const body = JSON.stringify({ input });
    await (await fetch(`${API}/models/meta/llama-4/predictions`, { method: 'POST', body })).json();
    while (states.length > 0) await (await fetch(`${API}/predictions/gm3qorzdhgbfurvjtvhg6dckhu`)).json();
  });
  await set.shutdown();
  return only(set.steps());
}

describe("Replicate's prediction", () => {
  test('is asked for by model, deployment or version', () => {
    for (const [path, body, model] of [
      ['models/meta/llama-4/predictions', {}, 'meta/llama-4'],
      ['deployments/acme/chat/predictions', {}, 'acme/chat'],
      ['predictions', { version: '5c7d5dc6dd8bf75c1acaa8565735e798' }, '5c7d5dc6dd8bf75c1acaa8565735e798'],
    ] as const) {
      const call = modelCall({ url: `${API}/${path}`, request: { ...body, input } });
      assert.equal(call.operation, 'generate_content');
      assert.deepEqual(call.request, {
        model,
        maxTokens: 20,
        temperature: 0.5,
        topP: 0.9,
        topK: 5,
        seed: 7,
        messages: [{ role: 'user', parts: [{ type: 'text', content: 'Hi' }] }],
        systemInstructions: [{ type: 'text', content: 'Be brief' }],
      });
    }
  });

  const request = { url: `${API}/models/meta/llama-4/predictions`, request: { input } };

  test('answers with text, cut in two at every byte', () => {
    const call = modelCall(request);
    const body = JSON.stringify(succeeded);
    for (let cut = 0; cut <= body.length; cut++) {
      const answer = read(call, [body.slice(0, cut), body.slice(cut)]);
      assert.equal(answer.complete, true);
      assert.deepEqual(answer.usage, { inputTokens: 3, outputTokens: 2 });
      assert.equal(answer.response.model, 'meta/llama-4');
      assert.deepEqual(answer.response.messages?.[0]?.parts, [{ type: 'text', content: 'Hello' }]);
    }
  });

  test('answers with a file, whose kind it does not tell', () => {
    const uri = 'https://replicate.delivery/a.webp';
    for (const output of [uri, [uri]]) {
      const answer = read(modelCall(request), [JSON.stringify(prediction('succeeded', { output }))]);
      const [part] = answer.response.messages?.[0]?.parts ?? [];
      assert.deepEqual(part, { type: 'uri', modality: 'document', uri });
    }
  });

  test('that was waited for is completed, or an error if it failed', async () => {
    for (const [answer, status, type] of [
      [succeeded, 'completed', undefined],
      [prediction('failed', { error: 'CUDA out of memory' }), 'error', 'provider_error'],
      [prediction('failed'), 'error', 'provider_error'],
      [{ detail: 'no prediction' }, 'error', 'provider_error'],
    ] as const) {
      const path = '/v1/models/meta/llama-4/predictions';
      const { step } = await record({ path, request: { input }, status: 201, body: JSON.stringify(answer) });
      assert.deepEqual([step['runtrace.status'], step['error.type']], [status, type]);
    }
  });

  test('that was refused is an error', async () => {
    const body = JSON.stringify({ title: 'Invalid version', detail: 'No such version', status: 422 });
    const { step } = await record({ path: '/v1/models/a/b/predictions', request: { input }, status: 422, body });
    assert.deepEqual([step['runtrace.status'], step['error.type']], ['error', '422']);
  });

  test('whose answer is left is interrupted', async () => {
    const wire = {
      path: '/v1/models/a/b/predictions',
      request: { input },
      body: JSON.stringify(succeeded).slice(0, 90),
    };
    const { step } = await record(wire, async (response) => response.body?.cancel());
    assert.equal(step['runtrace.status'], 'interrupted');
  });

  for (const [end, status] of [
    [succeeded, 'completed'],
    [prediction('failed', { error: 'CUDA out of memory' }), 'error'],
    [prediction('canceled'), 'interrupted'],
  ] as const) {
    test(`that is polled ends with its last poll: ${end.status}`, async () => {
      const step = await polled(prediction('starting'), prediction('processing'), prediction('processing'), end);
      assert.equal(step.attributes['runtrace.status'], status);
      assert.equal(step.attributes['runtrace.step.poll_count'], 2);
      assert.equal(attemptsOf(step).length, 2);
      assert.equal(step.attributes['gen_ai.usage.output_tokens'], end === succeeded ? 2 : undefined);
    });
  }

  test('that goes on after the run is completed, with its status', async () => {
    const step = await polled(prediction('starting'));
    assert.equal(step.attributes['runtrace.status'], 'completed');
    assert.equal(step.attributes['runtrace.response.status'], 'queued');
  });
});
