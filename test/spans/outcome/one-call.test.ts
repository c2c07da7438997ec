import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI, { type ClientOptions } from 'openai';
import { recordingFetch } from 'runtrace';
import {
  type Behaviour,
  hang,
  ok,
  type Provider,
  resetBeforeHeaders,
  slow,
  stallMidStream,
  startProvider,
  status,
} from '../../../examples/demo/provider.js';
import { only, type ReadableSpan, type Traced, traced } from '../../support/traced.js';
import { until } from '../../support/until.js';

let provider: Provider;
before(async () => {
  provider = await startProvider();
});
after(() => provider.close());

const { APIUserAbortError } = OpenAI;
const soon = { retryAfterMillis: 1 };
const statusOf = (span: ReadableSpan) => span.attributes['runtrace.status'];
const codesOf = (span: ReadableSpan) => span.attributes['runtrace.step.attempt_codes'];
const errorTypeOf = (span: ReadableSpan) => span.attributes['error.type'];

let models = 0;

interface Scene extends Traced {
  readonly model: string;
  readonly stop: AbortController;
  /** Makes a call whose stream is read until it is stopped, or to its end. */
  read(options?: Pick<ClientOptions, 'maxRetries' | 'timeout' | 'fetch'>, signal?: AbortSignal): Promise<void>;
  /** Stops it once the provider has got so many requests and `millis` have passed. */
  stopAfter(requests: number, millis?: number): Promise<void>;
}

function scene(...behaviours: [Behaviour, ...Behaviour[]]): Scene {
  const model = `call.${++models}`;
  provider.script(model, ...behaviours);
  const stop = new AbortController();
  const requests = () => provider.requests.filter((request) => request.model === model).length;
  return {
    ...traced(),
    model,
    stop,
    async read(options = {}, signal = stop.signal) {
      const client = new OpenAI({ apiKey: 'none', baseURL: `${provider.url}/v1`, fetch: recordingFetch, ...options });
      const messages = [{ role: 'user' as const, content: 'Hi' }];
      const answer = await client.chat.completions.create({ model, stream: true, messages }, { signal });
      for await (const piece of answer) assert.ok(piece);
    },
    async stopAfter(count, millis = 30) {
      await until(() => requests() === count);
      await sleep(millis);
      stop.abort();
    },
  };
}

/** The one step, and whether the run says that a step of it failed. */
function result({ steps, runs }: Traced): [unknown, unknown, unknown] {
  const step = only(steps());
  return [statusOf(step), codesOf(step), only(runs()).attributes['runtrace.run.has_error']];
}

const swallowed = (error: unknown) => assert.ok(error instanceof APIUserAbortError, String(error));

describe('within one call only the last attempt proposes:', () => {
  const failures: Record<string, [Behaviour, string]> = {
    'a 503': [status(503, soon), '503'],
    'a 429': [status(429, soon), '429'],
    'a reset': [resetBeforeHeaders(), 'failed'],
  };
  for (const [what, [failure, code]] of Object.entries(failures)) {
    for (const shared of [false, true]) {
      const where = shared ? ', in a reuse scope' : '';
      test(`a stream that is stopped after ${what} was retried is interrupted${where}`, async () => {
        const set = scene(failure, stallMidStream());
        const call = () => Promise.all([set.read(), set.stopAfter(2)]);
        await set.recorder.run({ kind: 'chat_turn' }, () => (shared ? set.recorder.reuseStep(call) : call()));
        assert.deepEqual(result(set), ['interrupted', `${code} 200`, false]);
      });
    }
  }

  test('an attempt that fails after one that failed decides with its own error', async () => {
    const set = scene(status(503, soon), status(400));
    await assert.rejects(set.recorder.run({ kind: 'chat_turn' }, () => set.read()));
    assert.deepEqual(result(set), ['error', '503 400', true]);
    assert.equal(errorTypeOf(only(set.steps())), 'invalid_request_error');
  });

  test('a new call in a reuse scope has a proposal of its own: 503, then asked again and stopped, is an error', async () => {
    const set = scene(status(503), stallMidStream());
    await set.recorder.run({ kind: 'chat_turn' }, () =>
      set.recorder.reuseStep(async () => {
        await assert.rejects(set.read({ maxRetries: 0 }));
        await Promise.all([set.read({ maxRetries: 0 }), set.stopAfter(2)]);
      }),
    );
    assert.deepEqual(result(set), ['error', '503 200', true]);
  });
});

