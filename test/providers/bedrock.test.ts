import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { anthropicStream, modelCall, openAiChatStream, read, readBrokenOff } from './recorded.js';
import { awsException, awsMessage } from './stream/aws-messages.js';
import { record } from './wire.js';

const host = 'https://bedrock-runtime.eu-west-1.amazonaws.com';
const ARN = 'arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4-5';
const messages = [{ role: 'user', content: [{ text: 'Wie ist das Wetter in Köln?' }] }];

const at = (method: string, request: object, model = 'eu.amazon.nova-pro-v1:0') => ({
  url: `${host}/model/${encodeURIComponent(model)}/${method}`,
  request,
});
const converse = at('converse', { messages });
const converseStream = at('converse-stream', { messages });

const usage = {
  inputTokens: 20,
  outputTokens: 80,
  totalTokens: 180,
  cacheReadInputTokens: 50,
  cacheWriteInputTokens: 30,
};
const converseEvents = [
  awsMessage('messageStart', { role: 'assistant' }),
  awsMessage('contentBlockDelta', { contentBlockIndex: 0, delta: { reasoningContent: { text: 'Look it up' } } }),
  awsMessage('contentBlockDelta', { contentBlockIndex: 0, delta: { reasoningContent: { text: ' — später' } } }),
  awsMessage('contentBlockDelta', { contentBlockIndex: 0, delta: { reasoningContent: { signature: 'EpQB' } } }),
  awsMessage('contentBlockStop', { contentBlockIndex: 0 }),
  awsMessage('contentBlockDelta', { contentBlockIndex: 1, delta: { text: 'Ich sehe' } }),
  awsMessage('contentBlockDelta', { contentBlockIndex: 1, delta: { text: ' nach 🌦️' } }),
  awsMessage('contentBlockStart', {
    contentBlockIndex: 2,
    start: { toolUse: { toolUseId: 't1', name: 'get_weather' } },
  }),
  awsMessage('contentBlockDelta', { contentBlockIndex: 2, delta: { toolUse: { input: '{"city":' } } }),
  awsMessage('contentBlockDelta', { contentBlockIndex: 2, delta: { toolUse: { input: '"Köln"}' } } }),
  awsMessage('messageStop', { stopReason: 'tool_use' }),
  awsMessage('metadata', { usage, metrics: { latencyMs: 9 } }),
];
const stream: Uint8Array = Buffer.concat(converseEvents);
const parts = [
  { type: 'reasoning', content: 'Look it up — später' },
  { type: 'text', content: 'Ich sehe nach 🌦️' },
  { type: 'tool_call', id: 't1', name: 'get_weather', arguments: { city: 'Köln' } },
];
const counted = { inputTokens: 100, outputTokens: 80, cacheReadTokens: 50, cacheWriteTokens: 30 };

/** The events of InvokeModelWithResponseStream: each has a part of the model's own stream, as base64. */
const chunks = (...events: unknown[]): Uint8Array =>
  Buffer.concat(
    events.map((event) => {
      const text = typeof event === 'string' ? event : JSON.stringify(event);
      return awsMessage('chunk', { bytes: Buffer.from(text).toString('base64'), p: 'abc' });
    }),
  );
const sseData = (body: string) => [...body.matchAll(/^data: (.*)$/gm)].map(([, json]) => json);

