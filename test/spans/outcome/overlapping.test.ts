import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { wrapFetch } from 'runtrace';
import { decidingAttempt, type EndedAttempt, lastGroup } from '../../../src/spans/attempts/last-group.js';
import { only, type ReadableSpan, traced } from '../../support/traced.js';

const statusOf = (span: ReadableSpan) => span.attributes['runtrace.status'];
const inputTokensOf = (span: ReadableSpan) => span.attributes['gen_ai.usage.input_tokens'];

const piece = (content: string) => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`;
const end = (id: string, input: number) =>
  `data: ${JSON.stringify({ id, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: { prompt_tokens: input, completion_tokens: 1 } })}\n\ndata: [DONE]\n\n`;

/** Answers by the model's name: `NAME:headersAfter:endAfter`, in milliseconds; `stall` never ends. */
const fetch = wrapFetch(async (_input, init) => {
  const { model } = JSON.parse(String(init?.body)) as { model: string };
  const [id = '', headersAfter = '0', endAfter = '0'] = model.split(':');
  const signal = init?.signal;
  if (headersAfter === 'fail') return Response.json({ error: { type: 'overloaded' } }, { status: 503 });
  await sleep(Number(headersAfter), undefined, signal ? { signal } : {});
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const bytes = (text: string) => new TextEncoder().encode(text);
  const body = new ReadableStream<Uint8Array>({
    start(it) {
      controller = it;
    },
  });
  signal?.addEventListener('abort', () => controller?.error(signal.reason), { once: true });
  controller?.enqueue(bytes(piece('Hel')));
  if (endAfter !== 'stall') {
    setTimeout(() => {
      if (signal?.aborted) return;
      controller?.enqueue(bytes(end(id, Number(id.length))));
      controller?.close();
    }, Number(endAfter));
  }
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
});

async function ask(model: string, signal?: AbortSignal, name = 'chat/completions'): Promise<string> {
  const body = JSON.stringify({ model, stream: true, messages: [] });
  const response = await fetch(`http://model/v1/${name}`, { method: 'POST', body, signal: signal ?? null });
  return response.text();
}

const quietly = (call: Promise<unknown>) => call.catch(() => {});

async function step(play: (stop: AbortController) => Promise<unknown>): Promise<ReadableSpan> {
  const { recorder, steps } = traced();
  await recorder.run({ kind: 'chat_turn' }, () => recorder.step({}, () => play(new AbortController())));
  return only(steps());
}

describe('a step with overlapping calls', () => {
  test('of the same request is completed by the first answer; the loser of the hedge is cancelled', async () => {
    for (const model of ['hedge:20:20', 'hedge:0:40']) {
      const span = await step(async (loser) => {
        const slow = quietly(ask(model, loser.signal));
        await sleep(5);
        const answer = await ask(model);
        loser.abort();
        await slow;
        return answer;
      });
      assert.deepEqual([statusOf(span), inputTokensOf(span)], ['completed', 5]);
    }
  });

  test('to two providers is completed if the loser is cancelled before its first chunk', async () => {
    const span = await step(async (loser) => {
      const fast = ask('fast:0:10');
      const slow = quietly(ask('slow:600000:60', loser.signal));
      const answer = await fast;
      loser.abort();
      await slow;
      return answer;
    });
    assert.deepEqual([statusOf(span), inputTokensOf(span)], ['completed', 4]);
  });

  test('to two providers is interrupted if the loser had begun to stream', async () => {
    const span = await step(async (loser) => {
      const slow = quietly(ask('slow:0:stall', loser.signal));
      await ask('fast:0:20');
      loser.abort();
      await slow;
    });
    assert.equal(statusOf(span), 'interrupted');
  });

  test('is completed if a refused call beside the answered one is not retried', async () => {
    const span = await step(() => Promise.all([ask('answer:0:30'), ask('refused:fail')]));
    assert.equal(statusOf(span), 'completed');
  });

  for (const first of ['title', 'main']) {
    test(`is interrupted by the stop of its main stream beside an answered title, ${first} first`, async () => {
      const span = await step(async (stop) => {
        const calls = [() => ask('title:0:20'), () => quietly(ask('main:0:stall', stop.signal))];
        if (first === 'main') calls.reverse();
        const running = Promise.all(calls.map((call) => call()));
        await sleep(50);
        stop.abort();
        await running;
      });
      assert.equal(statusOf(span), 'interrupted');
    });
  }

  test('adds up the usage of all answered attempts', async () => {
    const span = await step(() => Promise.all([ask('one:0:5'), ask('three:0:20')]));
    assert.deepEqual([statusOf(span), inputTokensOf(span)], ['completed', 8]);
  });

  test('is judged by its last group: what ended before that began does not count', async () => {
    const span = await step(async (stop) => {
      await ask('early:0:5');
      const main = quietly(ask('main:0:stall', stop.signal));
      await sleep(10);
      stop.abort();
      await main;
    });
    assert.equal(statusOf(span), 'interrupted');
    const other = await step(async (stop) => {
      const main = quietly(ask('main:0:stall', stop.signal));
      await sleep(10);
      stop.abort();
      await main;
      await ask('late:0:5');
    });
    assert.equal(statusOf(other), 'completed');
  });
});