describe('a stop while the client waits for its retry', () => {
  const refused = status(503, { retryAfterMillis: 300 });
  for (const [how, within] of Object.entries({
    'that the application handles': (set: Scene) => set.read().catch(swallowed),
    'that the run throws': (set: Scene) => set.read(),
    'in an explicit step': (set: Scene) => set.recorder.step({}, () => set.read().catch(swallowed)),
    'in a reuse scope': (set: Scene) => set.recorder.reuseStep(() => set.read().catch(swallowed)),
  })) {
    test(`${how} interrupts the call`, async () => {
      const set = scene(refused);
      const run = set.recorder.run({ kind: 'chat_turn' }, () => within(set));
      await set.stopAfter(1, 60);
      await run.catch(swallowed);
      assert.deepEqual(result(set), ['interrupted', '503', false]);
    });
  }

  test('after a reset interrupts the call, too', async () => {
    const set = scene(resetBeforeHeaders());
    const run = set.recorder.run({ kind: 'chat_turn' }, () => set.read().catch(swallowed));
    await set.stopAfter(1, 60);
    await run;
    assert.deepEqual(result(set), ['interrupted', 'failed', false]);
  });

  test('after a reset ends the call: the same request is then a call of its own', async () => {
    const set = scene(resetBeforeHeaders(), ok());
    await set.recorder.run({ kind: 'chat_turn' }, async () => {
      await Promise.all([set.read().catch(swallowed), set.stopAfter(1, 60)]);
      await set.read({ maxRetries: 0 }, new AbortController().signal);
    });
    await set.provider.forceFlush();
    assert.deepEqual(set.steps().map(statusOf), ['interrupted', 'completed']);
  });

  test('after a reset interrupts the call, also if another call has begun beside it', async () => {
    const set = scene(resetBeforeHeaders());
    const beside = scene(ok());
    await set.recorder.run({ kind: 'chat_turn' }, async () => {
      let wasReset = false;
      const fetch: typeof globalThis.fetch = (...request) =>
        recordingFetch(...request).catch((error: unknown) => {
          wasReset = true;
          throw error;
        });
      const stopped = set.read({ fetch }).catch(swallowed);
      await until(() => wasReset);
      // The client waits for its retry, for 375 ms at least.
      await beside.read();
      set.stop.abort();
      await stopped;
    });
    await set.provider.forceFlush();
    assert.deepEqual(set.steps().map(statusOf), ['interrupted', 'completed']);
  });

  for (const where of ['in the run', 'in a step', 'in a reuse scope'] as const) {
    test(`after a refusal interrupts the call of a client whose signals do not tell it, ${where}`, async () => {
      const set = scene(status(529, { retryAfterMillis: 2000 }));
      const client = new Anthropic({ apiKey: 'none', baseURL: provider.url, fetch: recordingFetch });
      const messages = [{ role: 'user' as const, content: 'Hi' }];
      const { signal } = set.stop;
      const ask = async () => {
        const call = client.messages.create({ model: set.model, max_tokens: 9, messages }, { signal });
        await Promise.all([call.catch(() => {}), set.stopAfter(1, 60)]);
      };
      const { step, reuseStep } = set.recorder;
      await set.recorder.run({ kind: 'chat_turn' }, () =>
        where === 'in a step' ? step({}, ask) : where === 'in a reuse scope' ? reuseStep(ask) : ask(),
      );
      await set.provider.forceFlush();
      assert.deepEqual(result(set), ['interrupted', '529', false]);
    });
  }

  test('of the loser of a hedge does not interrupt the step that the other call has answered', async () => {
    const [loser, winner] = [scene(refused), scene(slow(40))];
    await winner.recorder.run({ kind: 'chat_turn' }, () =>
      winner.recorder.step({}, async () => {
        const first = winner.read();
        const second = loser.read().catch(swallowed);
        await first;
        loser.stop.abort();
        await second;
      }),
    );
    assert.equal(statusOf(only(winner.steps())), 'completed');
  });

  test('of a loop of its own around fetch, which leaves the body of the refusal unread, interrupts the call', async () => {
    const set = scene(refused);
    const { signal } = set.stop;
    const ask = async () => {
      const body = JSON.stringify({ model: set.model, messages: [] });
      const response = await recordingFetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body, signal });
      if (!response.ok) await sleep(500, undefined, { signal }).catch(() => {});
    };
    await set.recorder.run({ kind: 'chat_turn' }, () => Promise.all([ask(), set.stopAfter(1, 60)]));
    assert.deepEqual(result(set), ['interrupted', '503', false]);
  });

  test('is none if the client had given up: the application cleans up after the error', async () => {
    for (const behaviour of [status(503), status(400), resetBeforeHeaders()]) {
      const set = scene(behaviour);
      await set.recorder.run({ kind: 'chat_turn' }, async () => {
        await set.read({ maxRetries: 0 }).catch(() => {});
        set.stop.abort();
        await sleep(5);
      });
      await set.provider.forceFlush();
      assert.equal(statusOf(only(set.steps())), 'error');
    }
  });

  test('is none if the call had failed for good, and another model is asked and stopped', async () => {
    const set = scene(status(503), stallMidStream());
    await set.recorder.run({ kind: 'chat_turn' }, async () => {
      await set.recorder.tool({ name: 'first' }, () => set.read({ maxRetries: 0 }).catch(() => {}));
      await Promise.all([set.read({ maxRetries: 0 }), set.stopAfter(2)]);
    });
    await set.provider.forceFlush();
    assert.deepEqual(set.steps().map(statusOf), ['error', 'interrupted']);
  });
});

