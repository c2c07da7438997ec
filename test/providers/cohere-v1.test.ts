import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cohereV1Stream, modelCall, read } from './recorded.js';
import { record } from './wire.js';

const { url, body } = cohereV1Stream;
const parts = [
  { type: 'text', content: 'Ich sehe nach 🌦️ "}' },
  { type: 'tool_call', name: 'get_weather', arguments: { city: 'Köln' } },
];

describe('A chat of Cohere’s API v1', () => {
  it('is read with its parameters, history and tools', () => {
    const tools = [{ name: 'look', description: 'Looks' }];
    const { operation, provider, request } = modelCall({
      url,
      request: {
        model: 'command-r',
        message: 'And now?',
        preamble: 'Be brief',
        chat_history: [
          { role: 'USER', message: 'Look' },
          { role: 'CHATBOT', message: 'A cat' },
        ],
        p: 0.5,
        tools,
      },
    });
    assert.deepEqual([operation, provider], ['chat', 'cohere']);
    assert.deepEqual(request, {
      model: 'command-r',
      topP: 0.5,
      messages: [
        { role: 'user', parts: [{ type: 'text', content: 'Look' }] },
        { role: 'assistant', parts: [{ type: 'text', content: 'A cat' }] },
        { role: 'user', parts: [{ type: 'text', content: 'And now?' }] },
      ],
      systemInstructions: [{ type: 'text', content: 'Be brief' }],
      toolDefinitions: tools,
    });
  });

  it('has id, usage and messages, streamed', () => {
    const { response, usage, complete, error } = read(modelCall(cohereV1Stream), [body]);
    assert.deepEqual([complete, error, response.id], [true, undefined, 'r1']);
    assert.deepEqual(usage, { inputTokens: 120, outputTokens: 80 });
    assert.deepEqual(response.messages, [{ role: 'assistant', parts, finish_reason: 'COMPLETE' }]);
  });

  it('that is cut off is not complete', () => {
    const { complete } = read(modelCall(cohereV1Stream), [body.slice(0, body.indexOf('{"is_finished":true'))]);
    assert.equal(complete, false);
  });

  it('is a step at any host, whole and refused', async () => {
    const request = { model: 'command-r', message: 'SECRET' };
    const whole = {
      response_id: 'r1',
      text: 'SECRET',
      finish_reason: 'MAX_TOKENS',
      meta: { tokens: { input_tokens: 3 } },
    };
    const { step } = await record({ path: '/v1/chat', request, body: JSON.stringify(whole) });
    assert.equal(step['runtrace.status'], 'completed');
    assert.equal(step['gen_ai.usage.input_tokens'], 3);
    assert.deepEqual(step['gen_ai.response.finish_reasons'], ['MAX_TOKENS']);
    const refused = await record({ path: '/v1/chat', request, body: '{"message":"No"}' });
    assert.equal(refused.step['runtrace.status'], 'error');
  });
});
