/** Chat Completions, by the clients and without one. */
import type { Client } from '../clients.js';
import { MESSAGES as messages, textsOf } from './other-client.js';

interface Chunk {
  readonly choices: readonly { readonly delta: { readonly content?: string } }[];
}

export function textOfChunk({ choices }: Chunk): string | undefined {
  return choices[0]?.delta.content;
}

/** What asks for a stream that says what it used. */
export const STREAMED = { stream: true, stream_options: { include_usage: true } };

/** A client that has the shape of `openai`. Its package is not installed here, so it has no types. */
interface LikeOpenAI {
  // biome-ignore lint/suspicious/noExplicitAny: see above.
  readonly chat: any;
}

export function likeOpenAI({ chat: { completions } }: LikeOpenAI): Client {
  return {
    generate: async (model) => (await completions.create({ model, messages })).choices[0].message.content,
    stream: async (model, signal) =>
      textsOf<Chunk>(await completions.create({ model, messages, ...STREAMED }, { signal }), textOfChunk),
  };
}
