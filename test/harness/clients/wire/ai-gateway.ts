import { type FullAnswer, fragments, serverSentEvent, type WireFormat } from '../../../../examples/demo/wire/format.js';

/** The language models of Vercel's AI Gateway: the AI SDK's own results. */
export const aiGatewayLanguage: WireFormat = {
  read(path, _body, headers) {
    if (!/\/v\d+\/ai\/language-model$/.test(path)) return undefined;
    return {
      model: String(headers['ai-language-model-id'] ?? headers['ai-model-id']),
      stream: headers['ai-language-model-streaming'] === 'true',
      includeUsage: true,
    };
  },

  headers: () => ({}),

  whole: (answer, text) => ({
    content: [...(text === '' ? [] : [{ type: 'text', text }]), ...answer.toolCalls.map(toolCall)],
    ...end(answer),
    warnings: [],
    response: { id: answer.id, modelId: answer.model },
  }),

  *events(answer, text) {
    yield serverSentEvent({ type: 'stream-start', warnings: [] });
    yield serverSentEvent({ type: 'response-metadata', id: answer.id, modelId: answer.model });
    let isOpen = false;
    for (const delta of text) {
      if (!isOpen) yield serverSentEvent({ type: 'text-start', id: '0' });
      isOpen = true;
      yield serverSentEvent({ type: 'text-delta', id: '0', delta });
    }
    if (isOpen) yield serverSentEvent({ type: 'text-end', id: '0' });
    for (const call of answer.toolCalls) {
      yield serverSentEvent({ type: 'tool-input-start', id: call.id, toolName: call.name });
      for (const delta of fragments(call)) yield serverSentEvent({ type: 'tool-input-delta', id: call.id, delta });
      yield serverSentEvent({ type: 'tool-input-end', id: call.id });
      yield serverSentEvent(toolCall(call));
    }
    yield serverSentEvent({ type: 'finish', ...end(answer) });
    yield serverSentEvent('[DONE]');
  },

  failure: (status) => ({
    error: {
      message: 'The gateway refused the request.',
      type: status === 429 ? 'rate_limit_exceeded' : status < 500 ? 'invalid_request_error' : 'internal_server_error',
    },
  }),

  errorEvent: () => serverSentEvent({ type: 'error', error: { message: 'upstream gone', type: 'server_error' } }),
};

function toolCall({ id, name, arguments: input }: FullAnswer['toolCalls'][number]) {
  return { type: 'tool-call', toolCallId: id, toolName: name, input: JSON.stringify(input) };
}

function end({ toolCalls, usage: { input, output } }: FullAnswer) {
  const reason = toolCalls.length > 0 ? 'tool-calls' : 'stop';
  return {
    finishReason: { unified: reason, raw: reason },
    usage: {
      inputTokens: { total: input, noCache: input },
      outputTokens: { total: output, text: output },
    },
  };
}
