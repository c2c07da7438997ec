/** An application can't tell from its own arguments that the call is recorded: everything that it can count is the same as with plain `fetch`. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, mock, test } from 'node:test';
import { recordingFetch, wrapFetch } from 'runtrace';
import { traced } from '../support/traced.js';

const server = createServer((request, response) => request.resume().on('end', () => response.end('{}')));
let origin = '';
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

/** Says how often each thing that it was asked for was asked for. */
class Counter {
  readonly counts: Record<string, number> = {};

  seen<T>(what: string, value: T): T {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
    return value;
  }
}

type Arguments = Parameters<typeof fetch>;
const BODY = JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: 'hi' }] });
const POST = { method: 'POST', body: BODY, headers: { 'content-type': 'application/json' } };

const VISIBLE: Record<string, (url: string, counter: Counter) => Arguments> = {
  'a URL whose toString counts': (url, counter) => {
    return [Object.assign(new URL(url), { toString: () => counter.seen('toString', url) }), POST];
  },
  'a URL of a class of its own': (url, counter) => {
    class Counted extends URL {
      override toString() {
        return counter.seen('toString', super.toString());
      }
    }
    return [new Counted(url), POST];
  },
  'an object whose toString counts': (url, counter) => {
    return [{ toString: () => counter.seen('toString', url) } as unknown as URL, POST];
  },
  'an object that becomes a text by Symbol.toPrimitive': (url, counter) => {
    return [{ [Symbol.toPrimitive]: (hint: string) => counter.seen(hint, url) } as unknown as URL, POST];
  },
  'an object whose toString throws': (_, counter) => {
    const input = {
      toString() {
        throw counter.seen('toString', new RangeError('no URL for you'));
      },
    };
    return [input as unknown as URL, POST];
  },
  'getters in init': (url, counter) => {
    const init = {
      get method() {
        return counter.seen('method', 'POST');
      },
      get body() {
        return counter.seen('body', BODY);
      },
      get headers() {
        return counter.seen('headers', { a: '1' });
      },
      get signal() {
        return counter.seen('signal', new AbortController().signal);
      },
      get redirect() {
        return counter.seen('redirect', 'follow' as const);
      },
    };
    return [url, init];
  },
  'getters with a private field': (url, counter) => {
    class Init {
      readonly #method = 'POST';
      get method() {
        return counter.seen('method', this.#method);
      }
      body = BODY;
    }
    return [url, new Init()];
  },
  'a getter among the headers': (url, counter) => {
    const headers = {
      get authorization() {
        return counter.seen('authorization', 'Bearer x');
      },
    };
    return [url, { ...POST, headers }];
  },
  'a header whose value becomes a text': (url, counter) => {
    const headers = { 'x-value': { toString: () => counter.seen('toString', 'v') } as unknown as string };
    return [url, { ...POST, headers }];
  },
  'headers that give a new iterator each time': (url, counter) => {
    const headers = { [Symbol.iterator]: () => counter.seen('iterator', [['a', '1']].values()) };
    return [url, { ...POST, headers: headers as unknown as Headers }];
  },
};

for (const [what, argumentsOf] of Object.entries(VISIBLE)) {
  test(`${what}: asked as often as by plain fetch`, async () => {
    const url = `${origin}/v1/chat/completions`;
    const countsOf = async (call: typeof fetch) => {
      const counter = new Counter();
      const outcome = await call(...argumentsOf(url, counter)).then(
        (response) => response.text(),
        (error: Error) => `${error.name}: ${error.message}`,
      );
      return { outcome, counts: counter.counts };
    };
    const plain = await countsOf(fetch);
    const { recorder } = traced();
    for (const recording of [recordingFetch, wrapFetch(fetch)]) {
      assert.deepEqual(await recorder.run({ kind: 'chat_turn' }, () => countsOf(recording)), plain);
    }
    assert.ok(Object.values(plain.counts).length > 0);
  });
}

test('a spy on the toString of all URLs and URLSearchParams is called as often as by plain fetch', async (t) => {
  const spies = [mock.method(URL.prototype, 'toString'), mock.method(URLSearchParams.prototype, 'toString')];
  t.after(() => mock.restoreAll());
  const callsOf = async (call: typeof fetch) => {
    for (const { mock } of spies) mock.resetCalls();
    const body = new URLSearchParams({ model: 'gpt-5' });
    await (await call(new URL(`${origin}/v1/chat/completions`), { method: 'POST', body })).text();
    return spies.map(({ mock }) => mock.callCount());
  };
  const plain = await callsOf(fetch);
  const { recorder } = traced();
  assert.deepEqual(await recorder.run({ kind: 'chat_turn' }, () => callsOf(recordingFetch)), plain);
});

test('a call whose arguments can tell is recorded all the same', async () => {
  const { recorder, steps } = traced();
  await recorder.run({ kind: 'chat_turn' }, async () => {
    for (const [what, argumentsOf] of Object.entries(VISIBLE)) {
      if (what.includes('throws')) continue;
      await (await recordingFetch(...argumentsOf(`${origin}/v1/chat/completions`, new Counter()))).text();
    }
  });
  const attempts = steps().flatMap(({ events }) => events.filter(({ name }) => name === 'runtrace.attempt'));
  assert.equal(attempts.length, Object.keys(VISIBLE).length - 1);
});
