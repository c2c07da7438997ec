/** What the server notices: how early a connection closes, and how much is sent to a client that reads slowly or not at all. */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Readable, Writable } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../support/until.js';
import { inEachWay, outcome, type Scene, same, withOrigin } from './differential.js';
import { ENDLESS_BYTES, PIECE_BYTES } from './origin.js';

withOrigin();

type Body = ReadableStream<Uint8Array>;

const DEPARTURES: Record<string, (response: Response, abort: AbortController) => unknown> = {
  'cancel()': ({ body }) => body?.cancel(),
  "a reader's cancel()": async ({ body }) => {
    const reader = body?.getReader();
    await reader?.read();
    await reader?.cancel();
  },
  break: async ({ body }) => {
    for await (const _ of body as unknown as AsyncIterable<Uint8Array>) break;
  },
  'an abort': (_, abort) => abort.abort(),
  'an abort in a read': async ({ body }, abort) => {
    const reader = body?.getReader();
    await reader?.read();
    const read = reader?.read().then(() => reader.read());
    abort.abort();
    await read?.catch(() => {});
  },
  'both clones': async (response) => {
    const clone = response.clone();
    await Promise.all([response.body?.cancel(), clone.body?.cancel()]);
  },
  'a failing destination': ({ body }) =>
    body?.pipeTo(new WritableStream({ write: () => Promise.reject(new Error('full')) })).catch(() => {}),
  'a transform that is cancelled': ({ body }) => body?.pipeThrough(new TransformStream()).cancel(),
  "a destroyed stream of Node's": async ({ body }) => {
    const readable = Readable.fromWeb(body as never);
    await once(readable, 'readable');
    readable.destroy();
  },
};
for (const [how, leave] of Object.entries(DEPARTURES)) {
  same(`${how} closes the connection, and the rest is not downloaded`, async ({ fetch, url, exchanges }) => {
    const abort = new AbortController();
    await leave(await fetch(`${url}/endless`, { signal: abort.signal }), abort);
    await until(() => exchanges[0]?.left === true);
    return (exchanges[0]?.written ?? ENDLESS_BYTES) < ENDLESS_BYTES / 2;
  });
}

/** Makes one call, and says which socket it took. */
async function withSocket(call: () => Promise<Response>): Promise<[Response, Socket]> {
  const sent = 'undici:client:sendHeaders';
  let socket: Socket | undefined;
  const note = (message: unknown) => {
    socket = (message as { socket: Socket }).socket;
  };
  subscribe(sent, note);
  const response = await call();
  unsubscribe(sent, note);
  return [response, socket as Socket];
}

/**
 * Waits until a call's socket is full because its body is not read on, and says how much this process has read of it by then. What the
 * server could send is no measure: the kernel takes 4 MB of one connection and 7 MB of the next.
 */
async function whenFull(socket: Socket): Promise<number> {
  let before = -1;
  await until(() => {
    const isFull = socket.readableLength >= socket.readableHighWaterMark && socket.bytesRead === before;
    before = socket.bytesRead;
    return isFull;
  });
  return before;
}

const SLOW: Record<string, (response: Response) => unknown> = {
  'an unread body': () => {},
  'a reader that read nothing': ({ body }) => body?.getReader(),
  'a reader that read three chunks': async ({ body }) => {
    const reader = body?.getReader();
    for (let i = 0; i < 3; i++) await reader?.read();
  },
  'a BYOB reader that read a little': ({ body }) => body?.getReader({ mode: 'byob' }).read(new Uint8Array(10)),
  'a loop that stands still': async ({ body }) => {
    await (body as unknown as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]().next();
  },
  'a pipe that stands still': ({ body }) =>
    void body?.pipeTo(new WritableStream({ write: () => new Promise(() => {}) })).catch(() => {}),
  'unread branches': ({ body }) => body?.tee(),
  'an unread clone': (response) => response.clone(),
  "a stream of Node's that stands still": ({ body }) => {
    Readable.fromWeb(body as never)
      .on('error', () => {})
      .pipe(new Writable({ write: () => {} }));
  },
};
for (const [name, begin] of Object.entries(SLOW)) {
  test(`${name} leaves as much in the socket as without us`, async () => {
    const read = await inEachWay(async (scene) => {
      const abort = new AbortController();
      const [response, socket] = await withSocket(() => scene.fetch(`${scene.url}/endless`, { signal: abort.signal }));
      await begin(response);
      const bytes = await whenFull(socket);
      abort.abort();
      return [bytes, response] as const;
    });
    const [bare] = read.bare;
    for (const [way, [bytes]] of Object.entries(read)) {
      // A piece more or less is read before the consumer begins.
      assert.ok(bytes <= bare + 3 * PIECE_BYTES, `${way}: ${bytes} bytes, ${bare} without us`);
    }
  });
}

