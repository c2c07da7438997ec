import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { data, modelCall, openAiChatStream, openAiChatWhole, read, readBrokenOff } from './recorded.js';

const url = 'https://api.openai.com/v1/chat/completions';
const call = modelCall({ url, request: { model: 'm', messages: [], stream: true } });
const plain = modelCall({ url, request: { model: 'm', messages: [], stream: true } }, false);
const delta = (content: object, rest: object = {}) => ({
  id: 'c1',
  model: 'm',
  choices: [{ index: 0, delta: content, finish_reason: null, ...rest }],
});
const parts = (answer: ReturnType<typeof read>) => answer.response.messages?.[0]?.parts;

describe('A Chat Completions request', () => {
  it('is read with all its parameters', () => {
    const { request } = modelCall(
      {
        url,
        request: {
          model: 'gpt-5',
          messages: [],
          stream: true,
          max_completion_tokens: 100,
          temperature: 0,
          top_p: 0.9,
          top_k: 40,
          seed: 7,
          stop: 'END',
          frequency_penalty: -0.5,
          presence_penalty: 0.5,
          n: 2,
          reasoning_effort: 'low',
          response_format: { type: 'json_schema', json_schema: {} },
          service_tier: 'flex',
        },
      },
      false,
    );
    assert.deepEqual(request, {
      model: 'gpt-5',
      stream: true,
      maxTokens: 100,
      temperature: 0,
      topP: 0.9,
      topK: 40,
      seed: 7,
      stopSequences: ['END'],
      frequencyPenalty: -0.5,
      presencePenalty: 0.5,
      choiceCount: 2,
      reasoningLevel: 'low',
      outputType: 'json',
      extra: { 'openai.api.type': 'chat_completions', 'openai.request.service_tier': 'flex' },
    });
  });

  it('leaves out what is null or of another type', () => {
    const request = {
      model: 7,
      messages: [],
      max_tokens: '5',
      temperature: null,
      stop: [1],
      n: null,
      tools: {},
      stream: 1,
    };
    assert.deepEqual(modelCall({ url, request }).request, {
      messages: [],
      extra: { 'openai.api.type': 'chat_completions' },
    });
  });

  it('is read with its messages and tools', () => {
    const { request } = modelCall({
      url,
      request: {
        model: 'gpt-5',
        messages: [
          { role: 'developer', content: 'Be brief' },
          {
            role: 'user',
            name: 'ada',
            content: [
              { type: 'text', text: 'What is this?' },
              { type: 'image_url', image_url: { url: 'https://example.com/cat.png' } },
              { type: 'image_url', image_url: { url: `data:image/png;base64,${btoa('x'.repeat(1000))}` } },
              { type: 'input_audio', input_audio: { data: btoa('1234'), format: 'mp3' } },
              { type: 'file', file: { file_id: 'file-1' } },
              { type: 'file', file: { filename: 'a.pdf', file_data: `data:application/pdf;base64,${btoa('12345')}` } },
            ],
          },
          {
            role: 'assistant',
            content: null,
            refusal: null,
            tool_calls: [
              { id: 'call_1', type: 'function', function: { name: 'look', arguments: '{"at":"cat"}' } },
              { id: 'call_2', type: 'custom', custom: { name: 'run', input: 'ls -l' } },
            ],
          },
          { role: 'tool', tool_call_id: 'call_1', content: 'a cat' },
          { role: 'tool', tool_call_id: 'call_2', content: [{ type: 'text', text: 'total 0' }] },
        ],
        tools: [
          {
            type: 'function',
            function: { name: 'look', description: 'Looks', parameters: { type: 'object' }, strict: true },
          },
          { type: 'custom', custom: { name: 'run' } },
        ],
      },
    });
    assert.deepEqual(request.messages, [
      { role: 'developer', parts: [{ type: 'text', content: 'Be brief' }] },
      {
        role: 'user',
        name: 'ada',
        parts: [
          { type: 'text', content: 'What is this?' },
          { type: 'uri', modality: 'image', uri: 'https://example.com/cat.png' },
          { type: 'blob', modality: 'image', mime_type: 'image/png', content: '[1000 bytes]' },
          { type: 'blob', modality: 'audio', mime_type: 'audio/mp3', content: '[4 bytes]' },
          { type: 'file', modality: 'document', file_id: 'file-1' },
          { type: 'blob', modality: 'document', mime_type: 'application/pdf', content: '[5 bytes]' },
        ],
      },
      {
        role: 'assistant',
        parts: [
          { type: 'tool_call', id: 'call_1', name: 'look', arguments: { at: 'cat' } },
          { type: 'tool_call', id: 'call_2', name: 'run', arguments: 'ls -l' },
        ],
      },
      { role: 'tool', parts: [{ type: 'tool_call_response', id: 'call_1', response: 'a cat' }] },
      {
        role: 'tool',
        parts: [{ type: 'tool_call_response', id: 'call_2', response: [{ type: 'text', content: 'total 0' }] }],
      },
    ]);
    assert.deepEqual(request.toolDefinitions, [
      { type: 'function', name: 'look', description: 'Looks', parameters: { type: 'object' }, strict: true },
      { type: 'custom', name: 'run' },
    ]);
  });

  it('of the older kind has its prompts as messages', () => {
    const request = { model: 'm', prompt: ['One', 'Two'], echo: true };
    const completion = modelCall({ url: 'https://api.openai.com/v1/completions', request });
    assert.deepEqual(completion.request.messages, [
      { role: 'user', parts: [{ type: 'text', content: 'One' }] },
      { role: 'user', parts: [{ type: 'text', content: 'Two' }] },
    ]);
  });
});

