import { HTTPClient, Mistral } from '@mistralai/mistralai';
import { textOfChunk } from './completions.js';
import { ASKED_HOST, fetchStoppedBy, type MakeClient, MESSAGES as messages, textsOf, tried } from './other-client.js';

export const make: MakeClient = (serverURL) => {
  const chatWith = (signal?: AbortSignal) => {
    const httpClient = new HTTPClient({ fetcher: fetchStoppedBy(signal) });
    // The provider on this machine then answers as Mistral does.
    httpClient.addHook('beforeRequest', (request: Request) => request.headers.set(ASKED_HOST, 'api.mistral.ai'));
    return new Mistral({ apiKey: 'none', serverURL, httpClient }).chat;
  };
  return {
    generate: (model) => tried(async () => (await chatWith().complete({ model, messages })).choices[0].message.content),
    stream: async (model, signal) =>
      textsOf(
        await chatWith(signal).stream({ model, messages }, { signal }),
        ({ data }: { data: Parameters<typeof textOfChunk>[0] }) => textOfChunk(data),
      ),
  };
};
