/** All ways to ask: what reaches the server, and what is thrown at whom. */
import { Readable } from 'node:stream';
import { type Fetch, face, outcome, type Scene, same, withOrigin } from './differential.js';

withOrigin();

/** What reached the server, all of it. */
async function sent({ exchanges }: Scene, call: () => Promise<Response>): Promise<unknown> {
  const seen = await outcome(async () => {
    const response = await call();
    await response.text();
    return face(response);
  });
  return [seen, exchanges.map(({ method, target, headers, body }) => ({ method, target, headers, body }))];
}

/** Boundaries of forms are made at random. */
function withoutBoundary([seen, exchanges]: [unknown, { headers: Record<string, string>; body: string }[]]): unknown {
  return [seen].concat(
    exchanges.map(({ headers, body, ...exchange }) => {
      const type = headers['content-type'] as string;
      const boundary = type.slice(type.indexOf('=') + 1);
      const text = Buffer.from(body, 'base64').toString('latin1').replaceAll(boundary, 'edge');
      return { ...exchange, text, headers: { ...headers, 'content-type': type.replace(boundary, 'edge') } };
    }),
  );
}

const post = { method: 'POST' };
const bytes = Uint8Array.from({ length: 300 }, (_, index) => index);

const BODIES: Record<string, () => unknown> = {
  'a string': () => 'naïve 🦊',
  'a lone surrogate': () => 'a\ud800b',
  'an empty string': () => '',
  'a String object': () => new String('boxed'),
  'a number': () => 12,
  null: () => null,
  undefined: () => undefined,
  'an object': () => ({ a: 1 }),
  'a Uint8Array': () => bytes.slice(),
  'a part of an ArrayBuffer': () => bytes.subarray(7, 42),
  'a DataView': () => new DataView(bytes.slice().buffer, 3, 5),
  'a Uint16Array': () => Uint16Array.of(1, 0xffff),
  'an ArrayBuffer': () => bytes.slice().buffer,
  'a Buffer': () => Buffer.from('from a pool'),
  'bytes that are no text': () => Uint8Array.of(0xff, 0xfe, 0, 0xc3),
  'a view of shared memory': () => new Uint8Array(new SharedArrayBuffer(4)),
  'shared memory': () => new SharedArrayBuffer(4),
  'a String object with a text of its own': () => Object.assign(new String('a'), { toString: () => 'b' }),
  'a File': () => new File(['{"model":"m"}'], 'a.json', { type: 'application/json' }),
  'an empty Blob': () => new Blob([]),
  'a large Blob': () => new Blob([bytes, new Uint8Array(5 << 20)]),
  'a Blob': () => new Blob(['a', bytes], { type: 'Text/X-Blob' }),
  URLSearchParams: () =>
    new URLSearchParams([
      ['a', 'ü&='],
      ['a', '2'],
    ]),
  'an async generator': () =>
    (async function* () {
      yield Buffer.from('a');
      yield new Uint8Array([1, 2]);
    })(),
  'a Readable': () => Readable.from([Buffer.from('a'), Buffer.from('b')]),
  'a ReadableStream': () => new Blob(['streamed ', bytes]).stream(),
  'a ReadableStream of strings': () => Readable.toWeb(Readable.from(['no', 'bytes'])),
  'a stream that breaks': () =>
    new ReadableStream({
      pull(controller) {
        controller.error(new RangeError('out of data'));
      },
    }),
  'a locked stream': () => {
    const stream = new Blob(['x']).stream();
    stream.getReader();
    return stream;
  },
};

for (const [name, body] of Object.entries(BODIES)) {
  same(`the body is ${name}`, async (scene) => {
    const { fetch, url } = scene;
    const seen: unknown[] = [];
    for (const duplex of [{}, { duplex: 'half' }]) {
      const given = body() as BodyInit;
      seen.push(await sent(scene, () => fetch(`${url}/echo`, { ...post, ...duplex, body: given } as RequestInit)));
      if (given instanceof ReadableStream) seen.push(given.locked);
    }
    const request = () => new Request(`${url}/echo`, { ...post, duplex: 'half', body: body() } as RequestInit);
    seen.push(await sent(scene, async () => fetch(request())));
    seen.push(await sent(scene, async () => fetch(request(), { method: 'PUT', headers: { 'x-a': '1' } })));
    return seen;
  });
}

