import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cohereStream, data, modelCall, named, read, readBrokenOff } from './recorded.js';
import { record } from './wire.js';

const call = modelCall(cohereStream);
const plain = modelCall(cohereStream, false);
const { url } = cohereStream;

describe('A Cohere request', () => {
  it('is read with its parameters, messages and tools', () => {
    const { request } = modelCall({
      url,
      request: {
        model: 'command-a',
        max_tokens: 9,
        temperature: 0,
        p: 0.5,
        k: 4,
        seed: 1,
        stop_sequences: ['END'],
        frequency_penalty: 0.1,
        presence_penalty: 0.2,
        response_format: { type: 'json_object' },
        messages: [
          { role: 'system', content: 'Be brief' },
          { role: 'user', content: [{ type: 'text', text: 'Look' }] },
          {
            role: 'assistant',
            tool_plan: 'Look it up',
            tool_calls: [{ id: 'c1', type: 'function', function: { name: 'look', arguments: '{"at":"cat"}' } }],
          },
          { role: 'tool', tool_call_id: 'c1', content: [{ type: 'text', text: 'a cat' }] },
        ],
        tools: [{ type: 'function', function: { name: 'look' } }],
      },
    });
    assert.deepEqual(request, {
      model: 'command-a',
      maxTokens: 9,
      temperature: 0,
      topP: 0.5,
      topK: 4,
      seed: 1,
      stopSequences: ['END'],
      frequencyPenalty: 0.1,
      presencePenalty: 0.2,
      outputType: 'json',
      messages: [
        { role: 'system', parts: [{ type: 'text', content: 'Be brief' }] },
        { role: 'user', parts: [{ type: 'text', content: 'Look' }] },
        {
          role: 'assistant',
          parts: [
            { type: 'reasoning', content: 'Look it up' },
            { type: 'tool_call', id: 'c1', name: 'look', arguments: { at: 'cat' } },
          ],
        },
        {
          role: 'tool',
          parts: [{ type: 'tool_call_response', id: 'c1', response: [{ type: 'text', content: 'a cat' }] }],
        },
      ],
      toolDefinitions: [{ type: 'function', name: 'look' }],
    });
  });
});

