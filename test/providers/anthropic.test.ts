import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { modelCall, named, read, readBrokenOff, anthropicStream as recorded } from './recorded.js';

const { url } = recorded;
const call = modelCall(recorded);
const plain = modelCall(recorded, false);
const start = (usage: object) => ({ type: 'message_start', message: { id: 'msg_1', model: 'm', content: [], usage } });

describe('A Messages request', () => {
  it('is read with all its parameters', () => {
    const request = {
      model: 'claude-sonnet-4-5',
      messages: [],
      max_tokens: 1024,
      stream: true,
      temperature: 1,
      top_p: 0.9,
      top_k: 40,
      stop_sequences: ['END', 'STOP'],
      thinking: { type: 'adaptive' },
      output_config: { effort: 'medium', format: { type: 'json_schema', schema: {} } },
    };
    assert.deepEqual(modelCall({ url, request }, false).request, {
      model: 'claude-sonnet-4-5',
      stream: true,
      maxTokens: 1024,
      temperature: 1,
      topP: 0.9,
      topK: 40,
      stopSequences: ['END', 'STOP'],
      reasoningLevel: 'medium',
      outputType: 'json',
    });
  });

  it('is read with its messages, system and tools', () => {
    const image = { type: 'base64', media_type: 'image/png', data: btoa('x'.repeat(1000)) };
    const { request } = modelCall({
      url,
      request: {
        model: 'm',
        max_tokens: 1,
        system: [{ type: 'text', text: 'Be brief', cache_control: { type: 'ephemeral' } }],
        messages: [
          { role: 'user', content: 'Hi' },
          {
            role: 'user',
            content: [
              { type: 'image', source: image },
              { type: 'image', source: { type: 'url', url: 'https://example.com/cat.png' } },
              { type: 'document', source: { type: 'file', file_id: 'file_1' } },
              { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'A text' } },
              { type: 'search_result', source: 's', title: 't', content: [] },
            ],
          },
          {
            role: 'assistant',
            content: [
              { type: 'thinking', thinking: 'Hm', signature: 'Ep' },
              { type: 'redacted_thinking', data: 'AAAA' },
              { type: 'tool_use', id: 'toolu_1', name: 'look', input: { at: 'cat' } },
              { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'cats' } },
              { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1', content: [] },
            ],
          },
          {
            role: 'user',
            content: [
              {
                type: 'tool_result',
                tool_use_id: 'toolu_1',
                content: [
                  { type: 'text', text: 'a cat' },
                  { type: 'image', source: image },
                ],
              },
              { type: 'tool_result', tool_use_id: 'toolu_2', content: 'nothing', is_error: true },
              { type: 'tool_result', tool_use_id: 'toolu_3' },
            ],
          },
        ],
        tools: [
          { name: 'look', description: 'Looks', input_schema: { type: 'object' } },
          { type: 'web_search_20250305', name: 'web_search', max_uses: 5 },
        ],
      },
    });
    const blob = { type: 'blob', modality: 'image', mime_type: 'image/png', content: '[1000 bytes]' };
    assert.deepEqual(request.systemInstructions, [{ type: 'text', content: 'Be brief' }]);
    assert.deepEqual(request.toolDefinitions, [
      { type: 'function', name: 'look', description: 'Looks', parameters: { type: 'object' } },
      { type: 'web_search_20250305', name: 'web_search', max_uses: 5 },
    ]);
    assert.deepEqual(request.messages, [
      { role: 'user', parts: [{ type: 'text', content: 'Hi' }] },
      {
        role: 'user',
        parts: [
          blob,
          { type: 'uri', modality: 'image', uri: 'https://example.com/cat.png' },
          { type: 'file', modality: 'document', file_id: 'file_1' },
          { type: 'text', content: 'A text' },
          { type: 'search_result', source: 's', title: 't', content: [] },
        ],
      },
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', content: 'Hm' },
          { type: 'redacted_thinking' },
          { type: 'tool_call', id: 'toolu_1', name: 'look', arguments: { at: 'cat' } },
          {
            type: 'server_tool_call',
            id: 'srvtoolu_1',
            name: 'web_search',
            server_tool_call: { type: 'web_search', input: { query: 'cats' } },
          },
          {
            type: 'server_tool_call_response',
            id: 'srvtoolu_1',
            server_tool_call_response: { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1', content: [] },
          },
        ],
      },
      {
        role: 'user',
        parts: [
          { type: 'tool_call_response', id: 'toolu_1', response: [{ type: 'text', content: 'a cat' }, blob] },
          { type: 'tool_call_response', id: 'toolu_2', response: 'nothing' },
          { type: 'tool_call_response', id: 'toolu_3', response: null },
        ],
      },
    ]);
  });

  it('may have its system as a text', () => {
    const request = { model: 'm', max_tokens: 1, messages: [], system: 'Be brief' };
    assert.deepEqual(modelCall({ url, request }).request.systemInstructions, [{ type: 'text', content: 'Be brief' }]);
  });
});

