import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { wrapFetch } from 'runtrace';
import { only, type ReadableSpan, traced } from '../support/traced.js';
import { until } from '../support/until.js';

const statusOf = (span: ReadableSpan) => span.attributes['runtrace.status'];
const codesOf = (span: ReadableSpan) =>
  String(span.attributes['runtrace.step.attempt_codes'] ?? '')
    .split(' ')
    .filter(Boolean);

/** A `fetch` that gives these answers, one after the other. */
function answering(...answers: (() => Response | Promise<Response>)[]): (retryCount?: number) => Promise<string> {
  const fetch = wrapFetch(async () => (answers.shift() as () => Response)());
  return async (retryCount) => {
    const headers: Record<string, string> =
      retryCount === undefined ? {} : { 'x-stainless-retry-count': `${retryCount}` };
    const body = '{"model":"gpt-5","messages":[]}';
    const response = await fetch('http://127.0.0.1/v1/chat/completions', { method: 'POST', headers, body });
    return response.text();
  };
}

const answered = () => Response.json({ id: 'a', choices: [{ message: { content: 'Hi' }, finish_reason: 'stop' }] });
const refused = (headers: Record<string, string> = {}) => Response.json({}, { status: 429, headers });

describe('a step that is finished is held, because better news may come', () => {
  test('completedHoldMillis long where it completed, and longer where it did not; its run goes on meanwhile', async () => {
    const { recorder, steps, runs } = traced({ limits: { completedHoldMillis: 20 } });
    await recorder.run({ kind: 'chat_turn' }, async () => {
      await recorder.step({}, (step) => step.finish('interrupted'));
      await recorder.step({}, () => {});
      assert.deepEqual(steps(), []);
      await until(() => steps().length > 0);
      assert.equal(statusOf(only(steps())), 'completed');
      assert.deepEqual(runs(), []);
    });
    assert.deepEqual(steps().map(statusOf), ['interrupted', 'completed']);
  });

  test('retryHoldMillis long for its retry, which is another step if it comes too late', async () => {
    const { recorder, steps } = traced({ limits: { retryHoldMillis: 40 } });
    const ask = answering(refused, answered);
    await recorder.run({ kind: 'chat_turn' }, async () => {
      const begun = performance.now();
      await ask(0);
      await until(() => steps().length === 1);
      assert.ok(performance.now() - begun >= 40);
      await ask(1);
    });
    assert.deepEqual(steps().map(codesOf), [['429'], ['200']]);
  });

  test('for its retry: one that comes in time is the same step', async () => {
    for (const numbers of [
      [0, 1, 2],
      [undefined, undefined, undefined],
    ]) {
      const { recorder, steps } = traced();
      const ask = answering(refused, refused, answered);
      await recorder.run({ kind: 'chat_turn' }, async () => {
        for (const number of numbers) await ask(number);
      });
      assert.deepEqual(codesOf(only(steps())), ['429', '429', '200']);
      assert.equal(statusOf(only(steps())), 'completed');
    }
  });

  test('as long as the provider said to wait, if that is longer than retryHoldMillis', async () => {
    const { recorder, steps } = traced({ limits: { retryHoldMillis: 1 } });
    const ask = answering(() => refused({ 'retry-after-ms': '100' }), answered);
    await recorder.run({ kind: 'chat_turn' }, async () => {
      await ask(0);
      await sleep(100);
      assert.deepEqual(steps(), []);
      await ask(1);
    });
    assert.deepEqual(codesOf(only(steps())), ['429', '200']);
  });

  test('counted only while nothing is in flight', async () => {
    const { recorder, steps } = traced({ limits: { completedHoldMillis: 0 } });
    let answer = (_response: Response) => {};
    const slow = new Promise<Response>((resolve) => {
      answer = resolve;
    });
    await recorder.run({ kind: 'chat_turn' }, async () => {
      const step = recorder.startStep();
      const fetch = globalThis.fetch;
      globalThis.fetch = () => slow;
      const call = step.fetch('http://127.0.0.1/v1/chat/completions', { method: 'POST' });
      globalThis.fetch = fetch;
      step.finish('completed');
      await recorder.step({}, () => {});
      await until(() => steps().length === 1);
      assert.equal(only(steps()).attributes['runtrace.step.number'], 2);
      answer(answered());
      await (await call).text();
      await until(() => steps().length === 2);
    });
    assert.deepEqual(steps().map(codesOf), [['200'], []]);
  });

  test('and longer where news came', async () => {
    const { recorder, steps } = traced({ limits: { completedHoldMillis: 1, retryHoldMillis: 60_000 } });
    await recorder.run({ kind: 'chat_turn' }, async () => {
      const finish = await recorder.step({}, (step) => {
        step.finish('error', { error: new RangeError() });
        return step.finish.bind(step);
      });
      await sleep(30);
      assert.deepEqual(steps(), []);
      finish('completed');
      await until(() => steps().length === 1);
    });
    assert.equal(statusOf(only(steps())), 'completed');
  });

  test('no longer than its run, also where that threw', async () => {
    const { recorder, steps, runs } = traced();
    const ask = answering(refused);
    await recorder
      .run({ kind: 'chat_turn' }, async () => {
        await recorder.step({}, (step) => step.finish('interrupted'));
        await ask(0);
        throw new RangeError();
      })
      .catch(() => {});
    assert.deepEqual([...steps(), ...runs()].map(statusOf), ['interrupted', 'error', 'error']);
  });

  test('where its run threw while another call was in flight, as long as a retry may still come of it', async () => {
    const { recorder, steps, runs } = traced({ limits: { idleMillis: 20 } });
    let answer = (_response: Response) => {};
    const slow = new Promise<Response>((resolve) => {
      answer = resolve;
    });
    const ask = answering(
      () => slow,
      refused,
      () => Response.json({}, { status: 400 }),
      answered,
    );
    let retry: Promise<unknown> | undefined;
    await recorder
      .run({ kind: 'chat_turn' }, async () => {
        const inFlight = ask(0);
        const backingOff = ask(0);
        const rejected = ask(0).then(() => {
          throw new RangeError();
        });
        retry = backingOff.then(() => sleep(10)).then(() => ask(1));
        await Promise.all([inFlight, retry, rejected]);
      })
      .catch(() => {});
    await retry;
    answer(answered());
    await until(() => runs().length === 1);
    assert.deepEqual(steps().map(codesOf), [['200'], ['429', '200'], ['400']]);
  });

  test('where its run returned, as long as a retry may still come of it', async () => {
    const { recorder, steps, runs } = traced({ limits: { idleMillis: 20 } });
    const ask = answering(refused, answered);
    let call: Promise<unknown> | undefined;
    await recorder.run({ kind: 'chat_turn' }, async () => {
      call = ask(0).then(() => ask(1));
      await sleep(0);
    });
    await call;
    await until(() => runs().length === 1);
    assert.deepEqual(codesOf(only(steps())), ['429', '200']);
  });
});
