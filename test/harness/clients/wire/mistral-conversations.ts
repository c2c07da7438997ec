import { type FullAnswer, fragments, serverSentEvent, type WireFormat } from '../../../../examples/demo/wire/format.js';
import { openAIFailure } from '../../../../examples/demo/wire/openai.js';

/** Mistral's conversations. */
export const mistralConversations: WireFormat = {
  read: (path, body) =>
    path.endsWith('/v1/conversations')
      ? { model: String(body.model), stream: body.stream === true, includeUsage: true }
      : undefined,

  headers: () => ({}),

  whole: (answer, text) => ({
    object: 'conversation.response',
    conversation_id: `conv_${answer.id}`,
    outputs: [
      ...(text === '' ? [] : [{ ...entry('message.output', answer), role: 'assistant', content: text }]),
      ...answer.toolCalls.map(({ id, name, arguments: input }) => ({
        ...entry('function.call', answer),
        tool_call_id: id,
        name,
        arguments: JSON.stringify(input),
      })),
    ],
    usage: usage(answer),
  }),

  *events(answer, text) {
    const event = (type: string, data: object) =>
      serverSentEvent({ type, created_at: new Date().toISOString(), ...data }, type);
    yield event('conversation.response.started', { conversation_id: `conv_${answer.id}` });
    const message = {
      id: `msg_${answer.id}`,
      output_index: 0,
      content_index: 0,
      model: answer.model,
      role: 'assistant',
    };
    for (const content of text) yield event('message.output.delta', { ...message, content });
    for (const [output_index, call] of answer.toolCalls.entries()) {
      const head = { id: `fc_${answer.id}`, output_index, name: call.name, tool_call_id: call.id };
      for (const part of fragments(call)) yield event('function.call.delta', { ...head, arguments: part });
    }
    yield event('conversation.response.done', { usage: usage(answer) });
  },

  failure: openAIFailure,

  errorEvent: () =>
    serverSentEvent(
      { type: 'conversation.response.error', message: 'upstream gone', code: 500 },
      'conversation.response.error',
    ),
};

function entry(type: string, { id, model }: FullAnswer) {
  return { object: 'entry', type, id: `${type}_${id}`, model, created_at: new Date().toISOString() };
}

function usage({ usage: { input, output } }: FullAnswer) {
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
}
