/** The clients that are played beside `openai` and the AI SDK, and the packages that each needs. */
import { readFileSync } from 'node:fs';
import type { Way } from './cell/cell.js';
import type { OtherClient } from './cell/others/other-client.js';

const PACKAGES: Record<OtherClient, readonly string[]> = {
  groq: ['groq-sdk'],
  cohere: ['cohere-ai'],
  mistral: ['@mistralai/mistralai'],
  ollama: ['ollama'],
  bedrock: ['@aws-sdk/client-bedrock-runtime', '@smithy/fetch-http-handler'],
};

export const OTHER_CLIENTS = Object.keys(PACKAGES) as OtherClient[];

export function isOther(way: Way): way is OtherClient {
  return Object.hasOwn(PACKAGES, way);
}

/** Their packages, in the versions that `npm run clients` tries. */
export function otherPackages(): string[] {
  const { dependencies } = JSON.parse(readFileSync('test/harness/clients/package.json', 'utf8'));
  return Object.values(PACKAGES).flatMap((names) => names.map((name) => `${name}@${dependencies[name]}`));
}
