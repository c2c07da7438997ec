import assert from 'node:assert/strict';
import { PassThrough, Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, before, describe, test } from 'node:test';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { recordingFetch, wrapFetch } from 'runtrace';
import { Response as OtherResponse } from 'undici';
import { ok, type Provider, resetMidStream, startProvider } from '../../examples/demo/provider.js';
import { millisOf, type Traced, traced } from '../support/traced.js';
import { until } from '../support/until.js';

const PIECES = ['Hello ', 'there, ', 'how can ', 'I help?'];
const TEXT = PIECES.join('');
const LIMITS = { completedHoldMillis: 20 };
/** Where a test waits for a reader that gives up. */
const IMPATIENT = { completedHoldMillis: 20, idleMillis: 50, pausedMillis: 80 };

class Broken extends Error {}

const encoder = new TextEncoder();

/** A stream whose pieces come one a turn, and which then ends, breaks or stalls. */
function source(end: 'end' | 'break' | 'stall', type?: 'bytes'): ReadableStream<Uint8Array> {
  const pieces = PIECES.map((piece) => encoder.encode(piece));
  const pull = async (controller: ReadableStreamDefaultController | ReadableByteStreamController) => {
    await nextTurn();
    const piece = pieces.shift();
    if (piece) controller.enqueue(piece as Uint8Array<ArrayBuffer>);
    else if (end === 'break') controller.error(new Broken());
    else if (end === 'end') controller.close();
    else return new Promise<void>(() => {});
  };
  return type
    ? (new ReadableStream({ type, pull }) as ReadableStream<Uint8Array>)
    : new ReadableStream<Uint8Array>({ pull }, { highWaterMark: 0 });
}

async function* generator(end: 'end' | 'break' | 'stall'): AsyncGenerator<Uint8Array> {
  yield* source(end);
}

/** An async iterable as the model clients make them: no generator, and an iterator of its own each time. */
function iterable(end: 'end' | 'break' | 'stall'): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => generator(end) };
}

const VALUES = {
  'a Response': (end: 'end' | 'break' | 'stall') => new Response(source(end)),
  'a Response of another class than the global one': (end: 'end' | 'break' | 'stall') =>
    new OtherResponse(source(end)) as unknown as Response,
  'a ReadableStream': (end: 'end' | 'break' | 'stall') => source(end),
  'a byte stream': (end: 'end' | 'break' | 'stall') => source(end, 'bytes'),
  'an async generator': generator,
  'an async iterable': iterable,
  "a Readable of Node's": (end: 'end' | 'break' | 'stall') => Readable.from(generator(end)),
};

type Value = ReturnType<(typeof VALUES)[keyof typeof VALUES]>;

function bodyOf(value: Value): AsyncIterable<Uint8Array> {
  return ('body' in value ? value.body : value) as AsyncIterable<Uint8Array>;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await collect(chunks)).toString();
}

/** Returns `value` from a run, or from a step in one. */
const SCOPES = {
  run: <T>({ recorder }: Traced, value: () => T) => recorder.run({ kind: 'route' }, value),
  step: async <T>({ recorder }: Traced, value: () => T) => {
    const [result] = await recorder.run({ kind: 'route' }, async () => [await recorder.step({}, value)]);
    return result as T;
  },
};

