import { type Answer, type ModelCall, type ResponseReader, readModelCall } from '../../src/providers/detect.js';

/** A response as it is sent, and the call that it responds to. */
export interface Recorded {
  name: string;
  url: string;
  request: object;
  body: string;
}

export function modelCall(recorded: Pick<Recorded, 'url' | 'request'>, content = true): ModelCall {
  const call = readModelCall(
    { method: 'POST', url: new URL(recorded.url), body: JSON.stringify(recorded.request) },
    { content },
  );
  if (!call) throw new Error(`not known as a model call: ${recorded.url}`);
  return call;
}

/** What is read of a body that is received in these chunks, to its end. */
export function read(call: ModelCall, chunks: Iterable<Uint8Array | string>): Answer {
  const observer = call.openAnswer();
  show(observer, chunks);
  observer.end();
  return observer.answer();
}

/** What is read of a body that breaks off after these chunks. */
export function readBrokenOff(call: ModelCall, chunks: Iterable<Uint8Array | string>): Answer {
  const observer = call.openAnswer();
  show(observer, chunks);
  return observer.answer();
}

function show(observer: ResponseReader, chunks: Iterable<Uint8Array | string>): void {
  for (const chunk of chunks) {
    const bytes = typeof chunk === 'string' ? new TextEncoder().encode(chunk) : new Uint8Array(chunk);
    observer.chunk(bytes);
    // The buffer belongs to the application again: a reader that still looks at it fails the test.
    bytes.fill(0x7b);
  }
}

