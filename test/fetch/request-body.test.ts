/** Clients that pass a `Request`: the body is read before it is sent, if it is in memory, and nothing about the call changes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { wrapFetch } from 'runtrace';
import * as undici from 'undici';
import { attemptsOf, type Traced, traced } from '../support/traced.js';
import { outcome, readAll, same, withOrigin } from './differential.js';

withOrigin();

const JSON_TYPE = { 'content-type': 'application/json' };
const PROMPT = JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: 'Hello' }] });
const post = (body: unknown, headers: Record<string, string> = JSON_TYPE) =>
  ({ method: 'POST', headers, body, duplex: 'half' }) as RequestInit;

/** A view of a prompt that does not begin where its buffer does. */
function viewAt<T>(
  offset: number,
  View: new (buffer: ArrayBuffer, offset: number, length: number) => T,
  prompt = PROMPT,
): T {
  const bytes = new TextEncoder().encode(prompt);
  const buffer = new ArrayBuffer(bytes.length + offset + 5);
  new Uint8Array(buffer).set(bytes, offset);
  return new View(buffer, offset, bytes.length);
}

describe('the application sees nothing of it', () => {
  const REQUESTS: Record<string, (url: string) => Request> = {
    'a string': (url) => new Request(url, post(PROMPT)),
    bytes: (url) => new Request(url, post(new TextEncoder().encode(PROMPT))),
    'a Blob': (url) => new Request(url, post(new Blob([PROMPT]))),
    'an empty string': (url) => new Request(url, post('')),
    'a string, cloned': (url) => new Request(url, post(PROMPT)).clone(),
    'a string, of another Request': (url) => new Request(new Request(url, post(PROMPT)), { headers: JSON_TYPE }),
    'half a character': (url) => new Request(url, post(Uint8Array.of(0x22, 0xe2, 0x82))),
    'a stream': (url) => new Request(url, post(new Blob([PROMPT]).stream())),
    'a large string': (url) => new Request(url, post(JSON.stringify('x'.repeat(5 << 20)))),
  };
  for (const [name, make] of Object.entries(REQUESTS)) {
    same(`in what is sent and received, if the body is ${name}`, async ({ fetch, url, exchanges }) => {
      const request = make(`${url}/echo`);
      const seen = await outcome(async () => (await fetch(request)).text());
      const { headers, body } = exchanges[0] ?? {};
      return [seen, headers, body, request.bodyUsed, request.body?.locked, [...request.headers]];
    });

    same(`in what is sent and received, if the Request is the init and its body is ${name}`, async (scene) => {
      const request = make(`${scene.url}/text`);
      const call = scene.fetch(`${scene.url}/echo`, request);
      const seen = await outcome(async () => (await call).text());
      const { headers, body } = scene.exchanges[0] ?? {};
      return [seen, headers, body, request.bodyUsed, request.body?.locked];
    });

    for (const code of [307, 308, 303]) {
      same(`when a ${code} sends the request on, if the body is ${name}`, async ({ fetch, url, exchanges }) => {
        const request = make(`${url}/redirect?code=${code}&to=/echo`);
        const seen = await outcome(async () => (await fetch(request)).text());
        return [seen, exchanges.map(({ method, body }) => [method, body])];
      });
    }
  }

  same('when the request was aborted before the call, or is aborted right after it', async ({ fetch, url }) => {
    const seen: unknown[] = [];
    for (const early of [true, false]) {
      const controller = new AbortController();
      const request = new Request(`${url}/stall`, { ...post(PROMPT), signal: controller.signal });
      if (early) controller.abort(new RangeError('mine'));
      const call = outcome(() => fetch(request));
      controller.abort(new RangeError('mine'));
      seen.push(await call);
    }
    return seen;
  });

  same('when a request is sent twice, at once or one after the other', async ({ fetch, url }) => {
    const request = new Request(`${url}/echo`, post(PROMPT));
    const calls = [fetch(request), fetch(request)].map((call) => outcome(async () => (await call).status));
    return [await Promise.all(calls), await outcome(() => fetch(request)), await outcome(() => request.text())];
  });

  same('when the body is read before the call, or locked', async ({ fetch, url }) => {
    const read = new Request(`${url}/echo`, post(PROMPT));
    await read.text();
    const locked = new Request(`${url}/echo`, post(PROMPT));
    locked.body?.getReader();
    return [await outcome(() => fetch(read)), await outcome(() => fetch(locked))];
  });

  same('when the init has another body, or other headers', async ({ fetch, url, exchanges }) => {
    const request = () => new Request(`${url}/echo`, post(PROMPT));
    await (await fetch(request(), { body: 'another' })).text();
    await (await fetch(request(), { body: null })).text();
    await (await fetch(request(), { body: undefined, method: 'PUT' } as never)).text();
    await (await fetch(request(), { body: new Blob(['another']) })).text();
    await (await fetch(request(), new Request(url, post('of the init', {})))).text();
    await (await fetch(request(), { headers: { 'x-mine': '1' } })).text();
    const ofGet = await outcome(() => fetch(request(), new Request(url)));
    return [ofGet, exchanges.map(({ headers, body }) => [headers, body])];
  });
});

