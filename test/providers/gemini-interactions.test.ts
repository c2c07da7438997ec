import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { GoogleGenAI } from '@google/genai';
import { recordingFetch } from 'runtrace';
import { attemptsOf, only, type ReadableSpan, traced } from '../support/traced.js';
import { data, geminiInteractionStream, modelCall, read, readBrokenOff } from './recorded.js';

const { url } = geminiInteractionStream;
const model = 'gemini-3-flash-preview';
const call = (content = true) => modelCall(geminiInteractionStream, content);
const usage = {
  total_input_tokens: 10,
  total_tool_use_tokens: 3,
  total_output_tokens: 4,
  total_thought_tokens: 2,
  total_cached_tokens: 5,
};
const readUsage = { inputTokens: 13, outputTokens: 6, cacheReadTokens: 5, reasoningTokens: 2 };
const interaction = (status: string, rest: object = {}) => ({
  id: 'v1_1',
  object: 'interaction',
  model,
  status,
  steps: [
    { type: 'user_input', content: [{ type: 'text', text: 'Hi' }] },
    { type: 'thought', signature: 'AAAA', summary: [{ type: 'text', text: 'Hm.' }] },
    { type: 'model_output', content: [{ type: 'text', text: 'Hello' }] },
  ],
  usage,
  ...rest,
});

/** Makes the calls with the client of Google in one run, to a server that gives these answers in turn; the spans of its steps. */
async function recorded(
  answers: readonly { readonly status?: number; readonly body: string }[],
  use: (client: GoogleGenAI) => Promise<void>,
  capture: 'content' | 'metadata' = 'content',
): Promise<ReadableSpan[]> {
  const left = [...answers];
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const { status = 200, body } = left.shift() as (typeof answers)[number];
      const type = body.startsWith('{') ? 'application/json' : 'text/event-stream';
      response.writeHead(status, { 'content-type': type }).end(body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { recorder, steps, shutdown } = traced({ capture, limits: { completedHoldMillis: 0 } });
  const client = new GoogleGenAI({ apiKey: 'none', httpOptions: { baseUrl, fetch: recordingFetch } });
  try {
    await recorder.run({ kind: 'chat_turn' }, () => use(client));
  } finally {
    await shutdown();
    server.closeAllConnections();
    server.close();
  }
  return steps();
}

describe('An interaction of Google’s client', () => {
  it('is a step with model, usage and messages', async () => {
    const spans = await recorded([{ body: JSON.stringify(interaction('completed')) }], async ({ interactions }) => {
      const answer = await interactions.create({ model, input: 'Hi', system_instruction: 'Be brief' });
      assert.equal(answer.status, 'completed');
    });
    const { name, attributes } = only(spans);
    assert.equal(name, `chat ${model}`);
    assert.equal(attributes['runtrace.status'], 'completed');
    assert.equal(attributes['gen_ai.provider.name'], 'gcp.gemini');
    assert.equal(attributes['gen_ai.response.id'], 'v1_1');
    assert.deepEqual(attributes['gen_ai.response.finish_reasons'], ['completed']);
    assert.equal(attributes['gen_ai.usage.input_tokens'], 13);
    assert.equal(attributes['gen_ai.usage.output_tokens'], 6);
    assert.deepEqual(JSON.parse(String(attributes['gen_ai.output.messages'])), [
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', content: 'Hm.' },
          { type: 'text', content: 'Hello' },
        ],
        finish_reason: 'completed',
      },
    ]);
    assert.match(String(attributes['gen_ai.input.messages']), /Hi/);
    assert.match(String(attributes['gen_ai.system_instructions']), /Be brief/);
  });

  it('is streamed', async () => {
    const spans = await recorded([{ body: geminiInteractionStream.body }], async ({ interactions }) => {
      const stream = await interactions.create({ model, input: 'Hi', stream: true });
      for await (const event of stream) assert.ok(event);
    });
    const { attributes } = only(spans);
    assert.equal(attributes['runtrace.status'], 'completed');
    assert.equal(attributes['gen_ai.request.model'], model);
    assert.equal(attributes['gen_ai.request.stream'], true);
    assert.equal(attributes['gen_ai.usage.output_tokens'], 6);
    assert.match(String(attributes['gen_ai.output.messages']), /Ich sehe nach/);
  });

  it('whose stream is left has the usage that the events before told', async () => {
    const metadata = { total_usage: { total_input_tokens: 10, total_output_tokens: 4, total_thought_tokens: 2 } };
    const delta = { event_type: 'step.delta', index: 2, delta: { type: 'text', text: ' und' }, metadata };
    const told = `event: step.delta\ndata: ${JSON.stringify(delta)}\n\n`;
    const cut = geminiInteractionStream.body.indexOf('event: interaction.completed');
    for (const capture of ['content', 'metadata'] as const) {
      const body = geminiInteractionStream.body.slice(0, cut) + told;
      const play = async ({ interactions }: GoogleGenAI) => {
        for await (const event of await interactions.create({ model, input: 'Hi', stream: true }))
          if ('metadata' in event) break;
      };
      const step = only(await recorded([{ body }], play, capture));
      assert.equal(step.attributes['runtrace.status'], 'interrupted');
      const attempt = only(attemptsOf(step));
      assert.equal(attempt['gen_ai.usage.input_tokens'], 10);
      assert.equal(attempt['gen_ai.usage.output_tokens'], 6);
    }
  });

  it('with an agent tells which', async () => {
    const agent = 'deep-research-pro-preview-12-2025';
    const body = JSON.stringify({ ...interaction('completed'), model: undefined, agent });
    const play = async ({ interactions }: GoogleGenAI) => void (await interactions.create({ agent, input: 'Hi' }));
    const { attributes } = only(await recorded([{ body }], play, 'metadata'));
    assert.equal(attributes['gen_ai.agent.name'], agent);
    assert.equal(attributes['gen_ai.request.model'], undefined);
  });

  it('that fails is an error with the provider’s code', async () => {
    const error = { error: { code: 'invalid_request', message: 'No such model' } };
    const spans = await recorded([{ status: 400, body: JSON.stringify(error) }], async ({ interactions }) => {
      await assert.rejects(async () => interactions.create({ model, input: 'Hi' }));
    });
    const { attributes } = only(spans);
    assert.deepEqual([attributes['runtrace.status'], attributes['error.type']], ['error', 'invalid_request']);
  });

  it('in the background is one step with its polls', async () => {
    const answers = ['in_progress', 'in_progress', 'completed'].map((status) => ({
      body: JSON.stringify(status === 'completed' ? interaction(status) : { id: 'v1_1', model, status }),
    }));
    const spans = await recorded(answers, async ({ interactions }) => {
      const { id } = await interactions.create({ model, input: 'Hi', background: true });
      while ((await interactions.get(id)).status === 'in_progress');
    });
    const step = only(spans);
    assert.equal(step.attributes['runtrace.status'], 'completed');
    assert.equal(step.attributes['gen_ai.usage.output_tokens'], 6);
    assert.equal(step.attributes['runtrace.step.poll_count'], 1);
    assert.equal(attemptsOf(step).length, 2);
  });
});

