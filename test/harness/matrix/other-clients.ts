/** The clients that are played beside `openai` and the AI SDK with OpenAI, and the packages that each needs. */
import { readFileSync } from 'node:fs';
import type { Way } from './cell/cell.js';
import type { AiSdkProvider, OtherClient } from './cell/others/other-client.js';

type Packages<Name extends OtherClient> = Readonly<Record<Name, readonly string[]>>;

const CLIENTS: Packages<Exclude<OtherClient, AiSdkProvider>> = {
  groq: ['groq-sdk'],
  together: ['together-ai'],
  openrouter: ['@openrouter/sdk'],
  cohere: ['cohere-ai'],
  mistral: ['@mistralai/mistralai'],
  ollama: ['ollama'],
  bedrock: ['@aws-sdk/client-bedrock-runtime', '@smithy/fetch-http-handler'],
  'http/ky': ['ky'],
  'http/axios': ['axios'],
};

const AI_SDK_PROVIDERS: Packages<AiSdkProvider> = {
  'ai-sdk/mistral': ['@ai-sdk/mistral'],
  'ai-sdk/cohere': ['@ai-sdk/cohere'],
  'ai-sdk/groq': ['@ai-sdk/groq'],
  'ai-sdk/togetherai': ['@ai-sdk/togetherai'],
  'ai-sdk/amazon-bedrock': ['@ai-sdk/amazon-bedrock'],
  'ai-sdk/gateway': ['@ai-sdk/gateway'],
  'ai-sdk/openrouter': ['@openrouter/ai-sdk-provider'],
};

const PACKAGES: Packages<OtherClient> = { ...CLIENTS, ...AI_SDK_PROVIDERS };

/** They are shown in a table each. */
export const OTHER_CLIENTS = {
  'other clients': Object.keys(CLIENTS) as OtherClient[],
  'AI SDK': Object.keys(AI_SDK_PROVIDERS) as OtherClient[],
} as const;

export function isOther(way: Way): way is OtherClient {
  return Object.hasOwn(PACKAGES, way);
}

/** Their packages, in the versions that `npm run clients` tries. */
export function otherPackages(): string[] {
  const { dependencies } = JSON.parse(readFileSync('test/harness/clients/package.json', 'utf8'));
  return ['ai', ...Object.values(PACKAGES).flat()].map((name) => `${name}@${dependencies[name]}`);
}
