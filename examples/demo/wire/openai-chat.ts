import { type Answer, type FullAnswer, fragments, serverSentEvent, type ToolCall, type WireFormat } from './format.js';
import { openAIFailure, openAIHeaders } from './openai.js';

/** OpenAI Chat Completions, and so every provider that is compatible with it. */
export const openAIChat: WireFormat = {
  read(path, body) {
    if (!path.endsWith('/chat/completions')) return undefined;
    const options = body.stream_options as { include_usage?: boolean } | undefined;
    return {
      model: String(body.model),
      stream: body.stream === true,
      includeUsage: options?.include_usage === true,
    };
  },

  headers: openAIHeaders,

  whole(answer, text) {
    const message: Record<string, unknown> = { role: 'assistant', content: text || null, refusal: null };
    if (answer.toolCalls.length > 0) message.tool_calls = answer.toolCalls.map(wholeToolCall);
    return {
      ...envelope(answer, 'chat.completion'),
      choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason(answer) }],
      usage: usage(answer),
    };
  },

  *events(answer, text, call) {
    const head = { ...envelope(answer, 'chat.completion.chunk'), ...(call.includeUsage && { usage: null }) };
    const chunk = (delta: unknown, finish: string | null = null) =>
      serverSentEvent({ ...head, choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }] });

    yield chunk({ role: 'assistant', content: answer.toolCalls.length > 0 ? null : '', refusal: null });
    for (const content of text) yield chunk({ content });
    for (const [index, toolCall] of answer.toolCalls.entries()) {
      const { id, name } = toolCall;
      yield chunk({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] });
      for (const fragment of fragments(toolCall)) {
        yield chunk({ tool_calls: [{ index, function: { arguments: fragment } }] });
      }
    }
    yield chunk({}, finishReason(answer));
    if (call.includeUsage) yield serverSentEvent({ ...head, choices: [], usage: usage(answer) });
    yield serverSentEvent('[DONE]');
  },

  failure: openAIFailure,

  errorEvent: () => serverSentEvent(openAIFailure(500)),
};

function envelope(answer: FullAnswer, object: string) {
  return {
    id: `chatcmpl-${answer.id}`,
    object,
    created: Math.floor(Date.now() / 1000),
    model: answer.model,
    service_tier: 'default',
    system_fingerprint: 'fp_3f2a1b4c5d',
  };
}

function finishReason(answer: Pick<Answer, 'toolCalls'>): string {
  return answer.toolCalls?.length ? 'tool_calls' : 'stop';
}

function wholeToolCall({ id, name, arguments: input }: ToolCall) {
  return { id, type: 'function', function: { name, arguments: JSON.stringify(input) } };
}

function usage({ usage: { input, output, cacheRead = 0, cacheWrite = 0, reasoning = 0 } }: FullAnswer) {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cacheRead, cache_write_tokens: cacheWrite, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}
