/** The names of providers, and how they are recognized. */
import { label } from '../util/json-fields.js';
import { remembered } from '../util/memo.js';

/** How one provider is recognized. */
interface Provider {
  /**
   * The conventions' `gen_ai.provider.name` if they have one, else the provider's own name. A gateway that chooses a
   * provider itself counts as the provider.
   */
  readonly name: string;
  readonly host?: RegExp;
  /** The AI SDK's name, if it begins otherwise than `name`. */
  readonly aiSdk?: RegExp;
}

/** If two rows match, the last one counts. */
const PROVIDERS: readonly Provider[] = [
  { name: 'openai', host: /(?:^|\.)openai\.com$/ },
  {
    name: 'azure.ai.openai',
    host: /\.openai\.azure\.(?:com|us|cn)$|\.cognitiveservices\.azure\.(?:com|us|cn)$/,
    aiSdk: /^azure\b/,
  },
  { name: 'azure.ai.inference', host: /\.(?:(?:services|models|inference)\.ai|inference\.ml)\.azure\.com$/ },
  { name: 'anthropic', host: /(?:^|\.)anthropic\.com$/ },
  { name: 'gcp.gemini', host: /^generativelanguage\.googleapis\.com$/, aiSdk: /^google\b/ },
  {
    name: 'gcp.vertex_ai',
    host: /(?:^|[.-])aiplatform\.(?:[\w-]+\.rep\.)?googleapis\.com$/,
    aiSdk: /^(?:google[.-])?vertex\b/,
  },
  {
    name: 'aws.bedrock',
    host: /(?:^|\.)bedrock-[\w-]+\.[\w-]+\.(?:(?:vpce\.)?amazonaws\.com(?:\.cn)?|api\.aws)$/,
    aiSdk: /^(?:amazon-)?bedrock\b/,
  },
  { name: 'cohere', host: /(?:^|\.)cohere\.(?:com|ai)$/ },
  { name: 'deepseek', host: /(?:^|\.)deepseek\.com$/ },
  { name: 'groq', host: /(?:^|\.)groq\.com$/ },
  { name: 'mistral_ai', host: /(?:^|\.)mistral\.ai$/, aiSdk: /^mistral\b/ },
  { name: 'moonshot_ai', host: /(?:^|\.)(?:moonshot\.(?:ai|cn)|kimi\.(?:ai|com))$/, aiSdk: /^moonshotai\b/ },
  { name: 'perplexity', host: /(?:^|\.)perplexity\.ai$/ },
  { name: 'x_ai', host: /(?:^|\.)x\.ai$/, aiSdk: /^xai\b/ },
  { name: 'ibm.watsonx.ai', host: /\.ml\.cloud\.ibm\.com$/, aiSdk: /^watsonx\b/ },
  { name: 'ai21', host: /(?:^|\.)ai21\.com$/ },
  { name: 'assemblyai', host: /^(?:api|llm-gateway)(?:\.eu)?\.assemblyai\.com$/ },
  { name: 'aws.sagemaker', host: /^runtime\.sagemaker\.[\w-]+\.amazonaws\.com(?:\.cn)?$/ },
  { name: 'baichuan', host: /(?:^|\.)baichuan-ai\.com$/ },
  { name: 'baidu', host: /^qianfan\.baidubce\.com$/ },
  { name: 'baseten', host: /(?:^|\.)baseten\.co$/ },
  { name: 'black_forest_labs', host: /^api(?:\.\w+)?\.bfl\.(?:ai|ml)$/ },
  // docs.byteplus.com/en/docs/ModelArk
  { name: 'byteplus', host: /^ark\.[\w-]+\.bytepluses\.com$/ },
  { name: 'cartesia', host: /^api\.cartesia\.ai$/ },
  { name: 'cerebras', host: /(?:^|\.)cerebras\.ai$/ },
  { name: 'chutes', host: /(?:^|\.)chutes\.ai$/ },
  { name: 'clarifai', host: /^api\.clarifai\.com$/ },
  { name: 'cloudflare', host: /^(?:gateway\.ai|api)\.cloudflare\.com$/ },
  // Its newer hosts are those of a workspace: alibabacloud.com/help/en/model-studio/base-url
  { name: 'dashscope', host: /(?:(?:^|\.)dashscope(?:-[\w-]+)?|\.maas)\.aliyuncs\.com$/ },
  { name: 'databricks', host: /(?:^|\.)(?:databricks\.com|azuredatabricks\.net)$/ },
  { name: 'deepgram', host: /^api(?:\.eu)?\.deepgram\.com$/ },
  { name: 'deepinfra', host: /(?:^|\.)deepinfra\.com$/ },
  { name: 'digitalocean', host: /(?:^|\.)do-ai\.run$/ },
  { name: 'elevenlabs', host: /^api(?:\.[\w.]+)?\.elevenlabs\.io$/ },
  { name: 'fal', host: /^(?:queue\.)?fal\.run$/ },
  { name: 'featherless', host: /(?:^|\.)featherless\.ai$/ },
  { name: 'fireworks_ai', host: /(?:^|\.)fireworks\.ai$/, aiSdk: /^fireworks\b/ },
  { name: 'friendli', host: /(?:^|\.)friendli\.ai$/ },
  { name: 'github', host: /^models\.(?:github\.ai|inference\.ai\.azure\.com)$|(?:^|\.)githubcopilot\.com$/ },
  { name: 'helicone', host: /^(?:ai-gateway|gateway|oai|anthropic)\.helicone\.ai$/ },
  { name: 'hume', host: /^api\.hume\.ai$/ },
  {
    name: 'hugging_face',
    host: /^router\.huggingface\.co$|^api-inference\.huggingface\.co$|\.endpoints\.huggingface\.cloud$/,
    aiSdk: /^huggingface\b/,
  },
  { name: 'hyperbolic', host: /(?:^|\.)hyperbolic\.xyz$/ },
  { name: 'ideogram', host: /^api\.ideogram\.ai$/ },
  { name: 'inception', host: /(?:^|\.)inceptionlabs\.ai$/ },
  { name: 'jina', host: /^(?:api|deepsearch)\.jina\.ai$/ },
  { name: 'lambda', host: /^api\.(?:lambda\.ai|lambdalabs\.com)$/ },
  { name: 'leonardo', host: /^cloud\.leonardo\.ai$/ },
  { name: 'luma', host: /^api\.lumalabs\.ai$/ },
  { name: 'meta', host: /^api\.llama\.com$/ },
  { name: 'minimax', host: /(?:^|\.)(?:minimax\.(?:io|chat)|minimaxi\.com)$/ },
  { name: 'mixedbread', host: /^api\.mixedbread\.(?:com|ai)$/ },
  { name: 'nebius', host: /(?:^|\.)nebius\.(?:ai|com)$/ },
  { name: 'nomic', host: /^api-atlas\.nomic\.ai$/ },
  { name: 'novita', host: /(?:^|\.)novita\.ai$/ },
  { name: 'nvidia', host: /(?:^|\.)api\.(?:nvcf\.)?nvidia\.com$/ },
  { name: 'openrouter', host: /(?:^|\.)openrouter\.ai$/ },
  { name: 'ovhcloud', host: /\.ai\.cloud\.ovh\.net$/ },
  { name: 'portkey', host: /^api\.portkey\.ai$/ },
  { name: 'replicate', host: /(?:^|\.)replicate\.com$/ },
  { name: 'requesty', host: /^router(?:\.\w+)?\.requesty\.ai$/ },
  { name: 'runpod', host: /^api\.runpod\.ai$/ },
  { name: 'runway', host: /^api(?:\.dev)?\.runwayml\.com$/ },
  { name: 'sambanova', host: /(?:^|\.)sambanova\.ai$/ },
  { name: 'sarvam', host: /^api\.sarvam\.ai$/ },
  { name: 'scaleway', host: /(?:^|\.)scaleway\.ai$/ },
  { name: 'siliconflow', host: /(?:^|\.)siliconflow\.(?:cn|com)$/ },
  { name: 'snowflake', host: /(?:^|\.)snowflakecomputing\.com$/ },
  { name: 'spark', host: /(?:^|\.)xf-yun\.com$/ },
  { name: 'stability_ai', host: /^api\.stability\.ai$/ },
  { name: 'stepfun', host: /(?:^|\.)stepfun\.(?:com|ai)$/ },
  { name: 'tencent', host: /^api\.hunyuan\.cloud\.tencent\.com$|^hunyuan(?:\.[\w-]+)?\.tencentcloudapi\.com$/ },
  { name: 'together_ai', host: /(?:^|\.)together\.(?:xyz|ai)$/, aiSdk: /^togetherai\b/ },
  { name: 'upstage', host: /(?:^|\.)upstage\.ai$/ },
  { name: 'venice', host: /(?:^|\.)venice\.ai$/ },
  { name: 'vercel', host: /^ai-gateway\.vercel\.sh$/, aiSdk: /^gateway\b/ },
  { name: 'volcengine', host: /(?:^|\.)volces\.com$/ },
  { name: 'voyage_ai', host: /(?:^|\.)voyageai\.com$/ },
  { name: 'writer', host: /^api\.writer\.com$/ },
  { name: 'zhipu_ai', host: /(?:^|\.)(?:bigmodel\.cn|z\.ai)$/ },
  { name: 'ollama', host: /^ollama\.com$/ },
];