describe('a body that is a stream', () => {
  for (const [name, type] of [
    ['of bytes', 'bytes'],
    ['of chunks', undefined],
  ] as const) {
    test(`is not touched before it is sent: ${name}`, async () => {
      const scene = traced();
      let pulls = 0;
      const stream = new ReadableStream({
        type: type as 'bytes',
        pull(controller) {
          pulls++;
          controller.enqueue(new TextEncoder().encode(PROMPT));
          controller.close();
        },
      });
      await new Promise(setImmediate);
      const before = pulls;
      const request = new Request('https://api.openai.com/v1/chat/completions', post(stream));
      const { body } = request;
      const fetch = wrapFetch(async (input) => {
        assert.equal(input, request);
        assert.deepEqual([(input as Request).body === body, body?.locked, pulls], [true, false, before]);
        return new Response(await readAll((input as Request).body as ReadableStream<Uint8Array>));
      });
      await scene.recorder.run({ kind: 'chat_turn' }, () =>
        scene.recorder.step({}, async () => assert.equal(await (await fetch(request)).text(), PROMPT)),
      );
      await scene.shutdown();
      assert.equal(scene.steps()[0]?.attributes['gen_ai.request.model'], undefined);
    });
  }
});

describe('the calls of a client that passes a Request', () => {
  /** A client that sends a clone of its request each time, until there is an answer. */
  async function ask(fetch: typeof globalThis.fetch, request: Request): Promise<void> {
    for (;;) {
      const response = await fetch(request.clone());
      await response.text();
      if (response.ok) return;
    }
  }

  function answering(...codes: number[]): typeof globalThis.fetch {
    const ok = { object: 'chat.completion', model: 'gpt-5-1', choices: [{ index: 0, finish_reason: 'stop' }] };
    return wrapFetch(async () => {
      const status = codes.shift() ?? 200;
      return Response.json(status === 200 ? ok : {}, { status });
    });
  }

  const shapeOf = ({ steps }: Traced) =>
    steps().map(({ attributes }) => [attributes['gen_ai.request.model'], attributes['runtrace.step.attempt_codes']]);
  const URL_OF_CALL = 'https://api.openai.com/v1/chat/completions';

  for (const [name, RequestClass] of [
    ['of the platform', Request],
    ['of undici', undici.Request as unknown as typeof Request],
  ] as const) {
    test(`${name} have their model, and the retries are in one step`, async () => {
      const scene = traced();
      await scene.recorder.run({ kind: 'chat_turn' }, () =>
        ask(answering(429, 503), new RequestClass(URL_OF_CALL, post(PROMPT))),
      );
      await scene.shutdown();
      assert.deepEqual(shapeOf(scene), [['gpt-5', '429 503 200']]);
    });
  }

  const FORMS: Record<string, () => Request> = {
    'a text without a content type': () => new Request(URL_OF_CALL, post(PROMPT, {})),
    'bytes without a content type': () => new Request(URL_OF_CALL, post(new TextEncoder().encode(PROMPT), {})),
    'a Blob with its own content type': () =>
      new Request(URL_OF_CALL, post(new Blob([PROMPT], { type: 'application/json' }), {})),
    'a text that is called bytes': () =>
      new Request(URL_OF_CALL, post(PROMPT, { 'content-type': 'application/octet-stream' })),
    'a text that is called a form': () =>
      new Request(URL_OF_CALL, post(PROMPT, { 'content-type': 'application/x-www-form-urlencoded' })),
    'a File without a type': () => new Request(URL_OF_CALL, post(new File([PROMPT], 'prompt'), {})),
    'a clone': () => new Request(URL_OF_CALL, post(PROMPT)).clone(),
    'a DataView': () => new Request(URL_OF_CALL, post(viewAt(7, DataView))),
    'another Request': () => new Request(new Request(URL_OF_CALL, post(PROMPT)), { headers: { 'x-mine': '1' } }),
    'a class of their own': () => new (class Own extends Request {})(URL_OF_CALL, post(PROMPT)),
  };
  for (const [name, make] of Object.entries(FORMS)) {
    test(`made of ${name} have their model, and the retries are in one step`, async () => {
      const scene = traced();
      await scene.recorder.run({ kind: 'chat_turn' }, () => ask(answering(429, 503), make()));
      await scene.shutdown();
      assert.deepEqual(shapeOf(scene), [['gpt-5', '429 503 200']]);
    });
  }

  const INITS: Record<string, () => RequestInit> = {
    'a Request as the init': () => new Request('http://localhost', post(PROMPT)),
    'a Blob': () => post(new Blob([PROMPT], { type: 'application/json' }), {}),
    'a File': () => post(new File([PROMPT], 'prompt.json')),
    'a String object': () => post(new String(PROMPT)),
    'a DataView': () => post(viewAt(7, DataView)),
    'a Uint8Array with an offset': () => post(viewAt(7, Uint8Array)),
    'an ArrayBuffer': () => post(new TextEncoder().encode(PROMPT).buffer),
    'a Buffer of a pool': () => post(Buffer.from(PROMPT)),
    'headers of pairs': () => ({ ...post(PROMPT), headers: Object.entries(JSON_TYPE) }),
    'headers of a generator': () => ({ ...post(PROMPT), headers: new Headers(JSON_TYPE).entries() as never }),
    'headers of a Map': () => ({ ...post(PROMPT), headers: new Map(Object.entries(JSON_TYPE)) as never }),
  };
  for (const [name, make] of Object.entries(INITS)) {
    test(`made with a URL and ${name} have their model, and the retries are in one step`, async () => {
      const scene = traced();
      await scene.recorder.run({ kind: 'chat_turn' }, async () => {
        const fetch = answering(429, 503);
        for (let i = 0; i < 3; i++) await (await fetch(URL_OF_CALL, make())).text();
      });
      await scene.shutdown();
      assert.deepEqual(shapeOf(scene), [['gpt-5', '429 503 200']]);
    });
  }

  for (const character of ['a', 'é', '€']) {
    test(`of more than a megabyte are recorded alike as a text and as bytes: ${character}`, async () => {
      const content = character.repeat(1_100_000);
      const prompt = JSON.stringify({ messages: [{ role: 'user', content }], model: 'gpt-5' });
      const recorded = async (body: unknown) => {
        const scene = traced({ capture: 'content' });
        await scene.recorder.run({ kind: 'chat_turn' }, async () => {
          await (await answering()(URL_OF_CALL, post(body))).text();
        });
        const [step] = scene.steps();
        const [attempt] = attemptsOf(step as never);
        assert.equal(step?.attributes['gen_ai.request.model'], 'gpt-5');
        assert.equal(attempt?.['http.request.body.size'], Buffer.byteLength(prompt));
        return [step?.attributes['gen_ai.input.messages'], attempt?.['http.request.body.content']];
      };
      assert.deepEqual(await recorded(viewAt(7, Uint8Array, prompt)), await recorded(prompt));
    });
  }

  test('whose body is a stream are retries by their number only', async () => {
    const stream = (count?: string) =>
      post(new Blob([PROMPT]).stream(), count === undefined ? {} : { 'x-stainless-retry-count': count });
    for (const [counts, steps] of [
      [['0', '1', '2'], ['429 503 200']],
      [
        [undefined, undefined, undefined],
        ['429', '503', '200'],
      ],
    ] as const) {
      const scene = traced();
      await scene.recorder.run({ kind: 'chat_turn' }, async () => {
        const fetch = answering(429, 503);
        for (const count of counts) await (await fetch(URL_OF_CALL, stream(count))).text();
      });
      await scene.shutdown();
      assert.deepEqual(
        shapeOf(scene),
        steps.map((codes) => [undefined, codes]),
      );
    }
  });

  for (const [name, init] of [
    ['another body', { body: PROMPT.replace('gpt-5', 'gpt-6') }],
    ['a Request with another body', new Request('http://localhost', post(PROMPT.replace('gpt-5', 'gpt-6')))],
  ] as const) {
    test(`with ${name} in the init have the model of that one`, async () => {
      const scene = traced();
      await scene.recorder.run({ kind: 'chat_turn' }, async () => {
        await (await answering()(new Request(URL_OF_CALL, post(PROMPT)), init)).text();
      });
      await scene.shutdown();
      assert.deepEqual(shapeOf(scene), [['gpt-6', '200']]);
    });
  }

  test('with a body of null in the init keep their own', async () => {
    const scene = traced();
    await scene.recorder.run({ kind: 'chat_turn' }, async () => {
      await (await answering()(new Request(URL_OF_CALL, post(PROMPT)), { body: null })).text();
    });
    await scene.shutdown();
    assert.deepEqual(shapeOf(scene), [['gpt-5', '200']]);
  });

  test('with an init of headers or a signal beside it are retries, too', async () => {
    const scene = traced();
    await scene.recorder.run({ kind: 'chat_turn' }, async () => {
      const fetch = answering(503, 200);
      const { signal } = new AbortController();
      await (await fetch(new Request(URL_OF_CALL, post(PROMPT)), { headers: { 'x-try': '1' } })).text();
      await (await fetch(new Request(URL_OF_CALL, post(PROMPT)), { signal })).text();
    });
    await scene.shutdown();
    assert.deepEqual(shapeOf(scene), [['gpt-5', '503 200']]);
  });

  test('have the body in the trace, where content is captured', async () => {
    const scene = traced({ capture: 'content' });
    await scene.recorder.run({ kind: 'chat_turn' }, () => ask(answering(), new Request(URL_OF_CALL, post(PROMPT))));
    await scene.shutdown();
    const [step] = scene.steps();
    assert.match(String(step?.attributes['gen_ai.input.messages']), /Hello/);
    assert.equal(step && attemptsOf(step)[0]?.['http.request.body.content'], PROMPT);
  });

  test('with two bodies are two steps', async () => {
    const scene = traced();
    await scene.recorder.run({ kind: 'chat_turn' }, async () => {
      const fetch = answering(503, 200);
      await (await fetch(new Request(URL_OF_CALL, post(PROMPT)))).text();
      await (await fetch(new Request(URL_OF_CALL, post(PROMPT.replace('Hello', 'Goodbye'))))).text();
    });
    await scene.shutdown();
    assert.deepEqual(shapeOf(scene), [
      ['gpt-5', '503'],
      ['gpt-5', '200'],
    ]);
  });

  test('are the retry of a call with a URL and an init, if method, URL and body are the same', async () => {
    const scene = traced();
    await scene.recorder.run({ kind: 'chat_turn' }, async () => {
      const fetch = answering(503, 200);
      await (await fetch(URL_OF_CALL, post(PROMPT))).text();
      await (await fetch(new Request(URL_OF_CALL, post(PROMPT)))).text();
    });
    await scene.shutdown();
    assert.deepEqual(shapeOf(scene), [['gpt-5', '503 200']]);
  });

  for (const length of [0, 1, 15, 16, 17, 70_000, 200_001]) {
    test(`are that retry too if the body is a text once and bytes the next time: ${length} characters`, async () => {
      const prompt = JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: '€a'.repeat(length) }] });
      const other = prompt.replace(/"}]}$/, '!"}]}');
      const bodies = [prompt, Buffer.from(prompt), viewAt(3, Uint8Array, prompt), new Blob([prompt]), prompt];
      const scene = traced();
      await scene.recorder.run({ kind: 'chat_turn' }, async () => {
        const fetch = answering(503, 503, 503, 503, 503);
        for (const body of [...bodies, Buffer.from(other)]) await (await fetch(URL_OF_CALL, post(body))).text();
      });
      await scene.shutdown();
      assert.deepEqual(shapeOf(scene), [
        ['gpt-5', '503 503 503 503 503'],
        ['gpt-5', '200'],
      ]);
    });
  }

  test('have the body that was sent, if the bytes change before there is an answer', async () => {
    const content = 'Hello €'.repeat(10_000);
    const prompt = JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content }] });
    const scene = traced({ capture: 'content' });
    await scene.recorder.run({ kind: 'chat_turn' }, async () => {
      const fetch = answering(503);
      for (const _try of [1, 2]) {
        const body = Buffer.from(prompt);
        const call = fetch(URL_OF_CALL, post(body));
        body.fill(0);
        await (await call).text();
      }
    });
    await scene.shutdown();
    assert.deepEqual(shapeOf(scene), [['gpt-5', '503 200']]);
    const [step] = scene.steps();
    const [attempt] = attemptsOf(step as never);
    assert.match(String(step?.attributes['gen_ai.input.messages']), /Hello €Hello €/);
    assert.ok(prompt.startsWith(String(attempt?.['http.request.body.content']).slice(0, 50_000)));
    assert.equal(attempt?.['http.request.body.size'], Buffer.byteLength(prompt));
  });

  test('at once are as many steps as calls', async () => {
    const scene = traced();
    const fetch = answering(429, 429, 429);
    await scene.recorder.run({ kind: 'chat_turn' }, () =>
      Promise.all([1, 2, 3].map(() => ask(fetch, new Request(URL_OF_CALL, post(PROMPT))))),
    );
    await scene.shutdown();
    assert.deepEqual(shapeOf(scene), Array(3).fill(['gpt-5', '429 200']));
  });

  test('are sent in the same turn of the event loop, if the body is a string or bytes', async () => {
    const scene = traced();
    for (const body of [PROMPT, new TextEncoder().encode(PROMPT)]) {
      let isSent = false;
      const fetch = wrapFetch(async () => {
        isSent = true;
        return Response.json({});
      });
      const sentInTurn = await scene.recorder.run({ kind: 'chat_turn' }, async () => {
        const call = fetch(new Request(URL_OF_CALL, post(body)));
        const sentNext = new Promise<boolean>((resolve) => setImmediate(() => resolve(isSent)));
        await (await call).text();
        return sentNext;
      });
      assert.equal(sentInTurn, true);
    }
    await scene.shutdown();
  });

  test('are recorded as before where the class of the Request does not tell whether its body is in memory', async () => {
    class Mock {
      readonly url = URL_OF_CALL;
      readonly method = 'POST';
      readonly headers = new Headers(JSON_TYPE);
      readonly body = new Blob([PROMPT]).stream();
      clone(): never {
        throw new Error('a mock is not cloned');
      }
    }
    const scene = traced();
    const request = new Mock() as unknown as Request;
    await scene.recorder.run({ kind: 'chat_turn' }, () =>
      scene.recorder.step({}, async () => (await answering()(request)).text()),
    );
    await scene.shutdown();
    assert.deepEqual(shapeOf(scene), [[undefined, '200']]);
  });
});

