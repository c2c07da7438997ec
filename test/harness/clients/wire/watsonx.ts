import { serverSentEvent, type WireFormat } from '../../../../examples/demo/wire/format.js';
import { openAIChat } from '../../../../examples/demo/wire/openai-chat.js';

const PATH = /\/ml\/v1\/text\/chat(_stream)?$/;

/** The chat of watsonx: Chat Completions that name the model `model_id`, with two paths, and streams that end with what they cost. */
export const watsonxChat: WireFormat = {
  read(path, body) {
    const found = PATH.exec(path);
    return found ? { model: String(body.model_id), stream: found[1] !== undefined, includeUsage: true } : undefined;
  },

  headers: (id) => ({ 'x-global-transaction-id': id }),

  whole: (answer, text) => named(openAIChat.whole(answer, text) as Body),

  *events(answer, text, call) {
    let id = 0;
    for (const event of openAIChat.events(answer, text, call)) {
      const data = String(event).slice('data: '.length).trim();
      if (data !== '[DONE]') yield `id: ${++id}\n${serverSentEvent(named(JSON.parse(data)), 'message')}`;
    }
  },

  failure: (status) => ({
    errors: [{ code: status === 429 ? 'rate_limit_reached_requests' : 'invalid_request_entity', message: 'Refused' }],
    trace: 'c0ffee',
    status_code: status,
  }),

  errorEvent: () => serverSentEvent(watsonxChat.failure(500), 'error'),
};

interface Body {
  readonly model: string;
}

function named({ model, ...rest }: Body) {
  return { ...rest, model_id: model };
}
