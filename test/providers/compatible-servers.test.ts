/** What compatible servers write differently: errors, finish reasons, ends, usage, tool calls. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { data, modelCall, named, read, readBrokenOff } from './recorded.js';
import { record } from './wire.js';

const PATHS = { chat: '/v1/chat/completions', responses: '/v1/responses', messages: '/v1/messages' };
const REQUESTS = {
  chat: { model: 'm', stream: true, messages: [{ role: 'user', content: 'Hi' }] },
  responses: { model: 'm', stream: true, input: 'Hi' },
  messages: { model: 'm', stream: true, max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] },
};
type Format = keyof typeof PATHS;

function callOf(format: Format, content: boolean) {
  return modelCall({ url: `https://gateway.example${PATHS[format]}`, request: REQUESTS[format] }, content);
}

const chunk = (delta: object, rest: object = {}) => ({
  id: 'c',
  object: 'chat.completion.chunk',
  model: 'm',
  choices: [{ index: 0, delta, finish_reason: null, ...rest }],
});
const hello = data(chunk({ role: 'assistant', content: 'Hi' }));
const ended = (reason: unknown, rest: object = {}) => data(chunk({}, { finish_reason: reason, ...rest }));
const done = data('[DONE]');
const whole = (choice: object, rest: object = {}) =>
  JSON.stringify({ id: 'c', model: 'm', choices: [{ index: 0, message: { content: 'Hi' }, ...choice }], ...rest });

const created = named({ type: 'response.created', response: { id: 'r', status: 'in_progress', output: [] } });
const words = named({ type: 'response.output_text.delta', output_index: 0, delta: 'Hi' });
const message = named(
  { type: 'message_start', message: { id: 'm1', model: 'm', content: [], usage: { input_tokens: 3 } } },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } },
);
const stop = named({ type: 'message_stop' });

const failures: [name: string, format: Format, body: string, code: string][] = [
  [
    'event: error with a sentence',
    'chat',
    `${hello}event: error\ndata: upstream went away\n\n${done}`,
    'provider_error',
  ],
  ['event: error with a code', 'chat', `${hello}event: error\ndata: upstream_gone\n\n${done}`, 'upstream_gone'],
  ['event: error with a JSON text', 'chat', `${hello}event: error\ndata: "went away"\n\n${done}`, 'provider_error'],
  ['event: error without data', 'chat', `${hello}event: error\n\n${done}`, 'provider_error'],
  ['event: error with an object', 'chat', `${hello}event: error\ndata: {"code":"busy"}\n\n${done}`, 'busy'],
  ['event: error with nothing in it', 'chat', `${hello}event: error\ndata: {}\n\n${done}`, 'provider_error'],
  ['plain text in a gateway', 'chat', `${hello}data: [ERROR] timed out\n\n${done}`, 'provider_error'],
  [
    'llama.cpp, until 2025',
    'chat',
    `${hello}error: {"code":500,"message":"No","type":"server_error"}\n\n`,
    'server_error',
  ],
  ['Ollama, without data:', 'chat', `${hello}{"error":{"message":"No","type":"api_error","code":null}}\n`, 'api_error'],
  ['Ollama, as a text', 'chat', hello + data({ error: 'model runner has stopped' }), 'provider_error'],
  [
    'vLLM',
    'chat',
    hello + data({ object: 'error', message: 'No', type: 'BadRequestError', code: 400 }) + done,
    'BadRequestError',
  ],
  [
    'vLLM, newer',
    'chat',
    hello + data({ error: { message: 'No', type: 'InternalServerError', code: 500 } }) + done,
    'InternalServerError',
  ],
  ['vLLM, aborted', 'chat', hello + ended('abort') + done, 'abort'],
  ['vLLM, with a finish reason only', 'chat', hello + ended('error') + done, 'provider_error'],
  ['SGLang', 'chat', hello + ended({ type: 'abort', message: 'No', err_type: 'BadRequestError' }) + done, 'abort'],
  ['TGI', 'chat', hello + data({ error: 'Model is overloaded', error_type: 'overloaded' }), 'overloaded'],
  ['TensorRT-LLM', 'chat', hello + ended('timeout') + done, 'timeout'],
  ['FastChat', 'chat', data({ text: 'NETWORK ERROR', error_code: 50002 }) + done, '50002'],
  [
    'Groq',
    'chat',
    `${hello}event: error\n${data({ error: { message: 'No', type: 'invalid_request_error', code: 'tool_use_failed' } })}`,
    'tool_use_failed',
  ],
  [
    'Groq, in its own object',
    'chat',
    hello + data({ ...chunk({}), x_groq: { id: 'r', error: 'over_capacity' } }) + done,
    'over_capacity',
  ],
  [
    'Mistral',
    'chat',
    hello + data({ object: 'error', message: { detail: [{ msg: 'No' }] }, type: 'invalid_request_error', code: null }),
    'invalid_request_error',
  ],
  ['Mistral, with a finish reason only', 'chat', whole({ finish_reason: 'error' }), 'provider_error'],
  [
    'OpenRouter, with the last chunk',
    'chat',
    hello +
      data({
        ...chunk({ content: '' }, { finish_reason: 'error' }),
        error: { code: 'server_error', message: 'Disconnected' },
      }),
    'server_error',
  ],
  [
    'OpenRouter, after the last chunk',
    'chat',
    hello + ended('error') + data({ error: { code: 502, message: 'No' }, choices: [] }) + done,
    '502',
  ],
  ['OpenRouter, in a choice', 'chat', whole({ finish_reason: 'error', error: { code: 429, message: 'No' } }), '429'],
  [
    'LiteLLM',
    'chat',
    hello + data({ error: { message: 'No', type: 'None', param: 'None', code: '529' } }) + done,
    '529',
  ],
  [
    'LiteLLM, without any code',
    'chat',
    hello + data({ error: { message: 'No', type: 'None', code: 'None' } }) + done,
    'provider_error',
  ],
  [
    'Together',
    'chat',
    hello + data({ error: { message: 'No', type: 'server_error', code: null } }) + done,
    'server_error',
  ],
  [
    'Azure',
    'chat',
    hello + data({ error: { code: 'InternalServerError', message: 'No', innererror: { code: 'x' } } }),
    'InternalServerError',
  ],
  ['DeepSeek', 'chat', hello + ended('insufficient_system_resource') + done, 'insufficient_system_resource'],
  ['Zhipu', 'chat', hello + ended('network_error') + done, 'network_error'],
  ['Zhipu, as a body', 'chat', JSON.stringify({ error: { code: '1301', message: 'No' } }), '1301'],
  ['MiniMax', 'chat', data({ id: 'c', choices: null, base_resp: { status_code: 1004, status_msg: 'No' } }), '1004'],
  ['MiniMax, beside content', 'chat', whole({}, { base_resp: { status_code: 1027, status_msg: 'No' } }), '1027'],
  [
    'DashScope',
    'chat',
    `event:error\ndata:{"code":"DataInspectionFailed","message":"No","request_id":"r"}\n\n`,
    'DataInspectionFailed',
  ],
  [
    'Cerebras',
    'chat',
    hello + data({ message: 'No', type: 'server_error', param: '', code: 'queue_exceeded' }),
    'queue_exceeded',
  ],
  [
    'Cloudflare',
    'chat',
    JSON.stringify({ success: false, result: null, errors: [{ code: 7003, message: 'No' }] }),
    '7003',
  ],
  ["Cloudflare's gateway", 'chat', JSON.stringify({ success: false, error: [{ code: 2005, message: 'No' }] }), '2005'],
  ['Hugging Face', 'chat', JSON.stringify({ error: ['Model too busy'], warnings: [] }), 'provider_error'],
  ['FastAPI', 'chat', hello + data({ detail: 'Internal Server Error' }) + done, 'provider_error'],
  [
    'FastAPI, as an object',
    'chat',
    hello + data({ detail: { code: 'model_overloaded', message: 'No' } }) + done,
    'model_overloaded',
  ],
  [
    'FastAPI, with an error in the details',
    'chat',
    JSON.stringify({ detail: { error: { type: 'rate_limit_error', message: 'No' } } }),
    'rate_limit_error',
  ],
  [
    'FastAPI, as a list',
    'chat',
    JSON.stringify({ detail: [{ loc: ['body'], msg: 'No', type: 'missing' }] }),
    'provider_error',
  ],
  ['NVIDIA', 'chat', JSON.stringify({ type: 'about:blank', title: 'Bad', status: 503, detail: 'No' }), 'about:blank'],
  ['Baidu', 'chat', JSON.stringify({ error_code: 336000, error_msg: 'No', id: 'c' }), '336000'],
  ['Baichuan', 'chat', JSON.stringify({ code: 10101, msg: 'No' }), '10101'],
  ['xAI', 'chat', JSON.stringify({ code: 'The service is down', error: 'No' }), 'provider_error'],
  ['AWS', 'chat', JSON.stringify({ __type: 'com.amazon#ThrottlingException', message: 'No' }), 'ThrottlingException'],
  ['a code that is a sentence', 'chat', data({ error: { code: 'It broke.', message: 'No' } }), 'provider_error'],
  ['a code that is too long', 'chat', data({ error: { code: 'x'.repeat(65), message: 'No' } }), 'provider_error'],
  ['a code of 64 characters', 'chat', data({ error: { code: 'x'.repeat(64), message: 'No' } }), 'x'.repeat(64)],
  ['an error before any content', 'chat', data({ error: { code: 'no_worker' } }) + done, 'no_worker'],
  [
    'the second of two choices failed',
    'chat',
    hello + ended('stop') + ended('network_error', { index: 1 }) + done,
    'network_error',
  ],
  [
    'a Responses error without a type',
    'responses',
    created + data({ error: { code: 'upstream_failed' } }),
    'upstream_failed',
  ],
  ['a Responses error as a text', 'responses', created + data({ error: 'upstream died' }) + done, 'provider_error'],
  [
    'a Responses error beside a delta',
    'responses',
    created + named({ type: 'response.output_text.delta', output_index: 0, delta: '', error: { code: 'gone' } }),
    'gone',
  ],
  [
    'a Responses error event with a sentence',
    'responses',
    `${created}event: error\ndata: went away\n\n`,
    'provider_error',
  ],
  ['a Responses error event, bare', 'responses', created + data({ message: 'No', code: 'busy' }), 'busy'],
  [
    'a Responses stream that failed after its text',
    'responses',
    created +
      words +
      named({ type: 'response.failed', response: { status: 'failed', error: { code: 'server_error' } } }),
    'server_error',
  ],
  ['a Responses body with a detail', 'responses', JSON.stringify({ detail: 'No' }), 'provider_error'],
  ['a Messages error as a text', 'messages', message + data({ error: 'went away' }) + stop, 'provider_error'],
  [
    'a Messages error event with a sentence',
    'messages',
    `${message}event: error\ndata: went away\n\n${stop}`,
    'provider_error',
  ],
  ['a Messages error, bare', 'messages', message + data({ code: 'busy', message: 'No' }) + stop, 'busy'],
  [
    'a Messages stop reason that means failure',
    'messages',
    message + named({ type: 'message_delta', delta: { stop_reason: 'network_error' } }) + stop,
    'network_error',
  ],
  ['a Messages body of MiniMax', 'messages', JSON.stringify({ content: [], base_resp: { status_code: 1008 } }), '1008'],
  [
    "Gemini's endpoint, with a reason of its own",
    'chat',
    hello + ended('function_call_filter: MALFORMED_FUNCTION_CALL') + done,
    'MALFORMED_FUNCTION_CALL',
  ],
  [
    "Gemini's endpoint, in a list",
    'chat',
    hello + data([{ error: { code: 503, message: 'No', status: 'UNAVAILABLE' } }]) + done,
    'UNAVAILABLE',
  ],
  [
    "Google's gateway, over several lines",
    'chat',
    `${hello}${JSON.stringify({ error: { code: 503, status: 'UNAVAILABLE' } }, null, 2)}\n`,
    'UNAVAILABLE',
  ],
  ['an error in the error of a gateway', 'chat', hello + data({ error: { error: { code: 'busy' } } }) + done, 'busy'],
  ['an error that is a status code', 'chat', hello + data({ error: 502 }) + done, '502'],
  ['event: exception', 'chat', `${hello}event: exception\ndata: upstream went away\n\n${done}`, 'provider_error'],
  ['an error as a JSON text', 'chat', hello + data('"Error: upstream went away"') + done, 'provider_error'],
  [
    'Databricks',
    'chat',
    JSON.stringify({ error_code: 'REQUEST_LIMIT_EXCEEDED', message: 'No' }),
    'REQUEST_LIMIT_EXCEEDED',
  ],
  ['Azure API Management', 'chat', JSON.stringify({ statusCode: 429, message: 'No' }), '429'],
  [
    'Apigee',
    'chat',
    JSON.stringify({ fault: { faultstring: 'No', detail: { errorcode: 'policies.ratelimit.QuotaViolation' } } }),
    'policies.ratelimit.QuotaViolation',
  ],
  ['a code in camel case', 'chat', JSON.stringify({ errorCode: 'Throttled', errorMessage: 'No' }), 'Throttled'],
  ['a Responses error in a list', 'responses', created + data([{ error: { code: 'busy' } }]) + done, 'busy'],
  [
    'response.error',
    'responses',
    created + words + named({ type: 'response.error', code: 'upstream_busy', message: 'No' }),
    'upstream_busy',
  ],
  [
    'response.error with a response',
    'responses',
    created + words + named({ type: 'response.error', response: { error: { code: 'upstream_busy' } } }),
    'upstream_busy',
  ],
  [
    'response.failed of Perplexity',
    'responses',
    created + named({ type: 'response.failed', error: { code: 'no_worker', message: 'No' } }),
    'no_worker',
  ],
  [
    'response.failed with a last error',
    'responses',
    created + named({ type: 'response.failed', response: { status: 'failed', last_error: { code: 'no_quota' } } }),
    'no_quota',
  ],
  [
    'response.done of a response that failed',
    'responses',
    created +
      named({
        type: 'response.done',
        response: {
          status: 'failed',
          status_details: { type: 'failed', error: { type: 'server_error', code: 'gone' } },
        },
      }),
    'gone',
  ],
  ['a Messages error in a list', 'messages', message + data([{ error: { code: 'busy' } }]) + stop, 'busy'],
  ['nothing but [DONE]', 'chat', done, 'invalid_response'],
  ['usage and [DONE]', 'chat', data({ id: 'c', choices: [], usage: { prompt_tokens: 1 } }) + done, 'invalid_response'],
  ['nothing but [DONE], of Responses', 'responses', done, 'invalid_response'],
  ['nothing but message_stop', 'messages', stop, 'invalid_response'],
  ['content without an end', 'chat', hello, 'invalid_response'],
  ['a body of another shape', 'chat', '{"ok":true}', 'invalid_response'],
];

const successes: [name: string, format: Format, body: string][] = [
  ...[
    'length',
    'content_filter',
    'sensitive',
    'refusal',
    'safety',
    'SAFETY',
    'eos',
    'model_length',
    'COMPLETE',
    'repetition',
  ].map((reason): [string, Format, string] => [`the finish reason ${reason}`, 'chat', hello + ended(reason) + done]),
  ['an unknown finish reason', 'chat', hello + ended('tired_of_it') + done],
  ["a filter of Gemini's endpoint", 'chat', hello + ended('content_filter: PROHIBITED_CONTENT') + done],
  ['content, no reason, and [DONE]', 'chat', hello + done],
  ['a reason and no [DONE]', 'chat', hello + ended('stop')],
  ['[DONE] as a JSON text', 'chat', hello + data('"[DONE]"')],
  [
    'MiniMax, without an error',
    'chat',
    whole({ finish_reason: 'stop' }, { base_resp: { status_code: 0, status_msg: '' } }),
  ],
  ['Spark, without an error', 'chat', whole({ finish_reason: 'stop' }, { code: 0, message: 'Success' })],
  ['an error field that is null', 'chat', whole({ finish_reason: 'stop', error: null }, { error: null, errors: [] })],
  [
    "Azure, with its filter's own error",
    'chat',
    whole(
      { finish_reason: 'stop', content_filter_results: { error: { code: 'content_filter_error', message: 'No' } } },
      { prompt_filter_results: [{ prompt_index: 0 }] },
    ),
  ],
  [
    'Azure, with its asynchronous filter',
    'chat',
    data({ id: '', model: '', choices: [], prompt_filter_results: [] }) +
      hello +
      ended('stop') +
      data({
        id: '',
        choices: [
          { index: 0, finish_reason: null, content_filter_offsets: { start_offset: 0 }, content_filter_results: {} },
        ],
      }) +
      done,
  ],
  [
    'text that looks like an error',
    'chat',
    data(chunk({ role: 'assistant', content: '{"error":{"code":"x"}}' })) + ended('stop') + done,
  ],
  [
    'an event that says nothing of an error',
    'chat',
    data({ type: 'ping' }) + hello + data({ status: 'processing' }) + ended('stop') + done,
  ],
  ['OpenRouter, processing', 'chat', `: OPENROUTER PROCESSING\n\n${hello}${ended('stop')}${done}`],
  [
    'response.done',
    'responses',
    created + words + named({ type: 'response.done', response: { id: 'r', status: 'completed' } }),
  ],
  [
    'response.incomplete',
    'responses',
    created +
      words +
      named({
        type: 'response.incomplete',
        response: { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
      }),
  ],
  ['output and [DONE], of Responses', 'responses', created + words + done],
  ['a refusal', 'messages', message + named({ type: 'message_delta', delta: { stop_reason: 'refusal' } }) + stop],
  [
    'a paused turn',
    'messages',
    message + named({ type: 'message_delta', delta: { stop_reason: 'pause_turn' } }) + stop,
  ],
];

describe('A 2xx that reports an error is an error:', () => {
  for (const [name, format, body, code] of failures) {
    it(name, async () => {
      const { step, attempt, run } = await record({ path: PATHS[format], request: REQUESTS[format], body });
      assert.deepEqual([step['runtrace.status'], step['error.type']], ['error', code]);
      assert.deepEqual([attempt['runtrace.attempt.status'], attempt['error.type']], ['failed', code]);
      assert.equal(run['runtrace.run.has_error'], true);
    });
  }
});

describe('An answer that is none of these is completed:', () => {
  for (const [name, format, body] of successes) {
    it(name, async () => {
      const { step } = await record({ path: PATHS[format], request: REQUESTS[format], body });
      assert.deepEqual([step['runtrace.status'], step['error.type']], ['completed', undefined]);
    });
  }
});

describe('Cut at every byte, with and without content, the same is read of', () => {
  const bodies = [...failures.map(([name, format, body]) => [name, format, body] as const), ...successes];
  for (const [name, format, body] of bodies) {
    it(name, () => {
      const bytes = new TextEncoder().encode(body);
      const { complete, error, usage } = read(callOf(format, true), [bytes]);
      for (const content of [true, false]) {
        const call = callOf(format, content);
        for (let cut = 0; cut <= bytes.length; cut++) {
          const answer = read(call, [bytes.subarray(0, cut), bytes.subarray(cut)]);
          assert.deepEqual([answer.complete, answer.error, answer.usage], [complete, error, usage], `cut at ${cut}`);
        }
      }
    });
  }
});

describe('A consumer that stops reading', () => {
  /** Reads until it has received `text`, and cancels the body. */
  const until = (text: string) => async (response: Response) => {
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    for (let received = ''; !received.includes(text); ) {
      const { value, done } = (await reader?.read()) ?? { value: '', done: true };
      assert.ok(!done, `the body ended before ${text}`);
      received += value;
    }
    await reader?.cancel();
  };
  const status = async (format: Format, body: string, text: string, request: object = REQUESTS[format]) => {
    const { step } = await record({ path: PATHS[format], request, body }, until(text));
    return step['runtrace.status'];
  };
  // The end comes in a later chunk than what is read, so that the body is still open when it is cancelled.
  const rest = `${': '.padEnd(200_000, '.')}\n\n`;

  it('after every finish reason has an answer, and before it has none', async () => {
    assert.equal(await status('chat', hello + ended('stop') + rest + done, '"stop"'), 'completed');
    assert.equal(await status('chat', hello + rest + ended('stop') + done, 'Hi'), 'interrupted');
  });

  it('after the first of two finish reasons has none', async () => {
    const two = { ...REQUESTS.chat, n: 2 };
    const second = ended('length', { index: 1 });
    assert.equal(await status('chat', hello + ended('stop') + rest + second + done, '"stop"', two), 'interrupted');
    assert.equal(await status('chat', hello + ended('stop') + second + rest + done, '"length"', two), 'completed');
  });

  it('after the stop reason of a message has an answer, also before message_stop', async () => {
    const delta = named({ type: 'message_delta', delta: { stop_reason: 'end_turn' } });
    assert.equal(await status('messages', message + delta + rest + stop, 'end_turn'), 'completed');
    assert.equal(await status('messages', message + rest + delta + stop, 'Hi'), 'interrupted');
  });

  it('after response.done has an answer', async () => {
    const end = named({ type: 'response.done', response: { status: 'completed' } });
    assert.equal(await status('responses', created + words + end + rest, 'response.done'), 'completed');
  });

  it('after the last event of any other format has an answer, and before it has none', async () => {
    const gemini = { contents: [{ parts: [{ text: 'Hi' }] }] };
    const part = (finishReason?: string) =>
      data({ candidates: [{ content: { parts: [{ text: 'Hi' }] }, finishReason }] });
    const words = (finish_reason: string | null) =>
      data({ id: 'c', choices: [{ index: 0, text: 'Hi', finish_reason }] });
    const line = (done: boolean) => `${JSON.stringify({ model: 'm', message: { content: 'Hi' }, done })}\n`;
    const event = (type: string) => named({ type, id: 'c', delta: { finish_reason: 'COMPLETE' } });
    const formats: [path: string, request: object, first: string, last: string, mark: string, rest: string][] = [
      ['/v1beta/models/g:streamGenerateContent', gemini, part(), part('STOP'), 'STOP', rest],
      ['/v1/completions', { model: 'm', prompt: 'Hi', stream: true }, words(null), words('stop'), '"stop"', rest],
      ['/api/chat', { model: 'm', messages: [] }, line(false), line(true), 'true', ' '.repeat(200_000)],
      ['/v2/chat', { ...REQUESTS.chat }, event('message-start'), event('message-end'), 'message-end', rest],
    ];
    for (const [path, request, first, last, mark, more] of formats) {
      const left = await record({ path, request, body: first + last + more }, until(mark));
      assert.equal(left.step['runtrace.status'], 'completed', path);
      const early = await record({ path, request, body: first + more + last }, until(first.slice(0, 9)));
      assert.equal(early.step['runtrace.status'], 'interrupted', path);
    }
  });

  it('after all bytes of a JSON answer has an answer', async () => {
    const body = whole({ finish_reason: 'stop' });
    for (const sent of [body, `${body}\n`]) assert.equal(await status('chat', sent, '"stop"}]}'), 'completed');
    const response = JSON.stringify({ id: 'r', status: 'completed', output: [] });
    assert.equal(await status('responses', response, '"output":[]}'), 'completed');
  });

  it('before the last byte of a JSON answer has none', () => {
    const body = whole({ finish_reason: 'stop' });
    assert.equal(readBrokenOff(callOf('chat', false), [body.slice(0, -1)]).complete, false);
  });
});

