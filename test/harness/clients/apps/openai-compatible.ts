/** The clients of OpenAI's API, and of those that have the same. */
import { HTTPClient, OpenRouter } from '@openrouter/sdk';
import Groq from 'groq-sdk';
import OpenAI, { toFile } from 'openai';
import Together from 'together-ai';
import { type Ask, type Client, type ClientRow, PROMPT, TOOL } from '../client.js';
import { map } from './map.js';

const messages = [{ role: 'user', content: PROMPT }];
const tools = ({ withTool }: Ask) => withTool && { tools: [{ type: 'function', function: TOOL }] };
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
        ...chatOf(openai, { stream_options: { include_usage: true } }),
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
        ...(ask.withTool && { tools: [{ type: 'function', strict: true, ...TOOL }] }),
      });
      return {
        generate: (model, ask) => responses.create(request(model, ask)),
        open: async (model, ask) =>
          map(
            await responses.create({ ...request(model, ask), stream: true }, { signal: ask.signal }),
            (event: { type: string; delta?: string }) => event.type === 'response.output_text.delta' && event.delta,
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
    make: (fetch) => {
      const groq = new Groq({ apiKey: 'none', fetch });
      return { ...chatOf(groq, { stream_options: { include_usage: true } }) };
    },
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
        ...chatOf(together, { stream_options: { include_usage: true } }),
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

interface ChatClient {
  readonly chat: {
    readonly completions: { create(request: object, options?: object): Promise<AsyncIterable<unknown>> };
  };
}

function chatOf({ chat }: ChatClient, streaming: object): Client {
  return {
    generate: (model, ask) => chat.completions.create({ model, messages, ...tools(ask) }),
    open: async (model, ask) =>
      map(
        await chat.completions.create(
          { model, messages, ...tools(ask), stream: true, ...streaming },
          { signal: ask.signal },
        ),
        textOfChunk,
      ),
  };
}

function textOfChunk(chunk: unknown): unknown {
  return (chunk as { choices: { delta: { content?: string } }[] }).choices[0]?.delta.content;
}
