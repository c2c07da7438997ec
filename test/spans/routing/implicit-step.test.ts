import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { context, trace } from '@opentelemetry/api';
import fc from 'fast-check';
import { wrapFetch } from 'runtrace';
import { attemptsOf, type ReadableSpan, type Traced, traced } from '../../support/traced.js';

const URL_OF_CALL = 'https://api.openai.com/v1/chat/completions';

/** How a request is answered: an HTTP status; not at all; with what makes no sense; or not before its caller has gone. */
type Answer = number | 'reset' | 'nonsense' | 'abort' | 'abort in mid-stream';

/** One request of a client. */
interface Sent {
  answer: Answer;
  /** `x-stainless-retry-count`. */
  number?: number;
  body?: string;
  url?: string;
  /** A body that can't be read without consuming it. */
  streamed?: true;
  /** The name of the span that is active around it. */
  span?: string;
  /** Whether the client leaves the body of a refusal alone. */
  unread?: true;
  /** How long the answer takes. */
  delay?: () => Promise<unknown>;
}

const OK = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model: 'gpt-5',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Fine.' }, finish_reason: 'stop' }],
});

function bodyOf(prompt: string): string {
  return JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: prompt }] });
}

/** Answers in this process, as it is told by each request. */
const answering = wrapFetch(async (_input, init) => {
  const answer = await answers.get(init?.signal as AbortSignal)?.();
  if (answer === undefined) throw new Error('nobody said how to answer');
  return answer;
});
const answers = new WeakMap<AbortSignal, () => Promise<Response>>();

async function send({
  answer,
  number,
  body = bodyOf('Hello'),
  url = URL_OF_CALL,
  streamed,
  unread,
  delay,
}: Sent): Promise<void> {
  const controller = new AbortController();
  const { signal } = controller;
  answers.set(signal, async () => {
    await delay?.();
    if (answer === 'reset') throw new TypeError('fetch failed', { cause: { code: 'ECONNRESET', message: 'reset' } });
    if (answer === 'abort') {
      controller.abort();
      throw signal.reason;
    }
    if (answer === 'abort in mid-stream') {
      const text = new TextEncoder().encode(OK.slice(0, 20));
      return new Response(new ReadableStream({ start: (stream) => stream.enqueue(text) }));
    }
    const code = answer === 'nonsense' ? 200 : answer;
    return new Response(code === 200 && answer !== 'nonsense' ? OK : '{}', { status: code });
  });
  const stream = streamed && new Blob([body]).stream();
  const response = await answering(url, {
    method: 'POST',
    signal,
    headers: {
      'content-type': 'application/json',
      ...(number !== undefined && { 'x-stainless-retry-count': `${number}` }),
    },
    body: stream ?? body,
    ...(stream && { duplex: 'half' }),
  } as RequestInit).catch(() => undefined);
  if (answer === 'abort in mid-stream') await response?.body?.cancel();
  else if (!unread) await response?.text();
}

/** Each step as its attempts, in order: `429 200`. */
function stepsOf({ steps }: Traced): string[] {
  return steps().map(codesOf);
}

function codesOf(step: ReadableSpan): string {
  return String(step.attributes['runtrace.step.attempt_codes']);
}

interface Case {
  sent: Sent[];
  /** The attempts of each step. */
  steps: string[];
}