describe('Usage is read', () => {
  const usage = { prompt_tokens: 20, completion_tokens: 5, total_tokens: 25 };
  const expected = { inputTokens: 20, outputTokens: 5 };
  const places: [name: string, body: string, expected: object][] = [
    [
      "in Moonshot's last choice",
      hello + ended('stop', { usage: { ...usage, cached_tokens: 8 } }) + done,
      { ...expected, cacheReadTokens: 8 },
    ],
    ['in a choice of a whole answer', whole({ finish_reason: 'stop', usage }), expected],
    [
      'beside the choices, which counts',
      hello + data({ ...chunk({}, { finish_reason: 'stop', usage: { prompt_tokens: 1 } }), usage }) + done,
      expected,
    ],
    [
      "in Groq's own object",
      hello + data({ ...chunk({}, { finish_reason: 'stop' }), x_groq: { usage } }) + done,
      expected,
    ],
    [
      "in llama.cpp's timings",
      hello +
        data({ ...chunk({}, { finish_reason: 'stop' }), timings: { prompt_n: 12, cache_n: 8, predicted_n: 5 } }) +
        done,
      { ...expected, cacheReadTokens: 8 },
    ],
    [
      'where DashScope counts what it wrote to the cache',
      whole(
        { finish_reason: 'stop' },
        { usage: { ...usage, prompt_tokens_details: { cached_tokens: 2, cache_creation_input_tokens: 3 } } },
      ),
      { ...expected, cacheReadTokens: 2, cacheWriteTokens: 3 },
    ],
    [
      'where Mistral counts what it read from the cache',
      whole({ finish_reason: 'stop' }, { usage: { ...usage, num_cached_tokens: 8 } }),
      { ...expected, cacheReadTokens: 8 },
    ],
    [
      'in the names that LiteLLM took over from Anthropic',
      whole(
        { finish_reason: 'stop' },
        { usage: { ...usage, cache_read_input_tokens: 8, cache_creation_input_tokens: 3 } },
      ),
      { ...expected, cacheReadTokens: 8, cacheWriteTokens: 3 },
    ],
    [
      'in the names of Anthropic, at a gateway',
      whole({ finish_reason: 'stop' }, { usage: { input_tokens: 20, output_tokens: 5 } }),
      expected,
    ],
    [
      "with the thoughts that Gemini's endpoint counts in the total only",
      whole({ finish_reason: 'stop' }, { model: 'gemini-2.5-flash', usage: { ...usage, total_tokens: 125 } }),
      { ...expected, outputTokens: 105, reasoningTokens: 100 },
    ],
    [
      'in each of two choices, which have one prompt',
      hello + ended('stop', { usage }) + ended('stop', { index: 1, usage: { ...usage, completion_tokens: 7 } }) + done,
      { inputTokens: 20, outputTokens: 12 },
    ],
    [
      'not in a later chunk whose usage has no counters',
      hello + ended('stop', {}) + data({ id: 'c', choices: [], usage }, { id: 'c', choices: [], usage: {} }) + done,
      expected,
    ],
    [
      'in every chunk, of which the last counts',
      data(
        { ...chunk({ role: 'assistant' }), usage: { ...usage, completion_tokens: 1 } },
        { ...chunk({}, { finish_reason: 'stop' }), usage },
      ) + done,
      expected,
    ],
  ];
  for (const [name, body, expected] of places) {
    it(name, () => {
      for (const content of [true, false]) assert.deepEqual(read(callOf('chat', content), [body]).usage, expected);
    });
  }

  it('of the embeddings of Voyage, which has a total only', () => {
    const call = modelCall({ url: 'https://api.voyageai.com/v1/embeddings', request: { model: 'm', input: 'Hi' } });
    const body = JSON.stringify({ object: 'list', data: [{ embedding: [1] }], usage: { total_tokens: 7 } });
    assert.deepEqual(read(call, [body]).usage, { inputTokens: 7 });
  });

  const iteration = (type: string, input_tokens: number, output_tokens: number, rest: object = {}) => ({
    ...{ type, input_tokens, output_tokens, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 },
    ...rest,
  });
  const anthropic = (given: object) => {
    const head = { id: 'm1', type: 'message', role: 'assistant', model: 'm', stop_reason: 'end_turn', content: [] };
    const start = { type: 'message_start', message: { ...head, stop_reason: null, usage: { input_tokens: 1 } } };
    const delta = { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: given };
    const streamed = read(callOf('messages', false), [named(start, delta, { type: 'message_stop' })]);
    const body = read(callOf('messages', false), [JSON.stringify({ ...head, usage: given })]);
    assert.deepEqual(streamed.usage, body.usage);
    return body.usage;
  };

  it('with the compactions of Anthropic, which its own sums leave out', () => {
    const iterations = [iteration('compaction', 180_000, 3500), iteration('message', 23_000, 1000)];
    const counted = anthropic({ input_tokens: 23_000, output_tokens: 1000, iterations });
    assert.deepEqual([counted.inputTokens, counted.outputTokens], [203_000, 4500]);
  });

  it('with two compactions, and what the cache had of them', () => {
    const iterations = [
      iteration('compaction', 100, 10, { cache_read_input_tokens: 900 }),
      iteration('message', 20, 2),
      iteration('compaction', 200, 20),
      iteration('message', 30, 3),
    ];
    const given = { input_tokens: 50, output_tokens: 5, cache_read_input_tokens: 0, iterations };
    const counted = anthropic(given);
    assert.deepEqual(counted, { inputTokens: 1250, outputTokens: 35, cacheReadTokens: 900, cacheWriteTokens: 0 });
  });

  it('once for the turns of a server tool, which the sums have', () => {
    const iterations = [iteration('message', 100, 10), iteration('message', 150, 20)];
    const counted = anthropic({ input_tokens: 250, output_tokens: 30, iterations });
    assert.deepEqual([counted.inputTokens, counted.outputTokens], [250, 30]);
  });

  it('with an advisor, and without the models that declined', () => {
    const iterations = [
      iteration('message', 412, 7, { model: 'first' }),
      iteration('message', 100, 10, { model: 'second' }),
      iteration('advisor_message', 1000, 50, { model: 'advisor' }),
      iteration('fallback_message', 120, 30, { model: 'second' }),
    ];
    const counted = anthropic({ input_tokens: 632, output_tokens: 47, iterations });
    assert.deepEqual([counted.inputTokens, counted.outputTokens], [1220, 90]);
  });

  it('without iterations that are null', () => {
    assert.equal(anthropic({ input_tokens: 5, output_tokens: 1, iterations: null }).inputTokens, 5);
  });
});