describe('of a form', () => {
  const ask = async (form: FormData) => {
    const set: Traced = traced({ capture: 'content' });
    const fetch = wrapFetch(async () => Response.json({ text: 'Hello' }));
    const url = 'https://llm.example.com/v1/audio/transcriptions';
    await set.recorder.run({ kind: 'chat_turn' }, async () =>
      (await fetch(url, { method: 'POST', body: form })).json(),
    );
    await set.shutdown();
    const [step] = set.steps();
    assert.ok(step);
    return step;
  };

  test('the model and the prompt are recorded, and no size, which the files add to', async () => {
    const form = new FormData();
    form.set('model', 'whisper-1');
    form.set('prompt', 'It is about cats.');
    form.set('stream', 'true');
    form.set('file', new Blob(['sound']), 'a.mp3');
    const step = await ask(form);
    assert.equal(step.attributes['gen_ai.request.model'], 'whisper-1');
    assert.equal(step.attributes['runtrace.step.operation'], 'stream');
    assert.match(String(step.attributes['gen_ai.input.messages']), /It is about cats\./);
    assert.equal('http.request.body.size' in (attemptsOf(step)[0] ?? {}), false);
  });

  test('that has none of the fields that are known, the path is enough', async () => {
    const form = new FormData();
    form.set('file_url', 'https://a.example/b.mp3');
    const step = await ask(form);
    assert.equal(step.attributes['gen_ai.operation.name'], 'generate_content');
    assert.equal(step.attributes['runtrace.status'], 'completed');
  });
});
