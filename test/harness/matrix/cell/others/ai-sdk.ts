/** The AI SDK with the providers that have packages of their own. */
import { createAmazonBedrock } from '@ai-sdk/amazon-bedrock';
import { createCohere } from '@ai-sdk/cohere';
import { createGateway } from '@ai-sdk/gateway';
import { createGroq } from '@ai-sdk/groq';
import { createMistral } from '@ai-sdk/mistral';
import { createTogetherAI } from '@ai-sdk/togetherai';
import { createOpenRouter } from '@openrouter/ai-sdk-provider';
import * as ai from 'ai';
import { recordingFetch } from 'runtrace';
import { aiSdkClient } from '../clients.js';
import { type AiSdkProvider, ASKED_HOST, type MakeClient } from './other-client.js';

interface Provider {
  languageModel(name: string): ai.LanguageModel;
}

const options = { apiKey: 'none', fetch: recordingFetch };

const PROVIDERS: Record<AiSdkProvider, (url: string) => Provider> = {
  'ai-sdk/mistral': (url) =>
    createMistral({ ...options, baseURL: `${url}/v1`, headers: { [ASKED_HOST]: 'api.mistral.ai' } }),
  'ai-sdk/cohere': (url) => createCohere({ ...options, baseURL: `${url}/v2` }),
  'ai-sdk/groq': (url) =>
    createGroq({ ...options, baseURL: `${url}/openai/v1`, headers: { [ASKED_HOST]: 'api.groq.com' } }),
  'ai-sdk/togetherai': (url) => createTogetherAI({ ...options, baseURL: `${url}/v1` }),
  'ai-sdk/amazon-bedrock': (url) => createAmazonBedrock({ ...options, baseURL: url, region: 'eu-central-1' }),
  'ai-sdk/gateway': (url) => createGateway({ ...options, baseURL: `${url}/v4/ai` }),
  'ai-sdk/openrouter': (url) =>
    createOpenRouter({ ...options, baseURL: `${url}/api/v1`, headers: { [ASKED_HOST]: 'openrouter.ai' } }),
};

export const make: MakeClient<AiSdkProvider> = (url, client) => {
  const provider = PROVIDERS[client](url);
  return aiSdkClient(ai, (model) => provider.languageModel(model));
};
