import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Recorder, Run } from 'runtrace';
import { type ReadableSpan, traced } from '../support/traced.js';
import { until } from '../support/until.js';

const counting = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const numberOf = (span: ReadableSpan) => Number(span.attributes['runtrace.step.number']);

/** The number of a step that does nothing. */
const oneStep = (run: Run) => run.step({}, (step) => step.number);

describe('step numbers', () => {
  test('count from 1 in each run, and are on the spans', async () => {
    const { recorder, steps } = traced();
    const numbers = async (run: Run) => {
      const step = run.startStep();
      step.finish('completed');
      return [step.number, await oneStep(run), await oneStep(run)];
    };
    assert.deepEqual(await recorder.run({ kind: 'chat_turn' }, numbers), [1, 2, 3]);
    assert.deepEqual(await recorder.run({ kind: 'chat_turn' }, numbers), [1, 2, 3]);
    assert.deepEqual(steps().map(numberOf), [1, 1, 2, 2, 3, 3]);
  });

  test('of implicit and explicit steps are one count', async () => {
    const { recorder, steps } = traced();
    const answer = async () => new Response('{"choices":[]}', { headers: { 'content-type': 'application/json' } });
    const { wrapFetch } = await import('runtrace');
    const ask = () =>
      wrapFetch(answer)('http://127.0.0.1/v1/chat/completions', {
        method: 'POST',
        body: '{"model":"m","messages":[]}',
      });
    await recorder.run({ kind: 'chat_turn' }, async (run) => {
      await ask().then((response) => response.text());
      assert.equal(await oneStep(run), 2);
      await ask().then((response) => response.text());
    });
    assert.deepEqual(steps().map(numberOf), [1, 2, 3]);
  });

  test('go on across every run of the same id: nested, beside one another, of another recorder', async () => {
    const id = randomUUID();
    const options = { kind: 'chat_turn', id };
    const [one, other] = [traced(), traced()];
    await one.recorder.run(options, async (outer) => {
      assert.equal(await oneStep(outer), 1);
      assert.equal(await one.recorder.run(options, oneStep), 2);
      assert.equal(await other.recorder.run(options, oneStep), 3);
      assert.equal(await oneStep(outer), 4);
      const started = one.recorder.startRun(options);
      assert.equal(started.startStep().number, 5);
      assert.equal(await oneStep(outer), 6);
      started.finish('completed');
    });
    assert.equal(await one.recorder.run({ kind: 'chat_turn' }, oneStep), 1);
  });

  test('go on from a run that is over to one that began before it was', async () => {
    const { recorder } = traced();
    const options = { kind: 'chat_turn', id: randomUUID() };
    let proceed = () => {};
    const first = recorder.run(options, async (run) => {
      await oneStep(run);
      await new Promise<void>((resolve) => {
        proceed = resolve;
      });
    });
    const second = recorder.startRun(options);
    await until(() => proceed.name !== 'proceed');
    proceed();
    await first;
    assert.equal(await oneStep(second), 2);
    second.finish('completed');
  });

  test('of 256 at once have no gap and no repeat', async () => {
    const { recorder, steps } = traced();
    const options = { kind: 'chat_turn', id: randomUUID() };
    await recorder.run(options, async () => {
      const numbers = await Promise.all(
        counting(1, 256).map((index) => {
          const call = ({ step }: Pick<Recorder, 'step'> | Run) =>
            step({}, async ({ number }) => {
              await new Promise((resolve) => setImmediate(resolve));
              return number;
            });
          return index % 2 ? call(recorder) : recorder.run(options, (run) => run.step({}, ({ number }) => number));
        }),
      );
      assert.deepEqual(
        numbers.sort((a, b) => a - b),
        counting(1, 256),
      );
    });
    assert.deepEqual(steps().map(numberOf), counting(1, 256));
  });

  test('are shared by the calls of a reuse scope', async () => {
    const { recorder } = traced();
    await recorder.run({ kind: 'chat_turn' }, async (run) => {
      const numbers = await recorder.reuseStep(async () => [await oneStep(run), await oneStep(run)]);
      assert.deepEqual(numbers, [1, 1]);
      assert.equal(await oneStep(run), 2);
    });
  });
});