const MUCH_KEPT_BYTES = 15 << 20;

test('100 MB to a consumer who takes his time pass without being kept', async () => {
  const pass = async ({ fetch, url }: Scene) => {
    const { body } = await fetch(`${url}/endless`);
    let bytes = 0;
    let most = 0;
    await body?.pipeTo(
      new WritableStream({
        async write(chunk) {
          const before = bytes;
          bytes += chunk.byteLength;
          if (Math.floor(bytes / (20 << 20)) === Math.floor(before / (20 << 20))) return;
          most = Math.max(most, await bytesKept());
        },
      }),
    );
    assert.equal(bytes, ENDLESS_BYTES);
    return most;
  };
  const kept = await inEachWay(pass, { ways: ['in a step'] });
  for (const [way, bytes] of Object.entries(kept)) assert.ok(bytes <= MUCH_KEPT_BYTES, `${way}: ${bytes} bytes kept`);
});

/** What is left of buffers when the garbage is gone, which may take it a while. */
async function bytesKept(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 10 && least > MUCH_KEPT_BYTES; i++) {
    await collectGarbage(1);
    least = Math.min(least, process.memoryUsage().arrayBuffers);
  }
  return least;
}

/** Collects garbage, and lets what hears of it do its work. */
async function collectGarbage(rounds = 3): Promise<void> {
  for (let i = 0; i < rounds; i++) {
    (globalThis.gc as () => void)();
    await sleep(5);
  }
}

/** Each lets go of its response; what it returns is kept. */
const DROPS: Record<string, (response: Response) => unknown> = {
  'a response that is never read': () => {},
  'a response whose body was looked at': ({ body, bodyUsed }) => void (body && bodyUsed),
  'a response and its clone': (response) => void response.clone(),
  'a response and its clone of a clone': (response) => void response.clone().clone(),
  'a response, but not its clone': (response) => response.clone(),
  'a response, but not its body': ({ body }) => body,
  'a response, but not its reader': ({ body }) => body?.getReader(),
  'a response and its reader': async ({ body }) => void (await body?.getReader().read()),
  'a response that was read a little': async ({ body }) => {
    const reader = body?.getReader();
    await reader?.read();
    reader?.releaseLock();
  },
  'a response, but not its body, which was read a little': async ({ body }) => {
    const reader = body?.getReader();
    await reader?.read();
    reader?.releaseLock();
    return body;
  },
  'two branches': ({ body }) => void body?.tee(),
  'one of two branches': ({ body }) => body?.tee()[0],
};

same(
  'where a response is dropped, the connection closes as it does without us',
  async ({ fetch, url, exchanges }) => {
    const { signal } = new AbortController();
    const kept: unknown[] = [signal];
    for (const drop of Object.values(DROPS)) {
      await (async () => kept.push(await drop(await fetch(`${url}/endless`, { signal }))))();
    }
    await collectGarbage();
    // Kept until here.
    kept.length = 0;
    return Object.keys(DROPS).map((name, index) => [name, exchanges[index]?.left]);
  },
  { undici: true },
);

same('what is being read is read to its end, however much garbage is collected', async ({ fetch, url }) => {
  const path = `${url}/pieces?count=20`;
  const texts = [
    fetch(path).then((response) => response.text()),
    fetch(path).then(({ body }) => new Response(body).text()),
    fetch(path).then((response) => response.clone().text()),
    fetch(path).then(({ body }) => new Response(body?.pipeThrough(new TransformStream())).text()),
    fetch(path).then(({ body }) => new Response((body as Body).tee()[1]).text()),
    fetch(path).then(async ({ body }) => {
      let text = '';
      for await (const chunk of Readable.fromWeb(body as never)) text += chunk;
      return text;
    }),
  ];
  await collectGarbage();
  return outcome(() => Promise.all(texts));
});
