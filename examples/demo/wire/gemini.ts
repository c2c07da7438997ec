import { type FullAnswer, serverSentEvent, type WireFormat } from './format.js';

/** Gemini's `generateContent` and `streamGenerateContent?alt=sse`. */
export const gemini: WireFormat = {
  read(path) {
    const [, model, method] = /\/models\/(.+):(generateContent|streamGenerateContent)$/.exec(path) ?? [];
    if (!model) return undefined;
    return { model: decodeURIComponent(model), stream: method === 'streamGenerateContent', includeUsage: true };
  },

  headers: () => ({ 'server-timing': 'gfet4t7; dur=3', vary: 'Origin, X-Origin, Referer' }),

  whole(answer, text) {
    const said = text ? [{ text }, ...functionCalls(answer)] : functionCalls(answer);
    return chunk(answer, said, 'STOP');
  },

  /** There is no last event: the last chunk is the one with a `finishReason`. */
  *events(answer, text) {
    for (const piece of text) yield serverSentEvent(chunk(answer, [{ text: piece }]));
    const calls = functionCalls(answer);
    yield serverSentEvent(chunk(answer, calls.length > 0 ? calls : [{ text: '' }], 'STOP'));
  },

  failure(status) {
    const [name, message] = FAILURES[status] ?? (status >= 500 ? SERVER_ERROR : BAD_REQUEST);
    return { error: { code: status, message, status: name } };
  },

  errorEvent: () => serverSentEvent(gemini.failure(503)),
};

type Failure = [status: string, message: string];

const SERVER_ERROR: Failure = ['INTERNAL', 'An internal error has occurred. Please retry.'];
const BAD_REQUEST: Failure = ['INVALID_ARGUMENT', 'Invalid JSON payload received.'];

const FAILURES: Record<number, Failure> = {
  401: ['UNAUTHENTICATED', 'Request had invalid authentication credentials.'],
  403: ['PERMISSION_DENIED', 'Method does not allow unregistered callers.'],
  404: ['NOT_FOUND', 'The model is not found for API version v1beta.'],
  429: ['RESOURCE_EXHAUSTED', 'You exceeded your current quota, please check your plan and billing details.'],
  503: ['UNAVAILABLE', 'The model is overloaded. Please try again later.'],
};

function chunk(answer: FullAnswer, parts: unknown[], finishReason?: string) {
  const { input, output, cacheRead, reasoning = 0 } = answer.usage;
  return {
    candidates: [{ content: { parts, role: 'model' }, ...(finishReason && { finishReason }), index: 0 }],
    usageMetadata: {
      promptTokenCount: input,
      candidatesTokenCount: output - reasoning,
      totalTokenCount: input + output,
      ...(cacheRead && { cachedContentTokenCount: cacheRead }),
      ...(reasoning && { thoughtsTokenCount: reasoning }),
    },
    modelVersion: answer.model,
    responseId: answer.id,
  };
}

function functionCalls({ toolCalls }: FullAnswer): unknown[] {
  return toolCalls.map(({ id, name, arguments: args }) => ({ functionCall: { id, name, args } }));
}
