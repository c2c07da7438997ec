import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createGateway, generateText } from 'ai';
import { wrapFetch } from 'runtrace';
import { readModelCall } from '../../src/providers/detect.js';
import { only, traced } from '../support/traced.js';
import { data, read, readBrokenOff } from './recorded.js';

const base = 'https://ai-gateway.vercel.sh/v4/ai';
const prompt = [
  { role: 'system', content: 'Be brief' },
  { role: 'user', content: [{ type: 'text', text: 'Hi' }] },
];

function ask(kind: string, body: object, content = true, headers: Record<string, string> = {}) {
  const call = readModelCall(
    { method: 'POST', url: new URL(`${base}/${kind}-model`), body: JSON.stringify(body), headers },
    { content },
  );
  assert.ok(call);
  return call;
}
const streaming = { 'ai-language-model-id': 'openai/gpt-5', 'ai-language-model-streaming': 'true' };

const usage = {
  inputTokens: { total: 120, noCache: 56, cacheRead: 64, cacheWrite: 0 },
  outputTokens: { total: 80, text: 32, reasoning: 48 },
};
const finish = (unified: string) => ({ type: 'finish', finishReason: { unified, raw: unified }, usage });
const beginning = [
  { type: 'stream-start', warnings: [] },
  { type: 'response-metadata', id: 'r1', modelId: 'gpt-5' },
  { type: 'reasoning-start', id: '0' },
  { type: 'reasoning-delta', id: '0', delta: 'Look it up' },
  { type: 'text-start', id: '1' },
  { type: 'text-delta', id: '1', delta: 'Ich sehe' },
  { type: 'text-delta', id: '1', delta: ' nach 🌦️' },
  { type: 'tool-input-start', id: 'c1', toolName: 'get_weather' },
  { type: 'tool-input-delta', id: 'c1', delta: '{"city":"Köln"}' },
  { type: 'tool-call', toolCallId: 'c1', toolName: 'get_weather', input: '{"city":"Köln"}' },
];
const stream = data(...beginning, finish('tool-calls'));
const counted = {
  inputTokens: 120,
  outputTokens: 80,
  cacheReadTokens: 64,
  cacheWriteTokens: 0,
  reasoningTokens: 48,
};

