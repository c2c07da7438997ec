/** Around other implementations of `fetch`: undici's, wrappers, mocks, and what is no `fetch` at all. */
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { recordingFetch, wrapFetch } from 'runtrace';
import * as undici from 'undici';
import { attemptsOf, only, type Traced, traced } from '../support/traced.js';
import { type Case, changes, type Fetch, face, outcome, readAll, same, withOrigin } from './differential.js';

withOrigin();

const encode = (text: string) => new TextEncoder().encode(text);

/** What a mock gives, as far as it can be looked at. */
const lookAtAnything: Case = async ({ fetch, url }) => {
  const call = await outcome(() => fetch(`${url}/text`));
  const { value } = call as { value?: Partial<Response> & { extra?: unknown } };
  if (typeof value !== 'object' || value === null) return call;
  const facts = ['constructor', 'status', 'ok', 'url', 'type', 'redirected', 'bodyUsed', 'extra'] as const;
  return [
    await Promise.all(facts.map((name) => outcome(() => value[name]))),
    Object.getOwnPropertyNames(value),
    await outcome(() => [...(value.headers as Headers)]),
    await outcome(async () => (value.clone ? await value.clone().text() : 'no clone')),
    await outcome(() => value.text?.()),
    await outcome(() => value.bodyUsed),
  ];
};

class TimedResponse extends Response {
  readonly #startedAt = performance.now();
  get extra() {
    return this.#startedAt > 0;
  }
}

class FakeResponse {
  readonly body: ReadableStream;
  readonly status = 200;
  readonly headers = new Headers({ a: '1' });
  constructor(readonly content: string) {
    this.body = new Blob([content]).stream();
  }
  get [Symbol.toStringTag]() {
    return 'Response';
  }
  async text() {
    return this.content;
  }
}

function altered(properties: PropertyDescriptorMap): Response {
  return Object.defineProperties(new Response(new Blob(['altered']).stream(), { headers: { a: '1' } }), properties);
}

const shared = () => {
  const response = new Response('shared');
  return () => response;
};

/** Each makes a function that answers a call, for a mock. */
const ANSWERS: Record<string, () => () => unknown> = {
  'a Response of a string': () => () => new Response('mocked', { status: 203, statusText: 'So So' }),
  'a Response of nothing': () => () => new Response(),
  'Response.json()': () => () => Response.json({ a: 1 }, { status: 429 }),
  'Response.error()': () => () => Response.error(),
  'Response.redirect()': () => () => Response.redirect('http://127.0.0.1/'),
  'a Response of a default stream': () => () => new Response(new ReadableStream({ start: (c) => c.close() })),
  'a Response that is locked': () => () => {
    const response = new Response(new Blob(['locked']).stream());
    response.body?.getReader();
    return response;
  },
  'a Response that was read': () => async () => {
    const response = new Response('read');
    await response.text();
    return response;
  },
  'a Response that is frozen': () => () => Object.freeze(new Response('frozen')),
  'a Response with a URL of its own': () => () =>
    altered({ url: { value: 'http://mock/' }, type: { value: 'basic' }, redirected: { value: true } }),
  'a Response with more to it': () => () => altered({ extra: { value: { a: 1 }, enumerable: true, writable: true } }),
  'a Response with a text() of its own': () => () => altered({ text: { value: async () => 'its own' } }),
  'a Response with a status that is computed': () => () => altered({ status: { get: () => 299 } }),
  'a Response whose status throws': () => () =>
    altered({
      status: {
        get() {
          throw new RangeError('no status');
        },
      },
    }),
  'a Response of a class of its own': () => () => new TimedResponse(new Blob(['timed']).stream()),
  'a Response behind a Proxy': () => () => new Proxy(new Response('behind'), {}),
  'what only looks like a Response': () => () => new FakeResponse('fake'),
  'a plain object': () => () => ({
    ...{ ok: true, status: 200, headers: new Headers({ a: '1' }), body: new Blob(['plain']).stream() },
    text: async () => 'plain',
  }),
  'an object with nothing on it': () => () => ({}),
  'an object without a prototype': () => () => Object.assign(Object.create(null), { constructor: Object, status: 200 }),
  nothing: () => () => undefined,
  null: () => () => null,
  'a string': () => () => 'text',
  "undici's Response": () => () => new undici.Response('of undici', { headers: [['set-cookie', 'a']] }),
};

for (const [name, answer] of Object.entries(ANSWERS)) {
  same(`a mock that answers with ${name}`, lookAtAnything, {
    around: () => {
      const give = answer();
      return (async () => give()) as Fetch;
    },
  });
}

same('a mock that answers at once', async (scene) => lookAtAnything(scene), {
  around: () => (() => new Response('at once')) as unknown as Fetch,
});

