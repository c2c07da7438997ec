import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  mayAskProvider,
  readModelCall,
  type UnknownRequest,
  type UnreadCallRules,
  unreadKindOf,
} from '../../src/providers/detect.js';

const JSON_TYPE = 'application/json';
const VERTEX = 'https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/l';
const MULTIPART = 'multipart/form-data; boundary=x';

/** A long text is not parsed. */
const long = 'a "long" [text] '.repeat(10_000);

const asStep: [url: string, body: unknown, rule: 'host' | 'body'][] = [
  ['https://api.openai.com/v1/some/new/endpoint', { anything: 1 }, 'host'],
  ['https://api.openai.com/v1/threads/thread_1/runs', { assistant_id: 'a' }, 'host'],
  ['https://api.openai.com/v1/threads/runs', { assistant_id: 'a' }, 'host'],
  ['https://api.openai.com/v1/threads/thread_1/runs/run_1/submit_tool_outputs', { tool_outputs: [] }, 'host'],
  ['https://api.mistral.ai/v1/chat/classifications', { model: 'm', input: [] }, 'host'],
  ['https://openrouter.ai/api/v1/systemone', { model: 'm', questions: [] }, 'host'],
  ['https://api.together.xyz/v1/queue/submit', { model: 'm', payload: {} }, 'host'],
  ['https://bedrock-runtime.eu-west-1.amazonaws.com/async-invoke', { modelId: 'm', modelInput: {} }, 'host'],
  ['https://bedrock-agent-runtime.eu-west-1.amazonaws.com/retrieveAndGenerate', { input: {} }, 'host'],
  ['https://router.huggingface.co/hf-inference/models/m', { inputs: 'Hi' }, 'host'],
  ['https://api.openai.com/v1/videos', { model: 'sora-2', prompt: 'A cat' }, 'host'],
  ['https://api.cohere.com/v1/classify', { model: 'm', inputs: ['a'] }, 'host'],
  ['https://api.mistral.ai/v1/classifications', { model: 'm', input: 'a' }, 'host'],
  ['https://api.jina.ai/v1/classify', { model: 'm', input: ['a'], labels: ['b'] }, 'host'],
  ['https://generativelanguage.googleapis.com/v1beta/models/veo:predictLongRunning', { instances: [] }, 'host'],
  [
    'https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/l/endpoints/1:predict',
    { instances: [] },
    'host',
  ],
  ['https://dashscope.aliyuncs.com/api/v1/services/aigc/text-generation/generation', { model: 'm', input: {} }, 'host'],
  ['https://api.cloudflare.com/client/v4/accounts/a/ai/run/@cf/meta/llama', { prompt: 'Hi' }, 'host'],
  ['https://bedrock-agent-runtime.eu-west-1.amazonaws.com/agents/a/agentAliases/b/sessions/c/text', {}, 'host'],
  ['http://localhost:11434/api/show-me', { model: 'm' }, 'host'],
  ['https://fal.run/fal-ai/flux/dev', { prompt: 'A cat' }, 'host'],
  ['https://queue.fal.run/fal-ai/flux/dev', { prompt: 'A cat' }, 'host'],
  ['https://api.elevenlabs.io/v1/text-to-speech/v_1', { text: 'Hi', model_id: 'm' }, 'host'],
  ['https://api.deepgram.com/v1/listen?model=m', { url: 'https://a.example/b.mp3' }, 'host'],
  ['https://api.assemblyai.com/v2/transcript', { audio_url: 'https://a.example/b.mp3' }, 'host'],
  ['https://api.stability.ai/v2beta/stable-image/generate/core', { prompt: 'A cat' }, 'host'],
  ['https://api.eu.bfl.ai/v1/flux-pro-1.1', { prompt: 'A cat' }, 'host'],
  ['https://api.dev.runwayml.com/v1/image_to_video', { model: 'm', promptText: 'A cat' }, 'host'],
  ['https://api.lumalabs.ai/dream-machine/v1/generations', { model: 'm', prompt: 'A cat' }, 'host'],
  ['https://api-atlas.nomic.ai/v1/embedding/text', { model: 'm', texts: ['a'] }, 'host'],
  ['https://runtime.sagemaker.eu-west-1.amazonaws.com/endpoints/e/invocations', { inputs: 'Hi' }, 'host'],
  ['https://bedrock-agent-runtime.eu-west-1.amazonaws.com/agents/session-1', { foundationModel: 'm' }, 'host'],
  ['https://bedrock-agent-runtime.eu-west-1.amazonaws.com/rerank', { queries: [], sources: [] }, 'host'],
  ['https://a.snowflakecomputing.com/api/v2/databases/d/schemas/s/agents/a:run', { messages: [] }, 'host'],
  ['https://e.eastus.inference.ml.azure.com/score', { input_data: {} }, 'host'],
  ['https://api.cloudflare.com/client/v4/accounts/a/autorag/rags/r/ai-search', { query: 'cats' }, 'host'],
  ['https://hunyuan.tencentcloudapi.com/', { Model: 'm', Messages: [] }, 'host'],
  ['https://api.nvcf.nvidia.com/v2/nvcf/pexec/functions/f', { x: 1 }, 'host'],
  ['https://api.ideogram.ai/v1/ideogram-v3/generate', { prompt: 'A cat' }, 'host'],
  ['https://cloud.leonardo.ai/api/rest/v1/generations', { prompt: 'A cat', modelId: 'm' }, 'host'],
  ['https://api.cartesia.ai/tts/bytes', { model_id: 'm', transcript: 'Hi' }, 'host'],
  ['https://api.hume.ai/v0/tts', { utterances: [] }, 'host'],
  ['https://api.runpod.ai/v2/e/runsync', { input: { prompt: 'Hi' } }, 'host'],
  ['https://api.clarifai.com/v2/models/m/outputs', { inputs: [] }, 'host'],
  ['https://api.sarvam.ai/text-to-speech', { text: 'Hi' }, 'host'],
  ['http://localhost:30000/generate', { text: 'Hi', sampling_params: {} }, 'host'],
  ['http://localhost:1234/api/v1/chat', { model: 'm', input: 'Hi' }, 'host'],
  ['https://llm.example.com/agents', { model: 'm', messages: [] }, 'body'],
  ['https://llm.example.com/infer', { model: 'm', messages: [] }, 'body'],
  ['https://llm.example.com/infer', { model: 'm', input: 'Hi' }, 'body'],
  ['https://llm.example.com/infer', { input: Array.from({ length: 200 }, () => ({ long })), model: 'm' }, 'body'],
  ['https://llm.example.com/infer', { model: 'm', prompt: 'Hi' }, 'body'],
  ['https://llm.example.com/infer', { model: 'm', contents: [] }, 'body'],
  ['https://llm.example.com/infer', { model: 'm', inputs: ['Hi'] }, 'body'],
  ['https://llm.example.com/infer', { model: 'm', texts: ['Hi'] }, 'body'],
  ['https://llm.example.com/rerank', { model: 'm', query: 'cats', inputs: ['a'] }, 'body'],
];

