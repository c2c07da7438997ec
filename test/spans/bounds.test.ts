import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { type Tracer, type TracerProvider, trace } from '@opentelemetry/api';
import { createRecorder } from 'runtrace';
import { diagnosed } from '../support/diagnosed.js';
import { attemptsOf, millisOf, only, type ReadableSpan, traced } from '../support/traced.js';
import { until } from '../support/until.js';

const statusOf = ({ attributes }: ReadableSpan) => attributes['runtrace.status'];
const kindOf = ({ attributes }: ReadableSpan) => attributes['runtrace.run.kind'];

/** Counts the timers that are set while `fn` runs, and how many of them are never cleared at once. */
async function timersOf(fn: () => unknown): Promise<{ set: number; most: number }> {
  const { setTimeout, clearTimeout, setInterval, setImmediate } = globalThis;
  const pending = new Set<unknown>();
  const counts = { set: 0, most: 0 };
  const add = <T>(timer: T): T => {
    counts.set++;
    pending.add(timer);
    counts.most = Math.max(counts.most, pending.size);
    return timer;
  };
  Object.assign(globalThis, {
    setTimeout: (callback: () => void, millis: number) => {
      const timer = setTimeout(() => {
        pending.delete(timer);
        callback();
      }, millis);
      return add(timer);
    },
    clearTimeout: (timer: NodeJS.Timeout) => {
      pending.delete(timer);
      clearTimeout(timer);
    },
    setInterval: () => assert.fail('an interval was set'),
    setImmediate: () => assert.fail('an immediate was set'),
  });
  try {
    await fn();
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout, setInterval, setImmediate });
  }
  return counts;
}

/** A provider whose spans cost nothing: an exporter in memory would keep them all. */
class CountingProvider implements TracerProvider {
  ended = 0;

  getTracer(): Tracer {
    const startSpan = () => {
      const span = trace.wrapSpanContext({ traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 });
      return Object.assign(span, { isRecording: () => true, end: () => void this.ended++ });
    };
    return { startSpan } as unknown as Tracer;
  }
}

describe('100 000 held steps', () => {
  test('use one timer, and are all exported once their hold is over', async () => {
    const count = 100_000;
    const provider = new CountingProvider();
    const recorder = createRecorder({
      tracerProvider: provider,
      limits: { completedHoldMillis: 100, retryHoldMillis: 150 },
    });
    const run = recorder.startRun({ kind: 'many' });
    const timers = await timersOf(() => {
      for (let i = 0; i < count; i++) run.startStep().finish(i % 2 ? 'error' : 'completed');
    });
    const endedMeanwhile = provider.ended;
    assert.equal(timers.most, 1);
    // One for the age of the run, and one for the first step; then at most one for every 20 ms.
    assert.ok(timers.set <= 20, `${timers.set} timers were set`);
    assert.ok(endedMeanwhile < count);
    await until(() => provider.ended === count);
    run.finish('completed');
    await nextTurn();
    assert.equal(provider.ended, count + 1);
  });
});

