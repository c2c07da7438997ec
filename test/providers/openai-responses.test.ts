import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { modelCall, named, read, readBrokenOff, openAiResponsesStream as recorded } from './recorded.js';

const { url } = recorded;
const call = modelCall(recorded);
const plain = modelCall(recorded, false);
const output = [
  { type: 'reasoning', content: 'Look it up — später' },
  { type: 'text', content: 'Ich sehe nach 🌦️' },
  { type: 'tool_call', id: 'call_1', name: 'get_weather', arguments: { city: 'Köln' } },
];

describe('A Responses request', () => {
  it('is read with all its parameters', () => {
    const request = {
      model: 'gpt-5',
      input: 'Hi',
      stream: true,
      max_output_tokens: 100,
      temperature: 0.5,
      top_p: 0.9,
      reasoning: { effort: 'high', summary: 'auto' },
      previous_response_id: 'resp_0',
      text: { format: { type: 'json_object' }, verbosity: 'low' },
      service_tier: 'priority',
    };
    assert.deepEqual(modelCall({ url, request }, false).request, {
      model: 'gpt-5',
      stream: true,
      maxTokens: 100,
      temperature: 0.5,
      topP: 0.9,
      reasoningLevel: 'high',
      previousResponseId: 'resp_0',
      outputType: 'json',
      extra: { 'openai.api.type': 'responses', 'openai.request.service_tier': 'priority' },
    });
  });

  it('is read with its input, instructions and tools', () => {
    const tool = { type: 'function', name: 'look', parameters: { type: 'object' }, strict: true };
    const { request } = modelCall({
      url,
      request: {
        model: 'gpt-5',
        instructions: 'Be brief',
        tools: [tool],
        input: [
          { role: 'developer', content: 'Use metric' },
          {
            type: 'message',
            role: 'user',
            content: [
              { type: 'input_text', text: 'What is this?' },
              { type: 'input_image', detail: 'auto', image_url: 'https://example.com/cat.png' },
              { type: 'input_image', detail: 'auto', file_id: 'file-1' },
              { type: 'input_file', filename: 'a.pdf', file_data: `data:application/pdf;base64,${btoa('12345')}` },
            ],
          },
          { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'Hm' }], encrypted_content: 'gAAA' },
          { type: 'function_call', call_id: 'call_1', name: 'look', arguments: '{"at":"cat"}' },
          { type: 'function_call_output', call_id: 'call_1', output: 'a cat' },
          { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search', query: 'cats' } },
          { type: 'item_reference', id: 'msg_0' },
        ],
      },
    });
    assert.deepEqual(request.systemInstructions, [{ type: 'text', content: 'Be brief' }]);
    assert.deepEqual(request.toolDefinitions, [tool]);
    assert.deepEqual(request.messages, [
      { role: 'developer', parts: [{ type: 'text', content: 'Use metric' }] },
      {
        role: 'user',
        parts: [
          { type: 'text', content: 'What is this?' },
          { type: 'uri', modality: 'image', uri: 'https://example.com/cat.png' },
          { type: 'file', modality: 'image', file_id: 'file-1' },
          { type: 'blob', modality: 'document', mime_type: 'application/pdf', content: '[5 bytes]' },
        ],
      },
      { role: 'assistant', parts: [{ type: 'reasoning', content: 'Hm' }] },
      { role: 'assistant', parts: [{ type: 'tool_call', id: 'call_1', name: 'look', arguments: { at: 'cat' } }] },
      { role: 'tool', parts: [{ type: 'tool_call_response', id: 'call_1', response: 'a cat' }] },
      {
        role: 'assistant',
        parts: [
          {
            type: 'server_tool_call',
            id: 'ws_1',
            name: 'web_search_call',
            server_tool_call: {
              type: 'web_search_call',
              id: 'ws_1',
              status: 'completed',
              action: { type: 'search', query: 'cats' },
            },
          },
        ],
      },
      { role: 'assistant', parts: [{ type: 'item_reference', id: 'msg_0' }] },
    ]);
  });
});

