/** The calls that have one result and no stream: embeddings, rerank, images, speech, transcriptions, moderations, compaction. */
import type { WireFormat } from '../../../../examples/demo/wire/format.js';
import { openAIFailure } from '../../../../examples/demo/wire/openai.js';

/** What each of these calls has processed, where its API says so. */
export const PROCESSED_TOKENS = 9;

const VECTOR = [0.25, -0.5, 0.125];
const RANKING = [
  { index: 1, relevance_score: 0.9 },
  { index: 0, relevance_score: 0.1 },
];
const COUNTED = { prompt_tokens: PROCESSED_TOKENS, total_tokens: PROCESSED_TOKENS };
const PIXEL = 'iVBORw0KGgo=';

export const RESULTS: readonly WireFormat[] = [
  result(/\/v1(?:beta)?\/embeddings$/, ({ body }) => ({
    id: 'embd-1',
    object: 'list',
    model: body.model,
    data: [{ object: 'embedding', index: 0, embedding: embedding(body) }],
    usage: COUNTED,
  })),
  result(/\/v2\/embed$/, () => ({
    id: 'e1',
    embeddings: { float: [VECTOR] },
    texts: ['a'],
    meta: { api_version: { version: '2' }, billed_units: { input_tokens: PROCESSED_TOKENS } },
  })),
  result(/\/v2\/rerank$/, () => ({ id: 'r1', results: RANKING, meta: { billed_units: { search_units: 1 } } })),
  result(/\/v1\/rerank$/, ({ body }) => ({
    id: 'r1',
    object: 'rerank',
    model: body.model,
    results: RANKING.map((one) => ({ ...one, document: { text: 'a' } })),
    usage: { ...COUNTED, completion_tokens: 0 },
  })),
  result(/\/ml\/v1\/text\/embeddings$/, ({ body }) => ({
    model_id: body.model_id,
    results: [{ embedding: VECTOR }],
    input_token_count: PROCESSED_TOKENS,
  })),
  result(/\/ml\/v1\/text\/rerank$/, ({ body }) => ({
    model_id: body.model_id,
    results: RANKING.map(({ index, relevance_score }) => ({ index, score: relevance_score })),
    input_token_count: PROCESSED_TOKENS,
  })),
  result(/\/api\/embed$/, ({ body }) => ({
    model: body.model,
    embeddings: [VECTOR],
    total_duration: 5,
    prompt_eval_count: PROCESSED_TOKENS,
  })),
  result(/:batchEmbedContents$/, () => ({ embeddings: [{ values: VECTOR }] })),
  result(/:embedContent$/, () => ({ embedding: { values: VECTOR } })),
  result(/\/model\/[^/]*embed[^/]*\/invoke$/, () => ({ embedding: VECTOR, inputTextTokenCount: PROCESSED_TOKENS })),
  result(/\/ai\/embedding-model$/, () => ({ embeddings: [VECTOR], usage: { tokens: PROCESSED_TOKENS } })),
  result(/\/ai\/reranking-model$/, () => ({
    ranking: RANKING.map(({ index, relevance_score }) => ({ index, relevanceScore: relevance_score })),
  })),
  result(/\/v1\/images\/generations$/, () => ({
    created: 1,
    data: [{ b64_json: PIXEL }],
    usage: { input_tokens: PROCESSED_TOKENS, output_tokens: 0, total_tokens: PROCESSED_TOKENS },
  })),
  result(/\/v1\/audio\/speech$/, () => 'ID3 and the bytes of a sound'),
  result(/\/v1\/audio\/transcriptions$/, () => ({
    text: 'Hello.',
    usage: { type: 'tokens', input_tokens: PROCESSED_TOKENS, output_tokens: 0, total_tokens: PROCESSED_TOKENS },
  })),
  result(/\/v1\/moderations$/, ({ body }) => ({
    id: 'modr-1',
    model: body.model,
    results: [{ flagged: false, categories: {}, category_scores: {} }],
  })),
  result(/\/v1\/responses\/compact$/, () => ({
    id: 'resp_1',
    object: 'response.compaction',
    created_at: 1,
    output: [{ type: 'compaction', id: 'c1', encrypted_content: 'x' }],
    usage: { input_tokens: PROCESSED_TOKENS, output_tokens: 0, total_tokens: PROCESSED_TOKENS },
  })),
];

interface Asked {
  readonly body: Readonly<Record<string, unknown>>;
}

/** An API with one path and one result, in JSON; a text stands for a sound. */
function result(path: RegExp, answer: (asked: Asked) => unknown): WireFormat {
  let last: Asked = { body: {} };
  return {
    read(asked, body) {
      if (!path.test(asked)) return undefined;
      last = { body };
      return { model: String(body.model ?? body.model_id), stream: false, includeUsage: true };
    },
    headers: (_id, status) =>
      status === 200 && typeof answer(last) === 'string' ? { 'content-type': 'audio/mpeg' } : {},
    whole: () => answer(last),
    *events() {},
    failure: openAIFailure,
    errorEvent: () => '',
  };
}

/** The `openai` package asks for base64 unless the application says otherwise. */
function embedding({ encoding_format }: Asked['body']): unknown {
  return encoding_format === 'base64' ? Buffer.from(Float32Array.from(VECTOR).buffer).toString('base64') : VECTOR;
}
