import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readErrorCode, readModelCall } from '../../src/providers/detect.js';
import { data, modelCall, read, readBrokenOff } from './recorded.js';

const chat = { model: 'm', messages: [{ role: 'user', content: 'Hi' }] };
const responses = { model: 'm', input: 'Hi' };
const messages = { ...chat, max_tokens: 10 };
const contents = { contents: [{ parts: [{ text: 'Hi' }] }] };
const embeddings = { model: 'm', input: ['Hi'] };
const prompt = { model: 'm', prompt: 'Hi' };

const known: [url: string, body: object, expected: [operation: string, provider: string, model: string]][] = [
  ['https://api.openai.com/v1/chat/completions', chat, ['chat', 'openai', 'm']],
  ['https://eu.api.openai.com/v1/responses/', responses, ['chat', 'openai', 'm']],
  ['https://api.openai.com/v1/responses', { prompt: { id: 'pmpt_1' }, model: 'm' }, ['chat', 'openai', 'm']],
  ['https://api.openai.com/v1/responses/compact', responses, ['chat', 'openai', 'm']],
  ['https://api.mistral.ai/v1/agents/completions', chat, ['chat', 'mistral_ai', 'm']],
  ['https://api.openai.com/v1/moderations', embeddings, ['moderation', 'openai', 'm']],
  ['https://api.openai.com/v1/completions', prompt, ['text_completion', 'openai', 'm']],
  ['https://api.openai.com/v1/embeddings', embeddings, ['embeddings', 'openai', 'm']],
  ['https://api.voyageai.com/v1/multimodalembeddings', { model: 'm', inputs: [] }, ['embeddings', 'voyage_ai', 'm']],
  ['https://api.perplexity.ai/v1/contextualizedembeddings', embeddings, ['embeddings', 'perplexity', 'm']],
  [
    'https://api.replicate.com/v1/models/meta/llama/predictions',
    { input: { prompt: 'Hi' } },
    ['generate_content', 'replicate', 'meta/llama'],
  ],
  [
    'https://me.openai.azure.com/openai/deployments/gpt-5-eu/chat/completions?api-version=2024-10-21',
    { messages: [] },
    ['chat', 'azure.ai.openai', 'gpt-5-eu'],
  ],
  [
    'http://127.0.0.1:4000/openai/deployments/gpt-5-eu/chat/completions?api-version=2024-10-21',
    { messages: [] },
    ['chat', 'azure.ai.openai', 'gpt-5-eu'],
  ],
  [
    'https://apim.example/team/openai/deployments/d/embeddings',
    { input: 'Hi' },
    ['embeddings', 'azure.ai.openai', 'd'],
  ],
  [
    'https://gateway.ai.cloudflare.com/v1/account/gateway/azure-openai/me/gpt-5-eu/chat/completions',
    { messages: [] },
    ['chat', 'cloudflare', 'gpt-5-eu'],
  ],
  [
    'https://me.openai.azure.com/openai/deployments/dalle/images/generations',
    { prompt: 'Hi' },
    ['generate_content', 'azure.ai.openai', 'dalle'],
  ],
  ['https://gateway.example/v1/fim/completions', prompt, ['text_completion', 'mistral_ai', 'm']],
  ['https://gateway.example/v1/agents/completions', chat, ['chat', 'mistral_ai', 'm']],
  ['https://me.openai.azure.com/openai/v1/responses', responses, ['chat', 'azure.ai.openai', 'm']],
  [
    'https://me.cognitiveservices.azure.com/openai/responses?api-version=x',
    responses,
    ['chat', 'azure.ai.openai', 'm'],
  ],
  ['https://me.services.ai.azure.com/openai/v1/chat/completions', chat, ['chat', 'azure.ai.openai', 'm']],
  ['https://me.services.ai.azure.com/models/chat/completions', chat, ['chat', 'azure.ai.inference', 'm']],
  ['https://me.services.ai.azure.com/anthropic/v1/messages', messages, ['chat', 'azure.ai.inference', 'm']],
  ['https://openrouter.ai/api/v1/chat/completions', chat, ['chat', 'openrouter', 'm']],
  ['https://api.groq.com/openai/v1/chat/completions', chat, ['chat', 'groq', 'm']],
  ['https://api.mistral.ai/v1/chat/completions', chat, ['chat', 'mistral_ai', 'm']],
  ['https://api.mistral.ai/v1/fim/completions', prompt, ['text_completion', 'mistral_ai', 'm']],
  ['https://api.x.ai/v1/responses', responses, ['chat', 'x_ai', 'm']],
  ['https://api.deepseek.com/chat/completions', chat, ['chat', 'deepseek', 'm']],
  ['https://api.perplexity.ai/chat/completions', chat, ['chat', 'perplexity', 'm']],
  ['https://api.moonshot.ai/v1/chat/completions', chat, ['chat', 'moonshot_ai', 'm']],
  ['https://generativelanguage.googleapis.com/v1beta/openai/chat/completions', chat, ['chat', 'gcp.gemini', 'm']],
  ['http://127.0.0.1:11434/v1/chat/completions', chat, ['chat', 'ollama', 'm']],
  ['http://vllm.internal/chat/completions', chat, ['chat', 'openai', 'm']],
  ['https://api.anthropic.com/v1/messages?beta=true', messages, ['chat', 'anthropic', 'm']],
  ['https://gateway.example/anthropic/v1/messages', messages, ['chat', 'anthropic', 'm']],
  [
    'https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/anthropic/models/claude-x@1:streamRawPredict',
    { ...messages, model: undefined, anthropic_version: 'vertex-2023-10-16' },
    ['chat', 'gcp.vertex_ai', 'claude-x@1'],
  ],
  [
    'https://bedrock-runtime.eu-west-1.amazonaws.com/model/eu.anthropic.claude-x-v1%3A0/invoke',
    { ...messages, model: undefined, anthropic_version: 'bedrock-2023-05-31' },
    ['chat', 'aws.bedrock', 'eu.anthropic.claude-x-v1:0'],
  ],
  [
    'https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent?key=k',
    contents,
    ['generate_content', 'gcp.gemini', 'gemini-2.5-flash'],
  ],
  [
    'https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/google/models/gemini-3:streamGenerateContent?alt=sse',
    contents,
    ['generate_content', 'gcp.vertex_ai', 'gemini-3'],
  ],
  [
    'https://aiplatform.eu.rep.googleapis.com/v1/projects/p/locations/eu/publishers/google/models/gemini-3:generateContent',
    contents,
    ['generate_content', 'gcp.vertex_ai', 'gemini-3'],
  ],
  [
    'https://generativelanguage.googleapis.com/v1beta/models/gemini-embedding-001:embedContent',
    { content: { parts: [{ text: 'Hi' }] } },
    ['embeddings', 'gcp.gemini', 'gemini-embedding-001'],
  ],
  [
    'https://generativelanguage.googleapis.com/v1beta/models/gemini-embedding-001:batchEmbedContents',
    { requests: [] },
    ['embeddings', 'gcp.gemini', 'gemini-embedding-001'],
  ],
];