const CASES: Record<string, Case> = {
  // Without numbers
  'a failed call that is made again is the same step': {
    sent: [{ answer: 429 }, { answer: 200 }],
    steps: ['429 200'],
  },
  'so it is as often as it fails': {
    sent: [{ answer: 500 }, { answer: 'reset' }, { answer: 503 }, { answer: 200 }],
    steps: ['500 failed 503 200'],
  },
  'and whatever it failed with: a refusal for good, too': {
    sent: [{ answer: 400 }, { answer: 200 }],
    steps: ['400 200'],
  },
  'an answer that makes no sense has failed as well': {
    sent: [{ answer: 'nonsense' }, { answer: 200 }],
    steps: ['200 200'],
  },
  'the body of a refusal need not have been read': {
    sent: [{ answer: 429, unread: true }, { answer: 429, unread: true }, { answer: 200 }],
    steps: ['429 429 200'],
  },
  'a call that is made again after an answer is another step': {
    sent: [{ answer: 200 }, { answer: 200 }],
    steps: ['200', '200'],
  },
  'after a retry that was answered, too': {
    sent: [{ answer: 500 }, { answer: 200 }, { answer: 200 }],
    steps: ['500 200', '200'],
  },
  'a call with another body is another step': {
    sent: [{ answer: 500 }, { answer: 200, body: bodyOf('Goodbye') }],
    steps: ['500', '200'],
  },
  'a call of another URL is another step': {
    sent: [{ answer: 500 }, { answer: 200, url: `${URL_OF_CALL}?second` }],
    steps: ['500', '200'],
  },
  'a call under another active span is another step': {
    sent: [
      { answer: 500, span: 'one' },
      { answer: 200, span: 'other' },
    ],
    steps: ['500', '200'],
  },
  'a call under the same active span is a retry': {
    sent: [
      { answer: 500, span: 'one' },
      { answer: 200, span: 'one' },
    ],
    steps: ['500 200'],
  },
  'a call that was aborted before its headers and is made again is another step: nothing shows a timeout': {
    sent: [{ answer: 'abort' }, { answer: 200 }],
    steps: ['aborted', '200'],
  },
  'a call that was aborted in mid-stream and is made again is another step': {
    sent: [{ answer: 'abort in mid-stream' }, { answer: 200 }],
    steps: ['200', '200'],
  },
  'the retry goes to the oldest that failed; another call in between changes nothing': {
    sent: [
      { answer: 500 },
      { answer: 500, body: bodyOf('Goodbye') },
      { answer: 200 },
      { answer: 200, body: bodyOf('Goodbye') },
    ],
    steps: ['500 200', '500 200'],
  },
  // With numbers
  'number k is a retry of the step whose last number is k - 1': {
    sent: [
      { answer: 429, number: 0 },
      { answer: 429, number: 1 },
      { answer: 200, number: 2 },
    ],
    steps: ['429 429 200'],
  },
  'number 0 begins a step, however like a failed one it is': {
    sent: [
      { answer: 429, number: 0 },
      { answer: 200, number: 0 },
    ],
    steps: ['429', '200'],
  },
  'a number that is not the next one begins a step': {
    sent: [
      { answer: 429, number: 0 },
      { answer: 200, number: 2 },
    ],
    steps: ['429', '200'],
  },
  'the same number again begins a step': {
    sent: [
      { answer: 429, number: 0 },
      { answer: 429, number: 1 },
      { answer: 200, number: 1 },
    ],
    steps: ['429 429', '200'],
  },
  'a numbered call is no retry of one without a number': {
    sent: [{ answer: 429 }, { answer: 200, number: 1 }],
    steps: ['429', '200'],
  },
  'a call without a number is no retry of a numbered one': {
    sent: [{ answer: 429, number: 0 }, { answer: 200 }],
    steps: ['429', '200'],
  },
  'a numbered call with another body is another step': {
    sent: [
      { answer: 429, number: 0 },
      { answer: 200, number: 1, body: bodyOf('Goodbye') },
    ],
    steps: ['429', '200'],
  },
  'a numbered retry after an abort before the headers shows that the client’s time had run out': {
    sent: [
      { answer: 'abort', number: 0 },
      { answer: 200, number: 1 },
    ],
    steps: ['failed 200'],
  },
  'a numbered call after an abort in mid-stream is another step': {
    sent: [
      { answer: 'abort in mid-stream', number: 0 },
      { answer: 200, number: 1 },
    ],
    steps: ['200', '200'],
  },
  'a numbered call after an answer is another step': {
    sent: [
      { answer: 200, number: 0 },
      { answer: 200, number: 1 },
    ],
    steps: ['200', '200'],
  },
  // Bodies that can't be read
  'a streamed body is known by its number': {
    sent: [
      { answer: 503, number: 0, streamed: true },
      { answer: 200, number: 1, streamed: true },
    ],
    steps: ['503 200'],
  },
  'a streamed body without a number begins a step': {
    sent: [
      { answer: 503, streamed: true },
      { answer: 200, streamed: true },
    ],
    steps: ['503', '200'],
  },
};

/** Makes the calls one after the other, under the spans that they name. */
async function play(sent: readonly Sent[]): Promise<void> {
  const tracer = trace.getTracer('test');
  const spans = new Map(
    [...new Set(sent.map(({ span }) => span))].map((name) => [name, name && tracer.startSpan(name)]),
  );
  for (const one of sent) {
    const span = spans.get(one.span);
    const active = context.active();
    await context.with(span ? trace.setSpan(active, span) : active, () => send(one));
  }
}