describe('A call to the AI Gateway', () => {
  it('is read with the model of its headers', () => {
    const call = ask('language', { prompt, maxOutputTokens: 9, temperature: 0 }, true, streaming);
    assert.deepEqual([call.operation, call.provider, call.streaming], ['chat', 'vercel', true]);
    assert.deepEqual(call.request, {
      model: 'openai/gpt-5',
      stream: true,
      maxTokens: 9,
      temperature: 0,
      systemInstructions: [{ type: 'text', content: 'Be brief' }],
      messages: [{ role: 'user', parts: [{ type: 'text', content: 'Hi' }] }],
    });
  });

  it('is streamed, and reads the same cut in two at every byte, with and without content', () => {
    const parts = [
      { type: 'reasoning', content: 'Look it up' },
      { type: 'text', content: 'Ich sehe nach 🌦️' },
      { type: 'tool_call', id: 'c1', name: 'get_weather', arguments: { city: 'Köln' } },
    ];
    const response = { id: 'r1', model: 'gpt-5', finishReasons: ['tool-calls'] };
    const messages = [{ role: 'assistant', parts, finish_reason: 'tool-calls' }];
    const bytes = new TextEncoder().encode(stream);
    for (const content of [true, false]) {
      const call = ask('language', { prompt }, content, streaming);
      for (let cut = 0; cut <= bytes.length; cut++) {
        const answer = read(call, [bytes.subarray(0, cut), bytes.subarray(cut)]);
        delete answer.response.extra;
        const expected = { response: content ? { ...response, messages } : response, usage: counted, complete: true };
        assert.deepEqual(answer, expected, `cut at byte ${cut}`);
      }
    }
  });

  it('is complete at its finish part, and not before', () => {
    const call = ask('language', { prompt }, true, streaming);
    assert.equal(readBrokenOff(call, [stream]).complete, true);
    assert.equal(read(call, [data(...beginning)]).complete, false);
    assert.equal(read(call, ['data: [DONE]\n\n']).complete, false);
  });

  it('is not complete where the provider’s stream broke off behind the gateway', () => {
    const answer = read(ask('language', { prompt }, true, streaming), [data(...beginning, finish('interrupted'))]);
    assert.deepEqual([answer.complete, answer.error], [false, undefined]);
  });

  it('is read whole', () => {
    const body = {
      content: [{ type: 'text', text: 'Hi' }],
      finishReason: { unified: 'stop', raw: 'stop' },
      usage,
      warnings: [],
      response: { id: 'r1', modelId: 'gpt-5' },
    };
    const answer = read(ask('language', { prompt }), [JSON.stringify(body)]);
    assert.deepEqual([answer.complete, answer.usage, answer.response.id], [true, counted, 'r1']);
    assert.deepEqual(answer.response.messages?.[0]?.parts, [{ type: 'text', content: 'Hi' }]);
  });

  it('may be an error', () => {
    const call = ask('language', { prompt }, false, streaming);
    const busy = { type: 'rate_limit_exceeded', message: 'Slow down' };
    const expected = { code: 'rate_limit_exceeded', message: 'Slow down' };
    assert.deepEqual(read(call, [data(...beginning, { type: 'error', error: busy }, finish('error'))]).error, expected);
    assert.deepEqual(read(call, [JSON.stringify({ error: busy })]).error, expected);
    assert.deepEqual(read(call, [data(...beginning, finish('error'))]).error, { code: 'provider_error' });
    assert.equal(read(call, [data({ type: 'error', error: 'went away' })]).error?.message, 'went away');
  });

  const others: [kind: string, request: object, body: object, operation: string, usage: object][] = [
    ['embedding', { values: ['Hi'] }, { embeddings: [[0.1]], usage: { tokens: 3 } }, 'embeddings', { inputTokens: 3 }],
    ['reranking', { documents: {}, query: 'q' }, { ranking: [{ index: 0, relevanceScore: 1 }] }, 'rerank', {}],
    [
      'image',
      { prompt: 'A cat', n: 1 },
      { images: ['AAAA'], usage: { inputTokens: 5, outputTokens: 9 } },
      'generate_content',
      { inputTokens: 5, outputTokens: 9 },
    ],
    ['speech', { text: 'Hi' }, { audio: 'AAAA' }, 'generate_content', {}],
    ['transcription', { audio: 'AAAA' }, { text: 'Hi', segments: [] }, 'generate_content', {}],
  ];
  for (const [kind, request, body, operation, usage] of others) {
    it(`of the ${kind} model is complete, with its model and usage`, () => {
      const call = ask(kind, request, true, { 'ai-model-id': 'some/model' });
      const answer = read(call, [JSON.stringify(body)]);
      assert.deepEqual([call.operation, call.request.model], [operation, 'some/model']);
      assert.deepEqual([answer.complete, answer.usage], [true, usage]);
      assert.equal(read(call, ['{}']).complete, false);
    });
  }

  it('is recorded as the step of a run, made by the real client', async () => {
    const body = { content: [{ type: 'text', text: 'Hi' }], finishReason: { unified: 'stop', raw: 'stop' }, usage };
    const fetch = wrapFetch(async () => Response.json(body));
    const gateway = createGateway({ apiKey: 'key', fetch });
    const { recorder, steps } = traced();
    await recorder.run({ kind: 'chat_turn' }, () => generateText({ model: gateway('openai/gpt-5'), prompt: 'Hi' }));
    const step = only(steps());
    assert.equal(step.name, 'chat openai/gpt-5');
    assert.equal(step.attributes['runtrace.status'], 'completed');
    assert.equal(step.attributes['gen_ai.usage.output_tokens'], 80);
  });

  it('of another model is no retry, although its body is the same', async () => {
    const body = { content: [{ type: 'text', text: 'Hi' }], finishReason: { unified: 'stop', raw: 'stop' }, usage };
    const answers = [Response.json({ error: { message: 'No', type: 'x' } }, { status: 503 }), Response.json(body)];
    const gateway = createGateway({ apiKey: 'key', fetch: wrapFetch(async () => answers.shift() as Response) });
    const ask = (model: string) => generateText({ model: gateway(model), prompt: 'Hi', maxRetries: 0 });
    const { recorder, steps, shutdown } = traced();
    await recorder.run({ kind: 'chat_turn' }, () => ask('openai/gpt-5').catch(() => ask('anthropic/claude')));
    await shutdown();
    assert.deepEqual(
      steps().map(({ name, attributes }) => [name, attributes['runtrace.status']]),
      [
        ['chat openai/gpt-5', 'error'],
        ['chat anthropic/claude', 'completed'],
      ],
    );
  });
});
