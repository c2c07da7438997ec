import { HTTPClient, Mistral } from '@mistralai/mistralai';
import { recordingFetch } from 'runtrace';
import { type MakeClient, MESSAGES as messages, textsOf, tried } from './other-client.js';

export const make: MakeClient = (serverURL) => {
  const httpClient = new HTTPClient({ fetcher: recordingFetch });
  // The provider on this machine then answers as Mistral does.
  httpClient.addHook('beforeRequest', (request: Request) => request.headers.set('x-asked-host', 'api.mistral.ai'));
  const { chat } = new Mistral({ apiKey: 'none', serverURL, httpClient });
  return {
    generate: (model) => tried(async () => (await chat.complete({ model, messages })).choices[0].message.content),
    stream: async (model, signal) =>
      textsOf(
        await chat.stream({ model, messages }, { signal }),
        ({ data }: { data: { choices: { delta: { content?: string } }[] } }) => data.choices[0]?.delta.content,
      ),
  };
};
