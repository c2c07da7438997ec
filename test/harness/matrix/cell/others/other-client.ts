/** A client whose API is not OpenAI's, or which is not `openai`. Its module makes it, with the recording fetch as docs/clients.md says. */
import type { Client } from '../clients.js';

/** The name of its module. */
export type OtherClient = 'groq' | 'cohere' | 'mistral' | 'ollama' | 'bedrock';

/** `provider`: the provider's URL. */
export type MakeClient = (provider: string) => Client;

export const PROMPT = 'How are you?';
export const MESSAGES = [{ role: 'user', content: PROMPT }];

/** How often an application asks, where its client does not ask again by itself. */
const TIMES = 3;

export async function* textsOf<T>(stream: AsyncIterable<T>, textOf: (item: T) => string | undefined) {
  for await (const item of stream) yield textOf(item) ?? '';
}

export async function tried<T>(call: () => Promise<T>, times = TIMES): Promise<T> {
  return call().catch((error) => {
    if (times === 1) throw error;
    return tried(call, times - 1);
  });
}
