import { type FullAnswer, fragments, serverSentEvent, type WireFormat } from './format.js';

/** Anthropic Messages. */
export const anthropicMessages: WireFormat = {
  read(path, body) {
    if (!path.endsWith('/messages')) return undefined;
    return { model: String(body.model), stream: body.stream === true, includeUsage: true };
  },

  headers: (id) => ({
    'request-id': `req_${id}`,
    'anthropic-ratelimit-requests-limit': '50',
    'anthropic-ratelimit-requests-remaining': '49',
  }),

  whole(answer, text) {
    const toolUses = answer.toolCalls.map(({ id, name, arguments: input }) => ({ type: 'tool_use', id, name, input }));
    return {
      ...envelope(answer),
      content: text ? [{ type: 'text', text }, ...toolUses] : toolUses,
      stop_reason: stopReason(answer),
      usage: { ...inputUsage(answer), ...outputUsage(answer) },
    };
  },

  *events(answer, text) {
    const event = (type: string, data: object = {}) => serverSentEvent({ type, ...data }, type);
    let index = 0;

    yield event('message_start', {
      message: { ...envelope(answer), content: [], usage: { ...inputUsage(answer), output_tokens: 1 } },
    });
    let open = false;
    for (const piece of text) {
      if (!open) {
        yield event('content_block_start', { index, content_block: { type: 'text', text: '' } });
        yield event('ping');
        open = true;
      }
      yield event('content_block_delta', { index, delta: { type: 'text_delta', text: piece } });
    }
    if (open) yield event('content_block_stop', { index: index++ });

    for (const call of answer.toolCalls) {
      const block = { type: 'tool_use', id: call.id, name: call.name, input: {} };
      yield event('content_block_start', { index, content_block: block });
      for (const json of fragments(call)) {
        yield event('content_block_delta', { index, delta: { type: 'input_json_delta', partial_json: json } });
      }
      yield event('content_block_stop', { index: index++ });
    }

    yield event('message_delta', {
      delta: { stop_reason: stopReason(answer), stop_sequence: null },
      usage: outputUsage(answer),
    });
    yield event('message_stop');
  },

  failure(status) {
    const [type, message] = FAILURES[status] ?? (status >= 500 ? SERVER_ERROR : BAD_REQUEST);
    return { type: 'error', error: { type, message }, request_id: null };
  },

  errorEvent: () => serverSentEvent(anthropicMessages.failure(529), 'error'),
};

type Failure = [type: string, message: string];

const SERVER_ERROR: Failure = ['api_error', 'Internal server error'];
const BAD_REQUEST: Failure = ['invalid_request_error', 'messages: at least one message is required'];

const FAILURES: Record<number, Failure> = {
  401: ['authentication_error', 'invalid x-api-key'],
  403: ['permission_error', 'Your API key does not have permission to use the specified resource.'],
  404: ['not_found_error', 'model: not found'],
  413: ['request_too_large', 'Request exceeds the maximum size'],
  429: ['rate_limit_error', "This request would exceed your organization's rate limit of 50 requests per minute."],
  529: ['overloaded_error', 'Overloaded'],
};

function envelope(answer: FullAnswer) {
  return {
    id: `msg_${answer.id}`,
    type: 'message',
    role: 'assistant',
    model: answer.model,
    stop_reason: null as string | null,
    stop_sequence: null,
  };
}

function stopReason(answer: FullAnswer): string {
  return answer.toolCalls.length > 0 ? 'tool_use' : 'end_turn';
}

/** Anthropic's `input_tokens` leave out what went through the cache. */
function inputUsage({ usage: { input, cacheRead = 0, cacheWrite = 0 } }: FullAnswer) {
  return {
    input_tokens: input - cacheRead - cacheWrite,
    cache_creation_input_tokens: cacheWrite,
    cache_read_input_tokens: cacheRead,
    service_tier: 'standard',
  };
}

function outputUsage({ usage: { output, reasoning } }: FullAnswer) {
  return { output_tokens: output, ...(reasoning && { output_tokens_details: { thinking_tokens: reasoning } }) };
}
