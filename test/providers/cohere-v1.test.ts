import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cohereV1SseStream, cohereV1Stream, data, jsonLines, modelCall, read } from './recorded.js';
import { record } from './wire.js';

const { url, body } = cohereV1Stream;
const START = { event_type: 'stream-start', generation_id: 'g1' };
const TEXT = { event_type: 'text-generation', text: 'Ja.' };
const end = (finish_reason: string, rest: object = {}) => ({ event_type: 'stream-end', finish_reason, ...rest });
const streamed = (...events: object[]) => read(modelCall(cohereV1Stream), [jsonLines(START, TEXT, ...events)]);
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

  it('is read the same as server-sent events', () => {
    assert.deepEqual(
      read(modelCall(cohereV1SseStream), [cohereV1SseStream.body]),
      read(modelCall(cohereV1Stream), [body]),
    );
  });

  it('keeps its id and text where the last event does not repeat them', () => {
    const { response, complete } = streamed(end('COMPLETE'));
    assert.deepEqual([complete, response.id], [true, 'g1']);
    const said = [{ type: 'text', content: 'Ja.' }];
    assert.deepEqual(response.messages, [{ role: 'assistant', parts: said, finish_reason: 'COMPLETE' }]);
  });

  for (const reason of ['ERROR_LIMIT', 'ERROR_TOXIC', 'MAX_TOKENS']) {
    it(`that was cut off or is refused (${reason}) is an answer`, () => {
      const { response, complete, error } = streamed(end(reason));
      assert.deepEqual([complete, error, response.finishReasons], [true, undefined, [reason]]);
    });
  }

  it('that failed is an error, with its text', () => {
    assert.deepEqual(streamed(end('ERROR', { error: 'gone wrong' })).error, {
      code: 'provider_error',
      message: 'gone wrong',
    });
    const { error } = read(modelCall(cohereV1Stream), [data(START, TEXT), 'event: error\ndata: upstream gone\n\n']);
    assert.deepEqual(error, { code: 'provider_error', message: 'upstream gone' });
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
