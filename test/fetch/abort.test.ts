/** Aborts at every moment and with every reason; nothing of ours stays on the signal. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { wrapFetch } from 'runtrace';
import { attemptsOf, traced } from '../support/traced.js';
import { until } from '../support/until.js';
import { face, outcome, type Scene, same, withOrigin } from './differential.js';

withOrigin();

const REASONS: Record<string, () => unknown[]> = {
  'no reason': () => [],
  undefined: () => [undefined],
  null: () => [null],
  'an Error': () => [new TypeError('no longer')],
  'a DOMException': () => [new DOMException('too late', 'TimeoutError')],
  'a string': () => ['no longer'],
  'an object': () => [{ a: 1 }],
};

/** Follows one call until it is over, and compares its end with the signal's reason. */
type Follow = (scene: Scene, signal: AbortSignal, abort: () => void) => Promise<unknown>;

const MOMENTS: Record<string, Follow> = {
  'before the call': async ({ fetch, url }, signal, abort) => {
    abort();
    return outcome(() => fetch(`${url}/text`, { signal }));
  },
  'at once after the call': async ({ fetch, url }, signal, abort) => {
    const call = outcome(() => fetch(`${url}/text`, { signal }));
    abort();
    return call;
  },
  'while the server says nothing': async ({ fetch, url, exchanges }, signal, abort) => {
    const call = outcome(() => fetch(`${url}/silence`, { signal }));
    await until(() => exchanges.length === 1);
    abort();
    return [await call, await left(exchanges)];
  },
  'before the body is read': async ({ fetch, url, exchanges }, signal, abort) => {
    const response = await fetch(`${url}/stall`, { signal });
    abort();
    const reader = response.body?.getReader();
    const seen = [await outcome(() => reader?.read()), await outcome(() => reader?.closed), face(response)];
    return [seen, await outcome(() => response.text()), await left(exchanges)];
  },
  'while the body is never read': async ({ fetch, url, exchanges }, signal, abort) => {
    const response = await fetch(`${url}/stall`, { signal });
    abort();
    return [await left(exchanges), face(response)];
  },
  'while a reader only waits for the end': async ({ fetch, url, exchanges }, signal, abort) => {
    const response = await fetch(`${url}/stall`, { signal });
    const closed = outcome(() => response.body?.getReader().closed);
    abort();
    return [await closed, await left(exchanges), face(response)];
  },
  'in a read': async ({ fetch, url, exchanges }, signal, abort) => {
    const response = await fetch(`${url}/stall`, { signal });
    const reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array>;
    await reader.read();
    const read = outcome(() => reader.read());
    await sleep(2);
    abort();
    const seen = [await read, await outcome(() => reader.closed), await outcome(() => reader.read())];
    return [seen, await outcome(() => reader.cancel('more')), await left(exchanges), face(response)];
  },
  'between two reads': async ({ fetch, url, exchanges }, signal, abort) => {
    const response = await fetch(`${url}/stall`, { signal });
    const reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array>;
    await reader.read();
    abort();
    return [await outcome(() => reader.read()), await outcome(() => reader.closed), await left(exchanges)];
  },
  'in text()': async ({ fetch, url, exchanges }, signal, abort) => {
    const response = await fetch(`${url}/stall`, { signal });
    const text = outcome(() => response.text());
    await sleep(2);
    abort();
    return [await text, face(response), await left(exchanges)];
  },
  'in a loop': async ({ fetch, url, exchanges }, signal, abort) => {
    const { body } = await fetch(`${url}/stall`, { signal });
    const looped = await outcome(async () => {
      for await (const _ of body as unknown as AsyncIterable<Uint8Array>) abort();
    });
    return [looped, body?.locked, await left(exchanges)];
  },
  'in a pipe': async ({ fetch, url, exchanges }, signal, abort) => {
    const { body } = await fetch(`${url}/stall`, { signal });
    const reasons: unknown[] = [];
    const sink = new WritableStream({ write: () => abort(), abort: (reason) => void reasons.push(reason) });
    return [await outcome(() => body?.pipeTo(sink)), reasons, await left(exchanges)];
  },
  'in both branches': async ({ fetch, url, exchanges }, signal, abort) => {
    const { body } = await fetch(`${url}/stall`, { signal });
    const texts = body?.tee().map((branch) => outcome(() => new Response(branch).text())) ?? [];
    await sleep(2);
    abort();
    return [await Promise.all(texts), await left(exchanges)];
  },
  'after the end': async ({ fetch, url }, signal, abort) => {
    const response = await fetch(`${url}/text`, { signal });
    const text = await response.text();
    abort();
    return [text, face(response), await outcome(() => response.text())];
  },
  'after it was cancelled': async ({ fetch, url, exchanges }, signal, abort) => {
    const response = await fetch(`${url}/stall`, { signal });
    await response.body?.cancel('mine');
    abort();
    return [await outcome(() => response.text()), face(response), await left(exchanges)];
  },
  'of a streamed request': async ({ fetch, url, exchanges }, signal, abort) => {
    const reasons: unknown[] = [];
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new Uint8Array(10)),
      cancel: (reason) => void reasons.push(reason),
    });
    const call = outcome(() => fetch(`${url}/echo`, { method: 'POST', body, duplex: 'half', signal } as RequestInit));
    await until(() => exchanges.length === 1);
    abort();
    return [await call, reasons, body.locked, await left(exchanges)];
  },
};

