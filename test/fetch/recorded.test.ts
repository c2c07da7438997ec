/** What is recorded of the ways in which a body can end. That nothing else changes by it is for the tests beside this one. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { recordingFetch, wrapFetch } from 'runtrace';
import { errorEventMidStream, type Provider, startProvider } from '../../examples/demo/provider.js';
import { attemptsOf, only, traced } from '../support/traced.js';
import { until } from '../support/until.js';
import type { Fetch } from './differential.js';
import { type Origin, startOrigin } from './origin.js';

let origin: Origin;
let provider: Provider;
before(async () => {
  origin = await startOrigin();
  provider = await startProvider();
});
after(() => Promise.all([origin.close(), provider.close()]));

/** The one attempt that was recorded of `act`, before its run is over and anything is given up. */
async function attemptOf(act: (fetch: Fetch) => unknown, fetch?: Fetch): Promise<Record<string, unknown>> {
  const set = traced({ limits: { idleMillis: 60_000 } });
  await set.recorder.run({ kind: 'chat_turn' }, () =>
    set.recorder.step({}, async (step) => {
      await act(fetch ? wrapFetch(fetch) : recordingFetch);
      await until(() => step.attempts.snapshot().length === 1);
    }),
  );
  return only(attemptsOf(only(set.steps())));
}

const PATHS = { 'openai chat': '/v1/chat/completions', openai: '/v1/responses', anthropic: '/v1/messages' };
for (const [name, path] of Object.entries(PATHS)) {
  test(`an error event, after which the body is cancelled, is what the attempt failed with: ${name}`, async () => {
    provider.script(name, errorEventMidStream());
    const attempt = await attemptOf(async (fetch) => {
      const body = JSON.stringify({ model: name, stream: true, messages: [], input: '' });
      const response = await fetch(provider.url + path, { method: 'POST', body });
      let text = '';
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        text += Buffer.from(chunk).toString();
        if (/"error": ?{|event: error/.test(text)) break;
      }
    });
    assert.equal(attempt['runtrace.attempt.status'], 'failed');
    assert.match(String(attempt['error.type']), /error/);
    assert.equal(attempt['http.response.status_code'], 200);
  });
}

test('a body that breaks without a reader has failed', async () => {
  const attempt = await attemptOf((fetch) => fetch(`${origin.url}/reset-mid-stream`));
  assert.equal(attempt['runtrace.attempt.status'], 'failed');
  assert.match(String(attempt['error.type']), /^(ECONNRESET|UND_ERR_SOCKET)$/);
});

test('a body that is aborted without a reader is aborted', async () => {
  const controller = new AbortController();
  const attempt = await attemptOf(async (fetch) => {
    await fetch(`${origin.url}/stall`, { signal: controller.signal });
    controller.abort();
  });
  assert.equal(attempt['runtrace.attempt.status'], 'aborted');
});

test('a response that was collected before it was read is unread', async () => {
  const attempt = await attemptOf(async (fetch) => {
    await fetch(`${origin.url}/endless`);
    for (let i = 0; i < 5; i++) {
      await sleep(2);
      (globalThis.gc as () => void)();
    }
  });
  assert.equal(attempt['runtrace.attempt.status'], 'unread');
});

test('a body that closes without a reader at its end was read', async () => {
  const attempt = await attemptOf(
    async (fetch) => {
      const reader = (await fetch('http://mock/')).body?.getReader();
      assert.equal((await reader?.read())?.value?.byteLength, 3);
    },
    async () => {
      const { readable, writable } = new TransformStream();
      const writer = writable.getWriter();
      writer.write(new Uint8Array(3)).then(() => writer.close());
      return new Response(readable);
    },
  );
  assert.equal(attempt['runtrace.attempt.status'], 'completed');
  assert.equal(attempt['http.response.body.size'], 3);
});

const BOTH: Record<string, (response: Response) => [ReadableStream, ReadableStream]> = {
  'of tee()': ({ body }) => (body as ReadableStream).tee(),
  'of a clone': (response) => [response.clone().body as ReadableStream, response.body as ReadableStream],
  'of a clone of a clone': (response) => {
    const clone = response.clone();
    return [clone.clone().body as ReadableStream, clone.body as ReadableStream];
  },
};
for (const [name, branchesOf] of Object.entries(BOTH)) {
  test(`what passes through both branches ${name} passed once, in any pieces`, async () => {
    const attempt = await attemptOf(async (fetch) => {
      const [ahead, behind] = branchesOf(await fetch(`${origin.url}/pieces`));
      const reader = ahead.getReader({ mode: 'byob' });
      while (!(await reader.read(new Uint8Array(3))).done);
      assert.ok((await new Response(behind).text()).length > 0);
    });
    assert.equal(attempt['runtrace.attempt.status'], 'completed');
    const bare = await (await fetch(`${origin.url}/pieces`)).arrayBuffer();
    assert.equal(attempt['http.response.body.size'], bare.byteLength);
  });
}

test('a branch that is cancelled leaves the other one to be read', async () => {
  const attempt = await attemptOf(async (fetch) => {
    const response = await fetch(`${origin.url}/pieces`);
    const clone = response.clone();
    response.body?.cancel();
    await clone.text();
  });
  assert.equal(attempt['runtrace.attempt.status'], 'completed');
});

test('a body that is read by nothing but the prototype of streams has passed, and that is all that is known', async () => {
  const attempt = await attemptOf(async (fetch) => {
    const { body } = await fetch(`${origin.url}/pieces`);
    const reader = ReadableStream.prototype.getReader.call(body) as ReadableStreamDefaultReader;
    while (!(await reader.read()).done);
  });
  assert.equal(attempt['runtrace.attempt.status'], 'completed');
  // Where it passes through a stream of ours, all is known.
  assert.notEqual(attempt['http.response.body.size'], 0);
});

test('a reader that is released while it waits leaves the body to the next one', async () => {
  const attempt = await attemptOf(async (fetch) => {
    const { body } = await fetch(`${origin.url}/pieces`);
    const first = body?.getReader();
    await first?.read();
    const waiting = first?.read().catch(() => {});
    first?.releaseLock();
    await waiting;
    const second = body?.getReader();
    while (!(await second?.read())?.done);
    await first?.cancel().catch(() => {});
  });
  assert.equal(attempt['runtrace.attempt.status'], 'completed');
});

test('a response of a status that no Response can be made with is observed like any other one', async () => {
  const response = Object.defineProperty(new Response('text'), 'status', { value: 600 });
  const attempt = await attemptOf(
    async (fetch) => assert.equal(await (await fetch('http://mock/')).text(), 'text'),
    async () => response,
  );
  assert.equal(attempt['http.response.status_code'], 600);
  assert.equal(attempt['runtrace.attempt.status'], 'failed');
});

class OwnResponse extends Response {}

const UNSEEN: Record<string, () => unknown> = {
  'of a class of its own': () => new OwnResponse('text'),
  'with methods of its own': () => Object.assign(new Response('text'), { text: async () => 'another' }),
};
for (const [name, make] of Object.entries(UNSEEN)) {
  test(`a response ${name} is left alone, and its attempt is over with its headers`, async () => {
    const response = make() as Response;
    const attempt = await attemptOf(
      async (fetch) => assert.equal(await fetch('http://mock/'), response),
      async () => response,
    );
    assert.equal(attempt['http.response.status_code'], response.status);
    assert.equal(attempt['runtrace.attempt.status'], response.status < 400 ? 'completed' : 'failed');
    // Where it passes through a stream of ours, all is known.
    assert.notEqual(attempt['http.response.body.size'], 0);
  });
}