describe('more open runs than limits.openRuns', () => {
  test('end the oldest early, as interrupted, with its steps; it is counted and reported, and its code goes on', async (t) => {
    const messages = diagnosed(t);
    const { recorder, runs, steps } = traced({ limits: { openRuns: 2 } });
    const oldest = recorder.startRun({ kind: 'oldest' });
    const step = oldest.startStep({ model: 'of the oldest' });
    const [second, third] = [recorder.startRun({ kind: 'second' }), recorder.startRun({ kind: 'third' })];
    assert.deepEqual([...runs(), ...steps()].map(statusOf), ['interrupted', 'interrupted']);
    assert.equal(kindOf(only(runs())), 'oldest');
    assert.match(messages[0] as string, /limits\.openRuns/);

    step.finish('completed');
    assert.equal(await oldest.step({}, () => 'it goes on'), 'it goes on');
    oldest.finish('completed');
    assert.equal(statusOf(only(runs())), 'interrupted');

    second.finish('completed');
    await nextTurn();
    recorder.startRun({ kind: 'fourth' }).finish('completed');
    third.finish('error');
    await nextTurn();
    assert.deepEqual(
      runs().map((run) => [kindOf(run), statusOf(run)]),
      [
        ['oldest', 'interrupted'],
        ['second', 'completed'],
        ['fourth', 'completed'],
        ['third', 'error'],
      ],
    );
  });

  test('are counted for each recorder by itself', () => {
    const [a, b] = [traced({ limits: { openRuns: 1 } }), traced({ limits: { openRuns: 1 } })];
    const runs = [a.recorder.startRun({ kind: 'a' }), b.recorder.startRun({ kind: 'b' })];
    assert.deepEqual([...a.runs(), ...b.runs()], []);
    for (const run of runs) run.finish('completed');
  });
});

describe('a startRun that is never finished', () => {
  test('ends when it is older than limits.runMillis, with its steps, and is reported; a younger one goes on', async (t) => {
    const messages = diagnosed(t);
    const runMillis = 60;
    const { recorder, runs, steps } = traced({ limits: { runMillis } });
    const step = recorder.startRun({ kind: 'forgotten' }).startStep();
    await sleep(40);
    const younger = recorder.startRun({ kind: 'younger' });
    await until(() => runs().length > 0);
    assert.equal(statusOf(only(steps())), 'interrupted');
    assert.match(messages.join('\n'), /limits\.runMillis/);
    step.finish('completed');
    await until(() => runs().length === 2);
    younger.finish('completed');
    assert.deepEqual(runs().map(kindOf), ['forgotten', 'younger']);
    assert.deepEqual(runs().map(statusOf), ['interrupted', 'interrupted']);
    // A busy machine comes to both in one turn: each is as old as that by then.
    for (const { duration } of runs())
      assert.ok(Math.round(millisOf(duration)) >= runMillis, `${millisOf(duration)} ms`);
  });

  test('ends when nothing can finish it any more, and is reported', async (t) => {
    const messages = diagnosed(t);
    const { recorder, runs } = traced({ limits: { idleMillis: 0 } });
    const kept = recorder.startRun({ kind: 'kept' });
    (() => void recorder.startRun({ kind: 'dropped' }).startStep())();
    await until(() => {
      globalThis.gc?.();
      return runs().length > 0;
    });
    assert.deepEqual([kindOf(only(runs())), statusOf(only(runs()))], ['dropped', 'interrupted']);
    assert.match(messages.join('\n'), /dropped without being finished/);
    kept.finish('completed');
    await nextTurn();
    assert.equal(runs().length, 2);
  });
});

describe('memory', () => {
  test('of attempts is bounded: what the span does not show loses its bodies, and then goes', async () => {
    const { recorder, steps } = traced({ capture: 'content' });
    await recorder.run({ kind: 'many attempts' }, () =>
      recorder.step({}, ({ attempts }) => {
        for (let n = 1; n <= 5000; n++) {
          const now = Date.now();
          attempts.record({
            number: attempts.next(),
            status: 'failed',
            startedAt: now,
            endedAt: now,
            requestHeaders: { 'content-type': 'text/plain' },
            requestBody: `request ${n}`,
          });
        }
        const kept = attempts.snapshot();
        assert.equal(kept.length, 1024);
        assert.equal(kept.filter(({ requestBody }) => requestBody !== undefined).length, 64 + 48);
        assert.deepEqual([kept[0]?.number, kept.at(-1)?.number], [1, 5000]);
      }),
    );
    const step = only(steps());
    assert.equal(attemptsOf(step).length, 64 + 48);
    assert.equal(step.attributes['runtrace.step.attempt_count'], 5000);
    assert.equal(step.attributes['runtrace.step.dropped_attempt_count'], 5000 - 112);
  });
});