/** The default ports of servers that run on the application's own machine or network. */
const BY_PORT: ReadonlyMap<string, { provider: string; onlyLoopback: boolean }> = new Map([
  // docs.ollama.com: the port is Ollama's everywhere, also in a container's network.
  ['11434', { provider: 'ollama', onlyLoopback: false }],
  // lmstudio.ai/docs: other programs use this port too, but hardly for a model call on the same machine.
  ['1234', { provider: 'lm_studio', onlyLoopback: true }],
  // docs.docker.com/ai/model-runner
  ['12434', { provider: 'docker', onlyLoopback: true }],
  // docs.sglang.ai: the port of `sglang.launch_server`
  ['30000', { provider: 'sglang', onlyLoopback: true }],
]);

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\]|(?:host|model-runner)\.docker\.internal)$/;

/** The provider's name by a host name; `''` if it is not known. A client calls few hosts. */
const providerOfHost = /* @__PURE__ */ remembered((hostname: string): string => {
  const host = hostname.replace(/\.$/, '');
  return PROVIDERS.findLast((row) => row.host?.test(host))?.name ?? '';
});

/** The `gen_ai.provider.name` of a URL by its host or port; `undefined` if they are not known. */
export function providerOf(url: URL): string | undefined {
  const provider = providerOfHost(url.hostname);
  // Azure AI Foundry has OpenAI's API and its own at one host.
  if (provider === 'azure.ai.inference' && url.pathname.startsWith('/openai/')) return 'azure.ai.openai';
  if (provider !== '') return provider;
  const local = BY_PORT.get(url.port);
  return local && (!local.onlyLoopback || LOOPBACK.test(url.hostname.replace(/\.$/, ''))) ? local.provider : undefined;
}

/** Paths that one provider's API has added to a format, and that a gateway at any host keeps. */
const BY_PATH: readonly (readonly [RegExp, provider: string])[] = [
  [/\/openai\/deployments\//, 'azure.ai.openai'],
  [/\/(?:fim|agents)\/completions$/, 'mistral_ai'],
];

/** The `gen_ai.provider.name` by a path, if the host does not tell. */
export function providerOfPath(path: string): string | undefined {
  return BY_PATH.find(([added]) => added.test(path))?.[1];
}

/** The `gen_ai.provider.name` of the `provider` of an AI SDK model, which is `openai.chat`, `google.generative-ai`… */
export function providerOfAiSdk(provider: unknown): string | undefined {
  const name = label(provider);
  return name && (PROVIDERS.findLast(({ aiSdk }) => aiSdk?.test(name))?.name ?? name.split('.', 1)[0]);
}
