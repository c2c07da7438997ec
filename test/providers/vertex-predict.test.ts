import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { modelCall, read } from './recorded.js';
import { record } from './wire.js';

const publisher = 'https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google/models';
const embedding = (tokens?: number) => ({
  embeddings: { values: [0.1, 0.2], ...(tokens && { statistics: { truncated: false, token_count: tokens } }) },
});

describe("Vertex AI's text embeddings", () => {
  const request = { instances: [{ content: 'Hi', task_type: 'RETRIEVAL_QUERY' }], parameters: { autoTruncate: false } };
  const call = modelCall({ url: `${publisher}/text-embedding-005:predict`, request });

  it('are asked for with the model of the path', () => {
    assert.deepEqual(
      [call.operation, call.provider, call.request],
      ['embeddings', 'gcp.vertex_ai', { model: 'text-embedding-005' }],
    );
    for (const model of ['gemini-embedding-001', 'multimodalembedding@001', 'multilingual-e5-large-instruct-maas']) {
      assert.equal(modelCall({ url: `${publisher}/${model}:predict`, request }).operation, 'embeddings', model);
    }
  });

  it('have the sum of the tokens of all texts, cut in two at every byte', () => {
    const body = JSON.stringify({ predictions: [embedding(4), embedding(3)], metadata: { billableCharacterCount: 9 } });
    for (let cut = 0; cut <= body.length; cut++) {
      const answer = read(call, [body.slice(0, cut), body.slice(cut)]);
      assert.deepEqual([answer.complete, answer.usage], [true, { inputTokens: 7 }]);
    }
  });

  it('have no sum if a count is missing, or if there may be more texts than were read', () => {
    const sumOf = (predictions: object[]) => read(call, [JSON.stringify({ predictions })]).usage.inputTokens;
    assert.equal(sumOf([embedding(4), embedding()]), undefined);
    assert.equal(sumOf([]), undefined);
    assert.equal(sumOf(Array.from({ length: 250 }, () => embedding(2))), 500);
    assert.equal(sumOf(Array.from({ length: 300 }, () => embedding(2))), undefined);
  });

  it('may be an error', () => {
    const error = { code: 400, message: 'No', status: 'INVALID_ARGUMENT' };
    for (const body of [{ error }, [{ error }]]) {
      assert.deepEqual(read(call, [JSON.stringify(body)]).error, { code: 'INVALID_ARGUMENT', message: 'No' });
    }
    assert.equal(read(call, ['{}']).complete, false);
  });

  it('are the step of a run', async () => {
    const path = '/v1/projects/p/locations/l/publishers/google/models/text-embedding-005:predict';
    const { step } = await record({ path, request, body: JSON.stringify({ predictions: [embedding(4)] }) });
    assert.equal(step['runtrace.status'], 'completed');
    assert.equal(step['gen_ai.request.model'], 'text-embedding-005');
    assert.equal(step['gen_ai.usage.input_tokens'], 4);
  });
});

describe('Imagen', () => {
  const request = { instances: [{ prompt: 'A cat' }], parameters: { sampleCount: 2, seed: 7 } };

  it('is asked for an image, at Vertex AI and at the Gemini API', () => {
    const gemini = 'https://generativelanguage.googleapis.com/v1beta/models';
    for (const [base, provider] of [
      [publisher, 'gcp.vertex_ai'],
      [gemini, 'gcp.gemini'],
    ] as const) {
      const call = modelCall({ url: `${base}/imagen-4.0-generate-001:predict`, request });
      assert.deepEqual([call.operation, call.provider], ['generate_content', provider]);
      assert.deepEqual(call.request, {
        model: 'imagen-4.0-generate-001',
        choiceCount: 2,
        seed: 7,
        outputType: 'image',
        messages: [{ role: 'user', parts: [{ type: 'text', content: 'A cat' }] }],
      });
    }
  });

  it('answers with images, or with why there are none', () => {
    const call = modelCall({ url: `${publisher}/imagen-4.0-generate-001:predict`, request });
    const image = { mimeType: 'image/png', bytesBase64Encoded: 'A'.repeat(10_000) };
    for (const predictions of [[image, image], [{ raiFilteredReason: 'Filtered' }]]) {
      const answer = read(call, [JSON.stringify({ predictions })]);
      assert.deepEqual([answer.complete, answer.usage], [true, {}]);
    }
  });
});

describe("Mistral's models at Vertex AI", () => {
  it('have the Chat Completions under the path of the model', () => {
    const url =
      'https://europe-west4-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/mistralai/models/mistral-small-2503';
    const messages = [{ role: 'user', content: 'Hi' }];
    for (const [method, stream] of [
      ['rawPredict', undefined],
      ['streamRawPredict', true],
    ] as const) {
      const call = modelCall({ url: `${url}:${method}`, request: { messages, ...(stream && { stream }) } }, false);
      assert.deepEqual([call.operation, call.provider, call.streaming], ['chat', 'gcp.vertex_ai', stream === true]);
      assert.equal(call.request.model, 'mistral-small-2503');
    }
  });
});
