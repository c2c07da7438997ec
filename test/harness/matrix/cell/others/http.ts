/** Applications without a model client: an HTTP client that posts to OpenAI's API. */
import axios from 'axios';
import ky from 'ky';
import type { Client } from '../clients.js';
import { STREAMED } from './completions.js';
import {
  fetchStoppedBy,
  type HttpClient,
  type MakeClient,
  MESSAGES as messages,
  RETRY_DELAY_MILLIS,
  tried,
} from './other-client.js';

const CLIENTS: Record<HttpClient, (url: string) => Client> = {
  'http/ky': (url) => {
    const retry = { limit: 2, methods: ['post'], delay: () => RETRY_DELAY_MILLIS };
    const post = (json: object, signal?: AbortSignal) =>
      ky.post(url, { json, signal, retry, fetch: fetchStoppedBy(signal) });
    return {
      generate: async (model) => textOf(await post({ model, messages }).json()),
      stream: async (model, signal) => decoded((await post({ model, messages, ...STREAMED }, signal)).body),
    };
  },
  'http/axios': (url) => {
    const post = (body: object, responseType: 'json' | 'stream', signal?: AbortSignal) =>
      axios.post(url, body, { responseType, signal, adapter: 'fetch', env: { fetch: fetchStoppedBy(signal) } });
    return {
      generate: (model) => tried(async () => textOf((await post({ model, messages }, 'json')).data)),
      stream: async (model, signal) => decoded((await post({ model, messages, ...STREAMED }, 'stream', signal)).data),
    };
  },
};

export const make: MakeClient<HttpClient> = (provider, client) => CLIENTS[client](`${provider}/v1/chat/completions`);

function textOf({ choices }: { choices: [{ message: { content: string } }] }): string {
  return choices[0].message.content;
}

/** A stream's bytes as text, which is enough to see that some of it has come. */
async function* decoded(body: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  for await (const bytes of body) yield decoder.decode(bytes, { stream: true });
}
