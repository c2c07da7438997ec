import assert from 'node:assert/strict';
import { after, before, describe, mock, test } from 'node:test';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';
import { recordingFetch, wrapFetch } from 'runtrace';
import {
  type Behaviour,
  ok,
  type Provider,
  slow,
  stallMidStream,
  startProvider,
  status,
} from '../../../examples/demo/provider.js';
import { diagnosed } from '../../support/diagnosed.js';
import { attemptsOf, millisOf, only, type ReadableSpan, type Traced, traced } from '../../support/traced.js';
import { until } from '../../support/until.js';

let provider: Provider;
before(async () => {
  provider = await startProvider();
});
after(() => provider.close());

const usage = { input: 3, output: 4 };
const IDLE_MILLIS = 60;
const limits = { idleMillis: IDLE_MILLIS };
const statusOf = (span: ReadableSpan) => span.attributes['runtrace.status'];
const lasted = ({ duration }: ReadableSpan) => millisOf(duration);
const endOf = ({ endTime }: ReadableSpan) => millisOf(endTime);

let models = 0;

function ask(behaviour: Behaviour, fetch = recordingFetch): Promise<Response> {
  const model = `times.${++models}`;
  provider.script(model, behaviour);
  const body = JSON.stringify({
    model,
    stream: true,
    stream_options: { include_usage: true },
    messages: [{ role: 'user', content: 'Hi' }],
  });
  return fetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body });
}

/** A stream that is read in part, left for a while, and read to its end. */
async function readWithPause(body: ReadableStream | null, millis: number): Promise<void> {
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  await sleep(millis);
  while (!(await reader.read()).done);
}

describe('a reader that pauses', () => {
  test('for longer than an unread body may wait, and reads to the end, completes the call', async () => {
    for (const explicit of [false, true]) {
      const { recorder, runs, steps } = traced({ limits });
      const response = await recorder.run({ kind: 'chat_turn' }, () =>
        explicit ? recorder.step({}, () => ask(slow(2, { usage }))) : ask(slow(2, { usage })),
      );
      await readWithPause(response.body, IDLE_MILLIS * 4);
      await until(() => runs().length === 1);
      assert.deepEqual([statusOf(only(steps())), statusOf(only(runs()))], ['completed', 'completed']);
      assert.equal(only(steps()).attributes['gen_ai.usage.output_tokens'], 4);
    }
  });

  test('a returned generator completes the run as well', async () => {
    const { recorder, runs } = traced({ limits });
    const numbers = await recorder.run({ kind: 'chat_turn' }, async function* () {
      yield 1;
      yield 2;
    });
    assert.deepEqual(await numbers.next(), { done: false, value: 1 });
    await sleep(IDLE_MILLIS * 4);
    for await (const _ of numbers);
    await until(() => runs().length === 1);
    assert.equal(statusOf(only(runs())), 'completed');
  });

  test('for longer than pausedMillis is interrupted, and what it reads then is reported', async (t) => {
    const messages = diagnosed(t);
    const { recorder, runs, steps } = traced({ limits: { idleMillis: 20, pausedMillis: 40 } });
    const response = await recorder.run({ kind: 'chat_turn' }, () => ask(slow(2)));
    await readWithPause(response.body, 400);
    assert.deepEqual([statusOf(only(steps())), statusOf(only(runs()))], ['interrupted', 'interrupted']);
    assert.ok(messages.some((message) => message.includes('a body was read on after its attempt had been given up')));
  });
});

describe('a step ends at its last activity', () => {
  const UNREAD_MILLIS = 500;
  const unread = { idleMillis: UNREAD_MILLIS };

  test('a stream that is never read: the step ends with its headers, and the run no earlier', async () => {
    const { recorder, runs, steps } = traced({ limits: unread });
    const held = await recorder.run({ kind: 'chat_turn' }, async () => ({ response: await ask(stallMidStream()) }));
    await until(() => runs().length === 1);
    assert.ok(held.response.body);
    assert.equal(statusOf(only(steps())), 'interrupted');
    assert.ok(lasted(only(steps())) < UNREAD_MILLIS, `${lasted(only(steps()))} ms`);
    assert.ok(Number(attemptsOf(only(steps()))[0]?.['runtrace.attempt.duration_ms']) < UNREAD_MILLIS);
    assert.ok(endOf(only(runs())) >= endOf(only(steps())));
  });

  test('a step that was started and never finished ends when it was last active', async () => {
    const { recorder, runs, steps } = traced({ limits: unread });
    const held = await recorder.run({ kind: 'chat_turn' }, (run) => ({ step: run.startStep() }));
    await until(() => runs().length === 1);
    assert.equal(held.step.number, 1);
    assert.ok(lasted(only(steps())) < UNREAD_MILLIS && lasted(only(runs())) < UNREAD_MILLIS);
  });

  test('a call that is read after the function returned: the run ends with it', async () => {
    const { recorder, runs, steps } = traced();
    const held = await recorder.run({ kind: 'chat_turn' }, async () => ({ response: await ask(slow(5)) }));
    await sleep(30);
    await held.response.text();
    await until(() => runs().length === 1);
    assert.equal(statusOf(only(steps())), 'completed');
    assert.equal(endOf(only(runs())), endOf(only(steps())));
  });

  test('of several steps, none ends after its run', async () => {
    const { recorder, runs, steps, shutdown } = traced({ limits: unread });
    const held = await recorder.run({ kind: 'chat_turn' }, async (run) => {
      await recorder.step({}, () => {});
      return { step: run.startStep(), responses: [await ask(slow(5)), await ask(stallMidStream())] };
    });
    await held.responses[0]?.text();
    await shutdown();
    assert.equal(steps().length, 4);
    for (const step of steps()) assert.ok(endOf(step) <= endOf(only(runs())));
  });
});

