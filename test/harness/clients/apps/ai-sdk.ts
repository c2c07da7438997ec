/** The AI SDK with the providers that have packages of their own. */
import { createAmazonBedrock } from '@ai-sdk/amazon-bedrock';
import { createCohere } from '@ai-sdk/cohere';
import { createGateway } from '@ai-sdk/gateway';
import { createGroq } from '@ai-sdk/groq';
import { createMistral } from '@ai-sdk/mistral';
import { createTogetherAI } from '@ai-sdk/togetherai';
import { createOpenRouter } from '@openrouter/ai-sdk-provider';
import {
  type EmbeddingModel,
  embed,
  generateText,
  jsonSchema,
  type LanguageModel,
  type RerankingModel,
  rerank,
  streamText,
  type ToolSet,
  tool,
} from 'ai';
import { type Ask, type Client, type ClientRow, PROMPT, TOOL } from '../client.js';

type Fetch = typeof globalThis.fetch;

/** A provider of the AI SDK, as far as it is used. */
interface Provider {
  languageModel(model: string): LanguageModel;
  embeddingModel(model: string): EmbeddingModel;
  rerankingModel(model: string): RerankingModel;
}

const TOOLS: ToolSet = {
  [TOOL.name]: tool({ description: TOOL.description, inputSchema: jsonSchema<{ city: string }>(TOOL.parameters) }),
};

interface AiSdkRow extends Pick<ClientRow, 'package' | 'provider' | 'finishReasons' | 'refusal'> {
  /** The function that makes the provider. */
  readonly maker: string;
  readonly results?: readonly ('embeddings' | 'rerank')[];
  provide(fetch: Fetch): Provider;
}

const apiKey = 'none';
const likeOpenAI = { finishReasons: ['stop', 'tool_calls'], refusal: 'invalid_request_error' } as const;

const ROWS: readonly AiSdkRow[] = [
  {
    package: '@ai-sdk/mistral',
    provider: 'mistral_ai',
    ...likeOpenAI,
    maker: 'createMistral',
    results: ['embeddings'],
    provide: (fetch) => createMistral({ apiKey, fetch }),
  },
  {
    package: '@ai-sdk/cohere',
    provider: 'cohere',
    finishReasons: ['COMPLETE', 'TOOL_CALL'],
    refusal: '400',
    maker: 'createCohere',
    results: ['embeddings', 'rerank'],
    provide: (fetch) => createCohere({ apiKey, fetch }),
  },
  {
    package: '@ai-sdk/groq',
    provider: 'groq',
    ...likeOpenAI,
    maker: 'createGroq',
    provide: (fetch) => createGroq({ apiKey, fetch }),
  },
  {
    package: '@ai-sdk/togetherai',
    provider: 'together_ai',
    ...likeOpenAI,
    maker: 'createTogetherAI',
    results: ['embeddings', 'rerank'],
    provide: (fetch) => createTogetherAI({ apiKey, fetch }),
  },
  {
    package: '@openrouter/ai-sdk-provider',
    provider: 'openrouter',
    ...likeOpenAI,
    maker: 'createOpenRouter',
    provide: (fetch) => createOpenRouter({ apiKey, fetch }),
  },
  {
    package: '@ai-sdk/amazon-bedrock',
    provider: 'aws.bedrock',
    finishReasons: ['end_turn', 'tool_use'],
    refusal: 'ValidationException',
    maker: 'createAmazonBedrock',
    results: ['embeddings'],
    provide: (fetch) => createAmazonBedrock({ apiKey, region: 'eu-central-1', fetch }),
  },
  {
    package: '@ai-sdk/gateway',
    provider: 'vercel',
    finishReasons: ['stop', 'tool-calls'],
    refusal: 'invalid_request_error',
    maker: 'createGateway',
    results: ['embeddings', 'rerank'],
    provide: (fetch) => createGateway({ apiKey, fetch }),
  },
];

export const aiSdk: readonly ClientRow[] = ROWS.map(({ maker, results = [], provide, ...row }) => ({
  ...row,
  name: `\`ai\` with \`${row.package}\``,
  record: `${maker}({ fetch: recordingFetch })`,
  retries: true,
  make: (fetch) => clientOf(provide(fetch), results),
}));

function clientOf(provider: Provider, results: readonly ('embeddings' | 'rerank')[]): Client {
  const call = (model: string, { withTool, signal }: Ask) => ({
    model: provider.languageModel(model),
    prompt: PROMPT,
    abortSignal: signal,
    ...(withTool && { tools: TOOLS }),
  });
  const all: Client['results'] = {
    embeddings: (model) => embed({ model: provider.embeddingModel(model), value: 'a' }),
    rerank: (model) => rerank({ model: provider.rerankingModel(model), query: 'a', documents: ['a', 'b'] }),
  };
  return {
    generate: (model, ask) => generateText(call(model, ask)),
    open: async (model, ask) => partsOf(streamText({ ...call(model, ask), onError() {} }).fullStream),
    results: Object.fromEntries(results.map((result) => [result, all[result]])),
  };
}

/** What a stream has, with its error thrown. */
async function* partsOf(stream: AsyncIterable<{ type: string; text?: string; error?: unknown }>) {
  for await (const part of stream) {
    if (part.type === 'error') throw part.error;
    yield part.type === 'text-delta' ? part.text : undefined;
  }
}
