/** An application that uses a response and its body in any way and order sees the same with us as without us. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { wrapFetch } from 'runtrace';
import { attemptsOf, only, traced } from '../support/traced.js';

interface Source {
  bytes: boolean;
  chunks: number;
  /** The chunk in whose place it breaks. */
  breaksAt: number;
  slow: boolean;
}

function bodyOf({ bytes, chunks, breaksAt, slow }: Source): ReadableStream {
  let asked = 0;
  const pull = async (controller: ReadableByteStreamController | ReadableStreamDefaultController) => {
    if (slow) await nextTurn();
    if (asked === breaksAt) controller.error(new RangeError('broken'));
    else if (asked++ < chunks) controller.enqueue(new TextEncoder().encode(`piece ${asked};`) as never);
    else {
      controller.close();
      if ('byobRequest' in controller) controller.byobRequest?.respond(0);
    }
  };
  return bytes ? new ReadableStream({ type: 'bytes', pull }) : new ReadableStream({ pull }, { highWaterMark: 0 });
}

/** What is done, to one of what there is by then; whether it is waited for. */
interface Use {
  how: keyof typeof USES;
  which: number;
  wait: boolean;
}

type Reader = ReadableStreamDefaultReader | ReadableStreamBYOBReader;

/** What an application has come to hold. */
class Hands {
  readonly responses: Response[];
  readonly streams: ReadableStream[];
  readonly readers: Reader[] = [];
  readonly iterators: AsyncIterator<unknown>[] = [];
  readonly breaks: boolean;

  constructor(response: Response, breaks: boolean) {
    this.breaks = breaks;
    this.responses = [response];
    this.streams = [response.body as ReadableStream];
  }
}

type Values = { values(options: { preventCancel: boolean }): AsyncIterator<unknown> };
const nth = <T>(list: readonly T[], which: number) => list[which % list.length] as T;
const stream = ({ streams }: Hands, which: number) => nth(streams, which);
const response = ({ responses }: Hands, which: number) => nth(responses, which);
const reader = ({ readers }: Hands, which: number) => nth<Reader | undefined>(readers, which);
const iterator = ({ iterators }: Hands, which: number) => nth<AsyncIterator<unknown> | undefined>(iterators, which);

const USES = {
  getReader: (hands: Hands, which: number) => void hands.readers.push(stream(hands, which).getReader()),
  byob: (hands: Hands, which: number) => void hands.readers.push(stream(hands, which).getReader({ mode: 'byob' })),
  read: (hands: Hands, which: number) =>
    (reader(hands, which) as ReadableStreamBYOBReader | undefined)?.read(new Uint8Array(4)),
  releaseLock: (hands: Hands, which: number) => reader(hands, which)?.releaseLock(),
  closed: (hands: Hands, which: number) => reader(hands, which)?.closed,
  'cancel a reader': (hands: Hands, which: number) => reader(hands, which)?.cancel('why'),
  cancel: (hands: Hands, which: number) => stream(hands, which).cancel('why'),
  values: (hands: Hands, which: number) => {
    hands.iterators.push((stream(hands, which) as unknown as Values).values({ preventCancel: which % 2 === 0 }));
  },
  next: (hands: Hands, which: number) => iterator(hands, which)?.next(),
  return: (hands: Hands, which: number) => iterator(hands, which)?.return?.('enough'),
  tee: (hands: Hands, which: number) => void hands.streams.push(...stream(hands, which).tee()),
  pipeTo: async (hands: Hands, which: number) => {
    let seen = '';
    const write = (chunk: Uint8Array) => {
      seen += Buffer.from(chunk);
      // Where the source breaks as well, it is a matter of microtasks which of both errors is first.
      if (which === 1 && !hands.breaks) throw new TypeError('the destination fails');
    };
    await stream(hands, which).pipeTo(new WritableStream({ write }), { preventCancel: which === 2 });
    return seen;
  },
  pipeThrough: (hands: Hands, which: number) =>
    void hands.streams.push(stream(hands, which).pipeThrough(new TransformStream())),
  clone: (hands: Hands, which: number) => {
    const clone = response(hands, which).clone();
    hands.responses.push(clone);
    hands.streams.push(clone.body as ReadableStream, response(hands, which).body as ReadableStream);
  },
  'new Response': (hands: Hands, which: number) => void hands.responses.push(new Response(stream(hands, which))),
  text: (hands: Hands, which: number) => response(hands, which).text(),
  json: (hands: Hands, which: number) => response(hands, which).json(),
  arrayBuffer: (hands: Hands, which: number) => response(hands, which).arrayBuffer(),
  blob: async (hands: Hands, which: number) => (await response(hands, which).blob()).text(),
  look: (hands: Hands, which: number) => {
    const { bodyUsed, body } = response(hands, which);
    return [bodyUsed, body?.locked, body === stream(hands, which), stream(hands, which).locked];
  },
};