describe('a run settles one turn of the event loop after it is over', () => {
  const later = async () => {
    for (let turn = 0; turn < 3; turn++) await nextTurn();
  };

  test('so a call that its function started without awaiting it is recorded', async () => {
    const { recorder, runs, steps } = traced();
    const client = new OpenAI({ apiKey: 'none', baseURL: `${provider.url}/v1`, fetch: recordingFetch });
    const model = `times.${++models}`;
    provider.script(model, ok());
    await recorder.run({ kind: 'chat_turn' }, () => {
      client.chat.completions.create({ model, messages: [{ role: 'user', content: 'Hi' }] }).then(() => {});
    });
    await until(() => runs().length === 1);
    assert.equal(statusOf(only(steps())), 'completed');
  });

  test('so calls that follow one another without being awaited are recorded', async () => {
    const { recorder, runs, steps } = traced();
    await recorder.run({ kind: 'chat_turn' }, () => {
      void (async () => {
        await (await ask(ok())).text();
        await Promise.resolve();
        await (await ask(ok())).text();
      })();
    });
    await until(() => runs().length === 1);
    assert.deepEqual(steps().map(statusOf), ['completed', 'completed']);
  });

  const BEGINNINGS: Record<string, (call: () => Promise<unknown>, recorder: Traced['recorder']) => unknown> = {
    'in process.nextTick()': (call) => process.nextTick(call),
    'in setImmediate()': (call) => void setImmediate(call),
    'after an asynchronous import': (call) => void import('node:os').then(call),
    'in an explicit step': (call, { step }) => void step({}, call),
    'in a tool call': (call, { tool }) => void tool({ name: 'search' }, call),
    'of a function that throws': (call) => {
      void call();
      throw new RangeError('mine');
    },
  };
  for (const [name, begin] of Object.entries(BEGINNINGS)) {
    test(`so a call is recorded that begins ${name}`, async () => {
      const { recorder, runs, steps } = traced();
      const call = async () => (await ask(ok())).text();
      await recorder.run({ kind: 'chat_turn' }, () => void begin(call, recorder)).catch(() => {});
      await until(() => runs().length === 1);
      assert.equal(statusOf(only(steps())), 'completed');
    });
  }

  test('so a second finish may follow the first', async () => {
    const { recorder, runs } = traced();
    const run = recorder.startRun({ kind: 'chat_turn' });
    run.finish('error');
    await Promise.resolve();
    run.finish('completed');
    await later();
    assert.equal(statusOf(only(runs())), 'completed');
  });

  test('with faked timers, too', async (t) => {
    t.after(() => mock.timers.reset());
    mock.timers.enable();
    const { recorder, runs } = traced();
    recorder.startRun({ kind: 'chat_turn' }).finish('completed');
    for (let turn = 0; turn < 3; turn++) await sleepless();
    assert.equal(statusOf(only(runs())), 'completed');
  });

  test('or at once, by forceFlush, which needs no timer', async (t) => {
    t.after(() => mock.timers.reset());
    const { recorder, runs, provider: tracerProvider } = traced();
    mock.timers.enable();
    recorder.startRun({ kind: 'chat_turn' }).finish('completed');
    recorder.startRun({ kind: 'still running' });
    // Not awaited: InMemorySpanExporter itself waits for a timer.
    void tracerProvider.forceFlush();
    assert.equal(statusOf(only(runs())), 'completed');
  });
});

/** Resolves in a later turn of the event loop without any timer. */
async function sleepless(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  await new Promise<void>((resolve) => {
    port1.onmessage = () => resolve();
    port2.postMessage(undefined);
  });
  port1.close();
}

describe('a refusal whose body is not read ends with its headers', () => {
  const WAIT = 300;
  for (const [how, leave] of Object.entries({
    'that is left': async () => sleep(WAIT),
    'that is cancelled after the wait': async (response: Response) => {
      await sleep(WAIT);
      await response.body?.cancel();
    },
  })) {
    test(`${how}: the back-off is the wait of the next attempt`, async () => {
      const { recorder, steps } = traced();
      const model = `times.${++models}`;
      provider.script(model, status(429), ok());
      const body = JSON.stringify({ model, messages: [] });
      await recorder.run({ kind: 'chat_turn' }, async () => {
        for (let attempt = 0; attempt < 2; attempt++) {
          const response = await recordingFetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body });
          if (!response.ok) await leave(response);
          else await response.text();
        }
      });
      const [first, second] = attemptsOf(only(steps()));
      assert.ok(Number(first?.['runtrace.attempt.duration_ms']) < WAIT - 50);
      assert.ok(Number(second?.['runtrace.attempt.wait_ms']) >= WAIT - 2);
      assert.ok(Number(only(steps()).attributes['runtrace.step.retry_wait_ms']) >= WAIT - 2);
      assert.equal(statusOf(only(steps())), 'completed');
    });
  }

  test('one whose body is read lasts as long as that takes', async () => {
    const { recorder, steps, provider: tracerProvider } = traced();
    const fetch = wrapFetch(async () => {
      const body = new ReadableStream({
        async pull(controller) {
          await sleep(60);
          controller.close();
        },
      });
      return new Response(body, { status: 503 });
    });
    await recorder.run({ kind: 'chat_turn' }, async () => (await ask(ok(), fetch)).text());
    await tracerProvider.forceFlush();
    assert.ok(Number(attemptsOf(only(steps()))[0]?.['runtrace.attempt.duration_ms']) >= 58);
  });
});
