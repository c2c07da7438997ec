/** Meta's Llama API: requests of Chat Completions, responses of its own. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { data, llamaApiStream, modelCall, read, readBrokenOff } from './recorded.js';
import { record } from './wire.js';

const call = modelCall(llamaApiStream);

describe('the Llama API', () => {
  it('streams text, reasoning, tool calls and metrics', () => {
    const { response, usage, complete, error } = read(call, [llamaApiStream.body]);
    assert.deepEqual([complete, error], [true, undefined]);
    assert.deepEqual([call.provider, response.id, response.finishReasons], ['meta', 'AkL', ['tool_calls']]);
    assert.deepEqual(usage, { inputTokens: 120, outputTokens: 80 });
    assert.deepEqual(response.messages?.[0]?.parts, [
      { type: 'reasoning', content: 'Look it up' },
      { type: 'text', content: 'Ich sehe nach' },
      { type: 'tool_call', id: 'call_1', name: 'get_weather', arguments: { city: 'Köln' } },
      { type: 'tool_call', id: 'call_2', name: 'get_weather', arguments: {} },
    ]);
  });

  for (const [name, content] of [
    ['a part', { type: 'text', text: 'Hello' }],
    ['a text', 'Hello'],
  ] as const) {
    it(`answers with a whole message, whose content is ${name}`, () => {
      const body = {
        id: 'AkM',
        completion_message: { role: 'assistant', content, stop_reason: 'length', tool_calls: [] },
        metrics: [
          { metric: 'num_prompt_tokens', value: 21, unit: 'tokens' },
          { metric: 'num_completion_tokens', value: 25, unit: 'tokens' },
          { metric: 'num_total_tokens', value: 46, unit: 'tokens' },
        ],
      };
      const { response, usage, complete } = read(call, [JSON.stringify(body)]);
      assert.deepEqual([complete, response.id, response.finishReasons], [true, 'AkM', ['length']]);
      assert.deepEqual(response.messages?.[0]?.parts, [{ type: 'text', content: 'Hello' }]);
      assert.deepEqual(usage, { inputTokens: 21, outputTokens: 25 });
    });
  }

  it('is complete for a consumer that leaves after the event `complete`, and not before it', () => {
    const events = llamaApiStream.body.split('\n\n');
    const upTo = (count: number) => `${events.slice(0, count).join('\n\n')}\n\n`;
    const last = events.findIndex((event) => event.includes('"complete"'));
    assert.equal(readBrokenOff(call, [upTo(last + 1)]).complete, true);
    assert.equal(readBrokenOff(call, [upTo(last)]).complete, false);
    assert.equal(read(call, [upTo(last)]).complete, false);
  });

  it('reports an error with a 2xx, whole or in a stream', () => {
    const error = { title: 'Server error', detail: 'No capacity', status: 503, code: 'capacity' };
    assert.equal(read(call, [JSON.stringify(error)]).error?.code, 'capacity');
    const [first = ''] = llamaApiStream.body.split('\n\n');
    assert.equal(read(call, [`${first}\n\n${data(error)}`]).error?.code, 'capacity');
  });

  it('completes a step at the wire, at a host that is not known either', async () => {
    const { step } = await record({
      path: '/v1/chat/completions',
      request: llamaApiStream.request,
      body: llamaApiStream.body,
    });
    assert.deepEqual(
      [step['runtrace.status'], step['error.type'], step['gen_ai.usage.output_tokens']],
      ['completed', undefined, 80],
    );
  });
});