/** Events as server-sent ones without a name. */
export function data(...events: unknown[]): string {
  return events.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`).join('');
}

/** Events as server-sent ones, named after their type. */
export function named(...events: ({ type: string } & Record<string, unknown>)[]): string {
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');
}

function chatChunk(choices: object[], rest: object = {}): object {
  const head = { id: 'chatcmpl-Cf3', object: 'chat.completion.chunk', created: 1763000000, model: 'gpt-5-2025-08-07' };
  return { ...head, service_tier: 'default', system_fingerprint: 'fp_44709d6fcb', choices, usage: null, ...rest };
}

const toolCall = (index: number, args: string, head: object = {}) => ({
  index: 0,
  delta: {
    tool_calls: [{ index, ...head, function: { arguments: args, ...(head as { function?: object }).function } }],
  },
  logprobs: null,
  finish_reason: null,
});

const text = (content: string) => ({ index: 0, delta: { content }, logprobs: null, finish_reason: null });

export const openAiChatStream: Recorded = {
  name: 'OpenAI Chat Completions',
  url: 'https://api.openai.com/v1/chat/completions',
  request: {
    model: 'gpt-5',
    stream: true,
    stream_options: { include_usage: true },
    messages: [{ role: 'user', content: 'Wie ist das Wetter in Köln?' }],
  },
  body: data(
    chatChunk([
      { index: 0, delta: { role: 'assistant', content: '', refusal: null }, logprobs: null, finish_reason: null },
    ]),
    chatChunk([text('Ich sehe nach')]),
    chatChunk([text(' … 🌦️')]),
    chatChunk([toolCall(0, '', { id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '' } })]),
    chatChunk([toolCall(0, '{"city":')]),
    chatChunk([toolCall(0, '"Köln"}')]),
    chatChunk([toolCall(1, '{}', { id: 'call_2', type: 'function', function: { name: 'get_time', arguments: '{}' } })]),
    chatChunk([{ index: 0, delta: {}, logprobs: null, finish_reason: 'tool_calls' }]),
    chatChunk([], {
      usage: {
        prompt_tokens: 120,
        completion_tokens: 80,
        total_tokens: 200,
        prompt_tokens_details: { cached_tokens: 64, audio_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 48, audio_tokens: 0 },
      },
    }),
    '[DONE]',
  ),
};

const response = (rest: object) => ({
  id: 'resp_68af',
  object: 'response',
  created_at: 1763000000,
  error: null,
  incomplete_details: null,
  instructions: null,
  model: 'gpt-5-2025-08-07',
  output: [],
  service_tier: 'auto',
  status: 'in_progress',
  usage: null,
  ...rest,
});

const reasoningItem = {
  id: 'rs_1',
  type: 'reasoning',
  summary: [{ type: 'summary_text', text: 'Look it up — später' }],
};
const messageItem = {
  id: 'msg_1',
  type: 'message',
  status: 'completed',
  role: 'assistant',
  content: [{ type: 'output_text', annotations: [], logprobs: [], text: 'Ich sehe nach 🌦️' }],
};
const callItem = {
  id: 'fc_1',
  type: 'function_call',
  status: 'completed',
  arguments: '{"city":"Köln"}',
  call_id: 'call_1',
  name: 'get_weather',
};

const part = { type: 'output_text', annotations: [], logprobs: [], text: '' };
const inReasoning = { item_id: 'rs_1', output_index: 0, summary_index: 0 };
const inMessage = { item_id: 'msg_1', output_index: 1, content_index: 0 };
const inCall = { item_id: 'fc_1', output_index: 2 };

/** A Responses stream without its last event. */
const responsesBeginning = named(
  { type: 'response.created', sequence_number: 0, response: response({}) },
  { type: 'response.in_progress', sequence_number: 1, response: response({}) },
  { type: 'response.output_item.added', output_index: 0, item: { ...reasoningItem, summary: [] } },
  { type: 'response.reasoning_summary_part.added', ...inReasoning, part: { type: 'summary_text', text: '' } },
  { type: 'response.reasoning_summary_text.delta', ...inReasoning, delta: 'Look it up' },
  { type: 'response.reasoning_summary_text.delta', ...inReasoning, delta: ' — später' },
  { type: 'response.reasoning_summary_text.done', ...inReasoning, text: 'Look it up — später' },
  { type: 'response.output_item.done', output_index: 0, item: reasoningItem },
  { type: 'response.output_item.added', output_index: 1, item: { ...messageItem, status: 'in_progress', content: [] } },
  { type: 'response.content_part.added', ...inMessage, part },
  { type: 'response.output_text.delta', ...inMessage, logprobs: [], delta: 'Ich sehe' },
  { type: 'response.output_text.delta', ...inMessage, logprobs: [], delta: ' nach 🌦️' },
  { type: 'response.output_text.done', ...inMessage, logprobs: [], text: 'Ich sehe nach 🌦️' },
  { type: 'response.content_part.done', ...inMessage, part: { ...part, text: 'Ich sehe nach 🌦️' } },
  { type: 'response.output_item.added', output_index: 2, item: { ...callItem, status: 'in_progress', arguments: '' } },
  { type: 'response.function_call_arguments.delta', ...inCall, delta: '{"city":' },
  { type: 'response.function_call_arguments.delta', ...inCall, delta: '"Köln"}' },
);

const responsesUsage = {
  input_tokens: 120,
  input_tokens_details: { cached_tokens: 64, cache_write_tokens: 16 },
  output_tokens: 80,
  output_tokens_details: { reasoning_tokens: 48 },
  total_tokens: 200,
};

export const openAiResponsesStream: Recorded & { beginning: string; completed: object } = {
  name: 'OpenAI Responses',
  url: 'https://api.openai.com/v1/responses',
  request: { model: 'gpt-5', stream: true, input: 'Wie ist das Wetter in Köln?' },
  beginning: responsesBeginning,
  completed: response({
    status: 'completed',
    service_tier: 'default',
    output: [reasoningItem, messageItem, callItem],
    usage: responsesUsage,
  }),
  get body() {
    return this.beginning + named({ type: 'response.completed', response: this.completed });
  },
};

export const anthropicStream: Recorded = {
  name: 'Anthropic Messages',
  url: 'https://api.anthropic.com/v1/messages',
  request: {
    model: 'claude-sonnet-4-5',
    max_tokens: 1024,
    stream: true,
    messages: [{ role: 'user', content: 'Wie ist das Wetter in Köln?' }],
  },
  body: named(
    {
      type: 'message_start',
      message: {
        model: 'claude-sonnet-4-5-20250929',
        id: 'msg_01X',
        type: 'message',
        role: 'assistant',
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: {
          input_tokens: 20,
          cache_creation_input_tokens: 30,
          cache_read_input_tokens: 50,
          output_tokens: 1,
          service_tier: 'standard',
        },
      },
    },
    {
      type: 'content_block_start',
      index: 0,
      content_block: { type: 'thinking', thinking: '', signature: '' },
    },
    { type: 'ping' },
    { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Look it up' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: ' — später' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'EpQBCkYIChgC' } },
    { type: 'content_block_stop', index: 0 },
    { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Ich sehe' } },
    { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: ' nach 🌦️' } },
    { type: 'content_block_stop', index: 1 },
    {
      type: 'content_block_start',
      index: 2,
      content_block: { type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: {} },
    },
    { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '' } },
    { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '{"city":' } },
    { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '"Köln"}' } },
    { type: 'content_block_stop', index: 2 },
    {
      type: 'message_delta',
      delta: { stop_reason: 'tool_use', stop_sequence: null },
      usage: { output_tokens: 80, output_tokens_details: { thinking_tokens: 48 } },
    },
    { type: 'message_stop' },
  ),
};

const geminiChunk = (parts: object[], tokens: number, rest: object = {}) => ({
  candidates: [{ content: { parts, role: 'model' }, index: 0, ...rest }],
  usageMetadata: {
    promptTokenCount: 120,
    cachedContentTokenCount: 64,
    candidatesTokenCount: tokens,
    thoughtsTokenCount: 48,
    totalTokenCount: 168 + tokens,
  },
  modelVersion: 'gemini-2.5-flash',
  responseId: 'k3Xq',
});

const geminiChunks = [
  geminiChunk([{ text: 'Look it up — später', thought: true }], 0),
  geminiChunk([{ text: 'Ich sehe' }], 4),
  geminiChunk([{ text: ' nach 🌦️ "\\' }], 8),
  geminiChunk([{ functionCall: { name: 'get_weather', args: { city: 'Köln' } } }], 32, { finishReason: 'STOP' }),
];

const geminiModel = 'https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash';
const geminiRequest = { contents: [{ role: 'user', parts: [{ text: 'Wie ist das Wetter in Köln?' }] }] };

export const geminiSseStream: Recorded = {
  name: 'Gemini, as server-sent events',
  url: `${geminiModel}:streamGenerateContent?alt=sse`,
  request: geminiRequest,
  body: data(...geminiChunks).replaceAll('\n', '\r\n'),
};

export const geminiListStream: Recorded = {
  name: 'Gemini, as a JSON list',
  url: `${geminiModel}:streamGenerateContent`,
  request: geminiRequest,
  body: `[${geminiChunks.map((chunk) => JSON.stringify(chunk, null, 2)).join('\n,\r\n')}\n]\n`,
};

export const openAiChatWhole: Recorded = {
  name: 'OpenAI Chat Completions, whole',
  url: 'https://api.openai.com/v1/chat/completions',
  request: { model: 'gpt-5', messages: [{ role: 'user', content: 'Hi' }] },
  body: JSON.stringify({
    id: 'chatcmpl-Cf3',
    object: 'chat.completion',
    model: 'gpt-5-2025-08-07',
    choices: [{ index: 0, message: { role: 'assistant', content: 'Grüße 🌦️', refusal: null }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 8, completion_tokens: 4, total_tokens: 12 },
    service_tier: 'default',
    system_fingerprint: null,
  }),
};

/** Objects as a sequence, one a line. */
export function jsonLines(...objects: object[]): string {
  return objects.map((line) => `${JSON.stringify(line)}\n`).join('');
}

const ollamaPart = (message: object, rest: object = {}) => ({
  model: 'qwen3',
  created_at: '2026-11-26T12:00:00Z',
  message: { role: 'assistant', content: '', ...message },
  done: false,
  ...rest,
});

export const ollamaStream: Recorded = {
  name: 'Ollama',
  url: 'http://localhost:11434/api/chat',
  request: { model: 'qwen3', messages: [{ role: 'user', content: 'Wie ist das Wetter in Köln?' }] },
  body: jsonLines(
    ollamaPart({ thinking: 'Look it up' }),
    ollamaPart({ thinking: ' — später' }),
    ollamaPart({ content: 'Ich sehe' }),
    ollamaPart({ content: ' nach 🌦️ "}\\' }),
    ollamaPart({ tool_calls: [{ function: { name: 'get_weather', arguments: { city: 'Köln' } } }] }),
    ollamaPart({}, { done: true, done_reason: 'stop', prompt_eval_count: 120, eval_count: 80, total_duration: 1 }),
  ),
};

const cohereV1Events = [
  { is_finished: false, event_type: 'stream-start', generation_id: 'g1' },
  { is_finished: false, event_type: 'text-generation', text: 'Ich sehe' },
  { is_finished: false, event_type: 'text-generation', text: ' nach 🌦️ "}' },
  {
    is_finished: true,
    event_type: 'stream-end',
    finish_reason: 'COMPLETE',
    response: {
      response_id: 'r1',
      generation_id: 'g1',
      text: 'Ich sehe nach 🌦️ "}',
      tool_calls: [{ name: 'get_weather', parameters: { city: 'Köln' } }],
      meta: { tokens: { input_tokens: 120, output_tokens: 80 } },
    },
  },
];

export const cohereV1Stream: Recorded = {
  name: 'Cohere v1',
  url: 'https://api.cohere.com/v1/chat',
  request: { model: 'command-r', message: 'Wie ist das Wetter in Köln?', stream: true },
  body: jsonLines(...cohereV1Events),
};

export const cohereV1SseStream: Recorded = {
  ...cohereV1Stream,
  name: 'Cohere v1, as server-sent events',
  body: `${named(...cohereV1Events.map((event) => ({ type: event.event_type, ...event })))}data: [DONE]\n\n`,
};

const llamaEvent = (event_type: string, delta: object, rest: object = {}) => ({
  id: 'AkL',
  event: { event_type, delta, ...rest },
});

export const llamaApiStream: Recorded = {
  name: 'Llama API',
  url: 'https://api.llama.com/v1/chat/completions',
  request: {
    model: 'Llama-4-Maverick-17B-128E-Instruct-FP8',
    stream: true,
    messages: [{ role: 'user', content: 'Wie ist das Wetter in Köln?' }],
  },
  body: data(
    llamaEvent('start', { type: 'text', text: '' }),
    llamaEvent('progress', { type: 'reasoning', reasoning: 'Look it up' }),
    llamaEvent('progress', { type: 'text', text: 'Ich sehe' }),
    llamaEvent('progress', { type: 'text', text: ' nach' }),
    llamaEvent('progress', { type: 'tool_call', id: 'call_1', function: { name: 'get_weather', arguments: '' } }),
    llamaEvent('progress', { type: 'tool_call', function: { arguments: '{"city":' } }),
    llamaEvent('progress', { type: 'tool_call', function: { arguments: '"Köln"}' } }),
    llamaEvent('progress', { type: 'tool_call', id: 'call_2', function: { name: 'get_weather', arguments: '{}' } }),
    llamaEvent('complete', { type: 'text', text: '' }, { stop_reason: 'tool_calls' }),
    llamaEvent(
      'metrics',
      { type: 'text', text: '' },
      {
        metrics: [
          { metric: 'num_completion_tokens', value: 80, unit: 'tokens' },
          { metric: 'num_prompt_tokens', value: 120, unit: 'tokens' },
          { metric: 'num_total_tokens', value: 200, unit: 'tokens' },
        ],
      },
    ),
  ),
};

const cohereDelta = (message: object) => ({ delta: { message } });

export const cohereStream: Recorded = {
  name: 'Cohere',
  url: 'https://api.cohere.com/v2/chat',
  request: { model: 'command-a', stream: true, messages: [{ role: 'user', content: 'Wie ist das Wetter in Köln?' }] },
  body: named(
    {
      type: 'message-start',
      id: 'co-1',
      ...cohereDelta({ role: 'assistant', content: [], tool_plan: '', tool_calls: [] }),
    },
    { type: 'tool-plan-delta', ...cohereDelta({ tool_plan: 'Look it up' }) },
    { type: 'tool-plan-delta', ...cohereDelta({ tool_plan: ' — später' }) },
    { type: 'content-start', index: 0, ...cohereDelta({ content: { type: 'text', text: '' } }) },
    { type: 'content-delta', index: 0, ...cohereDelta({ content: { text: 'Ich sehe' } }) },
    { type: 'content-delta', index: 0, ...cohereDelta({ content: { text: ' nach 🌦️' } }) },
    { type: 'content-end', index: 0 },
    {
      type: 'tool-call-start',
      index: 0,
      ...cohereDelta({
        tool_calls: { id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '' } },
      }),
    },
    { type: 'tool-call-delta', index: 0, ...cohereDelta({ tool_calls: { function: { arguments: '{"city":' } } }) },
    { type: 'tool-call-delta', index: 0, ...cohereDelta({ tool_calls: { function: { arguments: '"Köln"}' } } }) },
    { type: 'tool-call-end', index: 0 },
    {
      type: 'message-end',
      delta: {
        finish_reason: 'TOOL_CALL',
        usage: {
          billed_units: { input_tokens: 100, output_tokens: 70 },
          tokens: { input_tokens: 120, output_tokens: 80 },
        },
      },
    },
  ),
};

/** As Google writes it: the type is told twice, and comes last. */
function interactionEvent(event_type: string, event: object): string {
  return `event: ${event_type}\ndata: ${JSON.stringify({ ...event, event_type })}\n\n`;
}

const interactionStep = (index: number, step: object, ...deltas: object[]) => [
  interactionEvent('step.start', { index, step }),
  ...deltas.map((delta) => interactionEvent('step.delta', { index, delta })),
  interactionEvent('step.stop', { index }),
];

const interactionHead = { id: 'v1_1', object: 'interaction', model: 'gemini-3-flash-preview' };

export const geminiInteractionStream: Recorded = {
  name: 'Gemini interaction, as server-sent events',
  url: 'https://generativelanguage.googleapis.com/v1beta/interactions',
  request: { model: 'gemini-3-flash-preview', input: 'Hi', stream: true },
  body: [
    interactionEvent('interaction.created', { interaction: { ...interactionHead, status: 'in_progress' } }),
    interactionEvent('interaction.status_update', { interaction_id: 'v1_1', status: 'in_progress' }),
    ...interactionStep(
      0,
      { type: 'thought' },
      { type: 'thought_summary', content: { type: 'text', text: 'Look it up.' } },
      { type: 'thought_signature', signature: 'AAAA' },
    ),
    ...interactionStep(
      1,
      { type: 'google_search_call', id: 's1' },
      { type: 'google_search_call', arguments: { queries: ['Köln'] }, signature: 'AAAA' },
    ),
    ...interactionStep(
      2,
      { type: 'model_output' },
      { type: 'text', text: 'Ich sehe' },
      { type: 'text', text: ' nach 🌦️' },
      { type: 'text_annotation_delta', annotations: [{ type: 'url_citation', url: 'https://example.com' }] },
      { type: 'image', mime_type: 'image/png', data: 'AAAA' },
    ),
    ...interactionStep(
      3,
      { type: 'function_call', id: 'c1', name: 'get_weather', arguments: {} },
      { type: 'arguments_delta', arguments: '{"city":' },
      { type: 'arguments_delta', arguments: '"Köln"}' },
    ),
    interactionEvent('interaction.completed', {
      interaction: {
        ...interactionHead,
        status: 'requires_action',
        usage: {
          total_input_tokens: 10,
          total_tool_use_tokens: 3,
          total_output_tokens: 4,
          total_thought_tokens: 2,
          total_cached_tokens: 5,
        },
      },
    }),
    'event: done\ndata: [DONE]\n\n',
  ].join(''),
};

/** watsonx numbers its events, calls each one `message`, and has no last one. */
function watsonxEvents(...events: object[]): string {
  return events.map((event, i) => `id: ${i + 1}\nevent: message\ndata: ${JSON.stringify(event)}\n\n`).join('');
}

const watsonxChunk = (delta: object, finish_reason: string | null = null) => ({
  id: 'chatcmpl-4',
  object: 'chat.completion.chunk',
  model_id: 'ibm/granite-4-h-small',
  created: 1763000000,
  choices: [{ index: 0, delta, finish_reason }],
});

export const watsonxChatStream: Recorded = {
  name: 'watsonx, chat',
  url: 'https://us-south.ml.cloud.ibm.com/ml/v1/text/chat_stream?version=2026-01-01',
  request: { model_id: 'ibm/granite-4-h-small', messages: [{ role: 'user', content: 'Wie ist das Wetter in Köln?' }] },
  body: watsonxEvents(
    watsonxChunk({ role: 'assistant', content: '' }),
    watsonxChunk({ content: 'Ich sehe nach' }),
    watsonxChunk({ content: ' … 🌦️' }),
    watsonxChunk({ content: '' }, 'stop'),
    {
      ...watsonxChunk({}),
      choices: [],
      usage: { prompt_tokens: 120, completion_tokens: 80, total_tokens: 200 },
    },
  ),
};

const watsonxResult = (generated_text: string, output: number, input = 0, stop_reason = 'not_finished') => ({
  model_id: 'ibm/granite-4-h-small',
  created_at: '2026-11-26T12:00:00Z',
  results: [{ generated_text, generated_token_count: output, input_token_count: input, stop_reason }],
});

export const watsonxGenerationStream: Recorded = {
  name: 'watsonx, generation',
  url: 'https://us-south.ml.cloud.ibm.com/ml/v1/text/generation_stream?version=2026-01-01',
  request: { model_id: 'ibm/granite-4-h-small', input: 'Wie ist das Wetter in Köln?' },
  body: watsonxEvents(
    watsonxResult('', 0, 120),
    watsonxResult('Ich sehe', 40),
    watsonxResult(' nach 🌦️', 80),
    watsonxResult('', 80, 0, 'max_tokens'),
  ),
};

/** A stream of each format, and a whole response. */
export const everyKind: readonly Recorded[] = [
  openAiChatStream,
  openAiResponsesStream,
  anthropicStream,
  geminiSseStream,
  geminiListStream,
  openAiChatWhole,
  ollamaStream,
  cohereStream,
  cohereV1Stream,
  cohereV1SseStream,
  llamaApiStream,
  geminiInteractionStream,
  watsonxChatStream,
  watsonxGenerationStream,
];
