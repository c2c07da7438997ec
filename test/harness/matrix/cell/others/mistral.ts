import { HTTPClient, Mistral } from '@mistralai/mistralai';
import { recordingFetch } from 'runtrace';
import { type MakeClient, MESSAGES as messages, textsOf, tried } from './other-client.js';

export const make: MakeClient = (serverURL) => {
  // The client sends a clone of its `Request`, whose signal Node aborts through a weak reference: a stream could not be stopped on Node 26.
  const chatWith = (signal?: AbortSignal) => {
    const fetcher: typeof fetch = (input, init) => recordingFetch(input, signal ? { ...init, signal } : init);
    const httpClient = new HTTPClient({ fetcher });
    // The provider on this machine then answers as Mistral does.
    httpClient.addHook('beforeRequest', (request: Request) => request.headers.set('x-asked-host', 'api.mistral.ai'));
    return new Mistral({ apiKey: 'none', serverURL, httpClient }).chat;
  };
  return {
    generate: (model) => tried(async () => (await chatWith().complete({ model, messages })).choices[0].message.content),
    stream: async (model, signal) =>
      textsOf(
        await chatWith(signal).stream({ model, messages }, { signal }),
        ({ data }: { data: { choices: { delta: { content?: string } }[] } }) => data.choices[0]?.delta.content,
      ),
  };
};
