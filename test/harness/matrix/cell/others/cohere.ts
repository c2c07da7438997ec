import { CohereClientV2 } from 'cohere-ai';
import { recordingFetch } from 'runtrace';
import { type MakeClient, MESSAGES as messages, textsOf } from './other-client.js';

export const make: MakeClient = (environment) => {
  const cohere = new CohereClientV2({ token: 'none', environment, fetch: recordingFetch });
  return {
    generate: async (model) => (await cohere.chat({ model, messages })).message.content[0].text,
    stream: async (model, abortSignal) =>
      textsOf(
        await cohere.chatStream({ model, messages }, { abortSignal }),
        (event: { delta?: { message?: { content?: { text?: string } } } }) => event.delta?.message?.content?.text,
      ),
  };
};
