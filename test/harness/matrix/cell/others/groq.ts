import Groq from 'groq-sdk';
import { recordingFetch } from 'runtrace';
import { type MakeClient, MESSAGES as messages, textsOf } from './other-client.js';

export const make: MakeClient = (baseURL) => {
  const { completions } = new Groq({ apiKey: 'none', baseURL, fetch: recordingFetch }).chat;
  const streamed = { stream: true, stream_options: { include_usage: true } };
  return {
    generate: async (model) => (await completions.create({ model, messages })).choices[0].message.content,
    stream: async (model, signal) =>
      textsOf(
        await completions.create({ model, messages, ...streamed }, { signal }),
        (chunk: { choices: { delta: { content?: string } }[] }) => chunk.choices[0]?.delta.content,
      ),
  };
};