describe('resumeAfterStep', () => {
  test('carries on a run that another process began, and never goes back', async () => {
    const { recorder, steps } = traced();
    await recorder.run({ kind: 'chat_turn' }, async (run) => {
      run.resumeAfterStep(7);
      assert.equal(await oneStep(run), 8);
      run.resumeAfterStep(3);
      assert.equal(await oneStep(run), 9);
      run.resumeAfterStep(9);
      run.resumeAfterStep(0);
      assert.equal(await oneStep(run), 10);
    });
    assert.deepEqual(steps().map(numberOf), [8, 9, 10]);
  });

  test('counts for every run of the id', async () => {
    const { recorder } = traced();
    const options = { kind: 'chat_turn', id: randomUUID() };
    await recorder.run(options, async (outer) => {
      await recorder.run(options, (inner) => inner.resumeAfterStep(7));
      assert.equal(await oneStep(outer), 8);
    });
  });
});

describe('the numbers of a run id are freed', () => {
  test('when the last run of it has settled', async () => {
    const { recorder } = traced();
    const options = { kind: 'chat_turn', id: randomUUID() };
    await recorder.run(options, oneStep);
    assert.equal(await recorder.run(options, oneStep), 1);
  });

  test('not before: also one whose function has returned counts while a call of it goes on', async () => {
    const { recorder } = traced();
    const options = { kind: 'chat_turn', id: randomUUID() };
    const step = await recorder.run(options, (run) => run.startStep());
    assert.equal(await recorder.run(options, oneStep), 2);
    step.finish('completed');
    await nextTurn();
    assert.equal(await recorder.run(options, oneStep), 1);
  });

  test('at a shutdown', async () => {
    const set = traced();
    const options = { kind: 'chat_turn', id: randomUUID() };
    set.recorder.startRun(options).resumeAfterStep(7);
    await set.shutdown();
    assert.equal(await traced().recorder.run(options, oneStep), 1);
  });

  const collected = async (done: () => boolean | Promise<boolean>) => {
    assert.ok(globalThis.gc, 'run with --expose-gc');
    const { gc } = globalThis;
    await until(async () => {
      gc();
      return done();
    });
  };

  const DROPPED: Record<string, (recorder: Recorder, id: string) => unknown> = {
    'a run that was started and never finished': async ({ startRun }, id) => {
      const run = startRun({ kind: 'chat_turn', id });
      await run.step({}, () => {});
    },
    'one with a step that was never finished either': ({ startRun }, id) => {
      startRun({ kind: 'chat_turn', id }).startStep();
    },
    'one whose function never returns': ({ run }, id) => {
      run({ kind: 'chat_turn', id }, async (run) => {
        await run.step({}, () => {});
        await new Promise(() => {});
      });
    },
    'one whose step never returns': ({ run, step }, id) => {
      run({ kind: 'chat_turn', id }, () => step({}, () => new Promise(() => {})));
    },
    'one with a body that was never read': async ({ startRun }, id) => {
      const { wrapFetch } = await import('runtrace');
      const fetch = wrapFetch(async () => new Response('{"choices":[]}'));
      const body = '{"model":"m","messages":[]}';
      await startRun({ kind: 'chat_turn', id }).step({}, async () => {
        await fetch('http://127.0.0.1/v1/chat/completions', { method: 'POST', body });
      });
    },
  };

  for (const [what, drop] of Object.entries(DROPPED)) {
    test(`with the last reference to ${what}; it is exported as interrupted`, async () => {
      const { recorder, runs, steps } = traced({ limits: { idleMillis: 1 } });
      const id = randomUUID();
      await drop(recorder, id);
      await collected(() => runs().length > 0);
      assert.deepEqual(
        runs().map(({ attributes }) => [attributes['runtrace.run.id'], attributes['runtrace.status']]),
        [[id, 'interrupted']],
      );
      assert.equal(runs()[0]?.attributes['runtrace.run.step_count'], steps().length);
      assert.equal(await recorder.run({ kind: 'chat_turn', id }, oneStep), 1);
    });
  }

  test('not while the application can still finish it', async () => {
    const { recorder, runs } = traced({ limits: { idleMillis: 1 } });
    const id = randomUUID();
    const start = () => {
      const run = recorder.startRun({ kind: 'chat_turn', id });
      return { step: run.startStep(), held: new WeakRef(run) };
    };
    const { step, held } = start();
    const drop = () => void recorder.startRun({ kind: 'chat_turn' });
    drop();
    await collected(() => runs().length === 1);
    assert.ok(held.deref(), 'its step holds it');
    assert.equal(runs().length, 1);
    step.finish('completed');
  });
});
