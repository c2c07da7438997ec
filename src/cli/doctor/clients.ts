import type { Finding } from './finding.js';
import type { InstalledPackage } from './packages.js';

const BY_FETCH = 'fetch: recordingFetch';

/** The clients that people use, and how each is to be recorded. docs/clients.md has more. */
const CLIENTS: Readonly<Record<string, string>> = {
  openai: `new OpenAI({ ${BY_FETCH} })`,
  '@anthropic-ai/sdk': `new Anthropic({ ${BY_FETCH} })`,
  '@google/genai': `new GoogleGenAI({ httpOptions: { ${BY_FETCH} } })`,
  ai: 'wrapModel(model), or with version 7 runtraceTelemetry(), from runtrace/ai-sdk; and fetch: recordingFetch in the provider',
  '@ai-sdk/openai': `createOpenAI({ ${BY_FETCH} })`,
  '@ai-sdk/anthropic': `createAnthropic({ ${BY_FETCH} })`,
  '@ai-sdk/google': `createGoogleGenerativeAI({ ${BY_FETCH} })`,
  '@ai-sdk/gateway': `createGateway({ ${BY_FETCH} })`,
  '@mistralai/mistralai': 'new Mistral({ httpClient: new HTTPClient({ fetcher: recordingFetch }) })',
  'groq-sdk': `new Groq({ ${BY_FETCH} })`,
  'together-ai': `new Together({ ${BY_FETCH} })`,
  'cohere-ai': `new CohereClientV2({ ${BY_FETCH} })`,
  '@aws-sdk/client-bedrock-runtime': 'client.middlewareStack.use(recordingPlugin), from runtrace/aws',
  ollama: `new Ollama({ ${BY_FETCH} })`,
  '@langchain/openai': `new ChatOpenAI({ configuration: { ${BY_FETCH} } })`,
  '@langchain/anthropic': `new ChatAnthropic({ clientOptions: { ${BY_FETCH} } })`,
};

export function isClient(name: string): boolean {
  return Object.hasOwn(CLIENTS, name);
}

/** How each client that is installed is to be recorded. */
export function checkClients(packages: readonly InstalledPackage[]): Finding[] {
  const about = 'clients';
  const installed = new Map(packages.filter(({ name }) => isClient(name)).map(({ name, version }) => [name, version]));
  if (installed.size === 0)
    return [{ about, state: 'note', text: 'none of the model clients that the doctor knows is installed' }];
  return [...installed].map(([name, version]) => ({
    about,
    state: 'note',
    text: `${name} ${version}: ${CLIENTS[name]}`,
  }));
}
