import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { modelCall, read } from './recorded.js';
import { record } from './wire.js';

const url = 'https://api.mistral.ai/v1/ocr';
const model = 'mistral-ocr-latest';
const page = (index: number, markdown: string) => ({
  index,
  markdown,
  images: [],
  dimensions: { dpi: 200, height: 2, width: 1 },
});
const result = {
  pages: [page(0, '# One'), page(1, 'Two')],
  model: 'mistral-ocr-2505-completion',
  usage_info: { pages_processed: 2, doc_size_bytes: 3000 },
};

describe("Mistral's OCR", () => {
  it('is asked for with a document, an image or a file', () => {
    const documents = [
      [
        { type: 'document_url', document_url: 'https://a.example/b.pdf' },
        { type: 'uri', modality: 'document', uri: 'https://a.example/b.pdf' },
      ],
      [
        { type: 'image_url', image_url: { url: 'https://a.example/b.png' } },
        { type: 'uri', modality: 'image', uri: 'https://a.example/b.png' },
      ],
      [
        { type: 'image_url', image_url: 'data:image/png;base64,AAAA' },
        { type: 'blob', modality: 'image', mime_type: 'image/png', content: '[3 bytes]' },
      ],
      [
        { type: 'file', file_id: 'f_1' },
        { type: 'file', modality: 'document', file_id: 'f_1' },
      ],
    ];
    for (const [document, part] of documents) {
      const call = modelCall({ url, request: { model, document } });
      assert.deepEqual([call.operation, call.provider], ['generate_content', 'mistral_ai']);
      assert.deepEqual(call.request, { model, outputType: 'text', messages: [{ role: 'user', parts: [part] }] });
    }
  });

  it('has the model of the path at Vertex AI', () => {
    const vertex =
      'https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/mistralai/models';
    const call = modelCall({
      url: `${vertex}/mistral-ocr-2505:rawPredict`,
      request: { document: { type: 'file', file_id: 'f' } },
    });
    assert.deepEqual([call.provider, call.request.model], ['gcp.vertex_ai', 'mistral-ocr-2505']);
  });

  it('answers with the text of each page, cut in two at every byte', () => {
    const call = modelCall({ url, request: { model, document: {} } });
    const body = JSON.stringify(result);
    for (let cut = 0; cut <= body.length; cut++) {
      const answer = read(call, [body.slice(0, cut), body.slice(cut)]);
      assert.deepEqual([answer.complete, answer.usage, answer.response.model], [true, {}, result.model]);
      assert.deepEqual(answer.response.messages?.[0]?.parts, [
        { type: 'text', content: '# One' },
        { type: 'text', content: 'Two' },
      ]);
    }
  });

  it('may be an error', () => {
    const call = modelCall({ url, request: { model, document: {} } });
    const body = { object: 'error', message: 'No', type: 'invalid_file', code: '3310' };
    assert.equal(read(call, [JSON.stringify(body)]).error?.message, 'No');
    for (const other of ['{}', '<html></html>', 'plain text']) assert.equal(read(call, [other]).complete, false, other);
  });

  it('is the step of a run', async () => {
    const request = { model, document: { type: 'file', file_id: 'f_1' } };
    const { step } = await record({ path: '/v1/ocr', request, body: JSON.stringify(result) });
    assert.equal(step['runtrace.status'], 'completed');
    assert.equal(step['gen_ai.request.model'], model);
    assert.equal(step['gen_ai.response.model'], result.model);
  });
});