for (const [scope, returned] of Object.entries(SCOPES)) {
  /** Waits for the end, and says how the scope ended. */
  const outcome = async ({ runs, spans }: Traced) => {
    await until(() => runs().length > 0);
    return spans().at(scope === 'run' ? -1 : 0)?.attributes['runtrace.status'];
  };

  for (const [kind, make] of Object.entries(VALUES)) {
    describe(`${kind}, returned from a ${scope}`, () => {
      test('is the very same object, and read to its end the scope is completed', async () => {
        const set = traced({ limits: LIMITS });
        const value = make('end');
        assert.equal(await returned(set, () => value), value);
        await nextTurn();
        assert.deepEqual(set.spans(), []);
        assert.equal(await textOf(bodyOf(value)), TEXT);
        assert.equal(await outcome(set), 'completed');
      });

      test('that breaks makes it an error, and the error is the very same', async () => {
        const set = traced({ limits: LIMITS });
        const value = await returned(set, () => make('break'));
        await assert.rejects(textOf(bodyOf(value)), Broken);
        assert.equal(await outcome(set), 'error');
        assert.equal(set.spans().find(({ status }) => status.code === 2)?.attributes['error.type'], 'Broken');
      });

      test('that is left with break makes it interrupted', async () => {
        const set = traced({ limits: LIMITS });
        const value = await returned(set, () => make('stall'));
        for await (const _ of bodyOf(value)) break;
        assert.equal(await outcome(set), 'interrupted');
      });

      test('that is begun and left alone makes it interrupted', async () => {
        const set = traced({ limits: IMPATIENT });
        const value = await returned(set, () => make('stall'));
        const iterator = bodyOf(value)[Symbol.asyncIterator]();
        await iterator.next();
        assert.equal(await outcome(set), 'interrupted');
        await iterator.return?.();
      });
    });
  }

  describe(`a Response, returned from a ${scope}`, () => {
    const reads: Record<string, (response: Response) => Promise<unknown>> = {
      'text()': (response) => response.text(),
      'arrayBuffer()': (response) => response.arrayBuffer(),
      'blob()': async (response) => (await response.blob()).text(),
      'getReader()': async ({ body }) => {
        const reader = body?.getReader();
        while (!(await reader?.read())?.done);
      },
      'pipeTo()': ({ body }) => body?.pipeTo(new WritableStream()) as Promise<void>,
      'pipeThrough()': async ({ body }) => {
        const through = body?.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>);
        assert.equal((await collect(through as ReadableStream<string>)).join(''), TEXT);
      },
      'the body of another Response': ({ body }) => new Response(body).text(),
      "Node's pipeline": ({ body }) =>
        pipeline(Readable.fromWeb(body as never), async (chunks) => void (await collect(chunks))),
      'both branches of tee()': async ({ body }) => {
        const [a, b] = (body as ReadableStream).tee();
        assert.deepEqual(await Promise.all([new Response(a).text(), new Response(b).text()]), [TEXT, TEXT]);
      },
      'one branch of tee()': async ({ body }) => new Response(body?.tee()[1]).text(),
      'one branch of tee(), while the other is cancelled twice': async ({ body }) => {
        const [a, b] = (body as ReadableStream).tee();
        await Promise.all([a.cancel(), a.cancel(), new Response(b).text()]);
      },
      'clone() and the original': async (response) => {
        const clone = response.clone();
        assert.deepEqual(await Promise.all([clone.text(), response.text()]), [TEXT, TEXT]);
      },
      'clone() alone': async (response) => response.clone().text(),
    };
    for (const [how, read] of Object.entries(reads)) {
      test(`and read by ${how} completes it`, async () => {
        const set = traced({ limits: LIMITS });
        const response = await returned(set, () => VALUES['a Response']('end'));
        await read(response);
        assert.equal(await outcome(set), 'completed');
      });

      test(`and broken under ${how} makes it an error`, async () => {
        const set = traced({ limits: LIMITS });
        const response = await returned(set, () => VALUES['a Response']('break'));
        await assert.rejects(read(response), Broken);
        assert.equal(await outcome(set), 'error');
      });
    }

    const cancels: Record<string, (response: Response) => unknown> = {
      'cancel()': ({ body }) => body?.cancel(),
      "a reader's cancel()": async ({ body }) => {
        const reader = body?.getReader();
        await reader?.read();
        await reader?.cancel();
      },
      'cancel() of both branches of tee()': async ({ body }) => {
        const [a, b] = (body as ReadableStream).tee();
        await Promise.all([a.cancel(), b.cancel()]);
      },
      'a destination that fails': ({ body }) => {
        const write = () => Promise.reject(new Error('the client is gone'));
        return assert.rejects(body?.pipeTo(new WritableStream({ write })) as Promise<void>, /the client is gone/);
      },
      'an aborted pipe': async ({ body }) => {
        const leave = new AbortController();
        const piped = body?.pipeTo(new WritableStream({ write: () => leave.abort() }), { signal: leave.signal });
        await assert.rejects(piped as Promise<void>, { name: 'AbortError' });
      },
    };
    for (const [how, cancel] of Object.entries(cancels)) {
      test(`and left with ${how} makes it interrupted`, async () => {
        const set = traced({ limits: LIMITS });
        const response = await returned(set, () => VALUES['a Response']('stall'));
        await cancel(response);
        assert.equal(await outcome(set), 'interrupted');
      });
    }

    test('that is never read through its own methods does not hold it, and ends when it was returned', async () => {
      const set = traced({ limits: IMPATIENT });
      await returned(set, () => Response.json({ read: 'by a runtime of its own' }));
      const returnedAt = Date.now();
      assert.equal(await outcome(set), 'completed');
      for (const { endTime } of set.spans()) assert.ok(endTime[0] * 1000 + endTime[1] / 1e6 <= returnedAt + 1);
    });

    test('that was read already does not hold it', async () => {
      const set = traced({ limits: { idleMillis: 60_000 } });
      await returned(set, async () => {
        const response = new Response(TEXT);
        await response.text();
        return response;
      });
      assert.equal(await outcome(set), 'completed');
    });
  });
}