describe('A Messages answer', () => {
  const parts = [
    { type: 'reasoning', content: 'Look it up — später' },
    { type: 'text', content: 'Ich sehe nach 🌦️' },
    { type: 'tool_call', id: 'toolu_1', name: 'get_weather', arguments: { city: 'Köln' } },
  ];

  it('is read from a stream; its input tokens include the cached ones', () => {
    assert.deepEqual(read(call, [recorded.body]), {
      response: {
        id: 'msg_01X',
        model: 'claude-sonnet-4-5-20250929',
        finishReasons: ['tool_use'],
        messages: [{ role: 'assistant', parts, finish_reason: 'tool_use' }],
      },
      usage: { inputTokens: 100, outputTokens: 80, cacheReadTokens: 50, cacheWriteTokens: 30, reasoningTokens: 48 },
      complete: true,
    });
  });

  it('is the same without content but for the messages, and without the events’ names', () => {
    const expected = read(call, [recorded.body]);
    const nameless = recorded.body.replaceAll(/^event: .*\n/gm, '');
    assert.deepEqual(read(call, [nameless]), expected);
    delete expected.response.messages;
    assert.deepEqual(read(plain, [recorded.body]), expected);
    assert.deepEqual(read(plain, [nameless]), expected);
  });

  it('is read whole', () => {
    const body = {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'm-1',
      content: [{ type: 'text', text: 'Hi' }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: 10, cache_creation_input_tokens: null, cache_read_input_tokens: 5, output_tokens: 3 },
    };
    assert.deepEqual(read(call, [JSON.stringify(body)]), {
      response: {
        id: 'msg_1',
        model: 'm-1',
        finishReasons: ['end_turn'],
        messages: [{ role: 'assistant', parts: [{ type: 'text', content: 'Hi' }], finish_reason: 'end_turn' }],
      },
      usage: { inputTokens: 15, outputTokens: 3, cacheReadTokens: 5 },
      complete: true,
    });
  });

  it('has what was received before it broke off, with the usage so far', () => {
    const answer = readBrokenOff(call, [recorded.body.slice(0, recorded.body.indexOf('"partial_json":"\\"Köln'))]);
    assert.deepEqual(answer.response.messages?.[0]?.parts, [
      ...parts.slice(0, 2),
      { type: 'tool_call', id: 'toolu_1', name: 'get_weather', arguments: '{"city":' },
    ]);
    assert.deepEqual(answer.response.finishReasons, ['error']);
    assert.deepEqual(answer.usage, { inputTokens: 100, outputTokens: 1, cacheReadTokens: 50, cacheWriteTokens: 30 });
    assert.equal(answer.complete, false);
  });

  it('is complete at message_stop only', () => {
    const end = recorded.body.indexOf('event: message_stop');
    assert.equal(read(call, [recorded.body.slice(0, end)]).complete, false);
    assert.equal(readBrokenOff(call, [recorded.body]).complete, true);
  });

  it('takes the sums of message_delta, which replace the counters of message_start', () => {
    const body = named(
      start({ input_tokens: 10, cache_read_input_tokens: 4, output_tokens: 1 }),
      {
        type: 'message_delta',
        delta: {},
        usage: { output_tokens: 7, input_tokens: 30, cache_read_input_tokens: null },
      },
      { type: 'message_delta', delta: {}, usage: { output_tokens: 9 } },
    );
    assert.deepEqual(read(plain, [body]).usage, { inputTokens: 34, outputTokens: 9, cacheReadTokens: 4 });
  });

  it('keeps a counter that a message_delta has as 0', () => {
    const body = named(start({ input_tokens: 10, output_tokens: 1 }), {
      type: 'message_delta',
      delta: {},
      usage: { input_tokens: 0, output_tokens: 7 },
    });
    assert.deepEqual(read(plain, [body]).usage, { inputTokens: 10, outputTokens: 7 });
  });

  it('has the error event of its stream', () => {
    const error = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' }, request_id: 'req_1' };
    for (const reader of [call, plain]) {
      const answer = read(reader, [named(start({ input_tokens: 10 }), error)]);
      assert.deepEqual(answer.error, { code: 'overloaded_error', message: 'Overloaded' });
      assert.equal(answer.complete, false);
      assert.equal(answer.usage.inputTokens, 10);
      assert.deepEqual(read(reader, [JSON.stringify(error)]).error, answer.error);
    }
  });

  it('has the tools that the provider runs itself, their input put together', () => {
    const body = named(
      start({}),
      {
        type: 'content_block_start',
        index: 0,
        content_block: { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} },
      },
      { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '{"query":' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '"cats"}' } },
      { type: 'content_block_start', index: 1, content_block: { type: 'redacted_thinking', data: 'AAAA' } },
    );
    assert.deepEqual(read(call, [body]).response.messages?.[0]?.parts, [
      {
        type: 'server_tool_call',
        id: 'srvtoolu_1',
        name: 'web_search',
        server_tool_call: { type: 'web_search', input: { query: 'cats' } },
      },
      { type: 'redacted_thinking' },
    ]);
  });
});
