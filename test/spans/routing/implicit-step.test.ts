import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { context, trace } from '@opentelemetry/api';
import fc from 'fast-check';
import OpenAI from 'openai';
import { wrapFetch } from 'runtrace';
import { attemptsOf, only, type ReadableSpan, type Traced, traced } from '../../support/traced.js';

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
  /** Whether the client cancels the body of a refusal: so do the clients that number their retries, when they are about to retry. */
  cancelled?: boolean;
  /** How long the answer takes. It may set `answer` and `cancelled`. */
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
  if (answer === undefined) throw new Error('no answer was given for this');
  return answer;
});
const answers = new WeakMap<AbortSignal, () => Promise<Response>>();

async function send(sent: Sent): Promise<void> {
  const { number, body = bodyOf('Hello'), url = URL_OF_CALL, streamed, unread } = sent;
  const controller = new AbortController();
  const { signal } = controller;
  answers.set(signal, async () => {
    await sent.delay?.();
    const { answer } = sent;
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
  if (sent.cancelled || sent.answer === 'abort in mid-stream') await response?.body?.cancel();
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
  'a call that is made again after a refusal that a retry can’t help is another step': {
    sent: [{ answer: 400 }, { answer: 401 }, { answer: 403 }, { answer: 404 }, { answer: 422 }, { answer: 200 }],
    steps: ['400', '401', '403', '404', '422', '200'],
  },
  'also where the body of that refusal was not read': {
    sent: [{ answer: 400, unread: true }, { answer: 200 }],
    steps: ['400', '200'],
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
  'a span of another instrumentation around each attempt does not separate the attempts': {
    sent: [{ answer: 500, span: 'one' }, { answer: 503, span: 'other' }, { answer: 200 }],
    steps: ['500 503 200'],
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
  'number 0 after a failure that a retry can help is a retry by a layer above the client': {
    sent: [
      { answer: 429, number: 0 },
      { answer: 429, number: 0 },
      { answer: 200, number: 0 },
    ],
    steps: ['429 429 200'],
  },
  'whichever of those failures it is': {
    sent: ([408, 409, 425, 500, 529, 'reset', 'nonsense', 200] as const).map((answer) => ({ answer, number: 0 })),
    steps: ['408 409 425 500 529 failed 200 200'],
  },
  'number 0 after a refusal that a retry can’t help begins a step': {
    sent: ([400, 401, 403, 404, 422, 200] as const).map((answer) => ({ answer, number: 0 })),
    steps: ['400', '401', '403', '404', '422', '200'],
  },
  'number 0 is a retry of the last number of a client that has given up': {
    sent: [
      { answer: 503, number: 0, cancelled: true },
      { answer: 503, number: 1 },
      { answer: 503, number: 0, cancelled: true },
      { answer: 200, number: 1 },
    ],
    steps: ['503 503 503 200'],
  },
  'number 0 begins a step while the client is about to retry the failure': {
    sent: [
      { answer: 503, number: 0, cancelled: true },
      { answer: 200, number: 0 },
      { answer: 200, number: 1 },
    ],
    steps: ['503 200', '200'],
  },
  'number 0 with another body begins a step': {
    sent: [
      { answer: 429, number: 0 },
      { answer: 200, number: 0, body: bodyOf('Goodbye') },
    ],
    steps: ['429', '200'],
  },
  'number 0 after an answer begins a step': {
    sent: [
      { answer: 429, number: 0 },
      { answer: 200, number: 0 },
      { answer: 200, number: 0 },
    ],
    steps: ['429 200', '200'],
  },
  'number 0 after an abort begins a step, because nothing shows that the client’s time had run out': {
    sent: [
      { answer: 'abort', number: 0 },
      { answer: 200, number: 0 },
    ],
    steps: ['aborted', '200'],
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
  'a streamed body with number 0 begins a step': {
    sent: [
      { answer: 503, number: 0, streamed: true },
      { answer: 200, number: 0, streamed: true },
    ],
    steps: ['503', '200'],
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

    test(`${name}; with bodies that are released after their calls`, async () => {
      const scene = traced();
      const long = ({ body = bodyOf('Hello'), ...rest }: Sent): Sent => ({ ...rest, body: body.padStart(100_000) });
      await scene.recorder.run({ kind: 'chat_turn' }, async () => {
        for (const one of sent) {
          await play([Object.assign(one, long(one))]);
          await nextTurn();
        }
      });
      await scene.shutdown();
      assert.deepEqual(stepsOf(scene), steps);
    });
  }

  test('a long body is compared after its call, too, where the step is the application\u2019s', async () => {
    const scene = traced();
    const body = (prompt: string) => bodyOf(prompt.padEnd(100_000));
    await scene.recorder.run({ kind: 'chat_turn' }, (run) =>
      run.step({}, async () => {
        for (const prompt of ['same', 'same', 'other', 'other']) {
          await play([{ answer: 200, body: body(prompt) }]);
          await nextTurn();
        }
      }),
    );
    const [step] = scene.steps();
    assert.deepEqual(step && attemptsOf(step).map((attempt) => attempt['http.request.resend_count']), [
      undefined,
      1,
      undefined,
      1,
    ]);
  });

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

  test('a call in another tool call is another step, and one in the same tool call is a retry', async () => {
    const scene = traced();
    const { tool } = scene.recorder;
    const span = (name: string) => ({ span: name });
    await scene.recorder.run({ kind: 'chat_turn' }, async () => {
      await send({ answer: 500 });
      await tool({ name: 'one' }, () =>
        play([
          { answer: 503, ...span('a') },
          { answer: 200, ...span('b') },
        ]),
      );
      await tool({ name: 'other' }, () => play([{ answer: 502, ...span('c') }]));
      await send({ answer: 201 });
    });
    await scene.shutdown();
    assert.deepEqual(stepsOf(scene), ['500 201', '503 200', '502']);
  });

  test('a call in a nested run is another step, also below a span of another instrumentation', async () => {
    const scene = traced();
    await scene.recorder.run({ kind: 'chat_turn' }, async () => {
      await send({ answer: 500 });
      await trace.getTracer('test').startActiveSpan('workflow', async () => {
        await scene.recorder.run({ kind: 'title' }, () => play([{ answer: 503 }, { answer: 200 }]));
      });
      await send({ answer: 201 });
    });
    await scene.shutdown();
    assert.deepEqual(stepsOf(scene).sort(), ['500 201', '503 200']);
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
  test('nothing folds: every call is an attempt of it', async () => {
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

/** Which layer retries: a client that numbers its retries, a client that doesn’t, or a layer above a client, so each number is 0. */
const LAYERS = ['numbered', 'not numbered', 'above the client', 'in both layers'] as const;
type Layer = (typeof LAYERS)[number];

/** Attempt number `attempt` of a call that fails `failures` times. */
function sentBy(layer: Layer, attempt: number, failures: number): Sent {
  const answer = attempt < failures ? 429 : 200;
  if (layer === 'not numbered') return { answer };
  if (layer === 'above the client') return { answer, number: 0 };
  const cancelled = answer === 429;
  if (layer === 'numbered') return { answer, number: attempt, cancelled };
  // The client retries once, then the layer above it calls the client again.
  return { answer, number: attempt % 2, cancelled: cancelled && attempt % 2 === 0 };
}

/** Clients send equal requests at the same time, and what fails is retried. */
async function askAtOnce(failures: readonly number[], layer: Layer, delays: readonly number[]): Promise<Traced> {
  const scene = traced();
  let turn = 0;
  // The order of the answers has nothing to do with the order of the requests.
  const delay = () => sleep(delays[turn++ % delays.length]);
  await scene.recorder.run({ kind: 'chat_turn' }, () =>
    Promise.all(
      failures.map(async (count) => {
        for (let attempt = 0; attempt <= count; attempt++) await send({ ...sentBy(layer, attempt, count), delay });
      }),
    ),
  );
  await scene.shutdown();
  return scene;
}

describe('identical calls at once', () => {
  for (const count of [2, 50]) {
    for (const layer of LAYERS) {
      test(`${count} of them, retried ${layer}, are ${count} steps, each answered after two failures`, async () => {
        const scene = await askAtOnce(Array(count).fill(2), layer, [0]);
        assert.deepEqual(stepsOf(scene), Array(count).fill('429 429 200'));
      });
    }
  }

  test('may swap attempts, but no mix of failures changes the count of steps, nor loses an attempt or an answer', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 2, maxLength: 12 }),
        fc.constantFrom(...LAYERS),
        fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 20 }),
        async (failures, layer, order) => {
          const scene = await askAtOnce(failures, layer, order);
          const steps = scene.steps();
          assert.equal(steps.length, failures.length);
          assert.ok(steps.every(({ attributes }) => attributes['runtrace.status'] === 'completed'));
          assert.deepEqual(
            steps.flatMap((step) => codesOf(step).split(' ')).sort(),
            failures.flatMap((count) => [...Array(count).fill('429'), '200']).sort(),
          );
          if (layer !== 'numbered') return;
          assert.deepEqual(
            steps.map((step) => attemptsOf(step).length).sort(),
            failures.map((count) => count + 1).sort(),
          );
        },
      ),
      { numRuns: 40 },
    );
  });
});

/** A request is sent, or the oldest request in flight is answered. */
type Event = { send: { number: number | undefined; prompt: number } } | { answer: Answer; cancelled: boolean };

/** The rules of folding, as docs/recording.md has them, for requests of one URL. */
class Model {
  readonly #steps: { prompt: number; codes: string[]; last: { number: number | undefined; state: string } }[] = [];

  /** Returns what ends the attempt. */
  send({
    number,
    prompt,
  }: {
    number: number | undefined;
    prompt: number;
  }): (answer: Answer, cancelled: boolean) => void {
    const known = this.#steps.find(({ prompt: its, last }) => {
      if (its !== prompt) return false;
      if (number === undefined) return last.number === undefined && last.state === 'can be retried';
      if (last.number === undefined) return false;
      if (number === 0) return last.state === 'can be retried';
      return last.number === number - 1 && last.state !== 'in flight' && last.state !== 'answered';
    });
    const step = known ?? { prompt, codes: [], last: { number, state: '' } };
    if (!known) this.#steps.push(step);
    step.last = { number, state: 'in flight' };
    const place = step.codes.push('') - 1;
    return (answer, cancelled) => {
      step.codes[place] = answer === 'reset' ? 'failed' : answer === 'nonsense' ? '200' : String(answer);
      step.last.state =
        answer === 200
          ? 'answered'
          : answer === 400
            ? 'refused for good'
            : cancelled && number !== undefined && typeof answer === 'number'
              ? 'about to be retried by its client'
              : 'can be retried';
    };
  }

  get steps(): string[] {
    return this.#steps.map(({ codes }) => codes.join(' '));
  }
}

describe('any order of requests and answers', () => {
  const event: fc.Arbitrary<Event> = fc.oneof(
    fc.record({
      send: fc.record({
        number: fc.constantFrom(undefined, 0, 0, 0, 1, 2),
        prompt: fc.constantFrom(1, 1, 2),
      }),
    }),
    fc.record({
      answer: fc.constantFrom<Answer[]>(200, 400, 408, 425, 429, 503, 'reset', 'nonsense'),
      cancelled: fc.boolean(),
    }),
  );

  test('makes the steps that the rules of folding make', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 2, maxLength: 30 }), async (events) => {
        const scene = traced();
        const model = new Model();
        const inFlight: { answer(answer: Answer, cancelled: boolean): Promise<void> }[] = [];
        await scene.recorder.run({ kind: 'chat_turn' }, async () => {
          for (const event of events) {
            if ('send' in event) inFlight.push(begin(event.send, model));
            else await inFlight.shift()?.answer(event.answer, event.cancelled && typeof event.answer === 'number');
          }
          for (const one of inFlight) await one.answer(200, false);
        });
        await scene.shutdown();
        assert.deepEqual(stepsOf(scene), model.steps);
      }),
      { numRuns: 300 },
    );
  });

  /** Sends a request, in the model and in fact. */
  function begin({ number, prompt }: { number: number | undefined; prompt: number }, model: Model) {
    const inModel = model.send({ number, prompt });
    const sent: Sent = { answer: 200, body: bodyOf(`${prompt}`), ...(number !== undefined && { number }) };
    let arrive = (): void => {};
    sent.delay = () =>
      new Promise<void>((resolve) => {
        arrive = resolve;
      });
    const done = send(sent);
    return {
      async answer(answer: Answer, cancelled: boolean) {
        inModel(answer, cancelled && answer !== 200);
        Object.assign(sent, { answer, cancelled: cancelled && answer !== 200 });
        arrive();
        await done;
      },
    };
  }
});