same('the body is FormData', async (scene) => {
  const form = new FormData();
  form.append('a', 'ü\r\n"');
  form.append('file', new Blob([bytes], { type: 'image/png' }), 'ü".png');
  form.append('file', new File(['text'], 'b.txt'));
  const { fetch, url } = scene;
  return withoutBoundary((await sent(scene, () => fetch(`${url}/echo`, { ...post, body: form }))) as never);
});

same('a body is changed while it is under way', async (scene) => {
  const { fetch, url } = scene;
  const body = bytes.slice();
  const params = new URLSearchParams('a=1');
  const headers = new Headers({ a: '1' });
  const calls = [fetch(`${url}/echo`, { ...post, body }), fetch(`${url}/echo`, { ...post, headers, body: params })];
  body.fill(0);
  params.set('a', '2');
  headers.set('a', '2');
  return (await Promise.all(calls.map(async (call) => (await call).json()))).map(({ body, headers }) => [
    body,
    headers.a,
  ]);
});

same('a streamed body is asked for as it goes', async ({ fetch, url, exchanges }) => {
  let pulls = 0;
  const body = new ReadableStream({
    async pull(controller) {
      if (++pulls > 20) controller.close();
      else controller.enqueue(new Uint8Array(1000));
    },
  });
  const request = new Request(`${url}/echo`, { ...post, body, duplex: 'half' } as RequestInit);
  const before = [pulls, request.bodyUsed, request.body?.locked];
  const response = await fetch(request);
  await response.text();
  return [before, pulls, request.bodyUsed, request.body?.locked, exchanges[0]?.body?.length];
});

for (const code of [302, 303, 307, 308]) {
  same(`a streamed body, and a ${code} somewhere else`, async (scene) => {
    const body = new Blob(['streamed']).stream();
    const init = { method: 'PUT', body, duplex: 'half', headers: { authorization: 'Bearer x' } } as RequestInit;
    return sent(scene, () => scene.fetch(`${scene.url}/redirect?code=${code}&to=/echo`, init));
  });
}

same('an answer that comes before the body was sent', async ({ fetch, url }) => {
  let send = () => {};
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new Uint8Array(10));
      send = () => controller.close();
    },
  });
  const response = await fetch(`${url}/early`, { ...post, body, duplex: 'half' } as RequestInit);
  const text = await response.text();
  send();
  return [text, face(response)];
});

same('a Request is used once', async ({ fetch, url }) => {
  const request = new Request(`${url}/echo`, { ...post, body: 'once', headers: { a: 'b' } });
  const copy = request.clone();
  const seen: unknown[] = [await outcome(async () => (await fetch(request)).json()), request.bodyUsed];
  seen.push(await outcome(() => fetch(request)), await outcome(() => request.text()));
  seen.push(await outcome(() => fetch(request, { body: 'another' }).then((response) => response.json())));
  seen.push(copy.bodyUsed, await copy.text(), request.headers.get('a'), request.method);
  return seen;
});

const INPUTS: Record<string, (url: string) => unknown> = {
  'a string': (url) => `${url}/echo?a=ü&b#hash`,
  'a string with spaces': (url) => `  ${url}/echo a\n`,
  'a URL': (url) => new URL('/echo?q=1', url),
  'an object that says what it is': (url) => ({ toString: () => `${url}/echo` }),
  'a Request': (url) => new Request(`${url}/echo`, { headers: { accept: 'x/y' } }),
  'credentials in the URL': (url) => url.replace('://', '://user:secret@'),
  'a path': () => '/echo',
  'no URL': () => 'http://',
  nothing: () => undefined,
  null: () => null,
  'a number': () => 5,
  'a symbol': () => Symbol('url'),
  'an object that says nothing': () => Object.create(null),
  'an object that throws': () => ({
    toString() {
      throw new RangeError('no URL for you');
    },
  }),
  'an unknown scheme': () => 'gopher://127.0.0.1/',
  'a port that is blocked': () => 'http://127.0.0.1:22/',
};
for (const [name, input] of Object.entries(INPUTS)) {
  const recorded = !/^(a path|no URL|nothing|null|a number|a symbol|an object that (says nothing|throws))$/.test(name);
  same(`the input is ${name}`, (scene) => sent(scene, () => scene.fetch(input(scene.url) as string)), { recorded });
}

const generatorOf = function* (pairs: [string, string][]) {
  yield* pairs;
};