const THROWN: Record<string, unknown> = {
  'an Error': new RangeError('mine'),
  'a string': 'just text',
  nothing: undefined,
  'an object with traps': new Proxy({}, { get: () => assert.fail('looked at') }),
};
for (const [name, thrown] of Object.entries(THROWN)) {
  const isTheVeryOne: Case = async ({ fetch, url }) => {
    const seen = (await outcome(() => fetch(`${url}/text`))) as Record<string, unknown>;
    return Object.entries(seen).map(([how, what]) => [how, what === thrown]);
  };
  same(`a mock that rejects with ${name}`, isTheVeryOne, { around: () => () => Promise.reject(thrown) });
  same(`a mock that throws ${name}`, isTheVeryOne, {
    ways: ['in a step'],
    around: () => () => {
      throw thrown;
    },
  });
}

same(
  'a mock that gives one Response to all, who clone it',
  async ({ fetch, url }) => {
    const seen: unknown[] = [];
    for (let i = 0; i < 3; i++) seen.push(await outcome(async () => (await fetch(`${url}/`)).clone().text()));
    return seen.slice(0, 1);
  },
  {
    around: () => {
      const give = shared();
      return async () => give();
    },
  },
);

same(
  'what a mock is called with is what it was called with',
  async ({ fetch, url }) => {
    const input = new URL('/text', url);
    const init = { method: 'POST' };
    const client = { fetch: fetch as (...args: unknown[]) => Promise<unknown> };
    return [
      await client.fetch(input, init, 3),
      await (fetch as (...args: unknown[]) => Promise<unknown>).call(input, input),
      await client.fetch(input, undefined),
    ].map((seen) => {
      const [self, ...args] = seen as unknown[];
      return [self === client, self === input, args.map((arg) => [arg === input, arg === init, arg])];
    });
  },
  {
    ways: ['in a step'],
    around: () =>
      async function (this: unknown, ...args: unknown[]) {
        return [this, ...args];
      } as unknown as Fetch,
  },
);

/** Streams that are no byte streams, with chunks as no network would give them. */
const CHUNKS: Record<string, unknown[]> = {
  bytes: [encode('a'), encode('b')],
  'empty chunks': [new Uint8Array(), encode('a'), new Uint8Array(), new Uint8Array(), encode('b'), new Uint8Array()],
  'nothing but an empty chunk': [new Uint8Array()],
  'no chunk': [],
  strings: ['a', 'b'],
  'a Buffer of a pool': [Buffer.from('pooled'), Buffer.from('too')],
  'an ArrayBuffer': [encode('a').buffer],
  'a DataView': [new DataView(encode('abc').buffer)],
  'null, numbers and objects': [null, 1, { a: 1 }],
};
for (const [name, chunks] of Object.entries(CHUNKS)) {
  same(
    `a stream of ${name}`,
    async ({ fetch, url }) => {
      const seen: unknown[] = [await outcome(async () => (await fetch(url)).text())];
      const reader = (await fetch(url)).body?.getReader();
      for (let i = 0; i <= chunks.length; i++) seen.push(await outcome(() => reader?.read()));
      const { body } = await fetch(url);
      await nextTurn();
      seen.push(await outcome(() => body?.getReader({ mode: 'byob' }) === undefined));
      seen.push(await outcome(async () => (await fetch(url)).body?.tee().length));
      return [seen, chunks.map((chunk) => (chunk instanceof Uint8Array ? chunk.byteLength : chunk))];
    },
    {
      around: () => async () =>
        new Response(
          new ReadableStream({
            start(controller) {
              for (const chunk of chunks) controller.enqueue(chunk);
              controller.close();
            },
          }),
        ),
    },
  );
}

/** Streams of a mock's own, and what becomes of them. */
const STREAMS: Record<string, UnderlyingSource | UnderlyingByteSource> = {
  'that breaks at once': { start: (controller: ReadableStreamDefaultController) => controller.error('broken') },
  'that closes without a waiting reader': {
    start(controller: ReadableStreamDefaultController) {
      controller.enqueue(encode('all'));
      setTimeout(() => controller.close(), 5);
    },
  },
  'of bytes that allocates by itself': {
    type: 'bytes',
    autoAllocateChunkSize: 8,
    pull(controller: ReadableByteStreamController) {
      const view = controller.byobRequest?.view as Uint8Array;
      view.set(encode('abcde'));
      controller.byobRequest?.respond(5);
      controller.close();
    },
  },
  'that refuses to be cancelled': { cancel: () => Promise.reject(new RangeError('not now')) },
  'that throws when it is asked': {
    pull() {
      throw new RangeError('not today');
    },
  },
};
for (const [name, source] of Object.entries(STREAMS)) {
  same(
    `a stream ${name}`,
    async ({ fetch, url }) => {
      const seen: unknown[] = [];
      if (!/refuses/.test(name)) seen.push(await outcome(async () => (await fetch(url)).text()));
      const { body } = await fetch(url);
      await nextTurn();
      const reader = body?.getReader();
      if (/without a waiting reader/.test(name)) seen.push(await reader?.read(), await outcome(() => reader?.closed));
      seen.push(await outcome(() => reader?.cancel('why')), await outcome(() => reader?.closed));
      return seen;
    },
    { around: () => async () => new Response(new ReadableStream(source as UnderlyingSource)) },
  );
}