describe('a Response whose reading a runtime hides, at a shutdown', () => {
  let provider: Provider;
  before(async () => {
    provider = await startProvider();
  });
  after(() => provider.close());

  /** The status of a run that returned it after a call, and how long before the shutdown the run ended, in milliseconds. */
  async function shutDown(read: (answer: Response) => unknown): Promise<[unknown, number]> {
    const set = traced();
    provider.script('hidden', ok({ text: TEXT }));
    const body = JSON.stringify({ model: 'hidden', messages: [] });
    await set.recorder.run({ kind: 'route' }, async () => {
      await read(await recordingFetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body }));
      return new Response(source('end'));
    });
    await sleep(20);
    const shutAt = Date.now();
    await set.shutdown();
    const [{ attributes, endTime } = assert.fail()] = set.runs();
    return [attributes['runtrace.status'], shutAt - millisOf(endTime)];
  }

  test('is completed if its last call completed, as of its return', async () => {
    const [status, before] = await shutDown((answer) => answer.text());
    assert.equal(status, 'completed');
    assert.ok(before > 0, `${before} ms`);
  });

  test('is interrupted if its last call is in progress', async () => {
    const [status] = await shutDown(() => {});
    assert.equal(status, 'interrupted');
  });
});

describe("a Readable of Node's that a run returned", () => {
  const SOURCES: Record<string, (end: 'end' | 'break' | 'stall') => Readable> = {
    'Readable.from()': (end) => Readable.from(generator(end)),
    'Readable.fromWeb()': (end) => Readable.fromWeb(source(end) as Parameters<typeof Readable.fromWeb>[0]),
    'a PassThrough': (end) => {
      const through = new PassThrough();
      pipeline(Readable.from(generator(end)), through).catch(() => {});
      return through;
    },
    'an object stream': (end) => {
      const pieces: unknown[] = [{ a: 1 }, { a: 2 }];
      return new Readable({
        objectMode: true,
        async read() {
          await nextTurn();
          const piece = pieces.shift();
          if (piece) this.push(piece);
          else if (end === 'break') this.destroy(new Broken());
          else if (end === 'end') this.push(null);
        },
      });
    },
  };
  /** Reads it all; rejects if it breaks. */
  const READS: Record<string, (stream: Readable) => Promise<unknown>> = {
    "a listener of 'data'": (stream) =>
      new Promise((resolve, reject) =>
        stream
          .on('data', () => {})
          .on('end', resolve)
          .on('error', reject),
      ),
    "a listener of 'readable'": (stream) =>
      new Promise((resolve, reject) => {
        stream.on('readable', () => {
          while (stream.read() !== null);
        });
        stream.on('end', resolve).on('error', reject);
      }),
    'pipe()': (stream) =>
      new Promise((resolve, reject) => {
        stream.on('error', reject);
        stream
          .pipe(
            new Writable({
              objectMode: true,
              highWaterMark: 1,
              write: (_chunk, _encoding, done) => setImmediate(done),
            }),
          )
          .on('finish', resolve);
      }),
    'pipeline()': (stream) => pipeline(stream, new PassThrough({ objectMode: true }).resume()),
    'an async iterator': collect,
    'resume()': (stream) => new Promise((resolve, reject) => stream.resume().on('end', resolve).on('error', reject)),
  };
  const statusOf = async ({ runs }: Traced) => {
    await until(() => runs().length > 0);
    return runs()[0]?.attributes['runtrace.status'];
  };

  for (const [kind, make] of Object.entries(SOURCES)) {
    for (const [how, read] of Object.entries(READS)) {
      test(`${kind}, read by ${how}, completes the run at its end`, async () => {
        const set = traced({ limits: { idleMillis: 60_000 } });
        const stream = make('end');
        assert.equal(await SCOPES.run(set, () => stream), stream);
        await nextTurn();
        assert.deepEqual(set.runs(), []);
        await read(stream);
        assert.equal(await statusOf(set), 'completed');
      });

      test(`${kind}, broken under ${how}, makes the run an error`, async () => {
        const set = traced({ limits: { idleMillis: 60_000 } });
        const stream = await SCOPES.run(set, () => make('break'));
        await assert.rejects(read(stream), Broken);
        assert.equal(await statusOf(set), 'error');
      });
    }

    test(`${kind}, destroyed by its consumer, makes the run interrupted`, async () => {
      const set = traced({ limits: { idleMillis: 60_000 } });
      const stream = await SCOPES.run(set, () => make('stall'));
      stream.once('data', () => stream.destroy());
      assert.equal(await statusOf(set), 'interrupted');
    });

    test(`${kind}, whose receiver is gone, makes the run interrupted`, async () => {
      const set = traced({ limits: { idleMillis: 60_000 } });
      const stream = await SCOPES.run(set, () => make('stall'));
      const receiver = new PassThrough({ objectMode: true });
      const piped = pipeline(stream, receiver);
      receiver.once('data', () => receiver.destroy());
      await assert.rejects(piped);
      assert.equal(await statusOf(set), 'interrupted');
    });

    test(`${kind}, paused by its consumer and left alone, makes the run interrupted`, async () => {
      const set = traced({ limits: IMPATIENT });
      const stream = await SCOPES.run(set, () => make('stall'));
      stream.once('data', () => stream.pause());
      assert.equal(await statusOf(set), 'interrupted');
      stream.on('error', () => {}).destroy();
    });
  }

  test('that waits for its source holds the run for as long as that takes', async () => {
    const set = traced({ limits: { idleMillis: 10 } });
    let send = () => {};
    const stream = await SCOPES.run(
      set,
      () =>
        new Readable({
          read() {
            send = () => {
              this.push('late');
              this.push(null);
            };
          },
        }),
    );
    const text = collect(stream);
    await sleep(100);
    assert.deepEqual(set.runs(), []);
    send();
    assert.equal(Buffer.concat(await text).toString(), 'late');
    assert.equal(await statusOf(set), 'completed');
  });

  test('ends its run with it, not with the function', async () => {
    const set = traced({ limits: LIMITS });
    const fetch = wrapFetch(async () => new Response(source('end')));
    const stream = await SCOPES.run(set, async () => {
      const { body } = await fetch('https://api.openai.com/v1/chat/completions', {
        method: 'POST',
        body: '{"model":"gpt-5"}',
      });
      return Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]);
    });
    await sleep(50);
    const readAt = Date.now();
    assert.equal(await textOf(stream), TEXT);
    await until(() => set.runs().length === 1);
    const [seconds = 0, nanos = 0] = set.runs()[0]?.endTime ?? [];
    assert.ok(seconds * 1e3 + nanos / 1e6 >= readAt - 5);
  });

  test('behaves as it does without a run: an unhandled error is still thrown, and nothing is listened to', async () => {
    const set = traced({ limits: LIMITS });
    const stream = await SCOPES.run(set, () => Readable.from(generator('break')));
    assert.deepEqual(
      [stream.eventNames(), stream.readableFlowing, Object.keys(stream).includes('emit')],
      [[], null, false],
    );
    assert.throws(() => stream.emit('error', new Broken()), Broken);
  });

  test('that has ended, or was destroyed, holds nothing', async () => {
    for (const end of ['end', 'stall'] as const) {
      const set = traced({ limits: { idleMillis: 60_000 } });
      await SCOPES.run(set, async () => {
        const stream = Readable.from(generator(end));
        if (end === 'end') await collect(stream);
        else stream.destroy();
        return stream;
      });
      assert.equal(await statusOf(set), 'completed');
    }
  });
});

