/** The real model clients, all with one face, so that a test can ask the same thing of each. */

import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import { generateText, type LanguageModel, streamText } from 'ai';
import OpenAI from 'openai';

/** How a client is made. */
export interface ClientOptions {
  /** The provider's `url`. */
  url: string;
  /** Its `fetch`; without one the client takes the global one, as it is at this moment. */
  fetch?: typeof globalThis.fetch;
  /** Retries after the first attempt. Default: 2. */
  maxRetries?: number;
}

/** How a call is made. */
export interface CallOptions {
  signal?: AbortSignal;
  /** The client's own timeout of one attempt (the AI SDK's: of the whole call). */
  timeoutMillis?: number;
}

/** A model client. */
export interface Client {
  /** One answer, whole. */
  generate(model: string, options?: CallOptions): Promise<string>;
  /** A streamed answer whose reading has not begun. */
  open(model: string, options?: CallOptions): Promise<AsyncIterable<string>>;
}

/** Makes a client, and says what is special about it. */
export interface ClientMaker {
  readonly name: string;
  /** The `gen_ai.provider.name` that its calls have. */
  readonly provider:
    | 'openai'
    | 'anthropic'
    | 'gcp.gemini'
    | 'mistral_ai'
    | 'cohere'
    | 'ollama'
    | 'aws.bedrock'
    | 'vercel';
  /** Whether it counts its retries in `x-stainless-retry-count`. */
  readonly numbersRetries: boolean;
  /** Whether it waits for as long as the provider asks it to (`retry-after-ms`). */
  readonly heedsRetryAfter: boolean;
  /** How long it waits before a retry where the provider doesn't say (`retry-after-ms`). */
  readonly retryDelayMillis: number;
  /** Whether its `fetch` is aborted with the reason of the caller's signal, so that a timeout can be told from a stop. */
  readonly tellsReason?: boolean;
  /** Whether its `fetch` shows that its own timeout is over. */
  readonly tellsTimeout?: boolean;
  /** Whether it puts its own pipes to the body of a stream, which begin to read before the application does. */
  readonly readsAhead?: boolean;
  /** The ways of `npm run behaviours` that it can't go. */
  readonly leavesOut?: readonly string[];
  make(options: ClientOptions): Client;
}

/** What is special about every client of the AI SDK. */
export const AI_SDK = {
  numbersRetries: false,
  heedsRetryAfter: true,
  retryDelayMillis: 2000,
  tellsReason: true,
  tellsTimeout: true,
  readsAhead: true,
} as const;

/** Every client. */
export const CLIENTS: readonly ClientMaker[] = [
  { name: 'openai chat', ...numbered('openai'), make: openAIChat },
  { name: 'openai responses', ...numbered('openai'), make: openAIResponses },
  { name: 'anthropic', ...numbered('anthropic'), make: (options) => anthropic(options, false) },
  { name: 'anthropic, traced', ...numbered('anthropic'), make: (options) => anthropic(options, true) },
  {
    name: 'google',
    provider: 'gcp.gemini',
    numbersRetries: false,
    heedsRetryAfter: false,
    retryDelayMillis: 2,
    make: google,
  },
  {
    name: 'ai openai chat',
    ...aiSdk('openai'),
    make: (options) => aiClient(options, (model) => createOpenAI(aiSettings(options)).chat(model)),
  },
  {
    name: 'ai openai responses',
    ...aiSdk('openai'),
    make: (options) => aiClient(options, (model) => createOpenAI(aiSettings(options)).responses(model)),
  },
  {
    name: 'ai anthropic',
    ...aiSdk('anthropic'),
    make: (options) => aiClient(options, (model) => createAnthropic(aiSettings(options))(model)),
  },
];

/** The text of a stream, read to its end. */
export async function read(stream: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const piece of stream) text += piece;
  return text;
}

const PROMPT = 'How are you?';
const messages: [{ role: 'user'; content: string }] = [{ role: 'user', content: PROMPT }];

/** These clients have no option for the delay; this is where they ask themselves for it. */
export function retryingSoon<T extends object>(client: T): T {
  Object.assign(client, { calculateDefaultRetryTimeoutMillis: () => 2 });
  return client;
}

function numbered(provider: 'openai' | 'anthropic') {
  return { provider, numbersRetries: true, heedsRetryAfter: true, retryDelayMillis: 2 };
}

function openAIClient({ url, fetch, maxRetries = 2 }: ClientOptions): OpenAI {
  const baseURL = `${url}/v1`;
  const settings = { apiKey: 'sk-not-a-key', baseURL, maxRetries, logLevel: 'off' } as const;
  return retryingSoon(new OpenAI({ ...settings, ...(fetch && { fetch }) }));
}

function openAIChat(options: ClientOptions): Client {
  return openAICompatible(openAIClient(options).chat);
}