const notAsStep: [name: string, url: string, body: unknown, contentType?: string | undefined, method?: string][] = [
  ['a file', 'https://api.openai.com/v1/files', 'bytes', MULTIPART],
  ['a file of Gemini', 'https://generativelanguage.googleapis.com/upload/v1beta/files', 'bytes', 'image/png'],
  ['an upload', 'https://api.openai.com/v1/uploads', { purpose: 'x' }],
  ['a part of an upload', 'https://api.openai.com/v1/uploads/u_1/parts', 'bytes', MULTIPART],
  ['the end of an upload', 'https://api.openai.com/v1/uploads/u_1/complete', { part_ids: [] }],
  ['a batch', 'https://api.openai.com/v1/batches', { input_file_id: 'f', endpoint: '/v1/responses' }],
  ['the end of a batch', 'https://api.openai.com/v1/batches/b_1/cancel', {}],
  ["Anthropic's batch", 'https://api.anthropic.com/v1/messages/batches', { requests: [] }],
  ["Gemini's batch", 'https://generativelanguage.googleapis.com/v1beta/models/m:batchGenerateContent', { batch: {} }],
  ['a vector store', 'https://api.openai.com/v1/vector_stores', { name: 'x' }],
  ['a search in a vector store', 'https://api.openai.com/v1/vector_stores/v_1/search', { query: 'cats' }],
  ['a training', 'https://api.openai.com/v1/fine_tuning/jobs', { model: 'm', training_file: 'f' }],
  ["Fireworks' training", 'https://api.fireworks.ai/v1/accounts/a/supervisedFineTuningJobs', { dataset: 'd' }],
  ["Fireworks' deployment", 'https://api.fireworks.ai/v1/accounts/a/deployedModels', { model: 'm' }],
  ["ElevenLabs' token", 'https://api.elevenlabs.io/v1/single-use-token/realtime_scribe', {}],
  ["ElevenLabs' invitation", 'https://api.elevenlabs.io/v1/workspace/invites/add', { email: 'a@example.com' }],
  ["Bedrock's agent, prepared", 'https://bedrock-agent.eu-central-1.amazonaws.com/agents/a/', {}],
  ["Bedrock's flow", 'https://bedrock-agent.eu-central-1.amazonaws.com/flows/f/aliases', { name: 'x' }],
  ["Bedrock's gateway", 'https://bedrock-agentcore-control.eu-central-1.amazonaws.com/gateways/', { name: 'x' }],
  ["Bedrock's memory", 'https://bedrock-agentcore.eu-central-1.amazonaws.com/memories/m/events', { payload: [] }],
  [
    "a step of Bedrock's session",
    'https://bedrock-agent-runtime.eu-central-1.amazonaws.com/sessions/s/invocations',
    {},
  ],
  [
    'a deployment at Vertex AI',
    'https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/l/endpoints/e:deployModel',
    { deployedModel: { model: 'm' } },
  ],
  [
    'an engine of Vertex AI',
    'https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/l/reasoningEngines',
    { displayName: 'x' },
  ],
  [
    "a vector search's data",
    'https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/l/indexes/i:upsertDatapoints',
    { datapoints: [] },
  ],
  ['an assistant', 'https://api.openai.com/v1/assistants', { model: 'm' }],
  ['a thread', 'https://api.openai.com/v1/threads', { messages: [] }],
  ['a message of a thread', 'https://api.openai.com/v1/threads/t_1/messages', { role: 'user', content: 'Hi' }],
  ['a change of a thread', 'https://api.openai.com/v1/threads/t_1', { metadata: {} }],
  ['a change of a run', 'https://api.openai.com/v1/threads/t_1/runs/r_1', { metadata: {} }],
  ['a change of a stored completion', 'https://api.openai.com/v1/chat/completions/c_1', { metadata: {} }],
  ['items of a conversation', 'https://api.openai.com/v1/conversations/c_1/items', { items: [] }],
  ['a change of a conversation', 'https://api.openai.com/v1/conversations/c_1', { metadata: {} }],
  ['an evaluation', 'https://api.openai.com/v1/evals/e_1/runs', { name: 'x' }],
  ['a user of an organization', 'https://api.openai.com/v1/organization/users/u_1', { role: 'reader' }],
  ['a webhook', 'https://api.openai.com/v1/webhook_endpoints/w_1/test', {}],
  ['the end of a realtime call', 'https://api.openai.com/v1/realtime/calls/c_1/hangup', {}],
  ['a memory', 'https://api.anthropic.com/v1/memory_stores/m_1/memories', { content: 'x' }],
  ['a secret of a vault', 'https://api.anthropic.com/v1/vaults/v_1/credentials', { secret: 'x' }],
  ['a skill', 'https://api.anthropic.com/v1/skills/s_1/versions', 'bytes', MULTIPART],
  ['a search in traces', 'https://api.mistral.ai/v1/observability/spans/search', { query: 'x' }],
  ['a document of a library', 'https://api.mistral.ai/v1/libraries/l_1/documents', 'bytes', MULTIPART],
  ['the price of a training', 'https://api.together.xyz/v1/fine-tunes/estimate-price', { model: 'm' }],
  ['a key of a gateway', 'https://openrouter.ai/api/v1/auth/keys/code', { callback_url: 'x' }],
  [
    'a batch of Vertex AI',
    'https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/l/batchPredictionJobs',
    { model: 'm' },
  ],
  [
    'a file for a search of Gemini',
    'https://generativelanguage.googleapis.com/v1beta/fileSearchStores/s:importFile',
    { fileName: 'f' },
  ],
  ['a cancelled response', 'https://api.openai.com/v1/responses/resp_1/cancel', {}],
  ['a secret for a browser', 'https://api.openai.com/v1/realtime/client_secrets', { session: { model: 'm' } }],
  ['a cached content', 'https://generativelanguage.googleapis.com/v1beta/cachedContents', { model: 'm', contents: [] }],
  ['a pulled model', 'http://localhost:11434/api/pull', { model: 'm' }],
  [
    'a look at an operation',
    'https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google/models/m:fetchPredictOperation',
    { operationName: 'o' },
  ],
  ['a made model', 'http://localhost:11434/api/create', { model: 'm', from: 'n' }],
  ['the description of a model', 'http://localhost:11434/api/show', { model: 'm' }],
  ['a check of a key', 'https://api.cohere.com/v1/check-api-key', {}],
  ['a job of embeddings', 'https://api.cohere.com/v1/embed-jobs', { model: 'm', dataset_id: 'd' }],
  ['a token for a browser', 'https://generativelanguage.googleapis.com/v1alpha/auth_tokens', { uses: 1 }],
  ['a DNS record', 'https://api.cloudflare.com/client/v4/zones/z/dns_records', { type: 'A' }],
  ['an SQL statement at Databricks', 'https://dbc-1.cloud.databricks.com/api/2.0/sql/statements', { statement: 'a' }],
  ['an SQL statement at Snowflake', 'https://a.snowflakecomputing.com/api/v2/statements', { statement: 'a' }],
  ['a token at a provider', 'https://api.mistral.ai/oauth/token', 'grant_type=client_credentials&model=m'],
  ['a token, as JSON', 'https://auth.example.com/login', { grant_type: 'password', model: 'm', input: 'x' }],
  ['an MCP call', 'https://mcp.example.com/rpc', { jsonrpc: '2.0', id: 1, method: 'x', model: 'm', input: 'a' }],
  ['a long MCP call', 'https://mcp.example.com/rpc', { model: 'm', input: long, id: 1, jsonrpc: '2.0' }],
  ['a long GraphQL query', 'https://api.example.com/x', { model: 'm', input: long, query: `{ me { ${long} } }` }],
  ['a long body that is no JSON', 'https://api.example.com/x', `{"model":"m","input":${JSON.stringify([long])}`],
  ['a list of MCP calls', 'https://api.openai.com/v1/relay', [{ jsonrpc: '2.0', id: 1, method: 'x' }]],
  ['GraphQL', 'https://api.example.com/graphql', { query: '{ me { id } }', model: 'm', input: 'x' }],
  ['GraphQL with variables', 'https://x.example/api', { query: 'Q', variables: {}, model: 'm', prompt: 'x' }],
  ['GraphQL at a provider', 'https://api.together.xyz/v1/account', { query: 'mutation { x }' }],
  ['a model without content', 'https://api.example.com/cars', { model: 'Beetle', year: 1963 }],
  ['content without a model', 'https://sms.example.com/send', { messages: [{ to: '1', text: 'Hi' }] }],
  ['a model that is a number', 'https://api.example.com/x', { model: 3, input: 'x' }],
  ['content that is null', 'https://api.example.com/x', { model: 'm', input: null }],
  ['a model deeper in the body', 'https://api.example.com/x', { data: { model: 'm', input: 'x' } }],
  ['a chat message', 'https://slack.com/api/chat.postMessage', { channel: 'C', text: '"model" "input"' }],
  ['a form', 'https://api.example.com/x', 'model=m&input=x', 'application/x-www-form-urlencoded'],
  ['a training at Replicate', 'https://api.replicate.com/v1/models/a/b/versions/c/trainings', { destination: 'a/b' }],
  ['a cancelled prediction', 'https://api.replicate.com/v1/predictions/p_1/cancel', {}],
  ['credits of OpenRouter', 'https://openrouter.ai/api/v1/credits/coinbase', { amount: 5 }],
  ['a new voice', 'https://api.elevenlabs.io/v1/voices/add', 'bytes', MULTIPART],
  ['an agent of ElevenLabs', 'https://api.elevenlabs.io/v1/convai/agents/create', { name: 'a' }],
  ['an upload to AssemblyAI', 'https://api.assemblyai.com/v2/upload', 'bytes', 'application/octet-stream'],
  ['an invitation at Deepgram', 'https://api.deepgram.com/v1/projects/p_1/invites', { email: 'a@b.example' }],
  ['an upload to fal', 'https://rest.fal.ai/storage/upload/initiate', { file_name: 'a.png' }],
  ["a cache of SGLang's, emptied", 'http://localhost:30000/flush_cache', undefined],
  ['a model that LM Studio loads', 'http://localhost:1234/api/v1/models/load', { model: 'm' }],
  ['a model that LM Studio gets', 'http://localhost:1234/api/v1/models/download', { model: 'm' }],
  ["a search in xAI's collections", 'https://api.x.ai/v1/documents/search', { query: 'cats', source: {} }],
  ["the training of Jina's classifier", 'https://api.jina.ai/v1/train', { model: 'm', input: [] }],
  ['a token of Azure', 'https://a.cognitiveservices.azure.com/sts/v1.0/issueToken', undefined],
  ["a search in Vertex AI's corpora", `${VERTEX}:retrieveContexts`, { query: { text: 'cats' } }],
  ["a search in Vertex AI's vectors", `${VERTEX}/indexEndpoints/1:findNeighbors`, { queries: [] }],
  ["a search in Vertex AI's features", `${VERTEX}/featureViews/v:searchNearestEntities`, { query: {} }],
  ['an endpoint for vectors', `${VERTEX}/indexEndpoints`, { displayName: 'x' }],
  ['a pipeline of Vertex AI', `${VERTEX}/pipelineJobs`, { displayName: 'x' }],
  [
    "a search in Gemini's corpus",
    'https://generativelanguage.googleapis.com/v1beta/corpora/c:query',
    { query: 'cats' },
  ],
  [
    "a search in Bedrock's knowledge base",
    'https://bedrock-agent-runtime.eu-central-1.amazonaws.com/knowledgebases/k/retrieve',
    { retrievalQuery: { text: 'cats' } },
  ],
  ["a pipeline of Mistral's", 'https://api.mistral.ai/v1/rag/ingestion_pipeline_configurations', { name: 'x' }],
  ['an asset of NVIDIA', 'https://api.nvcf.nvidia.com/v2/nvcf/assets', { contentType: 'image/png' }],
  ['a cancelled job of RunPod', 'https://api.runpod.ai/v2/e/cancel/job-1', undefined],
  ['an input of Clarifai', 'https://api.clarifai.com/v2/inputs', { inputs: [] }],
  ["a configuration of Hume's", 'https://api.hume.ai/v0/evi/configs', { name: 'x' }],
  ['an image for Leonardo', 'https://cloud.leonardo.ai/api/rest/v1/init-image', { extension: 'png' }],
  ['a token of Cartesia', 'https://api.cartesia.ai/access-token', { grants: {} }],
  ['a search of the web', 'https://api.tavily.com/search', { query: 'cats' }],
  ['a search in vectors', 'https://i.svc.pinecone.io/query', { vector: [1], topK: 3 }],
  ['telemetry', 'https://otlp.example.com/v1/traces', { resourceSpans: [] }],
  ['a body that is no JSON', 'https://api.example.com/x', '{"model":"m","input":'],
  ['a body that cannot be read', 'https://api.example.com/x', undefined],
  ['a GET', 'https://api.openai.com/v1/some/new/endpoint', undefined, undefined, 'GET'],
  ['a DELETE', 'https://api.openai.com/v1/responses/resp_1', undefined, undefined, 'DELETE'],
  ['a host that only looks like a provider', 'https://api.openai.com.example.com/v1/new', { a: 1 }],
];

