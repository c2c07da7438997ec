/** Which provider answers at which host. */

/**
 * Names as the conventions have them (`gen_ai.provider.name`), where they have one; else the provider's own. A gateway
 * that chooses the provider itself counts as the provider.
 */
const BY_HOST: readonly (readonly [host: RegExp, provider: string])[] = [
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
  [/(?:^|\.)(?:moonshot\.(?:ai|cn)|kimi\.(?:ai|com))$/, 'moonshot_ai'],
  [/(?:^|\.)perplexity\.ai$/, 'perplexity'],
  [/(?:^|\.)x\.ai$/, 'x_ai'],
  [/(?:^|\.)ai21\.com$/, 'ai21'],
  [/(?:^|\.)baichuan-ai\.com$/, 'baichuan'],
  [/(?:^|\.)baseten\.co$/, 'baseten'],
  [/(?:^|\.)cerebras\.ai$/, 'cerebras'],
  [/^(?:gateway\.ai|api)\.cloudflare\.com$/, 'cloudflare'],
  [/(?:^|\.)dashscope(?:-[\w-]+)?\.aliyuncs\.com$/, 'dashscope'],
  [/(?:^|\.)deepinfra\.com$/, 'deepinfra'],
  [/(?:^|\.)fireworks\.ai$/, 'fireworks_ai'],
  [/^models\.(?:github\.ai|inference\.ai\.azure\.com)$|(?:^|\.)githubcopilot\.com$/, 'github'],
  [/^router\.huggingface\.co$|^api-inference\.huggingface\.co$|\.endpoints\.huggingface\.cloud$/, 'hugging_face'],
  [/(?:^|\.)hyperbolic\.xyz$/, 'hyperbolic'],
  [/(?:^|\.)(?:minimax\.(?:io|chat)|minimaxi\.com)$/, 'minimax'],
  [/(?:^|\.)nebius\.(?:ai|com)$/, 'nebius'],
  [/(?:^|\.)novita\.ai$/, 'novita'],
  [/(?:^|\.)api\.nvidia\.com$/, 'nvidia'],
  [/(?:^|\.)openrouter\.ai$/, 'openrouter'],
  [/(?:^|\.)sambanova\.ai$/, 'sambanova'],
  [/(?:^|\.)siliconflow\.(?:cn|com)$/, 'siliconflow'],
  [/(?:^|\.)together\.(?:xyz|ai)$/, 'together_ai'],
  [/^ai-gateway\.vercel\.sh$/, 'vercel'],
  [/(?:^|\.)voyageai\.com$/, 'voyage_ai'],
  [/(?:^|\.)volces\.com$/, 'volcengine'],
  [/(?:^|\.)(?:bigmodel\.cn|z\.ai)$/, 'zhipu_ai'],
  [/^ollama\.com$/, 'ollama'],
];

/** The default ports of servers that run on the application's own machine or network. */
const BY_PORT: ReadonlyMap<string, { provider: string; onlyLoopback: boolean }> = new Map([
  // docs.ollama.com: the port is Ollama's everywhere, also in a container's network.
  ['11434', { provider: 'ollama', onlyLoopback: false }],
  // lmstudio.ai/docs: other programs use this port too, but hardly for a model call on the same machine.
  ['1234', { provider: 'lm_studio', onlyLoopback: true }],
]);

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\]|host\.docker\.internal)$/;

/** The `gen_ai.provider.name` of a URL by its host or port; `undefined` if they are not known. */
export function providerOf(url: URL): string | undefined {
  const host = url.hostname.replace(/\.$/, '');
  const provider = BY_HOST.findLast(([pattern]) => pattern.test(host))?.[1];
  // Azure AI Foundry has OpenAI's API and its own at one host.
  if (provider === 'azure.ai.inference' && url.pathname.startsWith('/openai/')) return 'azure.ai.openai';
  const local = BY_PORT.get(url.port);
  return provider ?? (local && (!local.onlyLoopback || LOOPBACK.test(host)) ? local.provider : undefined);
}