/** Chat Completions of a client that has OpenAI's shape. */
export function openAICompatible(chat: ChatApi): Client {
  return {
    async generate(model, call) {
      const answer = (await chat.completions.create({ model, messages }, requestOptions(call))) as ChatAnswer;
      return answer.choices[0]?.message.content ?? '';
    },
    async open(model, call) {
      const request = { model, messages, stream: true, stream_options: { include_usage: true } };
      const stream = (await chat.completions.create(request, requestOptions(call))) as AsyncIterable<ChatChunk>;
      return map(stream, (chunk) => chunk.choices[0]?.delta.content);
    },
  };
}

interface ChatApi {
  // biome-ignore lint/suspicious/noExplicitAny: each client has overloads of its own.
  readonly completions: { create(request: any, options?: any): PromiseLike<unknown> };
}

interface ChatAnswer {
  readonly choices: readonly { readonly message: { readonly content: string | null } }[];
}

interface ChatChunk {
  readonly choices: readonly { readonly delta: { readonly content?: string | null } }[];
}

function openAIResponses(options: ClientOptions): Client {
  const { responses } = openAIClient(options);
  return {
    async generate(model, call) {
      const answer = await responses.create({ model, input: PROMPT }, requestOptions(call));
      return answer.output_text;
    },
    async open(model, call) {
      const stream = await responses.create({ model, input: PROMPT, stream: true }, requestOptions(call));
      return map(stream, (event) => {
        // openai 7 throws it itself.
        if (event.type === 'error') throw new Error(event.message);
        return event.type === 'response.output_text.delta' ? event.delta : undefined;
      });
    },
  };
}

function anthropic({ url, fetch, maxRetries = 2 }: ClientOptions, traces: boolean): Client {
  const openTelemetry = { traces };
  const settings = { apiKey: 'sk-ant-not-a-key', baseURL: url, maxRetries, logLevel: 'off', openTelemetry } as const;
  const { messages: api } = retryingSoon(new Anthropic({ ...settings, ...(fetch && { fetch }) }));
  return {
    async generate(model, call) {
      const answer = await api.create({ model, messages, max_tokens: 100 }, requestOptions(call));
      return answer.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
    },
    async open(model, call) {
      const request = { model, messages, max_tokens: 100, stream: true } as const;
      const stream = await api.create(request, requestOptions(call));
      return map(stream, (event) =>
        event.type === 'content_block_delta' && event.delta.type === 'text_delta' ? event.delta.text : undefined,
      );
    },
  };
}

function requestOptions({ signal, timeoutMillis }: CallOptions = {}) {
  return { ...(signal && { signal }), ...(timeoutMillis && { timeout: timeoutMillis }) };
}

function google({ url, fetch, maxRetries = 2 }: ClientOptions): Client {
  const retryOptions = { attempts: maxRetries + 1, initialDelay: 0.002, maxDelay: 0.01 };
  const { models } = new GoogleGenAI({
    apiKey: 'not-a-key',
    httpOptions: { baseUrl: url, retryOptions, ...(fetch && { fetch }) },
  });
  const config = ({ signal, timeoutMillis }: CallOptions = {}) => ({
    ...(signal && { abortSignal: signal }),
    ...(timeoutMillis && { httpOptions: { timeout: timeoutMillis } }),
  });
  return {
    async generate(model, call) {
      return (await models.generateContent({ model, contents: PROMPT, config: config(call) })).text ?? '';
    },
    async open(model, call) {
      const stream = await models.generateContentStream({ model, contents: PROMPT, config: config(call) });
      return map(stream, (chunk) => chunk.text);
    },
  };
}

function aiSdk(provider: 'openai' | 'anthropic') {
  return { provider, ...AI_SDK };
}

function aiSettings({ url, fetch }: ClientOptions) {
  return { apiKey: 'sk-not-a-key', baseURL: `${url}/v1`, ...(fetch && { fetch }) };
}

/** A client of the AI SDK. `ai`: the functions of another version of it. */
export function aiClient(
  { maxRetries = 2 }: ClientOptions,
  languageModel: (model: string) => LanguageModel,
  ai: { generateText: typeof generateText; streamText: typeof streamText } = { generateText, streamText },
): Client {
  const settings = (model: string, { signal, timeoutMillis }: CallOptions = {}) => ({
    model: languageModel(model),
    prompt: PROMPT,
    maxOutputTokens: 100,
    maxRetries,
    ...(signal && { abortSignal: signal }),
    ...(timeoutMillis && { timeout: timeoutMillis }),
  });
  return {
    async generate(model, call) {
      return (await ai.generateText(settings(model, call))).text;
    },
    async open(model, call) {
      const { fullStream } = ai.streamText({ ...settings(model, call), onError: () => {} });
      return map(fullStream, (part) => {
        if (part.type === 'error') throw part.error;
        return part.type === 'text-delta' ? part.text : undefined;
      });
    },
  };
}

async function* map<T>(stream: AsyncIterable<T>, text: (item: T) => string | null | undefined): AsyncIterable<string> {
  for await (const item of stream) {
    const piece = text(item);
    if (piece) yield piece;
  }
}