const unknown: [method: string, url: string, body: object | string | undefined][] = [
  ['GET', 'https://api.openai.com/v1/chat/completions', undefined],
  ['GET', 'https://api.openai.com/v1/responses/resp_1', undefined],
  ['DELETE', 'https://api.openai.com/v1/responses', undefined],
  ['POST', 'https://api.openai.com/v1/responses/resp_1/cancel', {}],
  ['POST', 'https://api.openai.com/v1/batches', { endpoint: '/v1/chat/completions' }],
  ['POST', 'https://api.openai.com/v1/files', undefined],
  ['POST', 'https://api.openai.com/v1/chat/completions', { model: 'm' }],
  ['POST', 'https://api.anthropic.com/v1/messages/count_tokens', messages],
  ['POST', 'https://api.anthropic.com/v1/messages/batches', { requests: [] }],
  ['POST', 'https://generativelanguage.googleapis.com/v1beta/models/gemini-3:countTokens', contents],
  ['POST', 'https://generativelanguage.googleapis.com/v1beta/models/gemini-3:batchGenerateContent', {}],
  ['POST', 'https://sms.example/v1/messages', { messages: [{ to: '1', text: 'Hi' }] }],
  ['POST', 'https://sms.example/v1/messages', 'to=1&text=Hi'],
  ['POST', 'https://chat.example/rooms/1/messages', { text: 'Hi' }],
  ['POST', 'https://survey.example/responses', { input: 'yes' }],
  ['POST', 'https://survey.example/responses', undefined],
  ['POST', 'https://api.replicate.com/v1/predictions/p_1/cancel', {}],
  ['POST', 'https://weather.example/v1/predictions', { input: { city: 'Bern' } }],
  ['POST', 'https://example.com/v1/things', chat],
  ['POST', 'https://example.com/', chat],
];

