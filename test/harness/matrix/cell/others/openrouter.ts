import { HTTPClient, OpenRouter } from '@openrouter/sdk';
import { textOfChunk } from './completions.js';
import {
  ASKED_HOST,
  fetchStoppedBy,
  type MakeClient,
  MESSAGES as messages,
  RETRY_DELAY_MILLIS,
  textsOf,
} from './other-client.js';

const BACKOFF = {
  initialInterval: RETRY_DELAY_MILLIS,
  maxInterval: RETRY_DELAY_MILLIS,
  exponent: 1,
  maxElapsedTime: 5000,
};

export const make: MakeClient = (provider) => {
  const chatWith = (signal?: AbortSignal) => {
    const httpClient = new HTTPClient({ fetcher: fetchStoppedBy(signal) });
    httpClient.addHook('beforeRequest', (request: Request) => request.headers.set(ASKED_HOST, 'openrouter.ai'));
    return new OpenRouter({
      apiKey: 'none',
      serverURL: `${provider}/api/v1`,
      httpClient,
      retryConfig: { strategy: 'backoff', backoff: BACKOFF, retryConnectionErrors: false },
    }).chat;
  };
  const options = { retryCodes: ['429'] };
  return {
    generate: async (model) =>
      (await chatWith().send({ chatRequest: { model, messages, stream: false } }, options)).choices[0].message.content,
    stream: async (model, signal) => {
      const chatRequest = { model, messages, stream: true, streamOptions: { includeUsage: true } };
      return textsOf(await chatWith(signal).send({ chatRequest }, { ...options, signal }), textOfChunk);
    },
  };
};
