/** The clients of OpenAI's API, and of those that have the same. */
import { HTTPClient, OpenRouter } from '@openrouter/sdk';
import Groq from 'groq-sdk';
import OpenAI, { toFile } from 'openai';
import Together from 'together-ai';
import { type Ask, type Client, type ClientRow, FUNCTION_TOOL, MESSAGES, PROMPT, TOOL } from '../client.js';
import { map } from './map.js';

const messages = MESSAGES;
const tools = ({ withTool }: Ask) => withTool && { tools: [FUNCTION_TOOL] };
const finishReasons = ['stop', 'tool_calls'] as const;
const refusal = 'invalid_request_error';

export const openAICompatible: readonly ClientRow[] = [
  {
    name: '`openai`, Chat Completions',
    package: 'openai',
    record: 'new OpenAI({ fetch: recordingFetch })',
    provider: 'openai',
    finishReasons,
    refusal,
    retries: true,
    make(fetch) {
      const openai = new OpenAI({ apiKey: 'none', fetch, logLevel: 'off' });
      return {
        ...chatOf(openai.chat.completions),
        results: {
          embeddings: (model) => openai.embeddings.create({ model, input: 'a' }),
          images: (model) => openai.images.generate({ model, prompt: 'A cat' }),
          speech: async (model) =>
            (await openai.audio.speech.create({ model, input: 'Hello.', voice: 'alloy' })).arrayBuffer(),
          transcription: async (model) =>
            openai.audio.transcriptions.create({ model, file: await toFile(Buffer.from('sound'), 'a.mp3') }),
          moderation: (model) => openai.moderations.create({ model, input: 'a' }),
        },
      };
    },
  },
  {
    name: '`openai`, Responses',
    package: 'openai',
    record: 'new OpenAI({ fetch: recordingFetch })',
    provider: 'openai',
    finishReasons: ['completed', 'completed'],
    refusal,
    retries: true,
    make(fetch) {
      const { responses } = new OpenAI({ apiKey: 'none', fetch, logLevel: 'off' });
      const request = (model: string, ask: Ask) => ({
        model,
        input: PROMPT,
        ...(ask.withTool && { tools: [{ type: 'function' as const, strict: true, ...TOOL }] }),
      });
      return {
        generate: (model, ask) => responses.create(request(model, ask)),
        open: async (model, ask) =>
          map(
            await responses.create({ ...request(model, ask), stream: true }, { signal: ask.signal }),
            (event) => event.type === 'response.output_text.delta' && event.delta,
          ),
        results: { compaction: (model) => responses.compact({ model, input: PROMPT }) },
      };
    },
  },
  {
    name: '`groq-sdk`',
    package: 'groq-sdk',
    record: 'new Groq({ fetch: recordingFetch })',
    provider: 'groq',
    finishReasons,
    refusal,
    retries: true,
    make: (fetch) => chatOf(new Groq({ apiKey: 'none', fetch }).chat.completions),
  },
  {
    name: '`together-ai`',
    package: 'together-ai',
    record: 'new Together({ fetch: recordingFetch })',
    provider: 'together_ai',
    finishReasons,
    refusal,
    retries: true,
    make(fetch) {
      const together = new Together({ apiKey: 'none', fetch });
      return {
        ...chatOf(together.chat.completions),
        results: {
          embeddings: (model) => together.embeddings.create({ model, input: 'a' }),
          rerank: (model) => together.rerank.create({ model, query: 'a', documents: ['a', 'b'] }),
          images: (model) => together.images.generate({ model, prompt: 'A cat' }),
        },
      };
    },
  },
  {
    name: '`@openrouter/sdk`',
    package: '@openrouter/sdk',
    record: 'new OpenRouter({ httpClient: new HTTPClient({ fetcher: recordingFetch }) })',
    provider: 'openrouter',
    finishReasons,
    refusal,
    retries: true,
    make(fetch) {
      const backoff = { initialInterval: 5, maxInterval: 10, exponent: 1, maxElapsedTime: 5000 };
      const openRouter = new OpenRouter({
        apiKey: 'none',
        httpClient: new HTTPClient({ fetcher: fetch }),
        retryConfig: { strategy: 'backoff', backoff, retryConnectionErrors: false },
      });
      const request = (model: string, ask: Ask) => ({ model, messages, ...tools(ask) });
      const options = { retryCodes: ['429', '5XX'] };
      return {
        generate: (model, ask) =>
          openRouter.chat.send({ chatRequest: { ...request(model, ask), stream: false } }, options),
        open: async (model, ask) =>
          map(
            await openRouter.chat.send(
              { chatRequest: { ...request(model, ask), stream: true, streamOptions: { includeUsage: true } } },
              { ...options, signal: ask.signal },
            ),
            textOfChunk,
          ),
        results: {
          embeddings: (model) => openRouter.embeddings.generate({ requestBody: { model, input: 'a' } }),
          rerank: (model) => openRouter.rerank.rerank({ requestBody: { model, query: 'a', documents: ['a', 'b'] } }),
        },
      };
    },
  },
];

/** Chat Completions of a client that has OpenAI's shape. */
interface Completions {
  // biome-ignore lint/suspicious/noExplicitAny: each client has overloads of its own.
  create(request: any, options?: any): PromiseLike<unknown>;
}

function chatOf(completions: Completions): Client {
  const stream = { stream: true, stream_options: { include_usage: true } };
  return {
    generate: async (model, ask) => completions.create({ model, messages, ...tools(ask) }),
    open: async (model, ask) => {
      const request = { model, messages, ...tools(ask), ...stream };
      return map((await completions.create(request, { signal: ask.signal })) as AsyncIterable<unknown>, textOfChunk);
    },
  };
}

function textOfChunk(chunk: unknown): unknown {
  return (chunk as { choices: { delta: { content?: string } }[] }).choices[0]?.delta.content;
}
