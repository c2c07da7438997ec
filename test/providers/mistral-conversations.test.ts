import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { modelCall, named, read, readBrokenOff } from './recorded.js';

type MistralEvent = Parameters<typeof named>[0];

const url = 'https://api.mistral.ai/v1/conversations';
const ask = (content = true) =>
  modelCall({ url, request: { model: 'mistral-large', inputs: 'Hi', stream: true } }, content);

const beginning: MistralEvent[] = [
  { type: 'conversation.response.started', conversation_id: 'conv_1' },
  { type: 'tool.execution.started', output_index: 0, id: 'x1', name: 'web_search', arguments: '{}' },
  { type: 'tool.execution.done', output_index: 0, id: 'x1', name: 'web_search', info: { hits: 1 } },
  { type: 'message.output.delta', output_index: 1, content_index: 0, model: 'mistral-large-2', content: 'Ich sehe' },
  { type: 'message.output.delta', output_index: 1, content_index: 0, model: 'mistral-large-2', content: ' nach 🌦️' },
  {
    type: 'message.output.delta',
    output_index: 1,
    content_index: 1,
    content: { type: 'tool_reference', tool: 'web_search', title: 'Köln' },
  },
  { type: 'function.call.delta', output_index: 2, tool_call_id: 'c1', name: 'get_weather', arguments: '{"city":' },
  { type: 'function.call.delta', output_index: 2, tool_call_id: 'c1', name: 'get_weather', arguments: '"Köln"}' },
];
const usage = { prompt_tokens: 100, connector_tokens: 20, completion_tokens: 80, total_tokens: 200 };
const done: MistralEvent = { type: 'conversation.response.done', usage };

describe('A conversation of Mistral', () => {
  it('is read with its parameters, inputs and tools, begun and continued', () => {
    const request = {
      agent_id: 'ag_1',
      inputs: [
        { type: 'message.input', role: 'user', content: 'Look' },
        { type: 'function.call', tool_call_id: 'c1', name: 'look', arguments: '{"at":"cat"}' },
        { type: 'function.result', tool_call_id: 'c1', result: 'a cat' },
      ],
      instructions: 'Be brief',
      completion_args: { max_tokens: 9, temperature: 0, top_p: 0.5, random_seed: 1, stop: 'END' },
      tools: [{ type: 'function', function: { name: 'look' } }],
    };
    for (const path of ['', '/conv_1', '/conv_1/restart']) {
      const call = modelCall({ url: url + path, request });
      assert.deepEqual([call.operation, call.provider], ['chat', 'mistral_ai']);
      assert.deepEqual(call.request, {
        maxTokens: 9,
        temperature: 0,
        topP: 0.5,
        seed: 1,
        stopSequences: ['END'],
        systemInstructions: [{ type: 'text', content: 'Be brief' }],
        messages: [
          { role: 'user', parts: [{ type: 'text', content: 'Look' }] },
          { role: 'assistant', parts: [{ type: 'tool_call', id: 'c1', name: 'look', arguments: { at: 'cat' } }] },
          { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c1', response: 'a cat' }] },
        ],
        toolDefinitions: [{ type: 'function', name: 'look' }],
      });
    }
  });

  it('is not one of OpenAI’s, which are only stored', () => {
    assert.throws(() => modelCall({ url: 'https://api.openai.com/v1/conversations', request: { items: [] } }));
  });

  it('is streamed, and reads the same cut in two at every byte, with and without content', () => {
    const bytes = new TextEncoder().encode(named(...beginning, done));
    const response = { id: 'conv_1', model: 'mistral-large-2', finishReasons: [] };
    const parts = [
      {
        type: 'server_tool_call',
        id: 'x1',
        name: 'web_search',
        server_tool_call: { type: 'web_search', info: { hits: 1 } },
      },
      { type: 'text', content: 'Ich sehe nach 🌦️' },
      { type: 'tool_reference', tool: 'web_search', title: 'Köln' },
      { type: 'tool_call', id: 'c1', name: 'get_weather', arguments: { city: 'Köln' } },
    ];
    for (const content of [true, false]) {
      for (let cut = 0; cut <= bytes.length; cut++) {
        const answer = read(ask(content), [bytes.subarray(0, cut), bytes.subarray(cut)]);
        const expected = {
          response: content ? { ...response, messages: [{ role: 'assistant', parts }] } : response,
          usage: { inputTokens: 120, outputTokens: 80 },
          complete: true,
        };
        assert.deepEqual(answer, expected, `cut at byte ${cut}`);
      }
    }
  });

  it('is complete at conversation.response.done only', () => {
    assert.equal(read(ask(), [named(...beginning)]).complete, false);
    assert.equal(readBrokenOff(ask(), [named(...beginning, done)]).complete, true);
  });

  it('is read whole', () => {
    const body = {
      object: 'conversation.response',
      conversation_id: 'conv_1',
      outputs: [
        { type: 'message.output', role: 'assistant', model: 'mistral-large-2', content: 'Hi' },
        { type: 'function.call', tool_call_id: 'c1', name: 'f', arguments: '{}' },
      ],
      usage,
    };
    const answer = read(ask(), [JSON.stringify(body)]);
    assert.deepEqual([answer.complete, answer.usage], [true, { inputTokens: 120, outputTokens: 80 }]);
    assert.deepEqual(answer.response.messages?.[0]?.parts, [
      { type: 'text', content: 'Hi' },
      { type: 'tool_call', id: 'c1', name: 'f', arguments: {} },
    ]);
  });

  it('may be an error', () => {
    for (const content of [true, false]) {
      const error: MistralEvent = { type: 'conversation.response.error', message: 'No', code: 3505 };
      const streamed = read(ask(content), [named(...beginning, error)]);
      assert.deepEqual([streamed.error, streamed.complete], [{ code: '3505', message: 'No' }, false]);
      const body = { object: 'error', message: 'No', type: 'invalid_request_error', code: null };
      assert.deepEqual(read(ask(content), [JSON.stringify(body)]).error?.code, 'invalid_request_error');
    }
  });
});

describe('A completion of a Mistral agent', () => {
  it('is read as a chat completion', () => {
    const request = { agent_id: 'ag_1', messages: [{ role: 'user', content: 'Hi' }] };
    const call = modelCall({ url: 'https://api.mistral.ai/v1/agents/completions', request });
    const body = { id: 'c', model: 'm', choices: [{ message: { content: 'Hello' }, finish_reason: 'stop' }] };
    assert.equal(call.operation, 'chat');
    assert.deepEqual(call.request.messages, [{ role: 'user', parts: [{ type: 'text', content: 'Hi' }] }]);
    assert.equal(read(call, [JSON.stringify(body)]).complete, true);
  });
});