describe('A Chat Completions answer', () => {
  it('is read from a stream, with tool calls put together', () => {
    assert.deepEqual(read(modelCall(openAiChatStream), [openAiChatStream.body]), {
      response: {
        id: 'chatcmpl-Cf3',
        model: 'gpt-5-2025-08-07',
        finishReasons: ['tool_calls'],
        messages: [
          {
            role: 'assistant',
            parts: [
              { type: 'text', content: 'Ich sehe nach … 🌦️' },
              { type: 'tool_call', id: 'call_1', name: 'get_weather', arguments: { city: 'Köln' } },
              { type: 'tool_call', id: 'call_2', name: 'get_time', arguments: {} },
            ],
            finish_reason: 'tool_calls',
          },
        ],
        extra: { 'openai.response.service_tier': 'default', 'openai.response.system_fingerprint': 'fp_44709d6fcb' },
      },
      usage: { inputTokens: 120, outputTokens: 80, cacheReadTokens: 64, reasoningTokens: 48 },
      complete: true,
    });
  });

  it('is the same without content, but for the messages', () => {
    const { response, ...rest } = read(modelCall(openAiChatStream), [openAiChatStream.body]);
    const { messages: _, ...withoutMessages } = response;
    const actual = read(modelCall(openAiChatStream, false), [openAiChatStream.body]);
    assert.deepEqual(actual, { response: withoutMessages, ...rest });
  });

  it('is read whole', () => {
    const answer = read(modelCall(openAiChatWhole), [openAiChatWhole.body]);
    assert.deepEqual(answer.response.messages, [
      { role: 'assistant', parts: [{ type: 'text', content: 'Grüße 🌦️' }], finish_reason: 'stop' },
    ]);
    assert.deepEqual(answer.response.finishReasons, ['stop']);
    assert.deepEqual(answer.usage, { inputTokens: 8, outputTokens: 4 });
  });

  it('has what was received before it broke off, half of a tool call as text', () => {
    const end = openAiChatStream.body.indexOf('"arguments":"\\"Köln');
    assert.deepEqual(readBrokenOff(modelCall(openAiChatStream), [openAiChatStream.body.slice(0, end)]).response, {
      id: 'chatcmpl-Cf3',
      model: 'gpt-5-2025-08-07',
      finishReasons: ['error'],
      messages: [
        {
          role: 'assistant',
          parts: [
            { type: 'text', content: 'Ich sehe nach … 🌦️' },
            { type: 'tool_call', id: 'call_1', name: 'get_weather', arguments: '{"city":' },
          ],
        },
      ],
      extra: { 'openai.response.service_tier': 'default', 'openai.response.system_fingerprint': 'fp_44709d6fcb' },
    });
  });

  it('has a call for each name after complete arguments, also where blanks follow them', () => {
    const call_ = (args: string) => delta({ tool_calls: [{ index: 0, function: { name: 'f', arguments: args } }] });
    const answer = read(call, [data(...['{"a":"}', '"}', '\n', '{"b":', '2}'].map(call_))]);
    assert.deepEqual(parts(answer), [
      { type: 'tool_call', name: 'f', arguments: { a: '}' } },
      { type: 'tool_call', name: 'f', arguments: { b: 2 } },
    ]);
  });

  it('is complete before the body ends at [DONE], or once every choice has its finish reason', () => {
    const two = modelCall({ url, request: { model: 'm', messages: [], stream: true, n: 2 } });
    const end = (index: number) => delta({}, { index, finish_reason: 'stop' });
    assert.equal(readBrokenOff(call, [data(delta({ content: 'Hi' }))]).complete, false);
    assert.equal(readBrokenOff(call, [data(delta({ content: 'Hi' }), end(0))]).complete, true);
    assert.equal(readBrokenOff(call, [data(delta({ content: 'Hi' }), '[DONE]')]).complete, true);
    assert.equal(readBrokenOff(two, [data(delta({ content: 'Hi' }), end(0))]).complete, false);
    assert.equal(readBrokenOff(two, [data(end(1), end(0))]).complete, true);
  });

  it('is complete at its end where every choice has a finish reason, for servers that send no [DONE]', () => {
    for (const reader of [call, plain]) {
      assert.equal(
        read(reader, [data(delta({ role: 'assistant' }), delta({}, { finish_reason: 'stop' }))]).complete,
        true,
      );
      assert.equal(read(reader, [data(delta({ role: 'assistant' }), delta({ content: 'Hi' }))]).complete, false);
      const second = delta({ role: 'assistant' }, { index: 1 });
      assert.equal(read(reader, [data(second, delta({}, { finish_reason: 'stop' }))]).complete, false);
    }
  });

  it('that is cut in its second choice is not complete, for servers that have the role in the first chunk only', () => {
    const request = { model: 'm', messages: [], stream: true, n: 2 };
    const chunks = [
      delta({ role: 'assistant' }),
      delta({ content: 'Hi' }),
      delta({ content: 'Ho' }, { index: 1 }),
      delta({}, { finish_reason: 'stop' }),
    ];
    for (const content of [true, false]) {
      const answer = read(modelCall({ url, request }, content), [data(...chunks)]);
      assert.deepEqual([answer.complete, answer.response.finishReasons], [false, ['stop', 'error']]);
    }
  });

  it('is complete at [DONE] without a finish reason, and then has none', () => {
    const answer = read(call, [data(delta({ content: 'Hi' }), '[DONE]')]);
    assert.equal(answer.complete, true);
    assert.deepEqual(answer.response.finishReasons, []);
  });

  it('has the finish reasons of all choices in their order', () => {
    const chunks = [0, 2, 1].map((index) => delta({ role: 'assistant' }, { index }));
    const ends = [delta({}, { index: 1, finish_reason: 'length' }), delta({}, { index: 0, finish_reason: 'stop' })];
    for (const reader of [call, plain]) {
      const answer = read(reader, [data(...chunks, ...ends)]);
      assert.deepEqual(answer.response.finishReasons, ['stop', 'length', 'error']);
    }
  });

  it('keeps a finish reason that a later chunk has not', () => {
    const answer = read(call, [data(delta({}, { finish_reason: 'stop' }), delta({ content: '' }))]);
    assert.deepEqual([answer.complete, answer.response.finishReasons], [true, ['stop']]);
  });

  it('takes id and model from the first chunk that has them: the first of Azure has none', () => {
    const first = { id: '', model: '', choices: [], prompt_filter_results: [{ prompt_index: 0 }] };
    for (const reader of [call, plain]) {
      const answer = read(reader, [data(first, delta({ role: 'assistant', content: 'Hi' }), '[DONE]')]);
      assert.deepEqual([answer.response.id, answer.response.model], ['c1', 'm']);
    }
  });

  it('has the reasoning of DeepSeek, vLLM and OpenRouter beside the text', () => {
    for (const name of ['reasoning_content', 'reasoning']) {
      const chunks = data(delta({ [name]: 'Hm' }), delta({ [name]: ', so' }), delta({ content: 'Hi' }), '[DONE]');
      assert.deepEqual(parts(read(call, [chunks])), [
        { type: 'reasoning', content: 'Hm, so' },
        { type: 'text', content: 'Hi' },
      ]);
    }
  });

  it('has the reasoning of Mistral, whose content may be a list', () => {
    const thinking = (text: string) => ({ content: [{ type: 'thinking', thinking: [{ type: 'text', text }] }] });
    const chunks = data(
      delta(thinking('Hm')),
      delta(thinking(', so')),
      delta({ content: [{ type: 'text', text: 'Hi' }] }),
    );
    assert.deepEqual(parts(read(call, [chunks])), [
      { type: 'reasoning', content: 'Hm, so' },
      { type: 'text', content: 'Hi' },
    ]);
  });

  it('has refusals, spoken text, images and the older function call', () => {
    const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${btoa('123')}` } };
    const chunks = data(
      delta({ refusal: 'I ' }),
      delta({ refusal: 'won’t' }),
      delta({ audio: { id: 'a', transcript: 'Hello' } }),
      delta({ audio: { data: 'AAAA', transcript: ' you' } }),
      delta({ images: [image] }),
      delta({ function_call: { name: 'f', arguments: '' } }),
      delta({ function_call: { arguments: '{}' } }),
    );
    assert.deepEqual(parts(read(call, [chunks])), [
      { type: 'refusal', content: 'I won’t' },
      { type: 'text', content: 'Hello you' },
      { type: 'blob', modality: 'image', mime_type: 'image/png', content: '[3 bytes]' },
      { type: 'tool_call', name: 'f', arguments: {} },
    ]);
  });

  it('of the older kind has its text', () => {
    const completion = modelCall({
      url: 'https://api.openai.com/v1/completions',
      request: { model: 'm', prompt: 'Say' },
    });
    const chunk = (text: string, finish_reason: string | null) => ({
      id: 'c',
      model: 'm',
      choices: [{ index: 0, text, finish_reason }],
    });
    const expected = [{ role: 'assistant', parts: [{ type: 'text', content: 'Hello' }], finish_reason: 'stop' }];
    const streamed = read(completion, [data(chunk('Hel', null), chunk('lo', 'stop'), '[DONE]')]);
    assert.deepEqual(streamed.response.messages, expected);
    assert.deepEqual(read(completion, [JSON.stringify(chunk('Hello', 'stop'))]).response.messages, expected);
  });

  it('of embeddings has the usage', () => {
    const request = { model: 'm', input: 'Hi' };
    const embeddings = modelCall({ url: 'https://api.openai.com/v1/embeddings', request });
    const body = {
      object: 'list',
      data: [{ embedding: [0.1] }],
      model: 'm-1',
      usage: { prompt_tokens: 2, total_tokens: 2 },
    };
    const answer = read(embeddings, [JSON.stringify(body)]);
    assert.deepEqual([answer.complete, answer.usage, answer.response.model], [true, { inputTokens: 2 }, 'm-1']);
  });

  it('counts reasoning into the output once, though xAI counts it beside', () => {
    const usage = (total_tokens: number) => ({
      ...{ prompt_tokens: 100, completion_tokens: 10, total_tokens },
      completion_tokens_details: { reasoning_tokens: 30 },
    });
    const outputTokens = (total: number) => read(call, [data({ choices: [], usage: usage(total) })]).usage.outputTokens;
    assert.equal(outputTokens(140), 40);
    assert.equal(outputTokens(110), 10);
  });

  it('keeps its usage if a later chunk has a usage of zeros, or without counters', () => {
    const counted = { choices: [], usage: { prompt_tokens: 10, completion_tokens: 2 } };
    const zeros = { choices: [], usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } };
    for (const chunks of [
      [counted, zeros],
      [zeros, counted],
      [counted, { choices: [], usage: {} }],
    ]) {
      assert.deepEqual(read(call, [data(...chunks)]).usage, { inputTokens: 10, outputTokens: 2 });
    }
    assert.deepEqual(read(call, [data(zeros)]).usage, { inputTokens: 0, outputTokens: 0 });
  });

  it('has the cache of DeepSeek and the usage of Groq', () => {
    const deepSeek = {
      prompt_tokens: 10,
      completion_tokens: 2,
      prompt_cache_hit_tokens: 8,
      prompt_cache_miss_tokens: 2,
    };
    const deepSeekAnswer = read(call, [data({ choices: [], usage: deepSeek })]);
    assert.deepEqual(deepSeekAnswer.usage, { inputTokens: 10, outputTokens: 2, cacheReadTokens: 8 });
    const groq = delta({}, { finish_reason: 'stop' });
    for (const reader of [call, plain]) {
      const answer = read(reader, [
        data(delta({}), { ...groq, x_groq: { usage: { prompt_tokens: 3, completion_tokens: 4 } } }),
      ]);
      assert.deepEqual(answer.usage, { inputTokens: 3, outputTokens: 4 });
    }
  });

  it('has the error that a stream ends with', () => {
    const table: [string, { code: string; message?: string }][] = [
      [
        data({ error: { message: 'Broke', type: 'server_error', code: null } }, '[DONE]'),
        { code: 'server_error', message: 'Broke' },
      ],
      [
        data(delta({}, { finish_reason: 'error' }), { error: { code: 502, message: 'Upstream' }, choices: [] }),
        { code: '502', message: 'Upstream' },
      ],
      [`event: error\ndata: {"message":"Gone","type":"overloaded"}\n\n`, { code: 'overloaded', message: 'Gone' }],
      [data(delta({}, { error: { code: 429, message: 'Slow' } })), { code: '429', message: 'Slow' }],
      [data({ error: 'out of memory' }), { code: 'provider_error', message: 'out of memory' }],
    ];
    for (const reader of [call, plain]) {
      for (const [body, error] of table) {
        const answer = read(reader, [data(delta({ role: 'assistant', content: 'Hi' })), body]);
        assert.deepEqual([answer.error, answer.complete], [error, false]);
      }
    }
  });

  it('has the error of a 2xx body', () => {
    const answer = read(call, ['{"error":{"message":"No","type":"invalid_request_error","code":"model_not_found"}}']);
    assert.deepEqual(answer.error, { code: 'model_not_found', message: 'No' });
    assert.equal(answer.complete, false);
  });

  it('does not mind chunks that are no JSON', () => {
    const answer = read(call, [data('{"id":', delta({ content: 'Hi' }), '"x"', '[DONE]')]);
    assert.deepEqual(parts(answer), [{ type: 'text', content: 'Hi' }]);
  });
});
