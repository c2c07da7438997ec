import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readModelCall } from '../../src/providers/detect.js';
import { data, modelCall, read, watsonxChatStream, watsonxGenerationStream } from './recorded.js';
import { record } from './wire.js';

const HOST = 'https://us-south.ml.cloud.ibm.com/ml/v1';
const model = 'ibm/granite-4-h-small';
const messages = [{ role: 'user', content: 'Hi' }];
const chat = { model_id: model, project_id: 'p', messages };
const completion = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model_id: model,
  created: 1763000000,
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
};
const generation = {
  model_id: model,
  created_at: '2026-11-26T12:00:00Z',
  results: [{ generated_text: 'Hello', generated_token_count: 2, input_token_count: 3, stop_reason: 'eos_token' }],
};

const isSuccess = (step: Record<string, unknown>) => {
  assert.equal(step['runtrace.status'], 'completed');
  assert.equal(step['gen_ai.provider.name'], 'ibm.watsonx.ai');
  assert.equal(step['gen_ai.request.model'], model);
  assert.equal(step['gen_ai.response.model'], model);
};

describe("watsonx's chat", () => {
  it('is asked for as Chat Completions are', () => {
    const request = { ...chat, max_completion_tokens: 10, temperature: 0.5, tool_choice_option: 'auto' };
    const call = modelCall({ url: `${HOST}/text/chat?version=2026-01-01`, request });
    assert.deepEqual([call.operation, call.provider, call.streaming], ['chat', 'ibm.watsonx.ai', false]);
    assert.deepEqual(call.request, {
      model,
      maxTokens: 10,
      temperature: 0.5,
      messages: [{ role: 'user', parts: [{ type: 'text', content: 'Hi' }] }],
    });
  });

  it('is streamed at a path of its own', () => {
    const call = modelCall({ url: `${HOST}/text/chat_stream`, request: chat });
    assert.deepEqual([call.operation, call.streaming], ['chat', true]);
  });

  it('has the deployment in the place of a model', () => {
    const call = modelCall({ url: `${HOST}/deployments/my-granite/text/chat_stream`, request: { messages } });
    assert.deepEqual([call.request.model, call.streaming], ['my-granite', true]);
  });

  it('is known by its path where the body could not be read', () => {
    for (const [kind, operation] of Object.entries({
      chat: 'chat',
      generation_stream: 'text_completion',
      embeddings: 'embeddings',
      rerank: 'rerank',
    })) {
      const call = readModelCall(
        { method: 'POST', url: new URL(`${HOST}/text/${kind}`), body: undefined },
        { content: true },
      );
      assert.deepEqual([call?.operation, call?.provider], [operation, 'ibm.watsonx.ai']);
    }
  });

  it('is no call to another path', () => {
    const others = { tokenization: { model_id: model, input: 'Hi' }, extractions: { document_reference: {} } };
    for (const [path, body] of Object.entries(others)) {
      const url = new URL(`${HOST}/text/${path}`);
      assert.equal(readModelCall({ method: 'POST', url, body: JSON.stringify(body) }, { content: true }), undefined);
    }
  });

  it('answers whole', async () => {
    const { step } = await record({ path: '/ml/v1/text/chat', request: chat, body: JSON.stringify(completion) });
    isSuccess(step);
    assert.deepEqual(step['gen_ai.response.finish_reasons'], ['stop']);
    assert.equal(step['gen_ai.usage.input_tokens'], 3);
    assert.equal(step['gen_ai.usage.output_tokens'], 2);
  });

  it('is interrupted if its stream is left', async () => {
    const { step, attempt } = await record(
      { path: '/ml/v1/text/chat_stream', request: chat, body: watsonxChatStream.body.slice(0, 700) },
      async (response) => response.body?.cancel(),
    );
    assert.deepEqual([step['runtrace.status'], attempt['runtrace.attempt.status']], ['interrupted', 'aborted']);
  });

  it('is an error if its stream ends in the middle, or says so', async () => {
    const half = watsonxChatStream.body.slice(0, 700);
    const failure = { errors: [{ code: 'model_overloaded', message: 'busy' }], trace: 't', status_code: 503 };
    const error = `event: error\ndata: ${JSON.stringify(failure)}\n\n`;
    for (const [body, type] of [
      [half.slice(0, half.lastIndexOf('\n\n') + 2), 'invalid_response'],
      [half.slice(0, half.lastIndexOf('\n\n') + 2) + error, 'model_overloaded'],
    ] as const) {
      const { step } = await record({ path: '/ml/v1/text/chat_stream', request: chat, body });
      assert.deepEqual([step['runtrace.status'], step['error.type']], ['error', type]);
    }
  });

  it('is an error with the code of the refusal', async () => {
    const errors = [{ code: 'rate_limit_reached_requests', message: 'slow down' }];
    const body = JSON.stringify({ errors, trace: 't', status_code: 429 });
    const { step } = await record({ path: '/ml/v1/text/chat', request: chat, status: 429, body });
    assert.deepEqual([step['runtrace.status'], step['error.type']], ['error', 'rate_limit_reached_requests']);
  });
});