describe('what is watched behaves as it always did', () => {
  test('a stream throws the errors that it would throw', async () => {
    const set = traced({ limits: LIMITS });
    const stream = await SCOPES.run(set, () => source('end'));
    assert.throws(() => stream.pipeThrough({} as never), TypeError);
    assert.throws(() => stream.getReader({ mode: 'no' as 'byob' }), TypeError);
    await assert.rejects(stream.pipeTo({} as never), TypeError);
    const reader = stream.getReader();
    assert.throws(() => stream.getReader(), TypeError);
    assert.throws(() => stream.pipeThrough(new TransformStream()), TypeError);
    await assert.rejects(stream.cancel(), TypeError);
    assert.deepEqual(set.spans(), []);
    reader.releaseLock();
    assert.equal(await new Response(stream).text(), TEXT);
    await until(() => set.runs().length === 1);
    assert.equal(set.runs()[0]?.attributes['runtrace.status'], 'completed');
  });

  test('a reader that lets go of the stream leaves it to the next one', async () => {
    const set = traced({ limits: LIMITS });
    const stream = await SCOPES.run(set, () => source('end'));
    const first = stream.getReader();
    const pending = first.read();
    first.releaseLock();
    await assert.rejects(pending, TypeError);
    const text = await textOf(stream as unknown as AsyncIterable<Uint8Array>);
    assert.ok(TEXT.endsWith(text));
    await until(() => set.runs().length === 1);
    assert.equal(set.runs()[0]?.attributes['runtrace.status'], 'completed');
  });

  test('a generator that catches what is thrown into it goes on', async () => {
    const set = traced({ limits: LIMITS });
    const stubborn = await SCOPES.run(set, async function* () {
      try {
        yield 1;
      } catch {
        yield 2;
      }
    });
    assert.equal((await stubborn.next()).value, 1);
    assert.equal((await stubborn.throw(new Broken())).value, 2);
    assert.equal((await stubborn.next()).done, true);
    await until(() => set.runs().length === 1);
    assert.equal(set.runs()[0]?.attributes['runtrace.status'], 'completed');
  });

  test('an object that is returned by every run goes on to work, and costs no more each time', async () => {
    const set = traced({ limits: { idleMillis: 0 } });
    let calls = 0;
    const shared = { next: async () => ({ done: ++calls % 2 === 0, value: calls }) };
    const queue = { [Symbol.asyncIterator]: () => shared };
    for (let i = 0; i < 2000; i++) await SCOPES.run(set, () => queue);
    for (let i = 0; i < 100; i++) for await (const _ of queue);
    assert.equal(calls, 200);
  });

  test('a frozen object is left alone', async () => {
    const set = traced();
    const frozen = Object.freeze(iterable('end'));
    assert.equal(await SCOPES.run(set, () => frozen), frozen);
    assert.equal(set.runs().length, 1);
    assert.equal(await textOf(frozen), TEXT);
  });

  test('a value that is no stream is not touched', async () => {
    for (const value of [undefined, null, 0, 'text', [1], { a: 1 }, new Map(), () => {}, new Response(null)]) {
      const set = traced();
      assert.equal(await SCOPES.run(set, () => value), value);
      assert.equal(set.runs().length, 1);
      if (typeof value === 'object' && value) assert.deepEqual(Reflect.ownKeys(value), Reflect.ownKeys(value));
    }
  });
});

