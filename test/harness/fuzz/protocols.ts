/** Requests and streamed answers of the protocols that runtrace reads, with texts where models are asked and answer. */

/** What is said in a model call, in the places where text and data go. */
export interface Said {
  readonly asked: string;
  /** Any JSON value. */
  readonly data: unknown;
  /** What the model spells, bit by bit. */
  readonly answered: readonly string[];
  /** In the place of ids, models, reasons and codes that come with the answer. */
  readonly label: string;
}

export interface ModelExchange {
  readonly path: string;
  readonly request: object;
  /** The data of each event; a text is an event that is no JSON. */
  readonly events: readonly (object | string)[];
  /** What is answered to a request that is refused. */
  readonly error: object;
}

export const PROTOCOLS: readonly ((said: Said) => ModelExchange)[] = [
  ({ asked, data, answered, label }) => ({
    path: '/v1/chat/completions',
    request: {
      model: 'gpt-5',
      stream: true,
      stop: [asked],
      messages: [
        { role: 'system', content: asked },
        { role: 'user', content: [{ type: 'text', text: asked }] },
        { role: 'assistant', tool_calls: [{ id: 'c', function: { name: 'f', arguments: JSON.stringify(data) } }] },
        { role: 'tool', tool_call_id: 'c', content: JSON.stringify(data) },
      ],
      tools: [{ type: 'function', function: { name: 'f', description: asked, parameters: { default: data } } }],
    },
    events: [
      ...answered.map((content) => ({
        id: label,
        model: label,
        system_fingerprint: label,
        service_tier: label,
        choices: [{ index: 0, delta: { content } }],
      })),
      { choices: [{ index: 0, delta: {}, finish_reason: label }], usage: { prompt_tokens: 3, completion_tokens: 4 } },
      '[DONE]',
    ],
    error: { error: { message: asked, code: label, type: label, param: data } },
  }),
  ({ asked, data, answered, label }) => ({
    path: '/v1/responses',
    request: {
      model: 'gpt-5',
      stream: true,
      instructions: asked,
      input: [
        { role: 'user', content: [{ type: 'input_text', text: asked }] },
        { type: 'function_call_output', call_id: 'c', output: JSON.stringify(data) },
      ],
      previous_response_id: 'resp_1',
    },
    events: [
      ...answered.map((delta) => ({
        type: 'response.output_text.delta',
        item_id: 'm',
        output_index: 0,
        content_index: 0,
        delta,
      })),
      {
        type: 'response.completed',
        response: { id: label, model: label, status: label, usage: { input_tokens: 3, output_tokens: 4 } },
      },
    ],
    error: { error: { message: asked, code: label, type: label, param: data } },
  }),
  ({ asked, data, answered, label }) => ({
    path: '/v1/messages',
    request: {
      model: 'claude',
      max_tokens: 5,
      stream: true,
      system: asked,
      stop_sequences: [asked],
      messages: [
        { role: 'user', content: asked },
        { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'f', input: { data } }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: JSON.stringify(data) }] },
      ],
    },
    events: [
      {
        type: 'message_start',
        message: { id: label, model: label, usage: { input_tokens: 3, output_tokens: 1 } },
      },
      ...answered.map((text) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })),
      { type: 'message_delta', delta: { stop_reason: label }, usage: { output_tokens: 4 } },
      { type: 'error', error: { type: label, message: asked } },
      { type: 'message_stop' },
    ],
    error: { type: 'error', error: { type: label, message: asked } },
  }),
  ({ asked, data, answered, label }) => ({
    path: '/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse',
    request: {
      systemInstruction: { parts: [{ text: asked }] },
      contents: [
        { role: 'user', parts: [{ text: asked }] },
        { role: 'model', parts: [{ functionCall: { name: 'f', args: { data } } }] },
      ],
      generationConfig: { stopSequences: [asked] },
    },
    events: [
      ...answered.map((text) => ({ candidates: [{ index: 0, content: { role: 'model', parts: [{ text }] } }] })),
      {
        responseId: label,
        modelVersion: label,
        candidates: [{ index: 0, finishReason: label, content: { parts: [] } }],
        usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 4 },
      },
    ],
    error: { error: { code: 400, status: label, message: asked, details: [data] } },
  }),
];