describe('A request for an interaction', () => {
  it('is read with all its parameters, steps and tools', () => {
    const request = {
      model,
      input: [
        { type: 'user_input', content: [{ type: 'image', mime_type: 'image/png', data: 'AAAA' }] },
        { type: 'function_call', id: 'c1', name: 'look', arguments: { at: 'cat' } },
        { type: 'function_result', call_id: 'c1', result: [{ type: 'text', text: 'a cat' }] },
      ],
      previous_interaction_id: 'v1_0',
      background: true,
      system_instruction: 'Be brief',
      generation_config: {
        max_output_tokens: 9,
        temperature: 0,
        top_p: 0.5,
        seed: 1,
        stop_sequences: ['END'],
        thinking_level: 'low',
      },
      response_format: { type: 'text', mime_type: 'application/json', schema: {} },
      tools: [{ type: 'function', name: 'look' }, { type: 'google_search' }],
    };
    const asked = modelCall({ url, request });
    assert.deepEqual([asked.operation, asked.provider, asked.inBackground], ['chat', 'gcp.gemini', true]);
    assert.deepEqual(asked.request, {
      model,
      inBackground: true,
      maxTokens: 9,
      temperature: 0,
      topP: 0.5,
      seed: 1,
      stopSequences: ['END'],
      reasoningLevel: 'low',
      previousResponseId: 'v1_0',
      outputType: 'json',
      messages: [
        {
          role: 'user',
          parts: [{ type: 'blob', modality: 'image', mime_type: 'image/png', content: '[3 bytes]' }],
        },
        { role: 'assistant', parts: [{ type: 'tool_call', id: 'c1', name: 'look', arguments: { at: 'cat' } }] },
        {
          role: 'tool',
          parts: [{ type: 'tool_call_response', id: 'c1', response: [{ type: 'text', content: 'a cat' }] }],
        },
      ],
      systemInstructions: [{ type: 'text', content: 'Be brief' }],
      toolDefinitions: [{ type: 'function', name: 'look' }, { type: 'google_search' }],
    });
  });

  it('may have content, or turns, or an agent in the place of a model', () => {
    const hi = { type: 'text', text: 'Hi' };
    const parts = [{ type: 'text', content: 'Hi' }];
    const messages = (input: unknown) =>
      modelCall({ url, request: { agent: 'deep-research', input } }).request.messages;
    assert.deepEqual(messages(hi), [{ role: 'user', parts }]);
    assert.deepEqual(messages([hi, hi]), [{ role: 'user', parts: [...parts, ...parts] }]);
    assert.deepEqual(messages([{ role: 'model', content: 'Hi' }]), [{ role: 'assistant', parts }]);
  });
});

