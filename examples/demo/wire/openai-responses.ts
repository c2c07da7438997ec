import { type FullAnswer, fragments, serverSentEvent, type ToolCall, type WireFormat } from './format.js';
import { openAIFailure, openAIHeaders } from './openai.js';

/** OpenAI Responses. */
export const openAIResponses: WireFormat = {
  read(path, body) {
    if (!path.endsWith('/responses')) return undefined;
    return { model: String(body.model), stream: body.stream === true, includeUsage: true };
  },

  headers: openAIHeaders,

  whole(answer, text) {
    const output = answer.toolCalls.map((call) => functionCall(call, 'completed'));
    return response(answer, 'completed', text ? [message(answer, text), ...output] : output);
  },

  *events(answer, text) {
    let sequence = 0;
    const event = (type: string, data: object) => serverSentEvent({ type, sequence_number: sequence++, ...data }, type);
    const output: { id: string }[] = [];
    const position = (item: { id: string }) => ({ item_id: item.id, output_index: output.length });

    yield event('response.created', { response: response(answer, 'in_progress', []) });
    yield event('response.in_progress', { response: response(answer, 'in_progress', []) });

    let said = '';
    for (const delta of text) {
      const item = message(answer, '');
      if (said === '') {
        const open = { ...item, status: 'in_progress', content: [] };
        yield event('response.output_item.added', { output_index: 0, item: open });
        yield event('response.content_part.added', { ...position(item), content_index: 0, part: item.content[0] });
      }
      said += delta;
      yield event('response.output_text.delta', { ...position(item), content_index: 0, delta, logprobs: [] });
    }
    if (said) {
      const item = message(answer, said);
      yield event('response.output_text.done', { ...position(item), content_index: 0, text: said, logprobs: [] });
      yield event('response.content_part.done', { ...position(item), content_index: 0, part: item.content[0] });
      yield event('response.output_item.done', { output_index: 0, item });
      output.push(item);
    }

    for (const call of answer.toolCalls) {
      const item = functionCall(call, 'completed');
      const open = { ...functionCall(call, 'in_progress'), arguments: '' };
      yield event('response.output_item.added', { output_index: output.length, item: open });
      for (const delta of fragments(call)) {
        yield event('response.function_call_arguments.delta', { ...position(item), delta });
      }
      yield event('response.function_call_arguments.done', { ...position(item), arguments: item.arguments });
      yield event('response.output_item.done', { output_index: output.length, item });
      output.push(item);
    }

    yield event('response.completed', { response: response(answer, 'completed', output) });
  },

  failure: openAIFailure,

  errorEvent() {
    const { code, message: text } = openAIFailure(500).error;
    const error = { type: 'error', code: code ?? 'server_error', message: text, param: null, sequence_number: 99 };
    return serverSentEvent(error, 'error');
  },
};

function response(answer: FullAnswer, status: 'in_progress' | 'completed', output: readonly unknown[]) {
  return {
    id: `resp_${answer.id}`,
    object: 'response',
    created_at: Math.floor(Date.now() / 1000),
    status,
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    model: answer.model,
    output,
    parallel_tool_calls: true,
    previous_response_id: null,
    service_tier: 'default',
    temperature: 1,
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    usage: status === 'completed' ? usage(answer) : null,
  };
}

function message(answer: FullAnswer, text: string) {
  return {
    id: `msg_${answer.id}`,
    type: 'message',
    status: 'completed',
    role: 'assistant',
    content: [{ type: 'output_text', text, annotations: [], logprobs: [] }],
  };
}

function functionCall({ id, name, arguments: input }: ToolCall, status: 'in_progress' | 'completed') {
  return { id: `fc_${id}`, type: 'function_call', status, call_id: id, name, arguments: JSON.stringify(input) };
}

function usage({ usage: { input, output, cacheRead = 0, cacheWrite = 0, reasoning = 0 } }: FullAnswer) {
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cacheRead, cache_write_tokens: cacheWrite },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + output,
  };
}