describe('A Converse request', () => {
  it('is read with its model, parameters, messages and tools', () => {
    const { request, operation, provider } = modelCall(
      at(
        'converse-stream',
        {
          messages: [
            {
              role: 'user',
              content: [{ text: 'Look' }, { image: { format: 'png', source: { bytes: btoa('12345') } } }],
            },
            { role: 'assistant', content: [{ toolUse: { toolUseId: 't1', name: 'look', input: { at: 'cat' } } }] },
            {
              role: 'user',
              content: [{ toolResult: { toolUseId: 't1', content: [{ text: 'a cat' }, { json: { x: 1 } }] } }],
            },
          ],
          system: [{ text: 'Be brief' }],
          inferenceConfig: { maxTokens: 9, temperature: 0, topP: 0.5, stopSequences: ['END'] },
          toolConfig: { tools: [{ toolSpec: { name: 'look', inputSchema: { json: { type: 'object' } } } }] },
        },
        ARN,
      ),
    );
    assert.deepEqual([operation, provider], ['chat', 'aws.bedrock']);
    assert.deepEqual(request, {
      model: ARN,
      stream: true,
      maxTokens: 9,
      temperature: 0,
      topP: 0.5,
      stopSequences: ['END'],
      systemInstructions: [{ type: 'text', content: 'Be brief' }],
      messages: [
        {
          role: 'user',
          parts: [
            { type: 'text', content: 'Look' },
            { type: 'blob', modality: 'image', mime_type: 'image/png', content: '[5 bytes]' },
          ],
        },
        { role: 'assistant', parts: [{ type: 'tool_call', id: 't1', name: 'look', arguments: { at: 'cat' } }] },
        {
          role: 'user',
          parts: [
            {
              type: 'tool_call_response',
              id: 't1',
              response: [
                { type: 'text', content: 'a cat' },
                { type: 'json', content: { x: 1 } },
              ],
            },
          ],
        },
      ],
      toolDefinitions: [{ type: 'function', name: 'look', parameters: { type: 'object' } }],
    });
  });

  it('is known at any host', () => {
    for (const url of ['http://localhost:4566/model/m/converse', 'https://proxy.example/aws/model/m/invoke']) {
      assert.equal(modelCall({ url, request: { messages } }).provider, 'aws.bedrock');
    }
  });

  it('has the model also if the slashes of its ARN are not encoded', () => {
    const call = modelCall({ url: `${host}/model/${ARN}/converse`, request: { messages } });
    assert.equal(call.request.model, ARN);
  });
});

describe('A Converse response', () => {
  const expected = {
    response: { finishReasons: ['tool_use'], messages: [{ role: 'assistant', parts, finish_reason: 'tool_use' }] },
    usage: counted,
    complete: true,
  };

  it('is read from an AWS event stream, cut in two at every byte, with and without content', () => {
    const { messages: _, ...response } = expected.response;
    for (const content of [true, false]) {
      const call = modelCall(converseStream, content);
      const wanted = content ? expected : { ...expected, response };
      for (let cut = 0; cut <= stream.length; cut++) {
        const answer = read(call, [stream.subarray(0, cut), stream.subarray(cut)]);
        assert.deepEqual(answer, wanted, `cut at byte ${cut}`);
      }
    }
  });

  it('is read whole', () => {
    const content = [
      { reasoningContent: { reasoningText: { text: 'Look it up — später', signature: 'EpQB' } } },
      { text: 'Ich sehe nach 🌦️' },
      { toolUse: { toolUseId: 't1', name: 'get_weather', input: { city: 'Köln' } } },
    ];
    const body = { output: { message: { role: 'assistant', content } }, stopReason: 'tool_use', usage };
    assert.deepEqual(read(modelCall(converse), [JSON.stringify(body)]), expected);
  });

  it('is complete at messageStop only', () => {
    const call = modelCall(converseStream);
    assert.equal(read(call, converseEvents.slice(0, -2)).complete, false);
    assert.equal(readBrokenOff(call, converseEvents.slice(0, -1)).complete, true);
    assert.equal(read(call, []).complete, false);
  });

  it('counts what the cache had once, where the total shows that the input has it', () => {
    const body = { output: { message: { content: [] } }, usage: { ...usage, inputTokens: 100, totalTokens: 180 } };
    assert.equal(read(modelCall(converse), [JSON.stringify(body)]).usage.inputTokens, 100);
  });

  it('may be an error: an exception, a stop reason, a body', () => {
    const exception = awsException('modelStreamErrorException', { message: 'No', originalStatusCode: 500 });
    for (const content of [true, false]) {
      const streamed = modelCall(converseStream, content);
      const table = [
        [read(streamed, [...converseEvents.slice(0, 3), exception]), 'modelStreamErrorException'],
        [read(streamed, [awsException('throttlingException', {})]), 'throttlingException'],
        [
          read(streamed, [awsMessage('messageStop', { stopReason: 'malformed_model_output' })]),
          'malformed_model_output',
        ],
        [read(modelCall(converse, content), ['{"message":"No"}']), 'provider_error'],
      ] as const;
      for (const [answer, code] of table) assert.deepEqual([answer.error?.code, answer.complete], [code, false]);
    }
  });

  it('is recorded as the step of a run', async () => {
    const path = '/model/eu.amazon.nova-pro-v1%3A0/converse-stream';
    const contentType = 'application/vnd.amazon.eventstream';
    const { step } = await record({ path, request: { messages }, contentType, body: stream });
    assert.equal(step['runtrace.status'], 'completed');
    assert.equal(step['gen_ai.request.model'], 'eu.amazon.nova-pro-v1:0');
    assert.equal(step['gen_ai.usage.output_tokens'], 80);
    const broken = Buffer.concat([...converseEvents.slice(0, 3), awsException('throttlingException', {})]);
    const failed = await record({ path, request: { model: 'm', messages }, contentType, body: broken });
    assert.deepEqual([failed.step['runtrace.status'], failed.step['error.type']], ['error', 'throttlingException']);
  });
});