describe('An interaction', () => {
  it('is read with its calls and results, streamed, with and without content', () => {
    for (const content of [true, false]) {
      const { response, usage, complete, error } = read(call(content), [geminiInteractionStream.body]);
      assert.deepEqual([usage, complete, error], [readUsage, true, undefined]);
      assert.deepEqual([response.id, response.model, response.finishReasons], ['v1_1', model, ['requires_action']]);
      assert.deepEqual(
        response.messages?.[0]?.parts,
        content
          ? [
              { type: 'reasoning', content: 'Look it up.' },
              {
                type: 'server_tool_call',
                id: 's1',
                name: 'google_search',
                server_tool_call: {
                  type: 'google_search_call',
                  id: 's1',
                  arguments: { queries: ['Köln'] },
                },
              },
              { type: 'text', content: 'Ich sehe nach 🌦️' },
              { type: 'blob', modality: 'image', mime_type: 'image/png', content: '[3 bytes]' },
              { type: 'tool_call', id: 'c1', name: 'get_weather', arguments: { city: 'Köln' } },
            ]
          : undefined,
      );
    }
  });

  it('is complete at its last event only', () => {
    const cut = geminiInteractionStream.body.indexOf('event: interaction.completed');
    assert.equal(read(call(), [geminiInteractionStream.body.slice(0, cut)]).complete, false);
    const end = geminiInteractionStream.body.indexOf('event: done');
    assert.equal(readBrokenOff(call(), [geminiInteractionStream.body.slice(0, end)]).complete, true);
  });

  it('that failed is an error, streamed and whole', () => {
    const failure = { error: { code: 'overloaded', message: 'Try later' } };
    for (const content of [true, false]) {
      const event = { event_type: 'error', ...failure };
      const expected = { code: 'overloaded', message: 'Try later' };
      for (const body of [data(event), `event: error\n${data(event)}`]) {
        const streamed = read(call(content), [body]);
        assert.deepEqual([streamed.error, streamed.complete], [expected, false]);
      }
      assert.deepEqual(read(call(content), [JSON.stringify(failure)]).error, expected);
    }
    const steps = [{ type: 'model_output', error: { code: 8, message: 'Out of quota' } }];
    const whole = read(call(), [JSON.stringify(interaction('failed', { steps }))]);
    assert.deepEqual(whole.error, { code: '8', message: 'Out of quota' });
    assert.deepEqual(whole.response.finishReasons, ['error']);
    assert.equal(read(call(), [JSON.stringify(interaction('failed'))]).error?.code, 'provider_error');
  });

  it('whose faults are told, but did not end it, is no error', () => {
    const answer = read(call(), [JSON.stringify(interaction('completed', { errors: [{ code: 'tool_unavailable' }] }))]);
    assert.deepEqual([answer.error, answer.complete], [undefined, true]);
  });

  it('is read in the shape before steps, streamed and whole', () => {
    const { steps: _, ...rest } = interaction('completed');
    const outputs = [
      { type: 'text', text: 'Hello' },
      { type: 'function_call', id: 'c1', name: 'f', arguments: { a: 1 } },
    ];
    const parts = [
      { type: 'text', content: 'Hello' },
      { type: 'tool_call', id: 'c1', name: 'f', arguments: { a: 1 } },
    ];
    const whole = read(call(), [JSON.stringify({ ...rest, outputs })]);
    const streamed = read(call(), [
      data(
        { event_type: 'interaction.start', interaction: { id: 'v1_1', status: 'in_progress' } },
        { event_type: 'content.start', index: 0, content: { type: 'text' } },
        { event_type: 'content.delta', index: 0, delta: outputs[0] },
        { event_type: 'content.start', index: 1, content: { type: 'function_call' } },
        { event_type: 'content.delta', index: 1, delta: outputs[1] },
        { event_type: 'interaction.complete', interaction: rest },
      ),
    ]);
    for (const answer of [whole, streamed]) {
      assert.deepEqual([answer.complete, answer.usage], [true, readUsage]);
      assert.deepEqual(answer.response.messages?.[0]?.parts, parts);
    }
  });
});
