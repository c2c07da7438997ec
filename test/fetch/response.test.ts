/** All that a response tells, and all ways to read it whole. */
import { changes, type Fetch, face, outcome, readAll, same, withOrigin } from './differential.js';

withOrigin();

const both = { undici: true };

/** Looks at a response before and after something was done with it. */
async function around(response: Response, act: (response: Response) => unknown): Promise<unknown> {
  return [face(response), await outcome(() => act(response)), face(response)];
}

const CONSUMERS: Record<string, (response: Response) => unknown> = {
  text: (response) => response.text(),
  json: (response) => response.json(),
  arrayBuffer: async (response) => new Uint8Array(await response.arrayBuffer()),
  bytes: (response) => (response as { bytes?: () => unknown }).bytes?.(),
  blob: async (response) => {
    const blob = await response.blob();
    return [blob.type, blob.size, await blob.text()];
  },
  formData: async (response) => {
    const fields: unknown[] = [];
    for (const [name, value] of await response.formData()) {
      fields.push([name, typeof value === 'string' ? value : [value.name, value.type, await value.text()]]);
    }
    return fields;
  },
};

const BODIES = [
  ...['/text', '/empty', '/json', '/json-with-bom', '/half-json', '/broken-utf8', '/form', '/multipart', '/no-type'],
  ...['/broken-multipart', '/two-types', '/gzip', '/br', '/deflate', '/gzip-gzip', '/half-gzip', '/no-gzip', '/pieces'],
  ...['/too-short', '/too-long', '/end-mid-chunk', '/reset-mid-stream'],
];

for (const path of BODIES) {
  same(`${path} is read in every way`, async ({ fetch, url }) => {
    const seen: unknown[] = [];
    for (const read of Object.values(CONSUMERS)) seen.push(await around(await fetch(url + path), read));
    return seen;
  });
}

same(
  'a body is read in every way, and only once',
  async ({ fetch, url }) => {
    const seen: unknown[] = [];
    for (const read of Object.values(CONSUMERS)) {
      for (const again of [read, CONSUMERS.text, (response: Response) => response.clone()] as (typeof read)[]) {
        const response = await fetch(`${url}/form`);
        const first = outcome(() => read(response));
        seen.push(response.bodyUsed, await outcome(() => again(response)), await first, response.bodyUsed);
        seen.push(await outcome(() => again(response)), response.body?.locked);
      }
    }
    return seen;
  },
  both,
);

for (const code of [200, 201, 204, 205, 206, 299, 300, 304, 400, 401, 404, 429, 500, 503, 529, 599]) {
  same(`a ${code} is a ${code}`, async ({ fetch, url }) => {
    const response = await fetch(`${url}/status?code=${code}`);
    return [await around(response, CONSUMERS.text as never), await outcome(() => face(response.clone()))];
  });
}

for (const line of [
  '200 ',
  '200',
  '299 Fine',
  '600 More',
  '999 Most',
  '200 caf\xe9',
  '200 €',
  '099 Less',
  '200 a\x01',
]) {
  same(`the status line ${JSON.stringify(line)} is taken as it is`, ({ fetch, url }) =>
    outcome(async () => around(await fetch(`${url}/odd-status?line=${encodeURIComponent(line)}`), (r) => r.text())),
  );
}

same('odd bytes in headers are taken as they are', ({ fetch, url }) =>
  outcome(async () => around(await fetch(`${url}/odd-header`), (response) => response.text())),
);

same('the answer to HEAD has no body', async ({ fetch, url }) => {
  const seen: unknown[] = [];
  for (const path of ['/text', '/gzip', '/status?code=404', '/redirect']) {
    const response = await fetch(url + path, { method: 'HEAD' });
    seen.push(await around(response, (it) => it.text()), response.bodyUsed, face(response.clone()));
  }
  return seen;
});

for (const redirect of ['follow', 'manual', 'error'] as const) {
  for (const code of [301, 302, 303, 307, 308]) {
    same(`a ${code} with redirect: '${redirect}'`, ({ fetch, url, exchanges }) =>
      outcome(async () => {
        const body = redirect === 'error' ? null : 'the body';
        const response = await fetch(`${url}/redirect?code=${code}&to=/echo`, { method: 'POST', body, redirect });
        const seen = await around(response, (it) => it.text());
        return [seen, face(response), exchanges.map(({ body }) => body)];
      }),
    );
  }
}

same('redirects without an end, to a fragment and to nowhere', async ({ fetch, url }) => [
  await outcome(() => fetch(`${url}/loop`)),
  await outcome(async () => face(await fetch(`${url}/redirect?to=/text%23there`))),
  await outcome(async () => face(await fetch(`${url}/text#here`))),
  await outcome(() => fetch(`${url}/redirect?to=http://`)),
  await outcome(() => fetch(`${url}/redirect?to=ftp://127.0.0.1/`)),
]);