const countsOfTokens: typeof notAsStep = [
  ["Anthropic's count of tokens", 'https://api.anthropic.com/v1/messages/count_tokens', { model: 'm', messages: [] }],
  [
    "Anthropic's count of tokens at Vertex AI",
    'https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/anthropic/models/count-tokens:rawPredict',
    { model: 'm', messages: [], anthropic_version: 'b' },
  ],
  [
    "Anthropic's count of tokens behind a gateway",
    'https://llm.example.com/v1/messages/count_tokens',
    { model: 'm', messages: [] },
  ],
  [
    "Gemini's count of tokens",
    'https://generativelanguage.googleapis.com/v1beta/models/m:countTokens',
    { contents: [] },
  ],
  [
    "Vertex AI's count of tokens",
    'https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google/models/m:countTokens',
    { contents: [] },
  ],
  [
    "Vertex AI's tokens",
    'https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google/models/m:computeTokens',
    { contents: [] },
  ],
  ["OpenAI's count of tokens", 'https://api.openai.com/v1/responses/input_tokens', { model: 'm', input: 'Hi' }],
  [
    "Bedrock's count of tokens",
    'https://bedrock-runtime.eu-west-1.amazonaws.com/model/m/count-tokens',
    { input: { converse: {} } },
  ],
  ["Cohere's tokens", 'https://api.cohere.com/v1/tokenize', { model: 'm', text: 'Hi' }],
  ["Cohere's text of tokens", 'https://api.cohere.com/v1/detokenize', { model: 'm', tokens: [1] }],
  ["vLLM's tokens", 'http://127.0.0.1:8000/tokenize', { model: 'm', prompt: 'Hi' }],
  ["vLLM's tokens of messages", 'http://127.0.0.1:8000/tokenize', { model: 'm', messages: [] }],
  ["vLLM's text of tokens", 'http://127.0.0.1:8000/detokenize', { model: 'm', tokens: [1] }],
  ["xAI's tokens", 'https://api.x.ai/v1/tokenize-text', { model: 'm', text: 'Hi' }],
  [
    "Moonshot's count of tokens",
    'https://api.moonshot.cn/v1/tokenizers/estimate-token-count',
    { model: 'm', messages: [] },
  ],
];

