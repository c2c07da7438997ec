/** Model calls in formats that runtrace does not read: a run never loses one, and no other POST becomes a step. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { recordingFetch, wrapFetch } from 'runtrace';
import { attemptsOf, only, traced } from '../support/traced.js';

/** Stands in for a provider: its answers come from this process. */
function answering(...codes: number[]): typeof globalThis.fetch {
  return async () => Response.json({ output: 'x' }, { status: codes.shift() ?? 200 });
}

async function stepsOf(url: string, body: unknown, fetch = wrapFetch(answering()), init: RequestInit = {}) {
  const set = traced();
  await set.recorder.run({ kind: 'chat_turn' }, async () => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    await (await fetch(url, { method: 'POST', body: text, ...init })).text();
  });
  await set.shutdown();
  return set.steps();
}

describe('a POST that is not recognized is a step', () => {
  test('at the host of a known provider: named by method and path, ended as HTTP shows', async () => {
    const step = only(await stepsOf('https://api.cohere.com/v2/classify', { inputs: ['x'] }));
    assert.equal(step.name, 'POST /v2/classify');
    assert.equal(step.attributes['runtrace.status'], 'completed');
    assert.equal(step.attributes['gen_ai.provider.name'], 'cohere');
    assert.equal('gen_ai.operation.name' in step.attributes, false);
    assert.equal(step.attributes['runtrace.step.attempt_codes'], '200');
  });

  test('with a body that has a model and its input', async () => {
    const step = only(await stepsOf('https://models.internal/predict', { model: 'local', prompt: 'Hi' }));
    assert.equal(step.name, 'POST /predict');
  });

  test('with the option unknown, if it is any other call', async () => {
    const every = wrapFetch(answering(), { unknown: 'step' });
    assert.equal((await stepsOf('https://models.internal/predict', { x: 1 }, every)).length, 1);
    assert.equal((await stepsOf('https://models.internal/predict', { x: 1 })).length, 0);
  });

  test('once, with all its retries, and an error if it is refused for good', async () => {
    const set = traced();
    const fetch = wrapFetch(answering(429, 503, 200, 400));
    const ask = (input: string) =>
      fetch('https://api.cohere.com/v2/classify', { method: 'POST', body: JSON.stringify({ input }) }).then((it) =>
        it.text(),
      );
    await set.recorder.run({ kind: 'chat_turn' }, async () => {
      for (let attempt = 0; attempt < 3; attempt++) await ask('a');
      await ask('b');
    });
    await set.shutdown();
    const steps = set.steps();
    assert.deepEqual(
      steps.map(({ attributes }) => [attributes['runtrace.step.attempt_codes'], attributes['runtrace.status']]),
      [
        ['429 503 200', 'completed'],
        ['400', 'error'],
      ],
    );
    assert.equal(attemptsOf(steps[0] as never).length, 3);
  });
});

describe('the model of a call in a format that is not read', () => {
  /** The models of the steps for these bodies, each sent to a server. */
  async function modelsOf(...bodies: (string | FormData | Uint8Array<ArrayBuffer>)[]): Promise<unknown[]> {
    const server = createServer((request, response) => {
      request.resume().on('end', () => response.end('{}'));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/predict`;
    const set = traced();
    const fetch = wrapFetch(globalThis.fetch, { unknown: 'step' });
    await set.recorder.run({ kind: 'chat_turn' }, async () => {
      for (const body of bodies) await (await fetch(url, { method: 'POST', body })).text();
    });
    await set.shutdown();
    server.closeAllConnections();
    server.close();
    return set.steps().map(({ name, attributes }) => {
      assert.equal(name, 'POST /predict');
      assert.equal('gen_ai.operation.name' in attributes, false);
      return attributes['gen_ai.request.model'];
    });
  }

  test('is that of its JSON, as text and as bytes, or of its form', async () => {
    const json = JSON.stringify({ prompt: 'x'.repeat(100_000), model: 'local-1' });
    const form = new FormData();
    form.set('model', 'local-2');
    form.set('file', new Blob(['x']), 'x.wav');
    // watsonx, `/ml/v1/text/chat`
    const watsonx = '{"model_id":"ibm/granite-4","messages":[]}';
    const models = await modelsOf(json, new TextEncoder().encode(json), form, watsonx);
    assert.deepEqual(models, ['local-1', 'local-1', 'local-2', 'ibm/granite-4']);
  });

  test('is redacted, and none if there is none, or if it is no name', async () => {
    const key = `sk-proj-${'a1B2c3D4e5'.repeat(5)}`;
    const bodies = [key, '', 7, { id: 'x' }, 'x'.repeat(513)].map((model) => JSON.stringify({ model, input: 'Hi' }));
    const [redacted, ...others] = await modelsOf(...bodies, '{"input":"Hi"}', '[{"model":"x"}]', 'model');
    assert.ok(redacted !== undefined && !String(redacted).includes(key));
    assert.deepEqual(others, Array(7).fill(undefined));
  });
});

describe('a POST that is no model call is no step', () => {
  const CALLS: Record<string, [url: string, body: unknown, init?: RequestInit]> = {
    'JSON-RPC': ['https://api.openai.com/v1/x', { jsonrpc: '2.0', model: 'm', input: 'x' }],
    'a token request': ['https://api.openai.com/oauth/token', 'grant_type=client_credentials'],
    GraphQL: ['https://app.internal/graphql', { query: 'query { model input }', model: 'm', input: 'x' }],
    'an upload': [
      'https://api.openai.com/v1/files',
      'x',
      { headers: { 'content-type': 'multipart/form-data; boundary=x' } },
    ],
    'a batch': ['https://api.openai.com/v1/batches', { input_file_id: 'f' }],
    'a vector store': ['https://api.openai.com/v1/vector_stores', { name: 'x' }],
    'a body without input': ['https://app.internal/cars', { model: 'T' }],
    'a search': ['https://app.internal/search', { query: 'x' }],
  };
  for (const [name, [url, body, init]] of Object.entries(CALLS)) {
    test(name, async () => {
      assert.deepEqual(await stepsOf(url, body, wrapFetch(answering()), init), []);
    });
  }

  test('a GET', async () => {
    const set = traced();
    const fetch = wrapFetch(answering());
    await set.recorder.run({ kind: 'chat_turn' }, () =>
      fetch('https://api.openai.com/v1/models').then((it) => it.text()),
    );
    await set.shutdown();
    assert.deepEqual(set.steps(), []);
  });
});

test('wrapFetch refuses an option that it does not know', () => {
  assert.throws(
    () => wrapFetch(recordingFetch, { unknown: 'all' } as never),
    /options\.unknown must be 'step', got 'all'/,
  );
  assert.throws(
    () => wrapFetch(recordingFetch, { unread: 'step' } as never),
    /options must be an object of unknown, got 'unread'/,
  );
});