describe('InvokeModel', () => {
  const ask = (request: object, model?: string) => modelCall(at('invoke', request, model));
  const askStream = (request: object, model?: string) => modelCall(at('invoke-with-response-stream', request, model));
  const anthropicRequest = { ...anthropicStream.request, anthropic_version: 'bedrock-2023-05-31' };
  const text = (answer: ReturnType<typeof read>) =>
    answer.response.messages?.map(({ parts }) => parts.map((part) => (part as { content?: unknown }).content));

  it('reads Anthropic’s Messages, also behind an ARN, cut in two at every byte', () => {
    const call = askStream(anthropicRequest, ARN);
    const expected = read(modelCall(anthropicStream), [anthropicStream.body]);
    const events = sseData(anthropicStream.body);
    const body = chunks(...events);
    for (let cut = 0; cut <= body.length; cut += 3) {
      assert.deepEqual(read(call, [body.subarray(0, cut), body.subarray(cut)]), expected, `cut at byte ${cut}`);
    }
    assert.deepEqual([call.request.model, call.request.maxTokens, call.streaming], [ARN, 1024, true]);
  });

  it('takes Bedrock’s own counters where the model has none', () => {
    const metrics = { inputTokenCount: 7, outputTokenCount: 5, cacheReadInputTokenCount: 3 };
    const end = { generation: '!', stop_reason: 'stop', 'amazon-bedrock-invocationMetrics': metrics };
    const answer = read(askStream({ prompt: 'Hi' }, 'meta.llama3'), [chunks({ generation: 'Hi' }, end)]);
    assert.deepEqual(answer.usage, { inputTokens: 10, outputTokens: 5, cacheReadTokens: 3 });
    assert.deepEqual([text(answer), answer.complete], [[['Hi!']], true]);
  });

  it('reads Chat Completions', () => {
    const expected = read(modelCall(openAiChatStream), [openAiChatStream.body]);
    delete expected.response.extra;
    const answer = read(askStream(openAiChatStream.request, 'openai.gpt-oss-120b-1:0'), [
      chunks(...sseData(openAiChatStream.body)),
    ]);
    assert.deepEqual(answer, expected);
  });

  it('reads Nova', () => {
    const request = { schemaVersion: 'messages-v1', messages, inferenceConfig: { max_new_tokens: 9 } };
    const events = [
      { messageStart: { role: 'assistant' } },
      { contentBlockDelta: { contentBlockIndex: 0, delta: { text: 'Hi' } } },
      { messageStop: { stopReason: 'end_turn' } },
      {
        metadata: { usage: { inputTokens: 4, outputTokens: 2 } },
        'amazon-bedrock-invocationMetrics': { inputTokenCount: 4 },
      },
    ];
    const call = askStream(request);
    assert.equal(call.request.maxTokens, 9);
    const answer = read(call, [chunks(...events)]);
    assert.deepEqual(
      [text(answer), answer.complete, answer.usage],
      [[['Hi']], true, { inputTokens: 4, outputTokens: 2 }],
    );
    const body = {
      output: { message: { content: [{ text: 'Hi' }] } },
      stopReason: 'end_turn',
      usage: { inputTokens: 4 },
    };
    assert.deepEqual(text(read(ask(request), [JSON.stringify(body)])), [['Hi']]);
  });

  const families: [name: string, request: object, body: object, usage: object][] = [
    [
      'Titan',
      { inputText: 'Hi', textGenerationConfig: { maxTokenCount: 9 } },
      { inputTextTokenCount: 3, results: [{ tokenCount: 2, outputText: 'Hello', completionReason: 'FINISH' }] },
      { inputTokens: 3, outputTokens: 2 },
    ],
    [
      'Llama',
      { prompt: 'Hi', max_gen_len: 9 },
      { generation: 'Hello', prompt_token_count: 3, generation_token_count: 2, stop_reason: 'stop' },
      { inputTokens: 3, outputTokens: 2 },
    ],
    ['Mistral', { prompt: 'Hi', max_tokens: 9 }, { outputs: [{ text: 'Hello', stop_reason: 'stop' }] }, {}],
    ['Cohere', { prompt: 'Hi', max_tokens: 9 }, { generations: [{ text: 'Hello', finish_reason: 'COMPLETE' }] }, {}],
    ['Command R', { message: 'Hi', max_tokens: 9 }, { text: 'Hello', finish_reason: 'COMPLETE' }, {}],
    [
      'Jurassic',
      { prompt: 'Hi', maxTokens: 9 },
      { completions: [{ data: { text: 'Hello' }, finishReason: { reason: 'endoftext' } }] },
      {},
    ],
    ['Claude 2', { prompt: 'Hi', max_tokens_to_sample: 9 }, { completion: 'Hello', stop_reason: 'stop_sequence' }, {}],
    ['Pegasus', { inputPrompt: 'Hi', maxOutputTokens: 9 }, { message: 'Hello', finishReason: 'stop' }, {}],
    ['DeepSeek', { prompt: 'Hi', max_tokens: 9 }, { choices: [{ text: 'Hello', stop_reason: 'stop' }] }, {}],
  ];
  for (const [name, request, body, usage] of families) {
    it(`reads ${name}, whole and streamed`, () => {
      const call = ask(request);
      assert.equal(call.request.maxTokens, 9);
      assert.deepEqual(call.request.messages, [{ role: 'user', parts: [{ type: 'text', content: 'Hi' }] }]);
      for (const answer of [
        read(call, [JSON.stringify(body)]),
        read(askStream(request), [chunks(body)]),
        readBrokenOff(call, [JSON.stringify(body)]),
      ]) {
        assert.deepEqual([text(answer), answer.usage, answer.complete], [[['Hello']], usage, true]);
      }
    });
  }

  it('reads the choices of Mistral, whose finish reasons are called otherwise', () => {
    const request = { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 9 };
    const message = {
      role: 'assistant',
      content: 'Hello',
      tool_calls: [{ id: 'c1', function: { name: 'look', arguments: '{"at":"cat"}' } }],
    };
    const choice = (stop_reason: string | null) => ({ choices: [{ index: 0, message, stop_reason }] });
    for (const answer of [
      read(ask(request, 'mistral.mistral-large'), [JSON.stringify(choice('tool_calls'))]),
      read(askStream(request, 'mistral.mistral-large'), [
        chunks(choice(null), { choices: [{ index: 0, message: { content: '' }, stop_reason: 'tool_calls' }] }),
      ]),
    ]) {
      assert.deepEqual([answer.complete, answer.response.finishReasons], [true, ['tool_calls']]);
      assert.deepEqual(answer.response.messages?.[0]?.parts, [
        { type: 'text', content: 'Hello' },
        { type: 'tool_call', id: 'c1', name: 'look', arguments: { at: 'cat' } },
      ]);
    }
  });

  it('reads the stream of Command R and its tool calls', () => {
    const tool_calls = [{ name: 'look', parameters: { at: 'cat' } }];
    const events = [
      { event_type: 'stream-start', is_finished: false, generation_id: 'g' },
      { event_type: 'text-generation', is_finished: false, text: 'Hel' },
      { event_type: 'text-generation', is_finished: false, text: 'lo' },
      { event_type: 'tool-calls-generation', is_finished: false, tool_calls },
      { event_type: 'stream-end', is_finished: true, finish_reason: 'COMPLETE', response: {} },
    ];
    const call = askStream({ message: 'Hi' }, 'cohere.command-r-v1:0');
    const answer = read(call, [chunks(...events)]);
    assert.deepEqual([answer.complete, answer.response.finishReasons], [true, ['COMPLETE']]);
    assert.deepEqual(answer.response.messages?.[0]?.parts, [
      { type: 'text', content: 'Hello' },
      { type: 'tool_call', name: 'look', arguments: { at: 'cat' } },
    ]);
    assert.equal(read(call, [chunks(...events.slice(0, -1))]).complete, false);
  });

  it('takes the counters in the headers where the model has none', async () => {
    const { step } = await record({
      path: '/model/cohere.command-r-v1%3A0/invoke',
      request: { message: 'Hi' },
      headers: { 'x-amzn-bedrock-input-token-count': '7', 'x-amzn-bedrock-output-token-count': '5' },
      body: '{"text":"Hello","finish_reason":"COMPLETE"}',
    });
    assert.deepEqual([step['gen_ai.usage.input_tokens'], step['gen_ai.usage.output_tokens']], [7, 5]);
  });

  it('has the type of a refusal in a header', async () => {
    const { step } = await record({
      path: '/model/m/converse',
      request: { messages },
      status: 400,
      headers: { 'x-amzn-errortype': 'ValidationException:http://internal.amazon.com/coral/com.amazon.bedrock/' },
      body: '{"message":"The model ID is invalid."}',
    });
    assert.equal(step['error.type'], 'ValidationException');
  });

  it('is complete with embeddings and images', () => {
    const embed = ask({ inputText: 'Hi' }, 'amazon.titan-embed-text-v2:0');
    const answer = read(embed, [JSON.stringify({ embedding: [0.1], inputTextTokenCount: 2 })]);
    assert.deepEqual([embed.operation, answer.complete, answer.usage], ['embeddings', true, { inputTokens: 2 }]);
    assert.equal(read(ask({ taskType: 'TEXT_IMAGE' }), [JSON.stringify({ images: ['AAAA'] })]).complete, true);
  });

  it('may be an error', () => {
    const streamed = askStream(anthropicRequest);
    const exception = awsException('modelTimeoutException', { message: 'No' });
    const begun = chunks(...sseData(anthropicStream.body).slice(0, 3));
    assert.equal(read(streamed, [begun, exception]).error?.code, 'modelTimeoutException');
    assert.equal(read(streamed, [exception]).error?.code, 'modelTimeoutException');
    assert.equal(read(streamed, [begun]).complete, false);
    assert.equal(read(ask({ prompt: 'Hi' }), ['{"message":"No"}']).error?.message, 'No');
    assert.equal(read(ask({ prompt: 'Hi' }), ['{}']).complete, false);
  });
});
