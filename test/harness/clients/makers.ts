/** Clients of the packages of this folder, in the shape in which `npm run behaviours` asks each client. Importing this needs the packages. */
import { createAmazonBedrock } from '@ai-sdk/amazon-bedrock';
import { createCohere } from '@ai-sdk/cohere';
import { createGateway } from '@ai-sdk/gateway';
import { createGroq } from '@ai-sdk/groq';
import { createMistral } from '@ai-sdk/mistral';
import { createTogetherAI } from '@ai-sdk/togetherai';
import { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime';
import { Mistral, HTTPClient as MistralHttpClient } from '@mistralai/mistralai';
import { createOpenRouter } from '@openrouter/ai-sdk-provider';
import { OpenRouter, HTTPClient as OpenRouterHttpClient } from '@openrouter/sdk';
import { FetchHttpHandler } from '@smithy/fetch-http-handler';
import { generateText, type LanguageModel, streamText } from 'ai';
import axios from 'axios';
import { CohereClientV2 } from 'cohere-ai';
import Groq from 'groq-sdk';
import ky from 'ky';
import { Ollama } from 'ollama';
import Together from 'together-ai';
import { SseParser } from '../../../src/providers/stream/server-sent-events.js';
import {
  AI_SDK,
  aiClient,
  type CallOptions,
  type Client,
  type ClientMaker,
  type ClientOptions,
  openAICompatible,
  retryingSoon,
} from '../../support/clients.js';
import { map } from './apps/map.js';
import { MESSAGES as messages, PROMPT } from './client.js';
import { ASKED_HOST } from './wire/compatible.js';

type Fetch = typeof globalThis.fetch;

const KEY = 'not-a-key';
const RETRY_DELAY_MILLIS = 2;

/** A client that neither numbers its retries nor heeds `retry-after-ms`. */
const plain = { numbersRetries: false, heedsRetryAfter: false, retryDelayMillis: RETRY_DELAY_MILLIS } as const;

/** A client whose `fetch` is aborted with the reason: of the caller's signal, and of its own timeout. */
const tellsAll = { tellsReason: true, tellsTimeout: true } as const;

/** A client that reads an AWS event stream cancels it at the first message that is none, which is a stop. */
const STOPS_AT_NO_MESSAGE = '200 with half a JSON, streamed';

const TIMEOUTS = ['timeout of the client', 'timeout of the client, then 200'] as const;

/**
 * Speakeasy's clients send a clone of their `Request`. Node aborts the signal of a clone through a weak reference, so after a garbage collection
 * the client's own timeout does not stop its call.
 */
const speakeasyClient = { ...plain, ...tellsAll, leavesOut: TIMEOUTS } as const;

const CLIENTS: readonly ClientMaker[] = [
  { name: 'groq-sdk', ...stainless(), make: (options) => openAICompatible(groq(options).chat) },
  { name: 'together-ai', ...stainless(), make: (options) => openAICompatible(together(options).chat) },
  { name: '@openrouter/sdk', ...speakeasyClient, provider: 'openai', make: openRouter },
  { name: '@mistralai/mistralai', ...speakeasyClient, provider: 'openai', make: mistral },
  {
    name: '@mistralai/mistralai, conversations',
    ...speakeasyClient,
    provider: 'mistral_ai',
    make: mistralConversations,
  },
  { name: 'cohere-ai', ...plain, ...tellsAll, provider: 'cohere', retryDelayMillis: 1000, make: cohere },
  { name: 'ollama', ...plain, tellsReason: true, provider: 'ollama', leavesOut: TIMEOUTS, make: ollama },
  {
    name: '@aws-sdk/client-bedrock-runtime',
    ...plain,
    tellsReason: true,
    provider: 'aws.bedrock',
    // Its fetch handler leaves a fetch that took too long, and does not abort it: it goes on until undici's own time is over.
    leavesOut: [...TIMEOUTS, STOPS_AT_NO_MESSAGE],
    make: bedrock,
  },
  aiSdk('@ai-sdk/mistral', 'openai', ({ url, fetch }) =>
    createMistral({ ...asked('api.mistral.ai', fetch), baseURL: `${url}/v1` }),
  ),
  aiSdk('@ai-sdk/cohere', 'cohere', ({ url, fetch }) => createCohere({ ...key(fetch), baseURL: `${url}/v2` })),
  aiSdk('@ai-sdk/groq', 'openai', ({ url, fetch }) =>
    createGroq({ ...asked('api.groq.com', fetch), baseURL: `${url}/v1` }),
  ),
  aiSdk('@ai-sdk/togetherai', 'openai', ({ url, fetch }) => createTogetherAI({ ...key(fetch), baseURL: `${url}/v1` })),
  aiSdk('@openrouter/ai-sdk-provider', 'openai', ({ url, fetch }) =>
    createOpenRouter({ ...asked('openrouter.ai', fetch), baseURL: `${url}/api/v1` }),
  ),
  {
    ...aiSdk('@ai-sdk/amazon-bedrock', 'aws.bedrock', ({ url, fetch }) =>
      createAmazonBedrock({ ...key(fetch), region: 'eu-central-1', baseURL: url }),
    ),
    leavesOut: [STOPS_AT_NO_MESSAGE],
  },
  aiSdk('@ai-sdk/gateway', 'vercel', ({ url, fetch }) => createGateway({ ...key(fetch), baseURL: `${url}/v4/ai` })),
  { name: 'ky', ...plain, ...tellsAll, provider: 'openai', make: byKy },
  { name: 'axios', ...plain, tellsTimeout: true, provider: 'openai', make: byAxios },
];

/** Some of them do not close the connection of a stream that is left: with 100 MB in it, each way would wait ten seconds for that. */
const HUGE = ['break at the start of 100 MB', 'stream never read, 100 MB'];

export const PACKAGED: readonly ClientMaker[] = CLIENTS.map(({ leavesOut = [], ...maker }) => ({
  ...maker,
  leavesOut: [...leavesOut, ...HUGE],
}));

function stainless() {
  return { ...plain, provider: 'openai', numbersRetries: true, heedsRetryAfter: true } as const;
}

function key(fetch: Fetch | undefined) {
  return { apiKey: KEY, ...(fetch && { fetch }) };
}

/** The same, of a client whose provider streams otherwise than OpenAI. */
function asked(host: string, fetch: Fetch | undefined) {
  return { ...key(fetch), headers: { [ASKED_HOST]: host } };
}

function groq({ url, fetch, maxRetries = 2 }: ClientOptions) {
  return retryingSoon(new Groq({ ...key(fetch), baseURL: url, maxRetries, logLevel: 'off' }));
}

function together({ url, fetch, maxRetries = 2 }: ClientOptions) {
  return retryingSoon(new Together({ ...key(fetch), baseURL: `${url}/v1`, maxRetries, logLevel: 'off' }));
}

/** Speakeasy's clients retry for a time, and not so many times: how many requests they make depends on the machine. */
const retryConfig = { strategy: 'none' };

/** The options that a call of Speakeasy's clients takes. */
function speakeasy({ signal, timeoutMillis }: CallOptions = {}) {
  return { ...(signal && { signal }), ...(timeoutMillis && { timeoutMs: timeoutMillis }) };
}

/**
 * A `fetch` that has the call's signal too. A client that sends a clone of its `Request` can't stop it after a garbage collection: Node aborts
 * the signal of a clone through a weak reference (undici, `clone()` in lib/web/fetch/request.js).
 */
function withSignal(fetch: Fetch, signal: AbortSignal | undefined): Fetch {
  return signal ? (input, init) => fetch(input, { ...init, signal }) : fetch;
}

/** Says which host the client would call, to a provider that answers as that one does. */
function asking(host: string, http: { addHook(name: string, hook: (request: Request) => void): unknown }) {
  http.addHook('beforeRequest', (request) => request.headers.set(ASKED_HOST, host));
  return http;
}

function openRouter({ url, fetch = globalThis.fetch }: ClientOptions): Client {
  const chatFor = (call?: CallOptions) => {
    const httpClient = new OpenRouterHttpClient({ fetcher: withSignal(fetch, call?.signal) });
    const serverURL = `${url}/api/v1`;
    return new OpenRouter({ apiKey: KEY, serverURL, retryConfig, httpClient: asking('openrouter.ai', httpClient) })
      .chat;
  };
  const streamed = { stream: true, streamOptions: { includeUsage: true } };
  return {
    generate: async (model, call) =>
      (await chatFor(call).send({ chatRequest: { model, messages, stream: false } }, speakeasy(call))).choices[0]
        .message.content,
    open: async (model, call) =>
      texts(
        await chatFor(call).send({ chatRequest: { model, messages, ...streamed } }, speakeasy(call)),
        (chunk: { choices: { delta: { content?: string } }[] }) => chunk.choices[0]?.delta.content,
      ),
  };
}

function mistralClient({ url, fetch = globalThis.fetch }: ClientOptions, call: CallOptions | undefined) {
  const httpClient = new MistralHttpClient({ fetcher: withSignal(fetch, call?.signal) });
  return new Mistral({
    apiKey: KEY,
    serverURL: url,
    retryConfig,
    httpClient: asking('api.mistral.ai', httpClient),
  });
}

function mistral(options: ClientOptions): Client {
  return {
    generate: async (model, call) =>
      (await mistralClient(options, call).chat.complete({ model, messages }, speakeasy(call))).choices[0].message
        .content,
    open: async (model, call) =>
      texts(
        await mistralClient(options, call).chat.stream({ model, messages }, speakeasy(call)),
        (event: { data: { choices: { delta: { content?: string } }[] } }) => event.data.choices[0]?.delta.content,
      ),
  };
}

function mistralConversations(options: ClientOptions): Client {
  const api = (call?: CallOptions) => mistralClient(options, call).beta.conversations;
  return {
    generate: async (model, call) =>
      (await api(call).start({ model, inputs: PROMPT }, speakeasy(call))).outputs[0].content,
    open: async (model, call) =>
      texts(
        await api(call).startStream({ model, inputs: PROMPT }, speakeasy(call)),
        (event: { data: { content?: string } }) => event.data.content,
      ),
  };
}

function cohere({ url, fetch, maxRetries = 2 }: ClientOptions): Client {
  const client = new CohereClientV2({ token: KEY, environment: url, ...(fetch && { fetch }) });
  const options = ({ signal, timeoutMillis }: CallOptions = {}) => ({
    maxRetries,
    ...(signal && { abortSignal: signal }),
    ...(timeoutMillis && { timeoutInSeconds: timeoutMillis / 1000 }),
  });
  return {
    generate: async (model, call) => (await client.chat({ model, messages }, options(call))).message.content[0].text,
    open: async (model, call) =>
      texts(
        await client.chatStream({ model, messages }, options(call)),
        (event: { delta?: { message?: { content?: { text?: string } } } }) => event.delta?.message?.content?.text,
      ),
  };
}

/** It takes no signal, so the application gives it one by its `fetch`. */
function ollama({ url, fetch = globalThis.fetch }: ClientOptions): Client {
  const client = (signal?: AbortSignal) => new Ollama({ host: url, fetch: withSignal(fetch, signal) });
  return {
    generate: async (model, call) => (await client(call?.signal).chat({ model, messages })).message.content,
    open: async (model, call) =>
      texts(
        await client(call?.signal).chat({ model, messages, stream: true }),
        (part: { message: { content: string } }) => part.message.content,
      ),
  };
}

/** It too has the signal in a `Request` only, which it does not hold. */
function bedrock({ url, fetch = globalThis.fetch, maxRetries = 2 }: ClientOptions): Client {
  const clientFor = (signal?: AbortSignal) =>
    new BedrockRuntimeClient({
      region: 'eu-central-1',
      credentials: { accessKeyId: KEY, secretAccessKey: KEY },
      endpoint: url,
      maxAttempts: maxRetries + 1,
      requestHandler: new FetchHttpHandler({ customFetch: withSignal(fetch, signal) }),
    });
  const request = (modelId: string) => ({ modelId, messages: [{ role: 'user', content: [{ text: PROMPT }] }] });
  const options = ({ signal, timeoutMillis }: CallOptions = {}) => ({
    ...(signal && { abortSignal: signal }),
    ...(timeoutMillis && { requestTimeout: timeoutMillis }),
  });
  return {
    generate: async (model, call) =>
      (await clientFor(call?.signal).send(new ConverseCommand(request(model)), options(call))).output.message.content[0]
        .text,
    open: async (model, call) =>
      texts(
        (await clientFor(call?.signal).send(new ConverseStreamCommand(request(model)), options(call))).stream,
        (event: { contentBlockDelta?: { delta: { text?: string } } }) => event.contentBlockDelta?.delta.text,
      ),
  };
}

function aiSdk(
  name: string,
  provider: ClientMaker['provider'],
  provide: (options: ClientOptions) => { languageModel(model: string): LanguageModel },
): ClientMaker {
  return {
    ...AI_SDK,
    name: `ai ${name}`,
    provider,
    make: (options) =>
      aiClient(options, (model) => provide(options).languageModel(model), { generateText, streamText }),
  };
}

interface AxiosError {
  readonly response?: { readonly data: ReadableStream };
}

function body(model: string, stream: boolean) {
  return { model, messages, ...(stream && { stream, stream_options: { include_usage: true } }) };
}

function byKy({ url, fetch = globalThis.fetch, maxRetries = 2 }: ClientOptions): Client {
  const path = `${url}/v1/chat/completions`;
  const retry = { limit: maxRetries, methods: ['post' as const], delay: () => RETRY_DELAY_MILLIS };
  const options = ({ signal, timeoutMillis }: CallOptions = {}) => ({
    fetch: withSignal(fetch, signal),
    retry,
    ...(signal && { signal }),
    timeout: timeoutMillis ?? (false as const),
  });
  return {
    async generate(model, call) {
      const answer = await ky.post(path, { json: body(model, false), ...options(call) }).json();
      return answer.choices[0].message.content;
    },
    async open(model, call) {
      return chunksOf((await ky.post(path, { json: body(model, true), ...options(call) })).body);
    },
  };
}

function byAxios({ url, fetch }: ClientOptions): Client {
  const path = `${url}/v1/chat/completions`;
  const options = ({ signal, timeoutMillis }: CallOptions = {}) => ({
    adapter: 'fetch',
    ...(fetch && { env: { fetch } }),
    ...(signal && { signal }),
    ...(timeoutMillis && { timeout: timeoutMillis }),
  });
  return {
    generate: async (model, call) =>
      (await axios.post(path, body(model, false), options(call))).data.choices[0].message.content,
    async open(model, call) {
      const given = { ...options(call), responseType: 'stream' };
      const answer = await axios.post(path, body(model, true), given).catch(async (error: AxiosError) => {
        // An application that wants to know why it was refused reads the stream of the answer.
        await error.response?.data.pipeTo(new WritableStream());
        throw error;
      });
      return chunksOf(answer.data);
    },
  };
}

/** The texts of a stream of Chat Completions, as an application without a model client reads it. */
async function* chunksOf(stream: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let events: string[] = [];
  const parser = new SseParser((_name, data) => events.push(data), 1 << 20);
  for await (const bytes of stream) {
    parser.push(decoder.decode(bytes, { stream: true }));
    for (const data of events) {
      if (data === '[DONE]') continue;
      const { choices, error } = JSON.parse(data);
      if (error) throw new Error(error.message);
      const text = choices[0]?.delta.content;
      if (text) yield text;
    }
    events = [];
  }
}

/** What a stream has of text. */
async function* texts<T>(stream: AsyncIterable<T>, textOf: (item: T) => string | null | undefined) {
  for await (const text of map(stream, textOf)) if (text) yield text as string;
}