describe('a stream of a recorded call', () => {
  let provider: Provider;
  before(async () => {
    provider = await startProvider();
  });
  after(() => provider.close());

  function call(model: string): Promise<Response> {
    const body = JSON.stringify({ model, stream: true, messages: [] });
    return recordingFetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body });
  }

  test('that a returned object holds, whose consumer never iterates over it, ends its step at the wire', async () => {
    const set = traced({ limits: { idleMillis: 60_000 } });
    const { recorder, runs, steps } = set;
    // As the streams of the model clients are: an async iterable that is consumed by other means, and calls later.
    const lazy = (read: Promise<string>) => ({ text: read, [Symbol.asyncIterator]: () => generator('end') });
    await recorder.run({ kind: 'chat_turn' }, async () => {
      const stream = await recorder.step({}, () => lazy(nextTurn().then(async () => (await call('lazy')).text())));
      await stream.text;
    });
    await until(() => runs().length === 1);
    assert.equal(steps()[0]?.attributes['runtrace.status'], 'completed');
  });

  test('that fails after an object was returned that is never iterated over is an error', async () => {
    const set = traced({ limits: { idleMillis: 60_000 } });
    const { recorder, runs, steps } = set;
    provider.script('fails', resetMidStream());
    await recorder.run({ kind: 'chat_turn' }, async () => {
      const { text } = await recorder.step({}, () => ({
        text: nextTurn().then(async () => (await call('fails')).text()),
        [Symbol.asyncIterator]: () => generator('end'),
      }));
      await assert.rejects(text);
    });
    await until(() => runs().length === 1);
    assert.equal(steps()[0]?.attributes['runtrace.status'], 'error');
  });

  test('that a returned generator asks for again is one step, and its last attempt counts', async () => {
    const set = traced({ limits: LIMITS });
    const { recorder, runs, steps } = set;
    provider.script('again', resetMidStream(), ok());
    const answer = await recorder.run({ kind: 'chat_turn' }, () =>
      recorder.step({}, async function* () {
        for (const _ of [1, 2]) {
          try {
            for await (const chunk of (await call('again')).body as unknown as AsyncIterable<Uint8Array>) yield chunk;
            return;
          } catch {}
        }
      }),
    );
    for await (const _ of answer);
    await until(() => runs().length === 1);
    assert.deepEqual(
      steps().map(({ attributes }) => [attributes['runtrace.status'], attributes['runtrace.step.attempt_count']]),
      [['completed', 2]],
    );
  });
});