same(
  'what came from the network has headers that cannot be changed',
  async ({ fetch, url }) => {
    const response = await fetch(`${url}/cookies`);
    const clone = response.clone();
    return [face(response), await changes(response.headers), face(clone), await changes(clone.headers)];
  },
  both,
);

same('a response is not to be assigned to', async ({ fetch, url }) => {
  const response = await fetch(`${url}/text`);
  const seen: unknown[] = [];
  for (const name of ['url', 'type', 'redirected', 'headers', 'status', 'body', 'ok', 'bodyUsed']) {
    const { rejected, threw } = (await outcome(() => Object.assign(response, { [name]: 1 }))) as Record<
      string,
      unknown
    >;
    seen.push(name, (threw as Error | undefined)?.constructor, rejected);
  }
  Object.assign(response, { _data: 'what ofetch does', clone: undefined });
  return [seen, Object.keys(response)];
});

same(
  'clones are read whole, in any order',
  async ({ fetch, url }) => {
    const seen: unknown[] = [];
    const a = await fetch(`${url}/redirect?to=/gzip`);
    const b = a.clone();
    const c = a.clone();
    const d = b.clone();
    seen.push([a, b, c, d].map(face), a.body === b.body, a instanceof Response, b.constructor === a.constructor);
    seen.push(await d.text(), await b.text(), a.bodyUsed, c.bodyUsed, await a.text(), await c.text());
    seen.push([a, b, c, d].map(face), await outcome(() => d.clone()), await outcome(() => a.clone()));
    return seen;
  },
  both,
);

same('a clone after the body was taken', async ({ fetch, url }) => {
  const seen: unknown[] = [];
  const response = await fetch(`${url}/text`);
  const { body } = response;
  const reader = body?.getReader();
  seen.push(await outcome(() => response.clone()), face(response), await outcome(() => response.text()));
  reader?.releaseLock();
  const clone = response.clone();
  seen.push(body?.locked, body === response.body, face(response), await clone.text(), await response.text());
  const other = await fetch(`${url}/text`);
  const otherReader = other.body?.getReader();
  await otherReader?.read();
  otherReader?.releaseLock();
  seen.push(face(other), await outcome(() => other.clone()), await outcome(() => other.text()));
  return seen;
});

same('a clone of a body that breaks', async ({ fetch, url }) => {
  const response = await fetch(`${url}/reset-mid-stream`);
  const clone = response.clone();
  return [await outcome(() => clone.text()), await outcome(() => response.text()), face(response), face(clone)];
});

same('one of two clones is read, the other one cancelled', async ({ fetch, url }) => {
  const response = await fetch(`${url}/pieces`);
  const clone = response.clone();
  const cancelled = clone.body?.cancel('not this one');
  return [await response.text(), await outcome(() => cancelled), face(response), face(clone)];
});

same('it can be the body and the init of another one', async ({ fetch, url }) => {
  const response = await fetch(`${url}/cookies`);
  const another = new Response(response.body, response);
  const text = await another.text();
  return [face(response), face(another), text, await outcome(() => response.text())];
});

same('it can be what is sent on', async ({ fetch, url, exchanges }) => {
  const { body } = await fetch(`${url}/pieces`);
  const response = await fetch(`${url}/echo`, { method: 'POST', body, duplex: 'half' } as RequestInit);
  await response.text();
  return exchanges.map(({ method, headers, body }) => [method, headers, body]);
});

same('it can be transferred, and compiled from', async ({ fetch, url }) => {
  const { body } = await fetch(`${url}/pieces`);
  const moved = structuredClone(body, { transfer: [body as never] }) as ReadableStream<Uint8Array>;
  const compile = async (response: Promise<Response>) => WebAssembly.compileStreaming(response);
  return [await readAll(moved), body?.locked, await outcome(() => compile(fetch(`${url}/text`)))];
});

same('URLs that are no HTTP', async ({ fetch }) => {
  const seen: unknown[] = [];
  const blob = URL.createObjectURL(new Blob(['a blob'], { type: 'text/x-blob' }));
  for (const target of ['data:text/plain;charset=utf-8,hello%20there', 'data:,', blob, 'about:blank', 'file:///etc']) {
    seen.push(await outcome(async () => around(await fetch(target), (response) => response.text())));
  }
  URL.revokeObjectURL(blob);
  return JSON.parse(JSON.stringify(seen).replaceAll(/blob:nodedata:[\w-]+/g, 'blob:'));
});

same('many at once are not mixed up', async ({ fetch, url }) => {
  const ask = async (number: number, ask: Fetch) => (await ask(`${url}/pieces?count=${number % 7}&n=${number}`)).text();
  return Promise.all(Array.from({ length: 20 }, (_, number) => ask(number, fetch)));
});
