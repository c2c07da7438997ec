import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import 'runtrace/register';
import { wrapFetch } from 'runtrace';
import { Agent, type Dispatcher, install, request, fetch as undiciFetch } from 'undici';
import {
  ok,
  type Provider,
  resetMidStream,
  slow,
  stallMidStream,
  startProvider,
  status,
} from '../../examples/demo/provider.js';
import { only, outcomesOf, stepsOfRun } from '../support/traced.js';

/** Connects to this machine for every host. */
const dispatcher: Dispatcher = new Agent({
  connect: { lookup: (_host, _options, found) => found(null, [{ address: '127.0.0.1', family: 4 }]) },
});

describe('runtrace/register records model calls by the package undici', () => {
  const original = globalThis.fetch;
  let provider: Provider;
  before(async () => {
    provider = await startProvider();
  });
  afterEach(() => {
    globalThis.fetch = original;
  });
  after(async () => {
    await dispatcher.close();
    await provider.close();
  });

  const urlOf = (host = 'api.openai.com') => `http://${host}:${new URL(provider.url).port}/v1/chat/completions`;
  const optionsOf = (model: string, stream = false) => ({
    method: 'POST' as const,
    dispatcher,
    body: JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'Hi' }] }),
  });

  const stepsOf = async (call: () => Promise<unknown>) => (await stepsOfRun(call)).steps;

  test('request(), with its retries in one step', async () => {
    provider.script('requested', status(429), status(429), ok());
    const step = only(
      await stepsOf(async () => {
        for (let sent = 0; sent < 3; sent++) await (await request(urlOf(), optionsOf('requested'))).body.text();
      }),
    );
    assert.deepEqual(outcomesOf(step), ['completed', '429 failed', '429 failed', '200 completed']);
    assert.equal(step.name, 'chat requested');
  });

  test('fetch()', async () => {
    const step = only(await stepsOf(async () => (await undiciFetch(urlOf(), optionsOf('fetched'))).json()));
    assert.deepEqual(outcomesOf(step), ['completed', '200 completed']);
  });

  test('the global fetch after install()', async () => {
    const step = only(
      await stepsOf(async () => {
        install();
        const init = optionsOf('installed') as unknown as RequestInit;
        await (await globalThis.fetch(urlOf(), init)).json();
      }),
    );
    assert.deepEqual(outcomesOf(step), ['completed', '200 completed']);
  });

  test('that are streamed', async () => {
    provider.script('streamed', slow(1));
    const step = only(await stepsOf(async () => (await request(urlOf(), optionsOf('streamed', true))).body.text()));
    assert.deepEqual(outcomesOf(step), ['completed', '200 completed']);
  });

  test('whose stream is left', async () => {
    provider.script('left', stallMidStream());
    const step = only(
      await stepsOf(async () => {
        const { body } = await request(urlOf(), optionsOf('left', true));
        for await (const _chunk of body) break;
      }),
    );
    assert.deepEqual(outcomesOf(step), ['interrupted', '200 aborted']);
  });

  test('whose stream breaks', async () => {
    provider.script('broken', resetMidStream());
    const step = only(
      await stepsOf(async () => {
        const { body } = await request(urlOf(), optionsOf('broken', true));
        await body.text().catch(() => {});
      }),
    );
    assert.deepEqual(outcomesOf(step), ['error', '200 failed']);
  });

  test('but not those to other hosts, nor twice those that a recording fetch sends', async () => {
    const other = () => request(urlOf('proxy.example'), optionsOf('a')).then(({ body }) => body.text());
    assert.deepEqual(await stepsOf(other), []);
    const wrapped = wrapFetch(undiciFetch as unknown as typeof fetch);
    const sent = async () => (await wrapped(urlOf(), optionsOf('once') as unknown as RequestInit)).json();
    assert.deepEqual((await stepsOf(sent)).map(outcomesOf), [['completed', '200 completed']]);
  });
});