describe('A model call', () => {
  for (const [url, body, [operation, provider, model]] of known) {
    it(`is POST ${url}`, () => {
      const call = readModelCall({ method: 'POST', url: new URL(url), body: JSON.stringify(body) }, { content: false });
      assert.ok(call);
      assert.deepEqual([call.operation, call.provider, call.request.model], [operation, provider, model]);
    });
  }

  for (const [method, url, body] of unknown) {
    it(`is not ${method} ${url} with ${typeof body === 'object' ? JSON.stringify(body) : body}`, () => {
      const text = typeof body === 'object' ? JSON.stringify(body) : body;
      assert.equal(readModelCall({ method, url: new URL(url), body: text }, { content: true }), undefined);
    });
  }

  it('is known by its path alone where the body could not be read', () => {
    for (const [url, operation, model, streaming] of [
      ['https://api.openai.com/v1/chat/completions', 'chat', undefined, false],
      ['https://api.deepseek.com/chat/completions', 'chat', undefined, false],
      ['http://gateway.example/v1/messages', 'chat', undefined, false],
      ['http://gateway.example/v1beta/models/gemini-3:streamGenerateContent', 'generate_content', 'gemini-3', true],
    ] as const) {
      const call = readModelCall({ method: 'post', url: new URL(url), body: undefined }, { content: true });
      assert.ok(call, url);
      assert.deepEqual([call.operation, call.request.model, call.streaming], [operation, model, streaming]);
    }
  });

  it('whose body is too long is known by its path alone', () => {
    const body = JSON.stringify({ ...chat, padding: 'x'.repeat(5 << 20) });
    const call = readModelCall(
      { method: 'POST', url: new URL('https://api.openai.com/v1/chat/completions'), body },
      { content: true },
    );
    assert.equal(call?.operation, 'chat');
    assert.equal(call?.request.model, undefined);
  });

  it('whose JSON is broken is one at a known provider only', () => {
    assert.ok(
      readModelCall(
        { method: 'POST', url: new URL('https://api.openai.com/v1/chat/completions'), body: '{"model":' },
        { content: true },
      ),
    );
    assert.equal(
      readModelCall(
        { method: 'POST', url: new URL('https://gateway.example/v1/chat/completions'), body: '{"model":' },
        { content: true },
      ),
      undefined,
    );
  });

  it('says whether it asked for a stream', () => {
    const url = new URL('https://api.openai.com/v1/chat/completions');
    for (const [stream, streaming] of [
      [true, true],
      [false, false],
      [undefined, false],
      ['yes', false],
    ]) {
      const call = readModelCall(
        { method: 'POST', url, body: JSON.stringify({ ...chat, stream }) },
        { content: false },
      );
      assert.equal(call?.streaming, streaming);
      assert.equal(call?.request.stream ?? false, streaming);
    }
  });

  it('has the openai attributes at OpenAI and Azure only', () => {
    const answer = data({ id: '1', model: 'm', service_tier: 'flex', choices: [{ delta: {}, finish_reason: 'stop' }] });
    const at = (url: string) => modelCall({ url, request: { ...chat, service_tier: 'auto' } });
    const openAi = at('https://api.openai.com/v1/chat/completions');
    assert.deepEqual(openAi.request.extra, {
      'openai.api.type': 'chat_completions',
      'openai.request.service_tier': 'auto',
    });
    assert.deepEqual(read(openAi, [answer]).response.extra, { 'openai.response.service_tier': 'flex' });
    const groq = at('https://api.groq.com/openai/v1/chat/completions');
    assert.equal(groq.request.extra, undefined);
    assert.equal(read(groq, [answer]).response.extra, undefined);
  });
});

