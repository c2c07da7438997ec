import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { jsonLines, modelCall, ollamaStream, read, readBrokenOff } from './recorded.js';
import { record } from './wire.js';

const url = 'http://localhost:11434/api/chat';
const call = modelCall(ollamaStream);
const plain = modelCall(ollamaStream, false);

describe('An Ollama request', () => {
  it('is read with its parameters, messages and tools', () => {
    const { request, operation, provider } = modelCall({
      url,
      request: {
        model: 'qwen3',
        system: 'Be brief',
        messages: [
          { role: 'user', content: 'Look', images: [btoa('12345')] },
          { role: 'assistant', content: '', tool_calls: [{ function: { name: 'look', arguments: { at: 'cat' } } }] },
          { role: 'tool', tool_name: 'look', content: 'a cat' },
        ],
        tools: [{ type: 'function', function: { name: 'look', parameters: {} } }],
        options: { temperature: 0, num_predict: 9, top_k: 4, top_p: 0.5, seed: 1, stop: ['END'] },
        think: 'low',
        format: { type: 'object' },
      },
    });
    assert.deepEqual([operation, provider], ['chat', 'ollama']);
    assert.deepEqual(request, {
      model: 'qwen3',
      stream: true,
      maxTokens: 9,
      temperature: 0,
      topP: 0.5,
      topK: 4,
      seed: 1,
      stopSequences: ['END'],
      reasoningLevel: 'low',
      outputType: 'json',
      systemInstructions: [{ type: 'text', content: 'Be brief' }],
      messages: [
        {
          role: 'user',
          parts: [
            { type: 'text', content: 'Look' },
            { type: 'blob', modality: 'image', content: '[5 bytes]' },
          ],
        },
        { role: 'assistant', parts: [{ type: 'tool_call', name: 'look', arguments: { at: 'cat' } }] },
        { role: 'tool', parts: [{ type: 'tool_call_response', id: 'look', response: 'a cat' }] },
      ],
      toolDefinitions: [{ type: 'function', name: 'look', parameters: {} }],
    });
  });

  it('is known at any host, unless it is the route of an application', () => {
    const at = (body: object) => () => modelCall({ url: 'http://gateway.example/api/chat', request: body });
    assert.equal(at({ model: 'm', messages: [{ role: 'user', content: 'Hi' }] })().operation, 'chat');
    assert.throws(at({ id: 'x', messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }] }));
    assert.throws(at({ model: 'm', messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }] }));
    assert.throws(at({ messages: [{ role: 'user', content: 'Hi' }] }));
  });
});

describe('An Ollama response', () => {
  it('is read from a stream, with and without content', () => {
    const { messages, ...response } = read(call, [ollamaStream.body]).response;
    assert.deepEqual(messages, [
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', content: 'Look it up — später' },
          { type: 'text', content: 'Ich sehe nach 🌦️ "}\\' },
          { type: 'tool_call', name: 'get_weather', arguments: { city: 'Köln' } },
        ],
        finish_reason: 'stop',
      },
    ]);
    assert.deepEqual(read(plain, [ollamaStream.body]), {
      response,
      usage: { inputTokens: 120, outputTokens: 80 },
      complete: true,
    });
    assert.deepEqual(response, { model: 'qwen3', finishReasons: ['stop'] });
  });

  it('is complete at its last object, with a finish reason or without', () => {
    const last = { model: 'm', done: true, eval_count: 1 };
    assert.equal(readBrokenOff(call, [ollamaStream.body]).complete, true);
    assert.equal(read(call, [jsonLines({ model: 'm', message: { content: 'Hi' }, done: false }, last)]).complete, true);
    assert.equal(read(call, [jsonLines({ model: 'm', message: { content: 'Hi' }, done: false })]).complete, false);
    assert.equal(read(call, ['']).complete, false);
    assert.equal(read(call, ['{"ok":true}']).complete, false);
  });

  it('is read whole, also if it is printed on several lines', () => {
    const body = {
      model: 'm',
      message: { role: 'assistant', content: 'Hi' },
      done: true,
      done_reason: 'length',
      prompt_eval_count: 3,
      eval_count: 2,
    };
    for (const text of [JSON.stringify(body), JSON.stringify(body, null, 2)]) {
      const answer = read(call, [text]);
      assert.deepEqual([answer.complete, answer.usage], [true, { inputTokens: 3, outputTokens: 2 }]);
      assert.deepEqual(answer.response.messages?.[0]?.parts, [{ type: 'text', content: 'Hi' }]);
      assert.deepEqual(answer.response.finishReasons, ['length']);
    }
  });

  it('of generate has its text', () => {
    const generate = modelCall({ url: 'http://localhost:11434/api/generate', request: { model: 'm', prompt: 'Say' } });
    const answer = read(generate, [
      jsonLines(
        { model: 'm', response: 'He', done: false },
        { model: 'm', response: 'llo', done: true, done_reason: 'stop' },
      ),
    ]);
    assert.deepEqual([generate.operation, answer.complete], ['text_completion', true]);
    assert.deepEqual(answer.response.messages?.[0]?.parts, [{ type: 'text', content: 'Hello' }]);
  });

  it('of embeddings has the usage', () => {
    for (const [path, request, body] of [
      ['embed', { model: 'm', input: ['Hi'] }, { model: 'm', embeddings: [[0.1, 0.2]], prompt_eval_count: 4 }],
      ['embeddings', { model: 'm', prompt: 'Hi' }, { embedding: [0.1, 0.2] }],
    ] as const) {
      const embed = modelCall({ url: `http://localhost:11434/api/${path}`, request });
      const answer = read(embed, [JSON.stringify(body)]);
      assert.deepEqual([embed.operation, embed.streaming, answer.complete], ['embeddings', false, true]);
      assert.deepEqual(answer.usage, path === 'embed' ? { inputTokens: 4 } : {});
    }
  });

  it('may end in an error', () => {
    for (const reader of [call, plain]) {
      const answer = read(reader, [
        jsonLines({ model: 'm', message: { content: 'Hi' }, done: false }, { error: 'an error was encountered' }),
      ]);
      assert.deepEqual(answer.error, { code: 'provider_error', message: 'an error was encountered' });
      assert.equal(answer.complete, false);
    }
  });

  it('is recorded as the step of a run, also if the client stops at the last object', async () => {
    const wire = { path: '/api/chat', request: ollamaStream.request, contentType: 'application/x-ndjson' };
    const whole = await record({ ...wire, body: ollamaStream.body });
    const left = await record({ ...wire, body: `${ollamaStream.body}${' '.repeat(200_000)}` }, async (response) => {
      await response.body?.getReader().read();
      await response.body?.cancel().catch(() => {});
    });
    const failed = await record({ ...wire, body: jsonLines({ error: 'model "x" not found' }) });
    assert.equal(whole.step['runtrace.status'], 'completed');
    assert.equal(whole.step['gen_ai.usage.output_tokens'], 80);
    assert.equal(whole.step['gen_ai.provider.name'], 'ollama');
    assert.deepEqual([failed.step['runtrace.status'], failed.step['error.type']], ['error', 'provider_error']);
    assert.equal(left.step['gen_ai.usage.output_tokens'], 80);
  });
});
