/** The clients of APIs of their own: Anthropic, Google, Mistral, Cohere, Ollama, IBM. */
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import { WatsonXAI } from '@ibm-cloud/watsonx-ai';
import { HTTPClient, Mistral } from '@mistralai/mistralai';
import { CohereClientV2 } from 'cohere-ai';
import { NoAuthAuthenticator } from 'ibm-cloud-sdk-core';
import { Ollama } from 'ollama';
import { type Ask, type ClientRow, FUNCTION_TOOL, MESSAGES, PROMPT, TOOL } from '../client.js';
import { map } from './map.js';

const messages = MESSAGES;
const tools = ({ withTool }: Ask) => withTool && { tools: [FUNCTION_TOOL] };

export const ownApi: readonly ClientRow[] = [
  {
    name: '`@anthropic-ai/sdk`',
    package: '@anthropic-ai/sdk',
    record: 'new Anthropic({ fetch: recordingFetch })',
    provider: 'anthropic',
    finishReasons: ['end_turn', 'tool_use'],
    refusal: 'invalid_request_error',
    retries: true,
    make(fetch) {
      const { messages: api } = new Anthropic({ apiKey: 'none', fetch, logLevel: 'off' });
      const { parameters: input_schema, ...tool } = TOOL;
      const request = (model: string, { withTool }: Ask) => ({
        model,
        messages,
        max_tokens: 100,
        ...(withTool && { tools: [{ ...tool, input_schema }] }),
      });
      return {
        generate: (model, ask) => api.create(request(model, ask)),
        open: async (model, ask) =>
          map(
            await api.create({ ...request(model, ask), stream: true }, { signal: ask.signal }),
            (event) => event.type === 'content_block_delta' && event.delta.type === 'text_delta' && event.delta.text,
          ),
      };
    },
  },
  {
    name: '`@google/genai`',
    package: '@google/genai',
    record: 'new GoogleGenAI({ httpOptions: { fetch: recordingFetch } })',
    provider: 'gcp.gemini',
    finishReasons: ['STOP', 'STOP'],
    refusal: 'INVALID_ARGUMENT',
    retries: true,
    make(fetch) {
      const retryOptions = { attempts: 3, initialDelay: 0.002, maxDelay: 0.01 };
      const { models } = new GoogleGenAI({ apiKey: 'none', httpOptions: { fetch, retryOptions } });
      const { parameters: parametersJsonSchema, ...tool } = TOOL;
      const request = (model: string, { withTool, signal }: Ask) => ({
        model,
        contents: PROMPT,
        config: {
          abortSignal: signal,
          ...(withTool && { tools: [{ functionDeclarations: [{ ...tool, parametersJsonSchema }] }] }),
        },
      });
      return {
        generate: (model, ask) => models.generateContent(request(model, ask)),
        open: async (model, ask) => map(await models.generateContentStream(request(model, ask)), (chunk) => chunk.text),
        results: { embeddings: (model) => models.embedContent({ model, contents: 'a' }) },
      };
    },
  },
  {
    name: '`@mistralai/mistralai`',
    package: '@mistralai/mistralai',
    record: 'new Mistral({ httpClient: new HTTPClient({ fetcher: recordingFetch }) })',
    provider: 'mistral_ai',
    finishReasons: ['stop', 'tool_calls'],
    refusal: 'invalid_request_error',
    retries: true,
    make(fetch) {
      const mistral = mistralWith(fetch);
      return {
        generate: (model, ask) => mistral.chat.complete({ model, messages, ...tools(ask) }),
        open: async (model, ask) =>
          map(
            await mistral.chat.stream({ model, messages, ...tools(ask) }, { signal: ask.signal }),
            (event: { data: { choices: { delta: { content?: unknown } }[] } }) => event.data.choices[0]?.delta.content,
          ),
        results: {
          embeddings: (model) => mistral.embeddings.create({ model, inputs: ['a'] }),
          moderation: (model) => mistral.classifiers.moderate({ model, inputs: ['a'] }),
        },
      };
    },
  },
  {
    name: '`@mistralai/mistralai`, conversations',
    package: '@mistralai/mistralai',
    record: 'new Mistral({ httpClient: new HTTPClient({ fetcher: recordingFetch }) })',
    provider: 'mistral_ai',
    refusal: 'invalid_request_error',
    retries: true,
    make(fetch) {
      const { conversations } = mistralWith(fetch).beta;
      const request = (model: string, ask: Ask) => ({ model, inputs: PROMPT, ...tools(ask) });
      return {
        generate: (model, ask) => conversations.start(request(model, ask)),
        open: async (model, ask) =>
          map(
            await conversations.startStream(request(model, ask), { signal: ask.signal }),
            (event: { data: { content?: unknown } }) => event.data.content,
          ),
      };
    },
  },
  {
    name: '`cohere-ai`',
    package: 'cohere-ai',
    record: 'new CohereClientV2({ fetch: recordingFetch })',
    provider: 'cohere',
    finishReasons: ['COMPLETE', 'TOOL_CALL'],
    refusal: '400',
    retries: true,
    make(fetch) {
      const cohere = new CohereClientV2({ token: 'none', fetch });
      const request = (model: string, ask: Ask) => ({ model, messages, ...tools(ask) });
      return {
        generate: (model, ask) => cohere.chat(request(model, ask)),
        open: async (model, ask) =>
          map(
            await cohere.chatStream(request(model, ask), { abortSignal: ask.signal }),
            (event: { delta?: { message?: { content?: { text?: string } } } }) => event.delta?.message?.content?.text,
          ),
        results: {
          embeddings: (model) =>
            cohere.embed({ model, texts: ['a'], inputType: 'search_query', embeddingTypes: ['float'] }),
          rerank: (model) => cohere.rerank({ model, query: 'a', documents: ['a', 'b'] }),
        },
      };
    },
  },
  {
    name: '`ollama`',
    package: 'ollama',
    record: 'new Ollama({ fetch: recordingFetch })',
    provider: 'ollama',
    finishReasons: ['stop', 'stop'],
    refusal: '400',
    retries: false,
    make(fetch) {
      const ollama = new Ollama({ fetch });
      return {
        generate: (model, ask) => ollama.chat({ model, messages, ...tools(ask) }),
        async open(model, ask) {
          const stream = await ollama.chat({ model, messages, ...tools(ask), stream: true });
          ask.signal.addEventListener('abort', () => stream.abort());
          return map(stream, (part: { message: { content: string } }) => part.message.content);
        },
        results: { embeddings: (model) => ollama.embed({ model, input: 'a' }) },
      };
    },
  },
  {
    name: '`@ibm-cloud/watsonx-ai`',
    package: '@ibm-cloud/watsonx-ai',
    record: "WatsonXAI.newInstance({ version, serviceUrl, adapter: 'fetch', env: { fetch: recordingFetch } })",
    provider: 'ibm.watsonx.ai',
    finishReasons: ['stop', 'tool_calls'],
    refusal: 'invalid_request_entity',
    retries: false,
    make(fetch) {
      const watsonx = WatsonXAI.newInstance({
        version: '2026-01-01',
        serviceUrl: 'https://us-south.ml.cloud.ibm.com',
        authenticator: new NoAuthAuthenticator(),
        adapter: 'fetch',
        env: { fetch },
      });
      const asked = (modelId: string) => ({ modelId, projectId: 'none' });
      const request = (model: string, ask: Ask) => ({ ...asked(model), messages, signal: ask.signal, ...tools(ask) });
      return {
        generate: (model, ask) => watsonx.textChat(request(model, ask)),
        open: async (model, ask) =>
          map(
            await watsonx.textChatStream({ ...request(model, ask), returnObject: true }),
            (event: { data: { choices: { delta: { content?: string } }[] } }) => event.data.choices[0]?.delta.content,
          ),
        results: {
          embeddings: (model) => watsonx.embedText({ ...asked(model), inputs: ['a'] }),
          rerank: (model) =>
            watsonx.textRerank({ ...asked(model), query: 'a', inputs: [{ text: 'a' }, { text: 'b' }] }),
        },
      };
    },
  },
];

function mistralWith(fetch: typeof globalThis.fetch) {
  const backoff = { initialInterval: 5, maxInterval: 10, exponent: 1, maxElapsedTime: 5000 };
  return new Mistral({
    apiKey: 'none',
    httpClient: new HTTPClient({ fetcher: fetch }),
    retryConfig: { strategy: 'backoff', backoff, retryConnectionErrors: false },
  });
}