describe('An answer', () => {
  const url = 'https://api.openai.com/v1/chat/completions';
  const call = modelCall({ url, request: { ...chat, stream: true } });

  for (const [what, body] of [
    ['nothing', ''],
    ['blanks', ' \n\n '],
    ['HTML', '<!doctype html><html><body>502 Bad Gateway</body></html>'],
    ['half a JSON', '{"id":"chatcmpl-1","choices":[{"index":0,"message":{"content":"Hel'],
    ['text', 'upstream connect error'],
    ['JSON of another shape', '{"ok":true}'],
    ['a JSON null', 'null'],
    ['an empty list', '[]'],
    ['comments only', ': OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n'],
  ] as const) {
    it(`of ${what} is not complete`, () => {
      assert.deepEqual(read(call, [body]).complete, false);
    });
  }

  it('that is JSON is read as JSON, also if a stream was asked for or blanks precede it', () => {
    const body = '\n  \n{"id":"1","model":"m-1","choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}';
    assert.equal(read(call, [body]).complete, true);
    assert.equal(read(call, [body]).response.model, 'm-1');
  });

  it('that is whole is complete once all of its bytes were read, and not before', () => {
    const body = '{"id":"1","choices":[{"message":{"content":"{Hi}"},"finish_reason":"stop"}]}';
    assert.equal(readBrokenOff(call, [`${body}\n`]).complete, true);
    for (let cut = 0; cut < body.length; cut++) {
      assert.equal(readBrokenOff(call, [body.slice(0, cut)]).complete, false, `cut at ${cut}`);
    }
  });

  it('that is too long to be read is complete, and tells nothing', () => {
    const body = JSON.stringify({ id: '1', choices: [{ message: { content: 'x'.repeat(1000) } }] });
    const url = new URL('https://api.openai.com/v1/chat/completions');
    const small = readModelCall({ method: 'POST', url, body: JSON.stringify(chat) }, { content: true, maxLength: 500 });
    assert.ok(small);
    for (const chunks of [[body], body.match(/.{1,99}/g) ?? []]) {
      const answer = read(small, chunks);
      assert.equal(answer.complete, true);
      assert.equal(answer.response.id, undefined);
      assert.deepEqual(answer.usage, {});
      assert.equal(readBrokenOff(small, chunks).complete, false);
    }
  });

  it('whose last event is too long to be read is complete at its end', () => {
    const url = new URL('https://api.openai.com/v1/responses');
    const small = readModelCall(
      { method: 'POST', url, body: JSON.stringify({ ...responses, stream: true }) },
      { content: true, maxLength: 500 },
    );
    assert.ok(small);
    const created = 'event: response.created\ndata: {"type":"response.created","response":{"id":"r","model":"m"}}\n\n';
    const last = `event: response.completed\ndata: {"type":"response.completed","response":{"x":"${'x'.repeat(500)}"}}\n\n`;
    assert.equal(read(small, [created, last]).complete, true);
    assert.equal(read(small, [created]).complete, false);
  });

  it('can be asked for at any time, and is a copy', () => {
    const observer = call.openAnswer();
    const first = observer.answer();
    assert.deepEqual([first.complete, first.usage], [false, {}]);
    observer.chunk(
      new TextEncoder().encode(data({ id: '1', model: 'm', choices: [{ index: 0, delta: { content: 'Hi' } }] })),
    );
    const second = observer.answer();
    second.response.messages?.push({ role: 'x', parts: [] });
    second.usage.inputTokens = 1;
    assert.deepEqual(observer.answer().response.messages, [
      { role: 'assistant', parts: [{ type: 'text', content: 'Hi' }] },
    ]);
    assert.deepEqual(observer.answer().usage, {});
    observer.end();
    observer.end();
    observer.chunk(new TextEncoder().encode('data: [DONE]\n\n'));
    assert.equal(observer.answer().complete, false);
  });

  it('has its text put together up to a bound', () => {
    const chunk = data({ choices: [{ index: 0, delta: { content: 'x'.repeat(100_000) } }] });
    const answer = read(
      call,
      Array.from({ length: 50 }, () => chunk),
    );
    const [part] = answer.response.messages?.[0]?.parts ?? [];
    assert.equal((part as { content: string }).content.length, (1 << 20) - 64);
  });

  it('has a bounded number of choices and parts', () => {
    const calls = Array.from({ length: 1000 }, (_, index) => ({ index, id: `c${index}`, function: { name: 'f' } }));
    const chunks = Array.from({ length: 300 }, (_, index) =>
      data({ choices: [{ index, delta: { tool_calls: calls } }] }),
    );
    const messages = read(call, chunks).response.messages ?? [];
    assert.equal(messages.length, 128);
    assert.ok(messages.flatMap(({ parts }) => parts).length <= (1 << 20) / 64);
  });

  it('has no counter that is not one', () => {
    const usage =
      '{"prompt_tokens":1e999,"completion_tokens":"7","total_tokens":-3,"prompt_tokens_details":{"cached_tokens":-1}}';
    const answer = read(call, [`{"choices":[],"usage":${usage}}`]);
    assert.deepEqual(answer.usage, {});
  });
});

