/** The endpoints of the formats that are read: a call in a run is never without a step, whatever the server answers. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { wrapFetch } from 'runtrace';
import { only, traced } from '../support/traced.js';

const BEDROCK = 'https://bedrock-runtime.eu-central-1.amazonaws.com';
const ARN = 'arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0';
const GATEWAY = 'https://ai-gateway.vercel.sh/v4/ai';
const messages = [{ role: 'user', content: 'Hi' }];
const converse = { messages: [{ role: 'user', content: [{ text: 'Hi' }] }] };
const aiPrompt = { prompt: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }] };
const model = 'm';

interface Endpoint {
  readonly url: string;
  readonly body: unknown;
  readonly operation: string;
  readonly provider: string;
  /** The model that is recorded. Default: `m`. */
  readonly model?: string;
  readonly headers?: Record<string, string>;
}

const bedrock = (path: string, modelName: string, body: unknown, operation = 'chat'): Endpoint => ({
  url: `${BEDROCK}/model/${path}`,
  body,
  operation,
  provider: 'aws.bedrock',
  model: modelName,
});

const gateway = (kind: string, body: unknown, operation: string): Endpoint => ({
  url: `${GATEWAY}/${kind}-model`,
  body,
  operation,
  provider: 'vercel',
  headers: { 'ai-model-id': model, 'ai-language-model-id': model },
});

const at =
  (host: string, provider: string) =>
  (path: string, body: unknown, operation: string): Endpoint => ({ url: `${host}${path}`, body, operation, provider });

const openAI = at('https://api.openai.com/v1', 'openai');
const google = at('https://generativelanguage.googleapis.com/v1beta/models', 'gcp.gemini');
const ollama = at('http://127.0.0.1:11434/api', 'ollama');
const cohere = at('https://api.cohere.com', 'cohere');
const mistral = at('https://api.mistral.ai/v1', 'mistral_ai');

const ENDPOINTS: readonly Endpoint[] = [
  ...['converse', 'converse-stream'].flatMap((method) => [
    bedrock(`anthropic.claude-v3/${method}`, 'anthropic.claude-v3', converse),
    bedrock(`eu.amazon.nova-lite-v1%3A0/${method}`, 'eu.amazon.nova-lite-v1:0', converse),
    bedrock(`${encodeURIComponent(ARN)}/${method}`, ARN, converse),
    bedrock(`${ARN}/${method}`, ARN, converse),
  ]),
  ...['invoke', 'invoke-with-response-stream'].flatMap((method) => [
    bedrock(`anthropic.claude/${method}`, 'anthropic.claude', { anthropic_version: 'b', max_tokens: 1, messages }),
    bedrock(`amazon.nova-lite/${method}`, 'amazon.nova-lite', { schemaVersion: 'messages-v1', ...converse }),
    bedrock(`amazon.titan-text/${method}`, 'amazon.titan-text', { inputText: 'Hi' }),
    bedrock(`meta.llama4/${method}`, 'meta.llama4', { prompt: 'Hi', max_gen_len: 1 }),
    bedrock(`mistral.mistral-7b/${method}`, 'mistral.mistral-7b', { prompt: '<s>[INST] Hi [/INST]' }),
    bedrock(`mistral.large/${method}`, 'mistral.large', { messages }),
    bedrock(`cohere.command-r/${method}`, 'cohere.command-r', { message: 'Hi', chat_history: [] }),
    bedrock(`cohere.command/${method}`, 'cohere.command', { prompt: 'Hi' }),
    bedrock(`ai21.jamba/${method}`, 'ai21.jamba', { messages }),
    bedrock(`deepseek.r1/${method}`, 'deepseek.r1', { prompt: 'Hi' }),
    bedrock(`writer.palmyra/${method}`, 'writer.palmyra', { messages }),
    bedrock(`openai.gpt-oss/${method}`, 'openai.gpt-oss', { messages }),
    bedrock(`qwen.qwen3/${method}`, 'qwen.qwen3', { messages }),
    bedrock(`${encodeURIComponent(ARN)}/${method}`, ARN, { messages }),
  ]),
  bedrock('amazon.titan-embed/invoke', 'amazon.titan-embed', { inputText: 'Hi' }, 'embeddings'),
  bedrock('cohere.embed/invoke', 'cohere.embed', { texts: ['Hi'], input_type: 'search_query' }, 'embeddings'),
  bedrock('cohere.rerank/invoke', 'cohere.rerank', { query: 'a', documents: ['a'], api_version: 2 }, 'rerank'),
  bedrock('stability.sd3/invoke', 'stability.sd3', { prompt: 'A cat', mode: 'text-to-image' }, 'generate_content'),
  gateway('language', aiPrompt, 'chat'),
  gateway('embedding', { values: ['a'] }, 'embeddings'),
  gateway('reranking', { query: 'a', documents: { type: 'text', values: ['a'] } }, 'rerank'),
  gateway('decision', { stateParts: [], questions: [] }, 'generate_content'),
  gateway('image', { prompt: 'A cat', n: 1 }, 'generate_content'),
  gateway('video', { prompt: 'A cat' }, 'generate_content'),
  gateway('speech', { text: 'Hi' }, 'generate_content'),
  gateway('transcription', { audio: 'x', mediaType: 'audio/mp3' }, 'generate_content'),
  cohere('/v2/chat', { model, messages }, 'chat'),
  cohere('/v2/embed', { model, texts: ['a'] }, 'embeddings'),
  cohere('/v2/rerank', { model, query: 'a', documents: ['a'] }, 'rerank'),
  ollama('/chat', { model, messages }, 'chat'),
  ollama('/generate', { model, prompt: 'Hi' }, 'text_completion'),
  ollama('/embed', { model, input: 'Hi' }, 'embeddings'),
  ollama('/embeddings', { model, prompt: 'Hi' }, 'embeddings'),
  mistral('/conversations', { model, inputs: 'Hi' }, 'chat'),
  mistral('/conversations/conv_1', { model, inputs: 'Hi' }, 'chat'),
  mistral('/conversations/conv_1/restart', { model, inputs: 'Hi' }, 'chat'),
  mistral('/agents/completions', { model, agent_id: 'a', messages }, 'chat'),
  mistral('/fim/completions', { model, prompt: 'a', suffix: 'b' }, 'text_completion'),
  openAI('/images/generations', { model, prompt: 'A cat' }, 'generate_content'),
  openAI('/audio/speech', { model, input: 'Hi', voice: 'alloy' }, 'generate_content'),
  openAI('/moderations', { model, input: 'Hi' }, 'moderation'),
  openAI('/decisions', { model, input: 'Hi', questions: [] }, 'generate_content'),
  openAI('/responses/compact', { model, input: 'Hi' }, 'chat'),
  google('/m:embedContent', { content: { parts: [{ text: 'a' }] } }, 'embeddings'),
  google('/m:batchEmbedContents', { requests: [] }, 'embeddings'),
];