interface Modelled extends EndedAttempt {
  readonly request: number;
}

const attempts = fc
  .array(
    fc.record({
      startedAt: fc.integer({ min: 0, max: 12 }),
      millis: fc.integer({ min: 1, max: 6 }),
      status: fc.constantFrom('completed' as const, 'error' as const, 'interrupted' as const),
      contentBegan: fc.boolean(),
      request: fc.integer({ min: 0, max: 2 }),
    }),
    { minLength: 1, maxLength: 7 },
  )
  .map((given) =>
    given.map(
      ({ millis, ...attempt }, index): Modelled => ({
        ...attempt,
        number: index + 1,
        endedAt: attempt.startedAt + millis,
      }),
    ),
  );

const overlap = (a: Modelled, b: Modelled) => a.startedAt < b.endedAt && b.startedAt < a.endedAt;

/** The group of the attempt that ended last: everything that a chain of overlaps connects to it. */
function modelGroup(all: readonly Modelled[]): Modelled[] {
  const group = new Set([all.reduce((a, b) => (b.endedAt > a.endedAt ? b : a))]);
  for (let size = 0; size !== group.size; ) {
    size = group.size;
    for (const attempt of all) if ([...group].some((member) => overlap(member, attempt))) group.add(attempt);
  }
  return all.filter((attempt) => group.has(attempt));
}

/** The status by the rules as they are written down, read one after the other. */
function modelStatus(all: readonly Modelled[]): string {
  const group = modelGroup(all);
  if (group.length === 1) return group[0]?.status ?? '';
  const answers = group.filter(({ status }) => status === 'completed');
  const counts = group.filter((attempt) => {
    if (attempt.status === 'completed') return false;
    if (answers.length === 0) return true;
    return attempt.contentBegan && !answers.some(({ request }) => request === attempt.request);
  });
  if (counts.length === 0) return 'completed';
  const byRequest = new Map<number, Modelled>();
  const inOrder = [...counts].sort((a, b) => a.endedAt - b.endedAt || a.number - b.number);
  for (const attempt of inOrder) byRequest.set(attempt.request, attempt);
  return [...byRequest.values()].some(({ status }) => status === 'error') ? 'error' : 'interrupted';
}

describe('calls that overlap in any way,', () => {
  const sameRequest = (a: Modelled, b: Modelled) => a.request === b.request;

  test('the last group is what a chain of overlaps connects to the attempt that ended last', () => {
    fc.assert(
      fc.property(attempts, (all) => {
        const numbers = (list: readonly Modelled[]) => list.map(({ number }) => number).sort();
        assert.deepEqual(numbers(lastGroup(all)), numbers(modelGroup(all)));
      }),
    );
  });

  test('the status is the one that the rules give, in any order of the ends', () => {
    fc.assert(
      fc.property(attempts, fc.infiniteStream(fc.nat()), (all, keys) => {
        const shuffled = [...all].map((attempt) => ({ attempt, key: keys.next().value as number }));
        shuffled.sort((a, b) => a.key - b.key);
        for (const list of [all, shuffled.map(({ attempt }) => attempt)]) {
          assert.equal(decidingAttempt(list, sameRequest)?.status, modelStatus(all));
        }
      }),
      { numRuns: 2000 },
    );
  });
});