const INITS: Record<string, () => unknown> = {
  undefined: () => undefined,
  null: () => null,
  empty: () => ({}),
  'a number': () => 1,
  'a string': () => 'POST',
  'a function': () => Object.assign(() => {}, { method: 'DELETE' }),
  'a class with getters': () =>
    new (class {
      get method() {
        return 'PUT';
      }
      get headers() {
        return [['x-getter', '1']];
      }
    })(),
  'a lower-case method': () => ({ method: 'post' }),
  'a lower-case patch': () => ({ method: 'patch', body: '1' }),
  'a method that is none': () => ({ method: 'NO METHOD' }),
  'a forbidden method': () => ({ method: 'TRACE' }),
  'a body with GET': () => ({ body: 'x' }),
  'headers as pairs': () => ({
    headers: [
      ['a', '1'],
      ['A', '2'],
      ['cookie', 'c=1'],
    ],
  }),
  'headers as a Map': () => ({ headers: new Map([['a', '1']]) }),
  'headers as Headers': () => ({ headers: new Headers({ a: '1', 'x-stainless-retry-count': '1' }) }),
  'headers as a generator': () => ({
    headers: generatorOf([
      ['authorization', 'Bearer x'],
      ['b', '2'],
    ]),
  }),
  'headers as entries': () => ({ headers: new Headers({ authorization: 'Bearer x' }).entries() }),
  'headers with numbers': () => ({ headers: { a: 1, b: null, c: undefined, __proto__: { d: '4' } } }),
  'headers with symbols': () => ({ headers: { [Symbol('a')]: '1' } }),
  'headers as null': () => ({ headers: null }),
  'headers as a string': () => ({ headers: 'a: 1' }),
  'a header name that is none': () => ({ headers: { 'no name': '1' } }),
  'a header value that is none': () => ({ headers: { a: 'line\nbreak' } }),
  'a header value of two bytes': () => ({ headers: { a: '€' } }),
  'headers that are half a pair': () => ({ headers: [['a']] }),
  'a signal that is none': () => ({ signal: 1 }),
  'a signal that is null': () => ({ signal: null }),
  'an unknown redirect': () => ({ redirect: 'maybe' }),
  'an unknown mode': () => ({ mode: 'navigate' }),
  'a window': () => ({ window: 1 }),
  'a wrong integrity': () => ({ integrity: 'sha256-AAAA' }),
  'options that change nothing': () => ({
    ...{ cache: 'no-store', credentials: 'include', referrerPolicy: 'origin', keepalive: true, priority: 'high' },
    ...{ referrer: '', integrity: '', mode: 'cors', unknown: 1 },
  }),
};
const UNREAD = /as a string|that is none|symbols|half a pair|two bytes/;
for (const [name, init] of Object.entries(INITS)) {
  const recorded = !(/^header/.test(name) || /^a header/.test(name)) || !UNREAD.test(name);
  same(
    `the init is ${name}`,
    async (scene) => [
      await sent(scene, () => scene.fetch(`${scene.url}/echo`, init() as RequestInit)),
      await sent(scene, () =>
        scene.fetch(new Request(`${scene.url}/echo`, { ...post, body: 'mine' }), init() as never),
      ),
      await sent(scene, () => scene.fetch(new URL('/echo', scene.url), init() as never)),
    ],
    { recorded },
  );
}

same('what it is called as, and with how little', async (scene) => {
  const { url } = scene;
  const fetch = scene.fetch as Fetch & ((...args: unknown[]) => Promise<Response>);
  const client = { fetch };
  return [
    await outcome(() => (fetch as () => unknown)()),
    await sent(scene, () => client.fetch(`${url}/echo`)),
    await sent(scene, () => fetch.call(undefined, `${url}/echo`)),
    await sent(scene, () => fetch.apply(null, [`${url}/echo`, undefined])),
    await sent(scene, () => fetch(`${url}/echo`, {}, 'one too many')),
    await outcome(() => new (fetch as unknown as new (url: string) => unknown)(`${url}/echo`)),
  ].map((seen, index) => (index === 5 ? typeof seen : seen));
});

same(
  'it returns a promise, and throws nothing at once',
  async ({ fetch, url }) => {
    const calls = [fetch(`${url}/text`), fetch('no url'), fetch(`${url}/text`, 1 as never)];
    const settled = await Promise.allSettled(calls);
    return [calls.map((call) => call instanceof Promise), settled.map(({ status }) => status), fetch.name];
  },
  { ways: ['in a step'] },
);