describe('A Cohere response', () => {
  const parts = [
    { type: 'reasoning', content: 'Look it up — später' },
    { type: 'text', content: 'Ich sehe nach 🌦️' },
    { type: 'tool_call', id: 'call_1', name: 'get_weather', arguments: { city: 'Köln' } },
  ];

  it('is read from a stream, with and without content, with and without the names of its events', () => {
    const expected = {
      response: {
        id: 'co-1',
        finishReasons: ['TOOL_CALL'],
        messages: [{ role: 'assistant', parts, finish_reason: 'TOOL_CALL' }],
      },
      usage: { inputTokens: 120, outputTokens: 80 },
      complete: true,
    };
    const { messages: _, ...response } = expected.response;
    for (const body of [cohereStream.body, cohereStream.body.replaceAll(/^event: .*\n/gm, '')]) {
      assert.deepEqual(read(call, [body]), expected);
      assert.deepEqual(read(plain, [body]), { ...expected, response });
      assert.deepEqual(read(call, [body, 'data: [DONE]\n\n']), expected);
    }
  });

  it('has its thinking apart from its text', () => {
    const delta = (content: object) => ({ delta: { message: { content } } });
    const body = named(
      { type: 'message-start', id: 'c', delta: {} },
      { type: 'content-start', index: 0, ...delta({ type: 'thinking', thinking: '' }) },
      { type: 'content-delta', index: 0, ...delta({ thinking: 'Hm' }) },
      { type: 'content-start', index: 1, ...delta({ type: 'text', text: '' }) },
      { type: 'content-delta', index: 1, ...delta({ text: 'Hi' }) },
      { type: 'message-end', delta: { finish_reason: 'COMPLETE' } },
    );
    assert.deepEqual(read(call, [body]).response.messages?.[0]?.parts, [
      { type: 'reasoning', content: 'Hm' },
      { type: 'text', content: 'Hi' },
    ]);
  });

  it('is read whole', () => {
    const body = {
      id: 'co-2',
      finish_reason: 'MAX_TOKENS',
      message: { role: 'assistant', content: [{ type: 'text', text: 'Hi' }] },
      usage: { billed_units: { input_tokens: 2, output_tokens: 1 }, tokens: { input_tokens: 9, output_tokens: 3 } },
    };
    assert.deepEqual(read(call, [JSON.stringify(body)]), {
      response: {
        id: 'co-2',
        finishReasons: ['MAX_TOKENS'],
        messages: [{ role: 'assistant', parts: [{ type: 'text', content: 'Hi' }], finish_reason: 'MAX_TOKENS' }],
      },
      usage: { inputTokens: 9, outputTokens: 3 },
      complete: true,
    });
  });

  it('is complete at message-end only', () => {
    const end = cohereStream.body.indexOf('event: message-end');
    assert.equal(read(call, [cohereStream.body.slice(0, end)]).complete, false);
    assert.equal(readBrokenOff(call, [cohereStream.body]).complete, true);
    assert.equal(read(call, ['data: [DONE]\n\n']).complete, false);
  });

  it('may be an error: in its last event, as a finish reason, as a body', () => {
    const end = (delta: object) => named({ type: 'message-end', delta });
    const cases: [body: string, error: { code: string; message?: string }][] = [
      [end({ finish_reason: 'ERROR' }), { code: 'provider_error' }],
      [end({ finish_reason: 'TIMEOUT' }), { code: 'TIMEOUT' }],
      [
        end({ finish_reason: 'ERROR', error: 'internal server error' }),
        { code: 'provider_error', message: 'internal server error' },
      ],
      [data({ message: 'internal server error' }), { code: 'provider_error', message: 'internal server error' }],
      ['{"id":"x","message":"model not found"}', { code: 'provider_error', message: 'model not found' }],
    ];
    for (const reader of [call, plain]) {
      for (const [body, error] of cases) {
        const begun = body.startsWith('{') ? '' : named({ type: 'message-start', id: 'c', delta: {} });
        const answer = read(reader, [begun, body]);
        assert.deepEqual([answer.error, answer.complete], [error, false]);
      }
    }
  });

  it('of embeddings and of rerank is complete, with its usage', () => {
    const embed = modelCall({
      url: 'https://api.cohere.com/v2/embed',
      request: { model: 'embed-v4', texts: ['Hi'], input_type: 'search_query' },
    });
    const meta = { api_version: { version: '2' }, billed_units: { input_tokens: 4 } };
    const embedded = read(embed, [JSON.stringify({ id: 'e', embeddings: { float: [[0.1]] }, texts: ['Hi'], meta })]);
    assert.deepEqual([embed.operation, embedded.complete, embedded.usage], ['embeddings', true, { inputTokens: 4 }]);

    const rerank = modelCall({
      url: 'https://api.cohere.com/v2/rerank',
      request: { model: 'rerank-v4', query: 'cats', documents: ['a', 'b'] },
    });
    const ranked = read(rerank, [JSON.stringify({ id: 'r', results: [{ index: 1, relevance_score: 0.9 }], meta: {} })]);
    assert.deepEqual([rerank.operation, ranked.complete], ['rerank', true]);
    const ofVoyage = modelCall({
      url: 'https://api.voyageai.com/v1/rerank',
      request: { model: 'rerank-2', query: 'cats', documents: ['a'] },
    });
    const answered = read(ofVoyage, [
      JSON.stringify({
        object: 'list',
        data: [{ index: 0, relevance_score: 0.9 }],
        model: 'rerank-2',
        usage: { total_tokens: 9 },
      }),
    ]);
    assert.deepEqual([answered.complete, answered.usage], [true, { inputTokens: 9 }]);
  });

  it('of a rerank whose path names no version is read, at any host', () => {
    const request = { model: 'bge-reranker-v2-m3', query: 'cats', documents: ['a', 'b'] };
    const ofServer = modelCall({ url: 'http://localhost:8000/rerank', request });
    const body = { model: request.model, results: [{ index: 1, relevance_score: 0.9 }], usage: { total_tokens: 9 } };
    const answer = read(ofServer, [JSON.stringify(body)]);
    assert.deepEqual([ofServer.operation, answer.complete, answer.usage], ['rerank', true, { inputTokens: 9 }]);
  });

  it('is recorded as the step of a run', async () => {
    const { step } = await record({ path: '/v2/chat', request: cohereStream.request, body: cohereStream.body });
    assert.equal(step['runtrace.status'], 'completed');
    assert.equal(step['gen_ai.provider.name'], 'cohere');
    assert.equal(step['gen_ai.usage.input_tokens'], 120);
  });
});
