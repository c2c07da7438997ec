import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  errorEventMidStream,
  hang,
  hugeBody,
  ok,
  type Provider,
  resetBeforeHeaders,
  resetInHeaders,
  resetMidStream,
  slow,
  stallMidStream,
  startProvider,
  status,
} from '../../examples/demo/provider.js';
import { CLIENTS, read } from '../support/clients.js';

const TEXT = 'Fine, thank you. And you?';

let provider: Provider;
before(async () => {
  provider = await startProvider();
});
after(() => provider.close());

const requestsFor = (model: string) => provider.requests.filter((request) => request.model === model);

describe('the provider and every client understand each other', () => {
  for (const { name, numbersRetries, make } of CLIENTS) {
    const model = (scenario: string) => `model.${scenario}.${name.replaceAll(/\W+/g, '-')}`;

    test(`${name}: an answer, whole and streamed`, async () => {
      const client = make({ url: provider.url });
      provider.script(model('ok'), ok({ text: TEXT }));
      assert.equal(await client.generate(model('ok')), TEXT);
      assert.equal(await read(await client.open(model('ok'))), TEXT);
    });

    test(`${name}: the client retries what fails, and ${numbersRetries ? 'numbers' : 'does not number'} its retries`, async () => {
      provider.script(model('retry'), status(429, { retryAfterMillis: 2 }), status(503, { retryAfterMillis: 2 }), ok());
      await make({ url: provider.url }).generate(model('retry'));
      assert.deepEqual(
        requestsFor(model('retry')).map(({ headers }) => headers['x-stainless-retry-count']),
        numbersRetries ? ['0', '1', '2'] : [undefined, undefined, undefined],
      );
    });

    test(`${name}: a reset is a reset, wherever it happens`, async () => {
      const client = make({ url: provider.url, maxRetries: 0 });
      for (const behaviour of [resetBeforeHeaders(), resetInHeaders(), resetMidStream()]) {
        provider.script(model('reset'), behaviour);
        await assert.rejects(client.generate(model('reset')));
        await assert.rejects(client.open(model('reset')).then(read));
      }
      assert.ok(requestsFor(model('reset')).every(({ closedByClient }) => !closedByClient));
    });

    test(`${name}: an error event breaks a stream`, async () => {
      provider.script(model('event'), errorEventMidStream());
      const stream = make({ url: provider.url, maxRetries: 0 }).open(model('event'));
      await assert.rejects(stream.then(read));
    });

    test(`${name}: a client that gives up closes its connection`, async () => {
      const client = make({ url: provider.url, maxRetries: 0 });
      for (const behaviour of [hang(), stallMidStream()]) {
        const controller = new AbortController();
        provider.script(model('abort'), async (exchange) => {
          await behaviour(exchange);
          controller.abort();
        });
        const call = client.open(model('abort'), { signal: controller.signal }).then(read);
        await call.catch(() => {});
        const request = requestsFor(model('abort')).at(-1);
        await request?.closed;
        assert.equal(request?.closedByClient, true);
      }
    });
  }
});

test('a huge body goes out no faster than it is read', async () => {
  provider.script('huge', hugeBody(100_000_000));
  const response = await fetch(`${provider.url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'huge', stream: true }),
  });
  const reader = response.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  const request = requestsFor('huge').at(-1);
  await request?.closed;
  assert.equal(request?.closedByClient, true);
  assert.ok(request.bytesWritten > 0 && request.bytesWritten < 50_000_000, `${request.bytesWritten} bytes`);
});

test('two hundred calls with scripts of their own do not cross', async () => {
  const client = CLIENTS[0]?.make({ url: provider.url });
  const cases = Array.from({ length: 200 }, (_, index) => `case-${index}`);
  for (const name of cases) provider.script(name, status(500), slow(1, { text: name }));
  assert.deepEqual(await Promise.all(cases.map((name) => client?.open(name).then(read))), cases);
});
