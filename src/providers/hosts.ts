/** Who answers at which host. Names as the conventions have them (`gen_ai.provider.name`), where they have one. */
const PROVIDERS: readonly (readonly [host: RegExp, provider: string])[] = [
  [/(?:^|\.)openai\.com$/, 'openai'],
  [/\.openai\.azure\.(?:com|us|cn)$|\.cognitiveservices\.azure\.(?:com|us|cn)$/, 'azure.ai.openai'],
  [/\.(?:services|models|inference)\.ai\.azure\.com$/, 'azure.ai.inference'],
  [/(?:^|\.)anthropic\.com$/, 'anthropic'],
  [/^generativelanguage\.googleapis\.com$/, 'gcp.gemini'],
  [/(?:^|[.-])aiplatform\.(?:[\w-]+\.rep\.)?googleapis\.com$/, 'gcp.vertex_ai'],
  [/^bedrock-[\w-]+\.[\w-]+\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$/, 'aws.bedrock'],
  [/(?:^|\.)cohere\.(?:com|ai)$/, 'cohere'],
  [/(?:^|\.)deepseek\.com$/, 'deepseek'],
  [/(?:^|\.)groq\.com$/, 'groq'],
  [/(?:^|\.)mistral\.ai$/, 'mistral_ai'],
  [/(?:^|\.)moonshot\.(?:ai|cn)$/, 'moonshot_ai'],
  [/(?:^|\.)openrouter\.ai$/, 'openrouter'],
  [/(?:^|\.)perplexity\.ai$/, 'perplexity'],
  [/(?:^|\.)x\.ai$/, 'x_ai'],
];

/** The `gen_ai.provider.name` of a URL by its host; `undefined` if the host is not known. */
export function providerOf(url: URL): string | undefined {
  const host = url.hostname.replace(/\.$/, '');
  const provider = PROVIDERS.find(([pattern]) => pattern.test(host))?.[1];
  // Azure AI Foundry has OpenAI's API and its own at one host.
  return provider === 'azure.ai.inference' && url.pathname.startsWith('/openai/') ? 'azure.ai.openai' : provider;
}