async function left(exchanges: Scene['exchanges']): Promise<boolean> {
  await until(() => exchanges.every((exchange) => exchange.left));
  return true;
}

/** Says of everything in `seen` that is the reason that it is. */
function mark(seen: unknown, reason: unknown): unknown {
  if (seen === reason) return 'the very reason';
  if (Array.isArray(seen)) return seen.map((item) => mark(item, reason));
  if (typeof seen !== 'object' || seen === null || Object.getPrototypeOf(seen) !== Object.prototype) return seen;
  return Object.fromEntries(Object.entries(seen).map(([key, value]) => [key, mark(value, reason)]));
}

for (const [moment, follow] of Object.entries(MOMENTS)) {
  same(
    `an abort ${moment}`,
    async (scene) => {
      const seen: unknown[] = [];
      for (const reason of Object.values(REASONS)) {
        const controller = new AbortController();
        (scene.exchanges as unknown[]).length = 0;
        const followed = await follow(scene, controller.signal, () => controller.abort(...reason()));
        seen.push(mark(followed, controller.signal.reason));
      }
      return seen;
    },
    { undici: moment === 'in a read' },
  );
}

const SIGNALS: Record<string, (abort: AbortController) => AbortSignal> = {
  timeout: () => AbortSignal.timeout(30),
  'any of one': (abort) => AbortSignal.any([abort.signal]),
  'any of a timeout and another': (abort) => AbortSignal.any([abort.signal, AbortSignal.timeout(30)]),
  'already aborted': () => AbortSignal.abort('long ago'),
};
for (const [name, make] of Object.entries(SIGNALS)) {
  for (const path of ['/silence', '/stall']) {
    same(`AbortSignal, ${name}, on ${path}`, async ({ fetch, url }) => {
      const controller = new AbortController();
      const signal = make(controller);
      const call = outcome(async () => (await fetch(url + path, { signal })).text());
      await sleep(10);
      if (name === 'any of one') controller.abort('any');
      return mark(await call, signal.reason);
    });
  }
}

same("a Request's signal, and another one in its place", async ({ fetch, url, exchanges }) => {
  const seen: unknown[] = [];
  const ofRequest = new AbortController();
  const ofInit = new AbortController();
  const request = () => new Request(`${url}/stall`, { signal: ofRequest.signal });
  const own = await fetch(request());
  const other = await fetch(request(), { signal: ofInit.signal });
  const none = await fetch(request(), { signal: null });
  ofRequest.abort('of the request');
  seen.push(await outcome(() => own.body?.getReader().read()));
  ofInit.abort('of the init');
  seen.push(await outcome(() => other.body?.getReader().read()));
  const reader = none.body?.getReader();
  seen.push((await reader?.read())?.done, await outcome(() => reader?.cancel('enough')));
  seen.push(await outcome(() => fetch(request())), await left(exchanges));
  return seen;
});

same('an abort of one call leaves another one alone', async ({ fetch, url }) => {
  const controller = new AbortController();
  const first = await fetch(`${url}/pieces`, { signal: controller.signal });
  const second = await fetch(`${url}/pieces`);
  controller.abort('only the first');
  return [await outcome(() => first.body?.getReader().read()), await second.text()];
});

test('however many calls have one signal, nothing of ours is on it', async () => {
  const warnings: Error[] = [];
  const warn = (warning: Error) => warnings.push(warning);
  process.on('warning', warn);
  const { signal } = new AbortController();
  const listeners = () => getEventListeners(signal, 'abort').length;
  const { recorder, steps } = traced();
  const fetch = wrapFetch(async () => new Response(new Blob(['text']).stream()));
  await recorder.run({ kind: 'chat_turn' }, () =>
    recorder.step({}, async () => {
      const responses = await Promise.all(Array.from({ length: 50 }, () => fetch('http://mock/', { signal })));
      assert.equal(listeners(), 0);
      await Promise.all(responses.map((response, index) => (index % 2 ? response.text() : response.body?.cancel())));
    }),
  );
  assert.equal(listeners(), 0);
  assert.equal(steps().flatMap(attemptsOf).length, 50);
  process.off('warning', warn);
  assert.deepEqual(warnings, []);
});