describe('A Responses answer', () => {
  it('is read from a stream', () => {
    assert.deepEqual(read(call, [recorded.body]), {
      response: {
        id: 'resp_68af',
        model: 'gpt-5-2025-08-07',
        finishReasons: ['completed'],
        messages: [{ role: 'assistant', parts: output, finish_reason: 'completed' }],
        extra: { 'openai.response.service_tier': 'default' },
      },
      usage: { inputTokens: 120, outputTokens: 80, cacheReadTokens: 64, cacheWriteTokens: 16, reasoningTokens: 48 },
      complete: true,
      responseStatus: 'completed',
    });
  });

  it('is the same whole, and without content but for the messages', () => {
    const streamed = read(call, [recorded.body]);
    assert.deepEqual(read(call, [JSON.stringify(recorded.completed)]), streamed);
    delete streamed.response.messages;
    assert.deepEqual(read(plain, [recorded.body]), streamed);
    assert.deepEqual(read(plain, [JSON.stringify(recorded.completed)]), streamed);
  });

  it('is the same where a gateway drops the events’ names', () => {
    for (const [pattern, replacement] of [
      [/^event: .*\n/gm, ''],
      [/^event: .*$/gm, 'event: message'],
    ] as const) {
      const body = recorded.body.replaceAll(pattern, replacement);
      assert.deepEqual(read(call, [body]), read(call, [recorded.body]));
      assert.deepEqual(read(plain, [body]), read(plain, [recorded.body]));
    }
  });

  it('has what was received before it broke off', () => {
    const answer = readBrokenOff(call, [recorded.beginning]);
    assert.equal(answer.complete, false);
    assert.deepEqual(answer.response.messages, [{ role: 'assistant', parts: output }]);
    assert.deepEqual(answer.response.finishReasons, ['error']);
    const half = readBrokenOff(call, [recorded.beginning.slice(0, recorded.beginning.lastIndexOf('event: '))]);
    assert.deepEqual(half.response.messages?.[0]?.parts.at(-1), {
      ...{ type: 'tool_call', id: 'call_1', name: 'get_weather', arguments: '{"city":' },
    });
  });

  it('that is received from its middle on and breaks off ends with an error, with and without content', () => {
    const delta = { type: 'response.output_text.delta', item_id: 'm', output_index: 0, content_index: 0, delta: 'Hi' };
    for (const reader of [call, plain]) {
      assert.deepEqual(readBrokenOff(reader, [named(delta)]).response.finishReasons, ['error']);
    }
  });

  it('that is incomplete says why, and is all there', () => {
    const response = {
      ...recorded.completed,
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
    };
    const answer = read(call, [recorded.beginning, named({ type: 'response.incomplete', response })]);
    assert.equal(answer.complete, true);
    assert.deepEqual(answer.response.finishReasons, ['max_output_tokens']);
  });

  it('that failed is an error', () => {
    const error = { code: 'rate_limit_exceeded', message: 'Slow down' };
    const response = { ...recorded.completed, status: 'failed', output: [], error };
    for (const reader of [call, plain]) {
      const streamed = read(reader, [recorded.beginning, named({ type: 'response.failed', response })]);
      const whole = read(reader, [JSON.stringify(response)]);
      for (const answer of [streamed, whole]) {
        assert.deepEqual([answer.error, answer.complete], [error, false]);
        assert.deepEqual(answer.response.finishReasons, ['error']);
      }
    }
  });

  it('has the error event of its stream', () => {
    const error = { type: 'error', code: 'server_error', message: 'Broke', param: null, sequence_number: 4 };
    for (const reader of [call, plain]) {
      const answer = read(reader, [recorded.beginning, named(error)]);
      assert.deepEqual([answer.error, answer.complete], [{ code: 'server_error', message: 'Broke' }, false]);
      const enclosed = read(reader, [named({ type: 'error', error: { type: 'overloaded', message: 'Busy' } })]);
      assert.deepEqual(enclosed.error, { code: 'overloaded', message: 'Busy' });
      assert.deepEqual(read(reader, [named({ type: 'error', code: null })]).error, { code: 'provider_error' });
    }
  });

  it('that goes on in the background is all there, without an end, and has its status', () => {
    for (const status of ['queued', 'in_progress']) {
      const response = { ...recorded.completed, status, output: [], usage: null };
      const answer = read(call, [JSON.stringify(response)]);
      assert.deepEqual([answer.complete, answer.responseStatus], [true, status]);
      assert.deepEqual(answer.response.finishReasons, []);
      const streamed = read(plain, [named({ type: `response.${status}`, response })]);
      assert.deepEqual([streamed.complete, streamed.responseStatus], [false, status]);
    }
  });

  it('may end with response.done, or with [DONE] after output', () => {
    for (const reader of [call, plain]) {
      const done = named({ type: 'response.done', response: recorded.completed });
      assert.deepEqual(read(reader, [recorded.beginning, done]), read(reader, [recorded.body]));
      assert.equal(read(reader, [recorded.beginning, 'data: [DONE]\n\n']).complete, true);
      assert.equal(read(reader, ['data: [DONE]\n\n']).complete, false);
      const failed = { ...recorded.completed, status: 'failed', output: [], error: { code: 'server_error' } };
      const answer = read(reader, [recorded.beginning, named({ type: 'response.done', response: failed })]);
      assert.deepEqual([answer.complete, answer.error], [false, { code: 'server_error' }]);
    }
  });

  it('has images by their size only', () => {
    const item = { type: 'image_generation_call', id: 'ig_1', output_format: 'webp', result: btoa('x'.repeat(300)) };
    const answer = read(call, [named({ type: 'response.output_item.done', output_index: 0, item })]);
    assert.deepEqual(answer.response.messages?.[0]?.parts, [
      { type: 'blob', modality: 'image', mime_type: 'image/webp', content: '[300 bytes]' },
    ]);
  });
});
