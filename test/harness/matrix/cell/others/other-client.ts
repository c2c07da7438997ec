/** A client whose API is not OpenAI's, or which is not `openai`. Its module makes it, with the recording fetch as docs/clients.md says. */
import { recordingFetch } from 'runtrace';
import { type Client, PROMPT } from '../clients.js';

/** A client that has a module of its own, by the name of the module. */
type OneOfModule = 'groq' | 'together' | 'openrouter' | 'cohere' | 'mistral' | 'ollama' | 'bedrock';

export type HttpClient = 'http/ky' | 'http/axios';

/** A provider of the AI SDK, by the name of its package. */
export type AiSdkProvider = `ai-sdk/${
  | 'mistral'
  | 'cohere'
  | 'groq'
  | 'togetherai'
  | 'amazon-bedrock'
  | 'gateway'
  | 'openrouter'}`;

export type OtherClient = OneOfModule | HttpClient | AiSdkProvider;

/** `provider`: the provider's URL. `client`: which of the module's clients is meant, if it has several. */
export type MakeClient<Name extends OtherClient = OtherClient> = (provider: string, client: Name) => Client;

/** The name of a client's module in this directory. */
export function moduleOf(client: OtherClient): string {
  return client.split('/', 1)[0] as string;
}

export const MESSAGES = [{ role: 'user', content: PROMPT }];

/** How long a client waits, where it does not do what a response asks for. */
export const RETRY_DELAY_MILLIS = 5;

/** The header that says which host the client would have called: the provider on this machine answers as that host does. */
export const ASKED_HOST = 'x-asked-host';

/**
 * The recording fetch for one call of a client that makes a `Request` of its own. Node aborts the signal of a `Request` through a weak reference,
 * so that after a garbage collection the client's signal does not stop a stream, with any `fetch`: this one is told of the signal itself.
 */
export function fetchStoppedBy(signal: AbortSignal | undefined): typeof fetch {
  return (input, init) => recordingFetch(input, signal ? { ...init, signal } : init);
}

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