test('views of a buffer that other code has too are not taken from it', async () => {
  const { recorder, steps } = traced();
  const pool = new Uint8Array(16).fill(7);
  const fetch = wrapFetch(
    async () =>
      new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(pool.subarray(0, 4));
            controller.enqueue(pool.subarray(4, 8));
            controller.close();
          },
        }),
      ),
  );
  await recorder.run({ kind: 'chat_turn' }, () => recorder.step({}, async () => (await fetch('http://mock/')).bytes()));
  assert.equal(pool.byteLength, 16);
  assert.equal(attemptsOf(only(steps())).length, 1);
});

same(
  "undici's Request, FormData and Headers",
  async ({ fetch, url }) => {
    const form = new undici.FormData();
    form.set('a', '1');
    const headers = new undici.Headers({ 'x-a': '1' });
    const request = new undici.Request(`${url}/echo`, { method: 'POST', headers, body: 'mine' });
    const call = fetch as unknown as typeof undici.fetch;
    const seen = await Promise.all([call(request), call(`${url}/echo`, { method: 'POST', body: form, headers })]);
    const [first, second] = await Promise.all(seen.map((response) => response.json() as Promise<{ body: string }>));
    const lines = Buffer.from(second?.body ?? '', 'base64')
      .toString()
      .split('\r\n');
    return [
      first,
      lines.filter((line) => !line.startsWith('--')),
      seen.map((it) => it.constructor === undici.Response),
    ];
  },
  { around: () => undici.fetch as unknown as Fetch },
);

same(
  'a wrapper that makes a new Response of it',
  async ({ fetch, url }) => {
    const response = await fetch(`${url}/redirect?to=/gzip`);
    const clone = response.clone();
    const seen = [face(response), await changes(clone.headers), await changes(response.headers), [...clone.headers]];
    return [seen, await clone.text(), await readAll(response.body as ReadableStream<Uint8Array>)];
  },
  {
    around:
      (bare) =>
      async (...args) => {
        const response = await bare(...args);
        return new Response(response.body?.pipeThrough(new TransformStream()), response);
      },
  },
);

describe('one recording fetch around another', () => {
  const WRAPPED: Record<string, (traced: Traced) => Fetch> = {
    'records once': () => wrapFetch(recordingFetch),
    'records once, three deep': () => wrapFetch(wrapFetch(wrapFetch(globalThis.fetch))),
    'records once, with a wrapper between': () => wrapFetch((input, init) => recordingFetch(input, init)),
    'records once, with a wrapper between that waits': () =>
      wrapFetch(async (input, init) => {
        await new Promise((resolve) => setTimeout(resolve, 2));
        return recordingFetch(input, init);
      }),
  };
  for (const [name, make] of Object.entries(WRAPPED)) {
    test(name, async () => {
      const set = traced();
      const fetch = make(set);
      const read = async (call: Fetch) => (await call('data:text/plain,once')).text();
      const [text] = await set.recorder.run({ kind: 'chat_turn' }, () =>
        set.recorder.step({}, async (step) => [await read(fetch), await read(wrapFetch(step.fetch))]),
      );
      await set.shutdown();
      assert.equal(text, 'once');
      assert.equal(attemptsOf(only(set.steps())).length, 2);
    });
  }
});

describe('the global fetch', () => {
  const { fetch } = globalThis;
  afterEach(() => {
    globalThis.fetch = fetch;
  });

  test('is looked up when it is called', async () => {
    const { recorder, steps } = traced();
    globalThis.fetch = async () => new Response('another');
    const texts = await recorder.run({ kind: 'chat_turn' }, async () => [
      ...(await recorder.step({}, async (step) => [
        await (await recordingFetch('http://mock/')).text(),
        await (await recordingFetch('http://mock/')).text(),
        await (await step.fetch('http://mock/')).text(),
      ])),
      await (await recordingFetch('http://mock/')).text(),
    ]);
    assert.deepEqual(texts, ['another', 'another', 'another', 'another']);
    assert.equal(attemptsOf(only(steps())).length, 3);
  });

  test('is called as itself, on any receiver', async () => {
    const selves: unknown[] = [];
    globalThis.fetch = async function (this: unknown) {
      selves.push(this);
      return new Response();
    } as Fetch;
    const { recorder } = traced();
    await recorder.run({ kind: 'chat_turn' }, () => recorder.step({}, (step) => step.fetch('http://mock/')));
    await recordingFetch('http://mock/');
    assert.deepEqual(selves, [globalThis, globalThis]);
  });
});
