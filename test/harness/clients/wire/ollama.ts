import type { FullAnswer, WireFormat } from '../../../../examples/demo/wire/format.js';

/** Ollama's `/api/chat`: a stream is a JSON object a line. */
export const ollamaChat: WireFormat = {
  streamType: 'application/x-ndjson',

  read: (path, body) =>
    path.endsWith('/api/chat')
      ? { model: String(body.model), stream: body.stream !== false, includeUsage: true }
      : undefined,

  headers: () => ({}),

  whole: (answer, text) => ({ ...part(answer, { content: text, ...calls(answer) }), ...end(answer) }),

  *events(answer, text) {
    for (const content of text) yield line({ ...part(answer, { content }), done: false });
    if (answer.toolCalls.length > 0) yield line({ ...part(answer, { content: '', ...calls(answer) }), done: false });
    yield line({ ...part(answer, { content: '' }), ...end(answer) });
  },

  failure: (status) => ({ error: FAILURES[status] ?? 'an error was encountered while running the model' }),

  errorEvent: () => line({ error: 'an error was encountered while running the model' }),
};

const FAILURES: Record<number, string> = {
  400: 'invalid options: num_ctx',
  404: "model 'llama3' not found",
  429: 'you have reached your hourly usage limit',
};

function line(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

function part({ model }: FullAnswer, message: object) {
  return { model, created_at: new Date().toISOString(), message: { role: 'assistant', ...message } };
}

function calls({ toolCalls }: FullAnswer) {
  if (toolCalls.length === 0) return {};
  return { tool_calls: toolCalls.map((call) => ({ function: { name: call.name, arguments: call.arguments } })) };
}

function end({ usage }: FullAnswer) {
  return {
    done: true,
    done_reason: 'stop',
    total_duration: 5_000_000,
    prompt_eval_count: usage.input,
    eval_count: usage.output,
  };
}
