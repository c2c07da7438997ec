import { type FullAnswer, fragments, type WireFormat } from '../../../../examples/demo/wire/format.js';
import { awsException, awsMessage } from '../../../providers/stream/aws-messages.js';

/** Bedrock's Converse and ConverseStream. The type of an error is in a header. */
export const bedrockConverse: WireFormat = {
  streamType: 'application/vnd.amazon.eventstream',

  read(path) {
    const [, model, method] = /\/model\/([^/]+)\/(converse|converse-stream)$/.exec(path) ?? [];
    return model === undefined
      ? undefined
      : { model: decodeURIComponent(model), stream: method === 'converse-stream', includeUsage: true };
  },

  headers: (id, status) => ({
    'x-amzn-requestid': id,
    ...(status >= 400 && { 'x-amzn-errortype': `${errorType(status)}:http://internal.amazon.com/coral/` }),
  }),

  whole: (answer, text) => ({
    output: {
      message: {
        role: 'assistant',
        content: [
          ...(text === '' ? [] : [{ text }]),
          ...answer.toolCalls.map(({ id, name, arguments: input }) => ({ toolUse: { toolUseId: id, name, input } })),
        ],
      },
    },
    stopReason: stopReason(answer),
    usage: usage(answer),
    metrics: { latencyMs: 5 },
  }),

  *events(answer, text) {
    let contentBlockIndex = 0;
    yield awsMessage('messageStart', { role: 'assistant' });
    let isOpen = false;
    for (const piece of text) {
      isOpen = true;
      yield awsMessage('contentBlockDelta', { contentBlockIndex, delta: { text: piece } });
    }
    if (isOpen) yield awsMessage('contentBlockStop', { contentBlockIndex: contentBlockIndex++ });
    for (const call of answer.toolCalls) {
      const toolUse = { toolUseId: call.id, name: call.name };
      yield awsMessage('contentBlockStart', { contentBlockIndex, start: { toolUse } });
      for (const input of fragments(call)) {
        yield awsMessage('contentBlockDelta', { contentBlockIndex, delta: { toolUse: { input } } });
      }
      yield awsMessage('contentBlockStop', { contentBlockIndex: contentBlockIndex++ });
    }
    yield awsMessage('messageStop', { stopReason: stopReason(answer) });
    yield awsMessage('metadata', { usage: usage(answer), metrics: { latencyMs: 5 } });
  },

  failure: (status) => ({ message: status === 429 ? 'Too many requests, please wait.' : 'The model ID is invalid.' }),

  errorEvent: () => awsException('modelStreamErrorException', { message: 'The model failed.' }),
};

function errorType(status: number): string {
  if (status === 429) return 'ThrottlingException';
  return status < 500 ? 'ValidationException' : 'InternalServerException';
}

function stopReason({ toolCalls }: FullAnswer): string {
  return toolCalls.length > 0 ? 'tool_use' : 'end_turn';
}

function usage({ usage: { input, output } }: FullAnswer) {
  return { inputTokens: input, outputTokens: output, totalTokens: input + output };
}