describe('in a run, without an explicit step,', () => {
  for (const [name, { sent, steps }] of Object.entries(CASES)) {
    test(name, async () => {
      const scene = traced();
      await scene.recorder.run({ kind: 'chat_turn' }, () => play(sent));
      await scene.shutdown();
      assert.deepEqual(stepsOf(scene), steps);
    });
  }

  test('a step is what its last attempt came to, and its resends are counted', async () => {
    const scene = traced();
    await scene.recorder.run({ kind: 'chat_turn' }, () => play([{ answer: 500 }, { answer: 429 }, { answer: 200 }]));
    const [step] = scene.steps();
    assert.equal(step?.attributes['runtrace.status'], 'completed');
    assert.deepEqual(step && attemptsOf(step).map((attempt) => attempt['http.request.resend_count']), [
      undefined,
      1,
      2,
    ]);
    await scene.shutdown();
  });

  test('a call in another run is another step', async () => {
    const scene = traced();
    for (const answer of [500, 200]) await scene.recorder.run({ kind: 'chat_turn' }, () => send({ answer }));
    await scene.shutdown();
    assert.deepEqual(stepsOf(scene).sort(), ['200', '500']);
  });

  test('a failed call whose hold is over is not waited for: the same again is another step', async () => {
    const scene = traced({ limits: { retryHoldMillis: 10 } });
    await scene.recorder.run({ kind: 'chat_turn' }, async () => {
      await send({ answer: 500 });
      while (scene.steps().length === 0) await sleep(5);
      await send({ answer: 200 });
    });
    await scene.shutdown();
    assert.deepEqual(stepsOf(scene), ['500', '200']);
  });

  test('a run that is over waits for the retry of a call that failed, no longer than idleMillis', async () => {
    const scene = traced({ limits: { idleMillis: 40 } });
    await scene.recorder.run({ kind: 'chat_turn' }, async () => {
      await send({ answer: 500 });
      setTimeout(() => send({ answer: 200 }), 5);
    });
    while (scene.runs().length === 0) await sleep(5);
    assert.deepEqual(stepsOf(scene), ['500 200']);
    await scene.shutdown();
  });
});

describe('inside of an explicit step', () => {
  test('nothing folds: whatever is called is an attempt of it', async () => {
    const scene = traced();
    await scene.recorder.run({ kind: 'chat_turn' }, () =>
      scene.recorder.step({ model: 'gpt-5' }, () =>
        play([{ answer: 200 }, { answer: 500, number: 0 }, { answer: 200, body: bodyOf('Goodbye') }]),
      ),
    );
    await scene.shutdown();
    assert.deepEqual(stepsOf(scene), ['200 500 200']);
  });

  test('the same request again after an abort before the headers shows a timeout, numbered or not', async () => {
    for (const number of [0, undefined]) {
      const scene = traced();
      const retry: Sent = { answer: 200, ...(number === 0 && { number: 1 }) };
      await scene.recorder.run({ kind: 'chat_turn' }, () =>
        scene.recorder.step({}, () => play([{ answer: 'abort', ...(number === 0 && { number }) }, retry])),
      );
      const [step] = scene.steps();
      assert.deepEqual(step && attemptsOf(step).map((attempt) => attempt['runtrace.attempt.status']), [
        'failed',
        'completed',
      ]);
      await scene.shutdown();
    }
  });
});

/** Clients that ask the very same thing at the same time, and retry what fails. */
async function askAtOnce(failures: readonly number[], numbered: boolean, delays: readonly number[]): Promise<Traced> {
  const scene = traced();
  let turn = 0;
  // Answers come in an order that has nothing to do with that of the requests.
  const delay = () => sleep(delays[turn++ % delays.length]);
  await scene.recorder.run({ kind: 'chat_turn' }, () =>
    Promise.all(
      failures.map(async (count) => {
        for (let attempt = 0; attempt <= count; attempt++) {
          await send({ answer: attempt < count ? 429 : 200, delay, ...(numbered && { number: attempt }) });
        }
      }),
    ),
  );
  await scene.shutdown();
  return scene;
}

describe('identical calls at once', () => {
  for (const count of [2, 50]) {
    for (const numbered of [true, false]) {
      test(`${count} of them, ${numbered ? 'numbered' : 'not numbered'}, are ${count} steps, each answered after two failures`, async () => {
        const scene = await askAtOnce(Array(count).fill(2), numbered, [0]);
        assert.deepEqual(stepsOf(scene), Array(count).fill('429 429 200'));
      });
    }
  }

  test('may swap attempts, but no mix of failures changes the count of steps, nor loses an attempt or an answer', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 2, maxLength: 12 }),
        fc.boolean(),
        fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 20 }),
        async (failures, numbered, order) => {
          const scene = await askAtOnce(failures, numbered, order);
          const steps = scene.steps();
          assert.equal(steps.length, failures.length);
          assert.ok(steps.every(({ attributes }) => attributes['runtrace.status'] === 'completed'));
          assert.deepEqual(
            steps.flatMap((step) => codesOf(step).split(' ')).sort(),
            failures.flatMap((count) => [...Array(count).fill('429'), '200']).sort(),
          );
          if (!numbered) return;
          assert.deepEqual(
            steps.map((step) => attemptsOf(step).length).sort(),
            failures.map((count) => count + 1).sort(),
          );
        },
      ),
      { numRuns: 30 },
    );
  });
});