describe('Tool calls are told apart', () => {
  const deltas = (...calls: object[]) =>
    hello + data(...calls.map((call) => chunk({ tool_calls: [call] }))) + ended('tool_calls') + done;
  const call = (name: string, args: unknown, id?: string) => ({
    type: 'tool_call',
    ...(id !== undefined && { id }),
    name,
    arguments: args,
  });
  const cases: [name: string, body: string, expected: object[]][] = [
    [
      'by their ids, where all have the index 0',
      deltas(
        { index: 0, id: 'a', function: { name: 'f', arguments: '{"x":' } },
        { index: 0, function: { arguments: '1}' } },
        { index: 0, id: 'b', function: { name: 'g', arguments: '' } },
        { index: 0, function: { arguments: '{"y":2}' } },
      ),
      [call('f', { x: 1 }, 'a'), call('g', { y: 2 }, 'b')],
    ],
    [
      'by their ids, in one chunk',
      hello +
        data(
          chunk({
            tool_calls: [
              { index: 0, id: 'a', function: { name: 'f', arguments: '{}' } },
              { index: 0, id: 'b', function: { name: 'f', arguments: '{}' } },
            ],
          }),
        ) +
        done,
      [call('f', {}, 'a'), call('f', {}, 'b')],
    ],
    [
      'by their ids, interleaved',
      deltas(
        { index: 0, id: 'a', function: { name: 'f', arguments: '[' } },
        { index: 0, id: 'b', function: { name: 'g', arguments: '[' } },
        { index: 0, id: 'a', function: { arguments: '1]' } },
        { index: 0, id: 'b', function: { arguments: '2]' } },
      ),
      [call('f', [1], 'a'), call('g', [2], 'b')],
    ],
    [
      'without an index, whole, each in its chunk',
      deltas(
        { id: 'a', function: { name: 'f', arguments: '{}' } },
        { id: 'b', function: { name: 'g', arguments: '{}' } },
      ),
      [call('f', {}, 'a'), call('g', {}, 'b')],
    ],
    [
      'without index and id, once the arguments are complete',
      deltas({ function: { name: 'f', arguments: '{"x":1}' } }, { function: { name: 'f', arguments: '{"x":2}' } }),
      [call('f', { x: 1 }), call('f', { x: 2 })],
    ],
    [
      'by their names, where the first has neither id nor arguments',
      deltas(
        { index: 0, function: { name: 'f', arguments: '' } },
        { index: 0, function: { name: 'g', arguments: '{"x":1}' } },
      ),
      [{ type: 'tool_call', name: 'f' }, call('g', { x: 1 })],
    ],
    [
      'by an index that is a text',
      deltas(
        { index: '0', id: 'a', function: { name: 'f', arguments: '{' } },
        { index: '1', id: 'b', function: { name: 'g', arguments: '{' } },
        { index: '0', function: { arguments: '}' } },
        { index: '1', function: { arguments: '}' } },
      ),
      [call('f', {}, 'a'), call('g', {}, 'b')],
    ],
    [
      'by their indices, where all have the same id',
      deltas(
        { index: 0, id: 'a', function: { name: 'f', arguments: '{}' } },
        { index: 1, id: 'a', function: { name: 'g', arguments: '{}' } },
      ),
      [call('f', {}, 'a'), call('g', {}, 'a')],
    ],
    [
      'with arguments that are an object (Mistral)',
      deltas({ index: 0, id: 'a', function: { name: 'f', arguments: { x: 1 } } }),
      [call('f', { x: 1 }, 'a')],
    ],
    [
      'but not where each delta repeats the id and the name',
      deltas(
        { index: 0, id: 'a', function: { name: 'f', arguments: '{"x"' } },
        { index: 0, id: 'a', function: { name: 'f', arguments: ':1}' } },
      ),
      [call('f', { x: 1 }, 'a')],
    ],
    [
      'but not where each delta has a new id and no name',
      deltas(
        { index: 0, id: 'a', function: { name: 'f', arguments: '{"x"' } },
        { index: 0, id: 'b', function: { name: null, arguments: ':1}' } },
      ),
      [call('f', { x: 1 }, 'a')],
    ],
    [
      'but not where later deltas have an empty id',
      deltas(
        { index: 0, id: 'a', function: { name: 'f', arguments: '{"x"' } },
        { index: 0, id: '', function: { name: '', arguments: ':1}' } },
      ),
      [call('f', { x: 1 }, 'a')],
    ],
  ];
  for (const [name, body, expected] of cases) {
    it(name, () => {
      const { response } = read(callOf('chat', true), [body]);
      assert.deepEqual(response.messages?.[0]?.parts.slice(1), expected);
    });
  }

  it('by content blocks that begin with the same index', () => {
    const block = (id: string) => [
      { type: 'content_block_start', index: 0, content_block: { type: 'tool_use', id, name: 'f', input: {} } },
      { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '{}' } },
    ];
    const body = message + named(...block('a'), ...block('b')) + stop;
    const parts = read(callOf('messages', true), [body]).response.messages?.[0]?.parts;
    assert.deepEqual(parts, [{ type: 'text', content: 'Hi' }, call('f', {}, 'a'), call('f', {}, 'b')]);
  });

  it('by the ids of output items with the same index', () => {
    const item = (call_id: string) => [
      { type: 'response.output_item.added', output_index: 0, item: { type: 'function_call', call_id, name: 'f' } },
      { type: 'response.function_call_arguments.delta', output_index: 0, delta: '{}' },
    ];
    const parts = readBrokenOff(callOf('responses', true), [created + named(...item('a'), ...item('b'))]);
    assert.deepEqual(parts.response.messages?.[0]?.parts, [call('f', {}, 'a'), call('f', {}, 'b')]);
  });

  it('by the ids of items with the same index whose deltas are mixed, or which follow a text', () => {
    const added = (id: string, call_id: string) => ({
      ...{ type: 'response.output_item.added', output_index: 0 },
      item: { type: 'function_call', id, call_id, name: 'f' },
    });
    const delta = (item_id: string, text: string) => ({
      ...{ type: 'response.function_call_arguments.delta', output_index: 0 },
      ...{ item_id, delta: text },
    });
    const parts = (...events: ({ type: string } & Record<string, unknown>)[]) =>
      readBrokenOff(callOf('responses', true), [created + named(...events)]).response.messages?.[0]?.parts;
    const mixed = [added('1', 'a'), added('2', 'b'), delta('1', '{}'), delta('2', '{"x":1}')];
    assert.deepEqual(parts(...mixed), [call('f', {}, 'a'), call('f', { x: 1 }, 'b')]);
    const text = { type: 'response.output_text.delta', item_id: '0', output_index: 0, delta: 'Hi' };
    assert.deepEqual(parts(text, added('1', 'a'), delta('1', '{}')), [
      { type: 'text', content: 'Hi' },
      call('f', {}, 'a'),
    ]);
    // Copilot encrypts an item's id anew for each event.
    assert.deepEqual(parts(added('x', 'a'), delta('y', '{}')), [call('f', {}, 'a')]);
    const whole = (call_id: string) => ({
      ...{ type: 'response.output_item.done', output_index: 0 },
      item: { type: 'function_call', call_id, name: 'f', arguments: '{}' },
    });
    assert.deepEqual(parts(whole('a'), whole('b')), [call('f', {}, 'a'), call('f', {}, 'b')]);
  });
});
