import { type FullAnswer, fragments, serverSentEvent, type WireFormat } from '../../../../examples/demo/wire/format.js';

/** Cohere's chat, version 2. */
export const cohereChat: WireFormat = {
  read: (path, body) =>
    path.endsWith('/v2/chat')
      ? { model: String(body.model), stream: body.stream === true, includeUsage: true }
      : undefined,

  headers: (id) => ({ 'x-debug-trace-id': id }),

  whole: (answer, text) => ({
    id: answer.id,
    message: {
      role: 'assistant',
      ...(text !== '' && { content: [{ type: 'text', text }] }),
      ...(answer.toolCalls.length > 0 && {
        tool_calls: answer.toolCalls.map(({ id, name, arguments: input }) => ({
          id,
          type: 'function',
          function: { name, arguments: JSON.stringify(input) },
        })),
      }),
    },
    ...end(answer),
  }),

  *events(answer, text) {
    const event = (type: string, data: object) => serverSentEvent({ type, ...data }, type);
    yield event('message-start', {
      id: answer.id,
      delta: { message: { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] } },
    });
    let index = 0;
    let isOpen = false;
    for (const piece of text) {
      if (!isOpen) yield event('content-start', { index, delta: { message: { content: { type: 'text', text: '' } } } });
      isOpen = true;
      yield event('content-delta', { index, delta: { message: { content: { text: piece } } } });
    }
    if (isOpen) yield event('content-end', { index: index++ });
    for (const call of answer.toolCalls) {
      const begun = { id: call.id, type: 'function', function: { name: call.name, arguments: '' } };
      yield event('tool-call-start', { index, delta: { message: { tool_calls: begun } } });
      for (const fragment of fragments(call)) {
        yield event('tool-call-delta', {
          index,
          delta: { message: { tool_calls: { function: { arguments: fragment } } } },
        });
      }
      yield event('tool-call-end', { index: index++ });
    }
    yield event('message-end', { delta: end(answer) });
  },

  failure: (status) => ({
    id: 'a1',
    message: status === 429 ? 'You are past the per minute request limit' : 'invalid request',
  }),

  errorEvent: () =>
    serverSentEvent({ type: 'message-end', delta: { finish_reason: 'ERROR', error: 'generation failed' } }),
};

function end({ toolCalls, usage: { input, output } }: FullAnswer) {
  return {
    finish_reason: toolCalls.length > 0 ? 'TOOL_CALL' : 'COMPLETE',
    usage: {
      billed_units: { input_tokens: input - 4, output_tokens: output },
      tokens: { input_tokens: input, output_tokens: output },
    },
  };
}