const isUnreadModelCall = (request: UnknownRequest, rules: UnreadCallRules) =>
  typeof unreadKindOf(request, rules) === 'object';

const text = (body: unknown) => (body === undefined || typeof body === 'string' ? body : JSON.stringify(body));

describe('A call of a format that is not read becomes a step:', () => {
  for (const [url, body, rule] of asStep) {
    it(`${rule === 'host' ? 'by its host' : `with ${JSON.stringify(body)}`}, ${url}`, () => {
      const request = { method: 'POST', url: new URL(url), body: text(body), contentType: JSON_TYPE };
      assert.equal(
        readModelCall({ method: 'POST', url: request.url, body: request.body }, { content: false }),
        undefined,
        'the format is read',
      );
      assert.equal(isUnreadModelCall(request, { byBody: true, every: false }), true);
      assert.equal(isUnreadModelCall(request, { byBody: false, every: false }), rule === 'host');
    });
  }

  it('at a known provider also if the body cannot be read', () => {
    const url = new URL('https://api.openai.com/v1/some/new/endpoint');
    assert.equal(isUnreadModelCall({ method: 'POST', url, body: undefined }, { byBody: true, every: false }), true);
  });

  it('at any host if every POST is asked for, but not if it is certainly another kind of call', () => {
    const every = { byBody: true, every: true };
    const is = (url: string, body: unknown, contentType = JSON_TYPE) =>
      isUnreadModelCall({ method: 'POST', url: new URL(url), body: text(body), contentType }, every);
    assert.equal(is('https://llm.example.com/infer', { question: 'Hi' }), true);
    assert.equal(is('https://llm.example.com/infer', undefined), true);
    assert.equal(is('https://llm.example.com/infer', { jsonrpc: '2.0', method: 'x' }), false);
    assert.equal(is('https://llm.example.com/graphql', { query: '{ me }' }), false);
    assert.equal(is('https://llm.example.com/login', { grant_type: 'password' }), false);
    assert.equal(is('https://llm.example.com/v1/files', 'bytes', MULTIPART), false);
  });
});

