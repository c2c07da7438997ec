import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';
import { type Run, recordingFetch, wrapFetch } from 'runtrace';
import { hang, ok, type Provider, startProvider, status } from '../../examples/demo/provider.js';
import { type ReadableSpan, traced } from '../support/traced.js';
import { until } from '../support/until.js';

let provider: Provider;
before(async () => {
  provider = await startProvider();
});
after(() => provider.close());

/** A streamed call of the chat API. */
function chat(model: string, init: RequestInit = {}): Promise<Response> {
  const body = JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'Hi' }] });
  return recordingFetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body, ...init });
}

/** Collects memory until `condition` holds. It may not look at weak references: a look at one holds it. */
function collecting(condition: () => boolean): Promise<void> {
  return until(async () => {
    globalThis.gc?.();
    await sleep(2);
    return condition();
  });
}

/** Counts the objects of each kind that were collected. */
class Collected {
  readonly counts: Record<string, number> = {};
  readonly #registry = new FinalizationRegistry<string>((kind) => {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
  });

  watch(kind: string, object: object): void {
    this.#registry.register(object, kind);
  }

  /** Whether of each kind that was watched at least `least` were collected. */
  atLeast(least: number, kinds: readonly string[]): boolean {
    return kinds.every((kind) => (this.counts[kind] ?? 0) >= least);
  }
}

const statusOf = ({ attributes }: ReadableSpan) => attributes['runtrace.status'];

describe('memory', () => {
  test('of runs that have ended is given back, also while their spans wait for an exporter and connections are kept', async () => {
    // The exporter in memory never lets go of a span.
    const set = traced({ capture: 'content', limits: { completedHoldMillis: 0 } });
    const collected = new Collected();
    const turns = 60;
    provider.script('memory', ok());
    for (let turn = 0; turn < turns; turn++) {
      await set.recorder.run({ kind: 'chat_turn' }, async (run) => {
        collected.watch('run', run);
        provider.script('failing', status(400));
        await (await chat('failing')).text();
        return set.recorder.step({}, async (step) => {
          collected.watch('step', step);
          collected.watch('attempts', step.attempts);
          const response = await chat('memory');
          collected.watch('response', response);
          await response.text();
        });
      });
    }
    assert.equal(set.spans().length, 3 * turns);
    // A connection that is kept alive keeps the context that it was made in: a few runs, however many there were.
    await collecting(() => collected.atLeast(turns - 8, ['run', 'step', 'attempts', 'response']));
    assert.equal(set.spans().length, 3 * turns);
  });

  test('of runs of more than a second is given back, whose calls were stopped: the signal of a call has all of it in its reason', async () => {
    const set = traced({ capture: 'content', limits: { idleMillis: 0 } });
    const client = new OpenAI({ apiKey: 'none', baseURL: `${provider.url}/v1`, fetch: recordingFetch });
    const collected = new Collected();
    const turns = 20;
    provider.script('left', async (exchange) => {
      exchange.begin();
      await exchange.write(['data: {"id":"1","choices":[{"index":0,"delta":{"content":"Words"}}]}\n\n']);
    });
    const leave = async () => {
      const messages = [{ role: 'user' as const, content: 'Hi' }];
      for await (const _chunk of await client.chat.completions.create({ model: 'left', messages, stream: true })) break;
    };
    const ended: Promise<unknown>[] = [];
    for (let turn = 0; turn < turns; turn++) {
      // One after the other: the platform connects anew after each stop, and that connection holds the context that it was made in.
      await new Promise<void>((hasLeft) => {
        const chatTurn = async (run: Run) => {
          collected.watch('run', run);
          await leave();
          hasLeft();
          await sleep(1100);
        };
        ended.push(set.recorder.run({ kind: 'chat_turn' }, chatTurn));
      });
    }
    await Promise.all(ended);
    await collecting(() => collected.atLeast(turns - 2, ['run']));
  });

  test('of long request bodies is given back after their calls, while their run goes on', async () => {
    // The provider of the other tests holds what it was sent.
    const answering = wrapFetch(async () => new Response('data: [DONE]'));
    for (const capture of ['metadata', 'content'] as const) {
      const run = traced({ capture, limits: { completedHoldMillis: 60_000 } }).recorder.startRun({ kind: 'goes on' });
      const send = async (index: number) => {
        const messages = [{ role: 'user', content: `${index}`.padStart(2_000_000) }];
        const body = JSON.stringify({ model: 'long', messages });
        const url = 'https://api.openai.com/v1/chat/completions';
        await run.step({}, async () => (await answering(url, { method: 'POST', body })).text());
      };
      await send(0);
      globalThis.gc?.();
      const before = process.memoryUsage().heapUsed;
      for (let index = 1; index <= 20; index++) await send(index);
      await collecting(() => process.memoryUsage().heapUsed - before < 15_000_000);
      run.finish('completed');
    }
  });

  test('of an unread response is given back while its run goes on, and its connection is closed', async () => {
    const set = traced();
    const { signal } = new AbortController();
    const run = set.recorder.startRun({ kind: 'goes on' });
    for (const kind of ['implicit', 'explicit']) {
      const model = `unread ${kind}`;
      provider.script(model, async (exchange) => {
        exchange.begin();
        await exchange.write(['data: {}\n\n']);
      });
      const leave = async () => void (await chat(model, { signal }));
      if (kind === 'explicit') await run.step({}, leave);
      else await set.recorder.run({ kind }, leave);
      await collecting(() => provider.requests.find((request) => request.model === model)?.closedByClient === true);
    }
    run.finish('completed');
  });

  test("of the application's own storage is not kept by the timer that ends old runs", async () => {
    const storage = new AsyncLocalStorage<object>();
    const collected = new Collected();
    // Sooner than any other run's end: the timer is set here.
    const { recorder } = traced({ limits: { runMillis: 60_000 } });
    const start = () => {
      const store = { request: 'the first' };
      collected.watch('store', store);
      return storage.run(store, () => recorder.startRun({ kind: 'open' }));
    };
    const run = start();
    await collecting(() => collected.atLeast(1, ['store']));
    run.finish('completed');
  });

  test('is never taken from a run whose function goes on', async () => {
    const set = traced();
    const { recorder, runs } = set;
    provider.script('waits', hang());
    const leave = new AbortController();
    const event = () => new Promise((resolve) => leave.signal.addEventListener('abort', resolve, { once: true }));
    const call = () => chat('waits', { signal: leave.signal }).catch(() => {});
    let running = [
      ...[event, call].map((wait) => recorder.run({ kind: 'run' }, wait)),
      ...[event, call].map((wait) => recorder.run({ kind: 'step' }, () => recorder.step({}, wait))),
      recorder.startRun({ kind: 'started' }).step({}, event),
    ];
    for (let turn = 0; turn < 5; turn++) {
      globalThis.gc?.();
      await sleep(2);
    }
    assert.equal(runs().length, 0);

    leave.abort();
    await Promise.all(running);
    assert.deepEqual(runs().map(statusOf), Array(4).fill('completed'));
    // The one that was started and not finished is dropped now, as nothing holds what could finish it.
    running = [];
    await collecting(() => runs().length === 5);
    assert.equal(statusOf(runs().at(-1) as ReadableSpan), 'interrupted');
  });
});
