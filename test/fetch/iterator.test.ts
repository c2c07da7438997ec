/** The iterator of a body gives the same with us as without us, whatever is asked for while it waits. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { recordingFetch } from 'runtrace';
import { attemptsOf, only, traced } from '../support/traced.js';

type Iterator = AsyncIterator<Uint8Array> & { return(value: unknown): Promise<IteratorResult<Uint8Array>> };
type Body = Omit<ReadableStream<Uint8Array>, 'values'> & { values(options: { preventCancel: boolean }): Iterator };

/** What a consumer asks for in one turn, then how the server answers all of it: the platform itself throws where reads of two turns overlap. */
interface Moment {
  asks: (keyof typeof ASKS)[];
  answer: keyof typeof ANSWERS;
}

interface Server {
  readonly response: ServerResponse;
  chunks: number;
}

/** Each in turns of its own: the platform joins what has arrived. */
async function write(server: Server, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    server.response.write(`${server.chunks++};`);
    await turns();
  }
}

const ANSWERS = {
  'as many chunks': (server: Server, reads: number) => write(server, reads),
  'two chunks more': (server: Server, reads: number) => write(server, reads + 2),
  'a chunk, then the end': ({ response }: Server) => response.end('last;'),
  'the end': ({ response }: Server) => response.end(),
  'a reset': ({ response }: Server) => response.socket?.resetAndDestroy(),
};

/** What a consumer has, and what it has seen. */
interface Consumer {
  readonly body: Body;
  readonly iterator: Iterator;
  readonly seen: unknown[];
  /** What the iterator gave, in the order in which it settled. */
  readonly given: unknown[];
}

function note({ body, given }: Consumer, name: string, result: Promise<unknown>): void {
  const told = (how: string) => (value: unknown) => void given.push([name, how, view(value), body.locked]);
  result.then(told('gave'), told('rejected'));
}

const ASKS = {
  next: (consumer: Consumer) => note(consumer, 'next', consumer.iterator.next()),
  return: (consumer: Consumer) => note(consumer, 'return', consumer.iterator.return('enough')),
  cancel: ({ body, seen }: Consumer) => {
    const end: unknown[] = ['cancelled'];
    seen.push(end);
    body.cancel('why').catch((error) => end.push(view(error)));
  },
  getReader: ({ body }: Consumer) => body.getReader().releaseLock(),
  tee: ({ body }: Consumer) => body.tee().length,
};

let url: string;
let arrived: (response: ServerResponse) => void;
const server = createServer((_, response) => {
  response.flushHeaders();
  arrived(response);
});
before(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

/** Enough for what was written to arrive. */
async function turns(): Promise<void> {
  for (let i = 0; i < 8; i++) await nextTurn();
}

async function seenOf(fetch: typeof globalThis.fetch, moments: readonly Moment[], preventCancel: boolean) {
  const request = new Promise<ServerResponse>((resolve) => {
    arrived = resolve;
  });
  const response = await fetch(url);
  const server = { response: await request, chunks: 0 };
  const body = response.body as unknown as Body;
  const seen: unknown[] = [];
  const given: unknown[] = [];
  const consumer: Consumer = { body, iterator: body.values({ preventCancel }), seen, given };
  for (const { asks, answer } of moments) {
    for (const ask of asks) {
      try {
        seen.push([ask, ASKS[ask](consumer), body.locked]);
      } catch (error) {
        seen.push([ask, 'threw', view(error)]);
      }
    }
    await turns();
    const reads = asks.filter((ask) => ask === 'next').length;
    if (!server.response.writableEnded) await ANSWERS[answer](server, reads);
    await turns();
    seen.push([answer, body.locked, response.bodyUsed]);
  }
  server.response.destroy();
  await turns();
  return [...seen, given];
}

function view(value: unknown): unknown {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (typeof value !== 'object' || value === null) return value;
  const { done, value: chunk } = value as IteratorResult<Uint8Array>;
  return [done, chunk instanceof Uint8Array ? Buffer.from(chunk).toString() : chunk];
}

const moment: fc.Arbitrary<Moment> = fc.record({
  asks: fc.array(
    fc.oneof(
      { arbitrary: fc.constantFrom('next' as const, 'return' as const), weight: 3 },
      { arbitrary: fc.constantFrom(...(Object.keys(ASKS) as (keyof typeof ASKS)[])), weight: 1 },
    ),
    { maxLength: 4 },
  ),
  answer: fc.constantFrom(...(Object.keys(ANSWERS) as (keyof typeof ANSWERS)[])),
});

test('an iterator can be asked for anything at any time, and shows no difference', { timeout: 110_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(moment, { maxLength: 5 }), fc.boolean(), async (moments, preventCancel) => {
      const bare = await seenOf(fetch, moments, preventCancel);
      const set = traced({ limits: { idleMillis: 0, pausedMillis: 0 } });
      const [seen] = await set.recorder.run({ kind: 'chat_turn' }, () =>
        set.recorder.step({}, async () => [await seenOf(recordingFetch, moments, preventCancel)] as const),
      );
      await set.shutdown();
      assert.deepEqual(seen, bare);
      assert.equal(attemptsOf(only(set.steps())).length, 1);
    }),
    { numRuns: 400, seed: 1 },
  );
});
