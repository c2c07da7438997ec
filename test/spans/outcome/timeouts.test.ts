import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import OpenAI from 'openai';
import { recordingFetch } from 'runtrace';
import {
  type Behaviour,
  hang,
  type Provider,
  stallMidStream,
  startProvider,
  status,
} from '../../../examples/demo/provider.js';
import { only, type ReadableSpan, traced } from '../../support/traced.js';

let provider: Provider;
before(async () => {
  provider = await startProvider();
});
after(() => provider.close());

let models = 0;
const outcomeOf = ({ attributes }: ReadableSpan) => [attributes['runtrace.status'], attributes['error.type']];
const TIMED_OUT = ['error', 'timeout'];
const STOPPED = ['interrupted', undefined];

describe('a timeout of the client, of which a header tells,', () => {
  /** What the caller does with the error of the call. */
  type Handler = (error: unknown) => void;
  const swallow: Handler = () => {};
  const rethrow: Handler = (error) => {
    throw error;
  };

  /** Calls as a client does that tells of a timeout of so many seconds; it aborts after one second, without a reason. */
  async function recorded(
    seconds: number,
    onError: Handler = swallow,
    behaviour: Behaviour = hang(),
    header = 'x-server-timeout',
  ): Promise<{ run: ReadableSpan; step: ReadableSpan }> {
    const { recorder, runs, steps, provider: tracing } = traced();
    const model = `call.${++models}`;
    provider.script(model, behaviour);
    const run = recorder.run({ kind: 'chat_turn' }, async () => {
      const controller = new AbortController();
      const ask = async () => {
        const call = recordingFetch(`${provider.url}/v1/chat/completions`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', [header]: String(seconds) },
          body: JSON.stringify({ model, messages: [], stream: true }),
          signal: controller.signal,
        });
        setTimeout(() => controller.abort(), 1000);
        return (await call).text();
      };
      await ask().catch(onError);
    });
    await run.catch(() => {});
    await tracing.forceFlush();
    return { run: only(runs()), step: only(steps()) };
  }

  test('is an error if that time has passed', async () => {
    const { step } = await recorded(1);
    assert.deepEqual(outcomeOf(step), TIMED_OUT);
  });

  test('is not taken for one if it has not', async () => {
    assert.deepEqual(outcomeOf((await recorded(60)).step), STOPPED);
  });

  test('is an error of the run too that throws what fetch threw', async () => {
    for (const span of Object.values(await recorded(1, rethrow))) assert.deepEqual(outcomeOf(span), TIMED_OUT);
  });

  test('is an error in the middle of a stream if it covers the body, as that of @google/genai does', async () => {
    for (const span of Object.values(await recorded(1, rethrow, stallMidStream())))
      assert.deepEqual(outcomeOf(span), TIMED_OUT);
  });

  test('is none in the middle of a stream if it ended with the headers: the caller aborts', async () => {
    const spans = await recorded(1, rethrow, stallMidStream(), 'x-stainless-timeout');
    for (const span of Object.values(spans)) assert.deepEqual(outcomeOf(span), STOPPED);
  });
});

describe('an AbortSignal.timeout() of the caller, of which openai does not pass the reason on to fetch,', () => {
  /** The outcomes of the run and of its step. */
  async function recorded(behaviour: Behaviour, signalOf: () => AbortSignal): Promise<unknown[][]> {
    const { recorder, runs, steps, shutdown } = traced();
    const model = `call.${++models}`;
    provider.script(model, behaviour);
    const client = new OpenAI({
      apiKey: 'none',
      baseURL: `${provider.url}/v1`,
      fetch: recordingFetch,
      logLevel: 'off',
    });
    const run = recorder.run({ kind: 'chat_turn' }, async () => {
      const signal = signalOf();
      const stream = await client.chat.completions.create({ model, messages: [], stream: true }, { signal });
      for await (const chunk of stream) assert.ok(chunk);
      signal.throwIfAborted();
    });
    await run.catch(() => {});
    await shutdown();
    return [only(runs()), only(steps())].map(outcomeOf);
  }
  const soon = () => AbortSignal.timeout(100);
  /** openai 7 throws an error whose cause is the signal's reason, a `TimeoutError`. */
  const assertTimedOut = (step: unknown[] | undefined) => {
    assert.equal(step?.[0], 'error');
    assert.match(String(step[1]), /^(?:timeout|TimeoutError)$/);
  };

  test('is an error between chunks', async () => {
    const [run, step] = await recorded(stallMidStream(), soon);
    assert.equal(run?.[0], 'error');
    assertTimedOut(step);
  });

  test('is an error before the headers', async () => {
    const [run, step] = await recorded(hang(), soon);
    assert.equal(run?.[0], 'error');
    assertTimedOut(step);
  });

  test('is an error while the client waits for its retry', async () => {
    const [run, step] = await recorded(status(429, { retryAfterMillis: 300 }), soon);
    assert.deepEqual([run?.[0], step?.[0]], ['error', 'error']);
  });

  test('is an error as one of several signals', async () => {
    const { signal } = new AbortController();
    const [, step] = await recorded(hang(), () => AbortSignal.any([signal, soon()]));
    assertTimedOut(step);
  });

  test('is not meant by a timer of the application that aborts: it is the caller’s own stop', async () => {
    const controller = new AbortController();
    const stopSoon = () => {
      setTimeout(() => controller.abort(), 100);
      return controller.signal;
    };
    assert.deepEqual(await recorded(hang(), stopSoon), [STOPPED, STOPPED]);
  });
});