describe('The code of an error body', () => {
  const table: [provider: string, body: unknown, expected: { code?: string; message?: string }][] = [
    [
      'OpenAI',
      { error: { message: 'Slow down', type: 'requests', param: null, code: 'rate_limit_exceeded' } },
      { code: 'rate_limit_exceeded', message: 'Slow down' },
    ],
    [
      'OpenAI, without a code',
      { error: { message: 'No', type: 'invalid_request_error', param: null, code: null } },
      { code: 'invalid_request_error', message: 'No' },
    ],
    [
      'Anthropic',
      { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' }, request_id: 'req_1' },
      { code: 'overloaded_error', message: 'Overloaded' },
    ],
    [
      'Gemini',
      { error: { code: 429, message: 'Quota', status: 'RESOURCE_EXHAUSTED', details: [] } },
      { code: 'RESOURCE_EXHAUSTED', message: 'Quota' },
    ],
    [
      "Gemini's list",
      [{ error: { code: 503, message: 'Busy', status: 'UNAVAILABLE' } }],
      { code: 'UNAVAILABLE', message: 'Busy' },
    ],
    ['OpenRouter', { error: { code: 402, message: 'Credits' }, user_id: 'u' }, { code: '402', message: 'Credits' }],
    [
      'vLLM',
      { object: 'error', message: 'Too long', type: 'BadRequestError', param: null, code: 400 },
      { code: 'BadRequestError', message: 'Too long' },
    ],
    ['xAI, whose codes are sentences', { code: 'Invalid argument', error: 'Bad key' }, { message: 'Bad key' }],
    ['Ollama', { error: 'model not found' }, { message: 'model not found' }],
    ['FastAPI', { detail: 'Not Found' }, { message: 'Not Found' }],
    ['no provider', {}, {}],
    ['no error', { error: null }, {}],
  ];

  for (const [provider, body, expected] of table) {
    it(`is read as ${provider} has it`, () => {
      assert.deepEqual(readErrorCode(JSON.stringify(body)), expected);
    });
  }

  it('is none where the body is no JSON', () => {
    for (const body of ['', '<html>', '{"error":', 'null', '[]', '[1]', '"x"'])
      assert.deepEqual(readErrorCode(body), {});
  });

  it('is no long text', () => {
    assert.deepEqual(readErrorCode(JSON.stringify({ error: { type: 'x'.repeat(600) } })), {});
  });
});