/** A pipe takes some microtasks longer than it would; who looks at once can tell. */
const PIPES = new Set(['pipeTo', 'pipeThrough']);

function told(value: unknown): unknown {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) return Buffer.from(value as Uint8Array).toString();
  if (typeof value === 'object' && value !== null && 'done' in value) {
    const { done, value: inner } = value as IteratorResult<unknown>;
    return [done, told(inner)];
  }
  return value;
}

/** More than any of it takes: what has not ended by then waits for something that doesn't come. */
async function turns(): Promise<void> {
  for (let i = 0; i < 40; i++) await nextTurn();
}

/** Its body has begun by then, however many microtasks that took. */
async function answered(response: Promise<Response>): Promise<Response> {
  const answer = await response;
  await nextTurn();
  return answer;
}

/** What is seen of each use: what it gave, threw or rejected with, or that it is still pending when all is done. */
async function seenOf(answer: Response, { breaksAt }: Source, uses: readonly Use[]): Promise<unknown[]> {
  const hands = new Hands(answer, breaksAt >= 0);
  const seen: unknown[] = uses.map(({ how }) => `${how}: pending`);
  const ends: Promise<void>[] = [];
  let piped = false;
  for (const [index, { how, which, wait }] of uses.entries()) {
    if (piped) await turns();
    piped ||= PIPES.has(how);
    const note = (end: string) => (value: unknown) => {
      seen[index] = [how, end, told(value)];
    };
    try {
      const result: unknown = USES[how](hands, which);
      const end = Promise.resolve(result).then(note('gave'), note('rejected'));
      ends.push(end);
      if (wait) await Promise.race([end, turns()]);
    } catch (error) {
      note('threw')(error);
    }
  }
  await Promise.race([Promise.all(ends), turns()]);
  return seen;
}

const source: fc.Arbitrary<Source> = fc.record({
  bytes: fc.boolean(),
  chunks: fc.nat(4),
  breaksAt: fc.constantFrom(-1, -1, 0, 1, 3),
  slow: fc.boolean(),
});
const use: fc.Arbitrary<Use> = fc.record({
  how: fc.constantFrom(...(Object.keys(USES) as (keyof typeof USES)[])),
  which: fc.nat(3),
  wait: fc.boolean(),
});

const empty = new Response('');
const { recorder } = traced();
const isInPlace = await recorder.run({ kind: 'chat_turn' }, () =>
  recorder.step({}, async () => (await wrapFetch(async () => empty)('http://mock/')) === empty),
);
const skip = isInPlace ? false : 'the body passes through another stream here, which takes its time';

test('a response can be used in any way, and shows no difference', { timeout: 110_000, skip }, async () => {
  await fc.assert(
    fc.asyncProperty(source, fc.array(use, { maxLength: 9 }), async (source, uses) => {
      const answer = async () => new Response(bodyOf(source));
      const bare = await seenOf(await answered(answer()), source, uses);
      const set = traced({ capture: 'content', limits: { idleMillis: 0, pausedMillis: 0 } });
      const fetch = wrapFetch(answer);
      const [seen] = await set.recorder.run({ kind: 'chat_turn' }, () =>
        set.recorder.step({}, async () => [await seenOf(await answered(fetch('http://mock/')), source, uses)] as const),
      );
      await set.shutdown();
      assert.deepEqual(seen, bare);
      assert.equal(attemptsOf(only(set.steps())).length, 1);
    }),
    { numRuns: 400 },
  );
});
