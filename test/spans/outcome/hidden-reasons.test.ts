/** The clients of OpenAI and Anthropic give each `fetch` a signal of their own, which does not have the reason of the caller's signal. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import OpenAI from 'openai';
import { recordingFetch } from 'runtrace';
import { type Provider, stallMidStream, startProvider } from '../../../examples/demo/provider.js';
import { only, traced } from '../../support/traced.js';

class Left extends Error {}

let provider: Provider;

before(async () => {
  provider = await startProvider();
});

after(() => provider.close());

type Use = (stream: AsyncIterable<unknown>, controller: AbortController) => Promise<unknown>;

/** The statuses of the run and of its step, of which `use` uses the stream. */
async function statusesOf(use: Use): Promise<unknown[]> {
  const scene = traced();
  provider.script('gpt-5', stallMidStream());
  const client = new OpenAI({ apiKey: 'none', baseURL: `${provider.url}/v1`, fetch: recordingFetch, logLevel: 'off' });
  const controller = new AbortController();
  await scene.recorder
    .run({ kind: 'chat_turn' }, async () => {
      const body = { model: 'gpt-5', stream: true as const, messages: [] };
      await use(await client.chat.completions.create(body, { signal: controller.signal }), controller);
    })
    .catch(() => {});
  await scene.shutdown();
  return [only(scene.runs()), only(scene.steps())].map(({ attributes }) => attributes['runtrace.status']);
}

/** Stops by `stop` at the first chunk. `openai` ends the stream without an error then. */
function stopping(stop: (controller: AbortController) => void): Use {
  return async (stream, controller) => {
    for await (const _chunk of stream) stop(controller);
    controller.signal.throwIfAborted();
  };
}

/** Reads as LangChain does (`raceWithSignal` in utils/signal.js), which makes an error of a reason that is none. */
function racing(stop: (controller: AbortController) => void): Use {
  return async (stream, controller) => {
    const { signal } = controller;
    const stopped = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => {
        reject(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)));
      });
    });
    const reader = stream[Symbol.asyncIterator]();
    await reader.next();
    setTimeout(stop, 20, controller);
    for (;;) if ((await Promise.race([reader.next(), stopped])).done) return;
  };
}

const STOPS: Record<string, (controller: AbortController) => void> = {
  'an error': (controller) => controller.abort(new Error('mine')),
  'an error of a class': (controller) => controller.abort(new Left('the reader left')),
  'an error that a function makes': (controller) => {
    const reason = () => new Left('the reader left');
    controller.abort(reason());
  },
  'a text': (controller) => controller.abort('user left'),
  'an object': (controller) => controller.abort({ code: 7 }),
  'no reason': (controller) => controller.abort(),
};

describe('a stop that is thrown with the reason of a signal that the client hides', () => {
  for (const [reason, stop] of Object.entries(STOPS)) {
    test(`of ${reason}, is no error`, async () => {
      assert.deepEqual(await statusesOf(stopping(stop)), ['interrupted', 'interrupted']);
    });

    test(`of ${reason}, by what races with the signal, is no error`, async () => {
      assert.deepEqual(await statusesOf(racing(stop)), ['interrupted', 'interrupted']);
    });
  }

  test('is no error if it is the cause of an error', async () => {
    const wrapped: Use = async (stream, controller) => {
      for await (const _chunk of stream) controller.abort(new Left());
      throw new Error('the chat failed', { cause: controller.signal.reason });
    };
    assert.deepEqual(await statusesOf(wrapped), ['interrupted', 'interrupted']);
  });

  test('is an error if the application throws one of its own', async () => {
    const failing: Use = async (stream, controller) => {
      for await (const _chunk of stream) controller.abort(new Left());
      throw new Error('the database is gone');
    };
    assert.deepEqual(await statusesOf(failing), ['error', 'interrupted']);
  });

  for (const thrown of [new Error('the database is gone'), 'the database is gone', { code: 'no-database' }]) {
    test(`is an error if the loop throws ${typeof thrown === 'string' ? 'a text' : thrown.constructor.name}, and the client aborts its own signal`, async () => {
      const failing: Use = async (stream) => {
        for await (const _chunk of stream) throw thrown;
      };
      assert.deepEqual(await statusesOf(failing), ['error', 'interrupted']);
    });
  }
});