describe('a timeout of the client, of which it tells fetch nothing,', () => {
  const timeout = 150;

  test('is an error if the run throws it', async () => {
    const set = scene(hang());
    const run = set.recorder.run({ kind: 'chat_turn' }, () => set.read({ maxRetries: 0, timeout }));
    await assert.rejects(run, OpenAI.APIConnectionTimeoutError);
    const step = only(set.steps());
    assert.deepEqual([statusOf(step), errorTypeOf(step)], ['error', 'APIConnectionTimeoutError']);
    assert.equal(step.attributes['runtrace.step.failed_attempt_count'], 1);
  });

  test('is an error if a reuse scope throws it, and the run handles it', async () => {
    const set = scene(hang());
    await set.recorder.run({ kind: 'chat_turn' }, () =>
      set.recorder.reuseStep(() => set.read({ maxRetries: 0, timeout })).catch(() => {}),
    );
    await set.provider.forceFlush();
    assert.equal(statusOf(only(set.steps())), 'error');
  });

  test('is an error if the run is finished with it', async () => {
    const set = scene(hang());
    await set.recorder.run({ kind: 'chat_turn' }, (run) =>
      set.read({ maxRetries: 0, timeout }).catch((error) => run.finish('error', { error })),
    );
    await set.provider.forceFlush();
    assert.equal(statusOf(only(set.steps())), 'error');
  });

  test('is an error if an explicit step throws it, and the run handles it', async () => {
    const set = scene(hang());
    await set.recorder.run({ kind: 'chat_turn' }, () =>
      set.recorder.step({}, () => set.read({ maxRetries: 0, timeout })).catch(() => {}),
    );
    assert.equal(statusOf(only(set.steps())), 'error');
  });

  test('is an error if earlier attempts timed out after the same duration, although the application handles it', async () => {
    const set = scene(hang());
    const call = () => set.read({ maxRetries: 2, timeout: 600 }).catch(() => {});
    await set.recorder.run({ kind: 'chat_turn' }, call);
    await set.provider.forceFlush();
    const step = only(set.steps());
    assert.deepEqual([statusOf(step), errorTypeOf(step), codesOf(step)], ['error', 'timeout', 'failed failed failed']);
  });

  test('is a failed attempt of a completed step if the retry is answered', async () => {
    const set = scene(hang(), ok());
    await set.recorder.run({ kind: 'chat_turn' }, () => set.read({ timeout }));
    assert.deepEqual(result(set), ['completed', 'failed 200', false]);
  });

  test('is not taken for one if the caller stops the last attempt earlier', async () => {
    const set = scene(hang());
    const run = set.recorder.run({ kind: 'chat_turn' }, () =>
      set.read({ maxRetries: 1, timeout: 400 }).catch(swallowed),
    );
    await set.stopAfter(2, 50);
    await run;
    assert.deepEqual(result(set), ['interrupted', 'failed aborted', false]);
  });
});