/** What a server may answer: nonsense too. */
const ANSWERS: Readonly<Record<string, () => Response>> = {
  'an empty object': () => Response.json({}),
  nothing: () => new Response(''),
  'a page': () => new Response('<html></html>', { headers: { 'content-type': 'text/html' } }),
  'a refusal': () => Response.json({ message: 'no' }, { status: 403 }),
};

async function stepOf({ url, body, headers = {} }: Endpoint, answer: () => Response) {
  const set = traced({ limits: { completedHoldMillis: 0, retryHoldMillis: 0 } });
  const fetch = wrapFetch(async () => answer());
  await set.recorder.run({ kind: 'chat_turn' }, async () => {
    const json = { 'content-type': 'application/json', ...headers };
    await (await fetch(url, { method: 'POST', headers: json, body: JSON.stringify(body) })).text();
  });
  await set.shutdown();
  return only(set.steps());
}

describe('A call to a model endpoint is a step:', () => {
  for (const endpoint of ENDPOINTS) {
    it(`${endpoint.url} ${JSON.stringify(endpoint.body).slice(0, 40)}`, async () => {
      for (const [name, answer] of Object.entries(ANSWERS)) {
        const { attributes } = await stepOf(endpoint, answer);
        const { operation, provider, model: expected = model } = endpoint;
        assert.equal(attributes['gen_ai.operation.name'], operation, name);
        assert.equal(attributes['gen_ai.provider.name'], provider, name);
        assert.equal(attributes['gen_ai.request.model'], expected, name);
        assert.equal(attributes['runtrace.status'], 'error', name);
      }
    });
  }

  it('multipart uploads of sounds and images', async () => {
    for (const path of ['audio/transcriptions', 'audio/translations', 'images/edits', 'images/variations']) {
      const set = traced();
      const fetch = wrapFetch(async () => Response.json({ text: 'Hi', data: [] }));
      const body = new FormData();
      body.set('model', model);
      await set.recorder.run({ kind: 'chat_turn' }, async () => {
        await (await fetch(`https://api.openai.com/v1/${path}`, { method: 'POST', body })).text();
      });
      await set.shutdown();
      assert.equal(only(set.steps()).attributes['gen_ai.operation.name'], 'generate_content', path);
    }
  });

  it('but not without a body', async () => {
    const set = traced();
    const fetch = wrapFetch(async () => Response.json({ id: 'conv_1' }));
    await set.recorder.run({ kind: 'chat_turn' }, async () => {
      await (await fetch('https://api.openai.com/v1/conversations', { method: 'POST' })).text();
    });
    await set.shutdown();
    assert.deepEqual(set.steps(), []);
  });
});
