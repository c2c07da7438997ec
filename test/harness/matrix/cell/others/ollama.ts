import { Ollama } from 'ollama';
import { recordingFetch } from 'runtrace';
import { type MakeClient, MESSAGES as messages, textsOf, tried } from './other-client.js';

export const make: MakeClient = (host) => {
  const ollama = new Ollama({ host, fetch: recordingFetch });
  return {
    generate: (model) => tried(async () => (await ollama.chat({ model, messages })).message.content),
    async stream(model, signal) {
      const stream = await ollama.chat({ model, messages, stream: true });
      signal?.addEventListener('abort', () => stream.abort());
      return textsOf(stream, (part: { message: { content: string } }) => part.message.content);
    },
  };
};