describe('a retry that is made above the openai client', () => {
  const ask = (client: OpenAI) =>
    client.chat.completions.create({ model: 'gpt-5', messages: [{ role: 'user', content: 'Hello' }] });

  /** Answers one request after the other. */
  function clientOf(codes: number[], maxRetries: number, waitMillis = 1): OpenAI {
    const headers = { 'content-type': 'application/json', 'retry-after-ms': `${waitMillis}` };
    const fetch = wrapFetch(async () => {
      const status = codes.shift() ?? 200;
      return new Response(status === 200 ? OK : '{"error":{"message":"busy"}}', { status, headers });
    });
    return new OpenAI({ apiKey: 'sk-not-a-key', maxRetries, fetch, logLevel: 'off' });
  }

  /** Calls again, as LangChain does, until there is an answer. */
  async function askAgain(client: OpenAI, calls: number): Promise<void> {
    for (let call = 1; call <= calls; call++) {
      const answer = await ask(client).catch(() => undefined);
      if (answer) return;
    }
  }

  test('is the same step, and the run has no error', async () => {
    const scene = traced();
    await scene.recorder.run({ kind: 'chat_turn' }, () => askAgain(clientOf([429, 429], 0), 3));
    await scene.shutdown();
    assert.deepEqual(stepsOf(scene), ['429 429 200']);
    assert.equal(only(scene.runs()).attributes['runtrace.run.has_error'], false);
  });

  test('is the same step where the client retries, too', async () => {
    const scene = traced();
    await scene.recorder.run({ kind: 'chat_turn' }, () => askAgain(clientOf([503, 503, 503, 503], 1), 3));
    await scene.shutdown();
    assert.deepEqual(stepsOf(scene), ['503 503 503 503 200']);
  });

  test('is the same step after a stream that broke, or that had an error in it', async () => {
    const first = 'data: {"id":"1","choices":[{"index":0,"delta":{"role":"assistant","content":"Fi"}}]}\n\n';
    const breaks = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode(first)),
      pull: (controller) => controller.error(new TypeError('terminated')),
    });
    const end = 'data: {"id":"1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';
    const bodies = [breaks, `${first}data: {"error":{"code":"busy"}}\n\n`, first + end];
    const headers = { 'content-type': 'text/event-stream' };
    const fetch = wrapFetch(async () => new Response(bodies.shift(), { headers }));
    const client = new OpenAI({ apiKey: 'sk-not-a-key', maxRetries: 0, fetch, logLevel: 'off' });
    const scene = traced();
    await scene.recorder.run({ kind: 'chat_turn' }, async () => {
      for (let isAnswered = false; !isAnswered; ) {
        isAnswered = await client.chat.completions
          .create({ model: 'gpt-5', stream: true, messages: [{ role: 'user', content: 'Hello' }] })
          .then(async (stream) => {
            for await (const _chunk of stream);
            return true;
          })
          .catch(() => false);
      }
    });
    await scene.shutdown();
    assert.deepEqual(stepsOf(scene), ['200 200 200']);
    assert.equal(only(scene.steps()).attributes['runtrace.status'], 'completed');
  });

  test('is the same step in a tool call, also where each try has a span of its own', async () => {
    const scene = traced();
    const client = clientOf([429, 503], 0);
    const tracer = trace.getTracer('test');
    await scene.recorder.run({ kind: 'chat_turn' }, () =>
      scene.recorder.tool({ name: 'search' }, async () => {
        for (let call = 1; call <= 3; call++)
          await tracer.startActiveSpan('try', (span) =>
            ask(client)
              .catch(() => {})
              .finally(() => span.end()),
          );
      }),
    );
    await scene.shutdown();
    assert.deepEqual(stepsOf(scene), ['429 503 200']);
  });

  test('is another step with another model: a fallback', async () => {
    const scene = traced();
    const client = clientOf([503], 0);
    await scene.recorder.run({ kind: 'chat_turn' }, () =>
      ask(client).catch(() => client.chat.completions.create({ model: 'gpt-5-mini', messages: [] })),
    );
    await scene.shutdown();
    assert.deepEqual(stepsOf(scene), ['503', '200']);
  });

  test('is not what a second call is that begins while the client waits for its own retry', async () => {
    const scene = traced();
    await scene.recorder.run({ kind: 'chat_turn' }, async () => {
      const client = clientOf([429], 2, 200);
      const first = ask(client);
      await sleep(20);
      await Promise.all([first, ask(client)]);
    });
    await scene.shutdown();
    assert.deepEqual(stepsOf(scene).sort(), ['200', '429 200']);
  });

  test('makes two steps in two explicit steps', async () => {
    const scene = traced();
    const client = clientOf([429], 0);
    await scene.recorder.run({ kind: 'chat_turn' }, async () => {
      await scene.recorder.step({}, () => ask(client)).catch(() => {});
      await scene.recorder.step({}, () => ask(client));
    });
    await scene.shutdown();
    assert.deepEqual(stepsOf(scene), ['429', '200']);
  });
});
