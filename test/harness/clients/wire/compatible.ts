import { serverSentEvent, type WireFormat } from '../../../../examples/demo/wire/format.js';
import { openAIChat } from '../../../../examples/demo/wire/openai-chat.js';

/** The header in which a request says which host the client called. */
export const ASKED_HOST = 'x-asked-host';

/**
 * Chat Completions as Mistral, Groq and OpenRouter have them: a stream says what it cost unasked, in the chunk with the finish reason, and has
 * each tool call whole.
 */
export const compatibleChats: readonly WireFormat[] = ['api.mistral.ai', 'api.groq.com', 'openrouter.ai'].map(
  (host) => ({
    ...openAIChat,

    read: (path, body, headers) => (headers[ASKED_HOST] === host ? openAIChat.read(path, body, headers) : undefined),

    *events(answer, text) {
      const { id, usage, choices } = openAIChat.whole(answer, '') as Whole;
      const [{ message, finish_reason: reason }] = choices;
      const envelope = { id, object: 'chat.completion.chunk', created: 1, model: answer.model };
      const chunk = (delta: object, finish_reason: string | null = null, more: object = {}) =>
        serverSentEvent({ ...envelope, choices: [{ index: 0, delta, finish_reason }], ...more });
      yield chunk({ role: 'assistant', content: '' });
      for (const content of text) yield chunk({ content });
      const calls = message.tool_calls?.map((call, index) => ({ index, ...call }));
      if (calls) yield chunk({ tool_calls: calls });
      yield chunk({}, reason, { usage });
      yield serverSentEvent('[DONE]');
    },
  }),
);

/** A whole answer, as far as a stream takes it over. */
interface Whole {
  id: string;
  usage: object;
  choices: [{ message: { tool_calls?: object[] }; finish_reason: string }];
}
