import assert from 'node:assert/strict';
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import 'runtrace/register';
import { wrapFetch } from 'runtrace';
import {
  hang,
  ok,
  type Provider,
  resetBeforeHeaders,
  resetMidStream,
  slow,
  stallMidStream,
  startProvider,
  status,
} from '../../examples/demo/provider.js';
import { only, outcomesOf, stepsOfRun, traced } from '../support/traced.js';

/** Connects to this machine for every host. */
const agent = new Agent({ keepAlive: true, lookup: (_host, _options, found) => found(null, [HERE]) });
const HERE = { address: '127.0.0.1', family: 4 };

describe('runtrace/register records model calls over node:http', () => {
  let provider: Provider;
  before(async () => {
    provider = await startProvider();
  });
  after(async () => {
    agent.destroy();
    await provider.close();
  });

  interface Ask {
    model: string;
    stream?: boolean;
    host?: string;
    path?: string;
    headers?: Record<string, string>;
  }

  /** A request that has been sent, and its answer. */
  function post({ model, stream = false, host = 'api.openai.com', path = '/v1/chat/completions', headers = {} }: Ask): {
    sent: ClientRequest;
    answer: Promise<IncomingMessage>;
  } {
    const { port } = new URL(provider.url);
    const sent = request({ host, port, path, method: 'POST', headers, agent });
    const answer = new Promise<IncomingMessage>((resolve, reject) => sent.on('response', resolve).on('error', reject));
    sent.end(JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'Hi' }] }));
    return { sent, answer };
  }

  async function read(ask: Ask): Promise<string> {
    return String(await buffer(await post(ask).answer));
  }

  const stepsOf = async (call: () => Promise<unknown>) => (await stepsOfRun(call)).steps;

  test('with what the answer says of it', async () => {
    const step = only(await stepsOf(() => read({ model: 'whole' })));
    assert.deepEqual(outcomesOf(step), ['completed', '200 completed']);
    const { attributes } = step;
    assert.equal(attributes['gen_ai.provider.name'], 'openai');
    assert.equal(attributes['gen_ai.response.model'], 'whole');
    assert.equal(attributes['gen_ai.usage.output_tokens'], 8);
  });

  test('of which the client numbers its retries, as one step', async () => {
    provider.script('retried', status(429), status(429), ok());
    const step = only(
      await stepsOf(async () => {
        for (const count of [0, 1, 2])
          await read({ model: 'retried', headers: { 'x-stainless-retry-count': `${count}` } });
      }),
    );
    assert.deepEqual(outcomesOf(step), ['completed', '429 failed', '429 failed', '200 completed']);
  });

  test('that are streamed', async () => {
    provider.script('streamed', slow(1));
    const step = only(await stepsOf(() => read({ model: 'streamed', stream: true })));
    assert.deepEqual(outcomesOf(step), ['completed', '200 completed']);
  });

  test('whose stream is left', async () => {
    provider.script('left', stallMidStream());
    const step = only(
      await stepsOf(async () => {
        for await (const _chunk of await post({ model: 'left', stream: true }).answer) break;
      }),
    );
    assert.deepEqual(outcomesOf(step), ['interrupted', '200 aborted']);
  });

  test('whose stream breaks', async () => {
    provider.script('broken', resetMidStream());
    const step = only(await stepsOf(() => read({ model: 'broken', stream: true }).catch(() => {})));
    assert.deepEqual(outcomesOf(step), ['error', '200 failed']);
    assert.equal(step.attributes['error.type'], 'ECONNRESET');
  });

  test('that are stopped before the answer', async () => {
    provider.script('stopped', hang());
    const step = only(
      await stepsOf(async () => {
        const { sent, answer } = post({ model: 'stopped' });
        await sleep(20);
        sent.destroy();
        await answer.catch(() => {});
      }),
    );
    assert.deepEqual(outcomesOf(step), ['interrupted', 'undefined aborted']);
  });

  test('whose connection is lost before the answer', async () => {
    provider.script('lost', resetBeforeHeaders());
    const step = only(await stepsOf(() => read({ model: 'lost' }).catch(() => {})));
    assert.deepEqual(outcomesOf(step), ['error', 'undefined failed']);
  });

  test('whose answer is compressed, by its status alone', async () => {
    provider.script('compressed', ({ response }) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
      response.end(gzipSync('{}'));
    });
    const step = only(await stepsOf(() => read({ model: 'compressed' })));
    assert.deepEqual(outcomesOf(step), ['completed', '200 completed']);
  });

  test('but not those to other hosts or paths, nor those that a recording fetch sends', async () => {
    assert.deepEqual(await stepsOf(() => read({ model: 'a', host: 'proxy.example' })), []);
    assert.deepEqual(await stepsOf(() => read({ model: 'a', path: '/v1/files' })), []);
    const byHttp = wrapFetch(async () => new Response(await read({ model: 'once' })));
    const sent = async () => {
      const body = JSON.stringify({ model: 'once', messages: [] });
      await (await byHttp('https://api.openai.com/v1/chat/completions', { method: 'POST', body })).text();
    };
    assert.deepEqual((await stepsOf(sent)).map(outcomesOf), [['completed', '200 completed']]);
  });

  test('and nothing outside of a run', async () => {
    const { spans, shutdown } = traced();
    await read({ model: 'outside' });
    await shutdown();
    assert.deepEqual(spans(), []);
  });
});