describe("watsonx's generation", () => {
  it('is asked for with a prompt and parameters', () => {
    const parameters = {
      decoding_method: 'sample',
      max_new_tokens: 20,
      temperature: 0.5,
      top_k: 5,
      top_p: 0.9,
      random_seed: 7,
      stop_sequences: ['.'],
    };
    const request = { model_id: model, project_id: 'p', input: 'Hi', parameters };
    const call = modelCall({ url: `${HOST}/text/generation_stream?version=2026-01-01`, request });
    assert.deepEqual(call.request, {
      model,
      stream: true,
      maxTokens: 20,
      temperature: 0.5,
      topK: 5,
      topP: 0.9,
      seed: 7,
      stopSequences: ['.'],
      messages: [{ role: 'user', parts: [{ type: 'text', content: 'Hi' }] }],
    });
  });

  it('answers whole', async () => {
    const request = { model_id: model, input: 'Hi' };
    const { step } = await record({ path: '/ml/v1/text/generation', request, body: JSON.stringify(generation) });
    isSuccess(step);
    assert.deepEqual(step['gen_ai.response.finish_reasons'], ['eos_token']);
    assert.equal(step['gen_ai.usage.input_tokens'], 3);
    assert.equal(step['gen_ai.usage.output_tokens'], 2);
  });

  it('counts the input once and the output as it is summed up', () => {
    const answer = read(modelCall(watsonxGenerationStream), [watsonxGenerationStream.body]);
    assert.deepEqual(answer.usage, { inputTokens: 120, outputTokens: 80 });
    assert.deepEqual(answer.response.finishReasons, ['max_tokens']);
    assert.deepEqual(answer.response.messages?.[0]?.parts, [{ type: 'text', content: 'Ich sehe nach 🌦️' }]);
  });

  it('that stops for an error is one', () => {
    const [result] = generation.results;
    const body = data({ ...generation, results: [{ ...result, stop_reason: 'error' }] });
    const answer = read(modelCall(watsonxGenerationStream), [body]);
    assert.equal(answer.error?.code, 'provider_error');
  });
});

describe("watsonx's embeddings and ranks", () => {
  const result = { model_id: model, results: [{}], created_at: '2026-11-26T12:00:00Z', input_token_count: 5 };

  for (const [kind, request] of [
    ['embeddings', { model_id: model, inputs: ['Hi'] }],
    ['rerank', { model_id: model, query: 'Hi', inputs: [{ text: 'Hi' }] }],
  ] as const) {
    it(`are answers (${kind})`, async () => {
      const { step } = await record({ path: `/ml/v1/text/${kind}`, request, body: JSON.stringify(result) });
      isSuccess(step);
      assert.equal(step['gen_ai.operation.name'], kind);
      assert.equal(step['gen_ai.usage.input_tokens'], 5);
    });
  }
});