describe('What is not a model call never becomes a step:', () => {
  for (const [name, url, body, contentType = JSON_TYPE, method = 'POST'] of [...notAsStep, ...countsOfTokens]) {
    it(`${name}, ${method} ${url}`, () => {
      const request = { method, url: new URL(url), body: text(body), contentType };
      assert.equal(isUnreadModelCall(request, { byBody: true, every: false }), false);
      assert.equal(isUnreadModelCall(request, { byBody: false, every: false }), false);
    });
  }
});

describe('A count of tokens is not reported as a call that was missed:', () => {
  for (const [name, address, body] of countsOfTokens) {
    it(`${name}, ${address}`, () => {
      const request = { method: 'POST', url: new URL(address), body: text(body), contentType: JSON_TYPE };
      assert.equal(
        readModelCall({ method: 'POST', url: request.url, body: request.body }, { content: false }),
        undefined,
        'taken for a model call',
      );
      assert.equal(unreadKindOf(request, { byBody: true, every: false }), 'other');
      assert.equal(mayAskProvider(request.url), false, 'by the global fetch');
    });
  }

  it('but a call that may have been one is', () => {
    const url = new URL('https://llm.example.com/predict');
    const request = { method: 'POST', url, body: '{"x":1}', contentType: JSON_TYPE };
    assert.equal(unreadKindOf(request, { byBody: true, every: false }), 'unread post');
    assert.equal(mayAskProvider(new URL('https://api.anthropic.com/v1/messages')), true);
  });
});
