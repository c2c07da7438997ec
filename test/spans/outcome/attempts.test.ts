import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Attempt, type AttemptStatus, recordingFetch, type Step, wrapFetch } from 'runtrace';
import { ok, type Provider, startProvider, status } from '../../../examples/demo/provider.js';
import { diagnosed } from '../../support/diagnosed.js';
import { attemptsOf, only, type ReadableSpan, type TracedOptions, traced } from '../../support/traced.js';

let provider: Provider;
before(async () => {
  provider = await startProvider();
});
after(() => provider.close());

const counting = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const numbersOf = (span: ReadableSpan) => attemptsOf(span).map((attempt) => attempt['runtrace.attempt.number']);

/** Records one explicit step and returns its span. */
async function recorded(body: (step: Step) => unknown, options?: TracedOptions): Promise<ReadableSpan> {
  const { recorder, steps } = traced(options);
  await recorder.run({ kind: 'chat_turn' }, () => recorder.step({}, body));
  return only(steps());
}

const some = (number: number, more: Partial<Attempt> = {}): Attempt => ({
  number,
  status: 'completed',
  startedAt: Date.now(),
  endedAt: Date.now(),
  ...more,
});

function ask(fetch: typeof globalThis.fetch, model: string, init: RequestInit = {}) {
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello?' }] });
  return fetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body, ...init });
}

describe('the attempts of a step', () => {
  test('256 calls at once have the numbers 1 to 256, with no gap and no repeat', async () => {
    provider.script('many', status(500), status(500), ok());
    let recordedNumbers: number[] = [];
    const span = await recorded(async (step) => {
      await Promise.all(counting(1, 256).map(() => ask(step.fetch, 'many').then((response) => response.text())));
      recordedNumbers = step.attempts.snapshot().map(({ number }) => number);
    });
    assert.deepEqual(recordedNumbers, counting(1, 256));
    assert.deepEqual(numbersOf(span), [...counting(1, 64), ...counting(209, 256)]);
    assert.equal(span.attributes['runtrace.step.attempt_count'], 256);
    assert.equal(span.attributes['runtrace.step.failed_attempt_count'], 2);
    assert.equal(span.attributes['runtrace.step.dropped_attempt_count'], 256 - 64 - 48);
    const codes = String(span.attributes['runtrace.step.attempt_codes']).split(' ');
    assert.equal(codes.length, 256);
    assert.equal(codes.filter((code) => code === '500').length, 2);
    assert.equal(span.droppedEventsCount, 0);
  });

  test('as many as the span has room for are all shown', async () => {
    const span = await recorded(({ attempts }) => {
      for (const _ of counting(1, 112)) attempts.record(some(attempts.next()));
    });
    assert.deepEqual(numbersOf(span), counting(1, 112));
    assert.equal('runtrace.step.dropped_attempt_count' in span.attributes, false);
  });

  test('one more, and one is missing, which is said', async () => {
    const span = await recorded(({ attempts }) => {
      for (const _ of counting(1, 113)) attempts.record(some(attempts.next()));
    });
    assert.deepEqual(numbersOf(span), [...counting(1, 64), ...counting(66, 113)]);
    assert.equal(span.attributes['runtrace.step.dropped_attempt_count'], 1);
  });

  test('with status updates and an exception beside them fill the span, and nothing falls out', async () => {
    const span = await recorded((step) => {
      for (const _ of counting(1, 200)) step.attempts.record(some(step.attempts.next()));
      for (const _ of counting(1, 40)) step.finish('error', { error: new RangeError() });
    });
    assert.deepEqual(numbersOf(span), [...counting(1, 64), ...counting(153, 200)]);
    assert.equal(span.events.filter(({ name }) => name === 'exception').length, 1);
    assert.equal(span.droppedEventsCount, 0);
    assert.equal(span.events.length, 128);
  });

  test('are in order of their number, not of their ends, and inside of the span', async () => {
    const at = Date.now();
    const order = [3, 1, 5, 2, 4];
    const span = await recorded(({ attempts }) => {
      for (const _ of order) attempts.next();
      for (const number of order) attempts.record(some(number, { startedAt: at + 10 - number, endedAt: at + 20 }));
    });
    assert.deepEqual(numbersOf(span), [1, 2, 3, 4, 5]);
    const times = span.events.map(({ time: [seconds, nanos] }) => BigInt(seconds) * 1_000_000_000n + BigInt(nanos));
    const [start, end] = [span.startTime, span.endTime].map(([s, n]) => BigInt(s) * 1_000_000_000n + BigInt(n));
    times.forEach((time, index) => {
      assert.ok(
        time >= (times[index - 1] ?? start ?? 0n) + (index > 0 ? 1000n : 0n),
        'each at least a microsecond later',
      );
      assert.ok(time >= (start as bigint) && time <= (end as bigint), 'inside of the span');
    });
  });

  test('that are recorded in no time at all are inside of the span all the same', async () => {
    const at = Date.now();
    for (let round = 0; round < 20; round++) {
      const span = await recorded((step) => {
        for (const _ of counting(1, 112))
          step.attempts.record(some(step.attempts.next(), { startedAt: at, endedAt: at }));
      });
      const nanos = ([seconds, nanos]: readonly [number, number]) => BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
      for (const { time } of span.events) assert.ok(nanos(time) <= nanos(span.endTime));
    }
  });

  test('replace of a known number replaces in place, of an unknown one appends', async () => {
    let counts: number[] = [];
    const span = await recorded(({ attempts }) => {
      for (const _ of counting(1, 3)) attempts.record(some(attempts.next()));
      attempts.replace(2, some(99, { status: 'failed', errorType: 'ECONNRESET' }));
      attempts.replace(4, some(1, { status: 'aborted' }));
      counts = [attempts.count, attempts.failedCount, attempts.next()];
    });
    assert.deepEqual(
      attemptsOf(span).map((attempt) => [
        attempt['runtrace.attempt.number'],
        attempt['runtrace.attempt.status'],
        attempt['error.type'],
      ]),
      [
        [1, 'completed', undefined],
        [2, 'failed', 'ECONNRESET'],
        [3, 'completed', undefined],
        [4, 'aborted', undefined],
      ],
    );
    assert.deepEqual(counts, [4, 1, 5], 'and its number is not handed out again');
    assert.equal(span.attributes['runtrace.step.failed_attempt_count'], 1);
  });

  test('that were recorded by hand and those of the recording fetch do not take the place of one another', async () => {
    const span = await recorded(async (step) => {
      step.attempts.record(some(1, { statusCode: 418, status: 'failed' }));
      await ask(step.fetch, 'any').then((response) => response.text());
    });
    assert.deepEqual(span.attributes['runtrace.step.attempt_codes'], '418 200');
  });

  test('may have any number, however large', async () => {
    const span = await recorded(({ attempts }) => {
      attempts.record(some(Number.MAX_SAFE_INTEGER - 1));
      attempts.replace(Number.MAX_SAFE_INTEGER, some(1));
    });
    assert.equal(attemptsOf(span).length, 2);
  });

  test('a snapshot is a copy', async () => {
    const given = some(1, {
      requestHeaders: { accept: 'text/plain' },
      responseHeaders: { 'content-type': 'text/html' },
    });
    const span = await recorded(
      ({ attempts }) => {
        attempts.record(given);
        given.status = 'failed';
        (given.responseHeaders as Record<string, string>)['content-type'] = 'changed';
        const snapshot = attempts.snapshot();
        const [first] = snapshot as [Attempt];
        assert.equal(first.status, 'completed');
        first.status = 'aborted';
        first.number = 7;
        (first.responseHeaders as Record<string, string>)['content-type'] = 'changed';
        (first.requestHeaders as Record<string, string>).added = 'changed';
        snapshot.push(some(2));
        assert.equal(attempts.snapshot().length, 1);
        assert.notEqual(attempts.snapshot(), attempts.snapshot());
      },
      { capture: 'content' },
    );
    const attempt = only(attemptsOf(span));
    assert.equal(attempt['runtrace.attempt.number'], 1);
    assert.equal(attempt['runtrace.attempt.status'], 'completed');
    assert.equal(JSON.stringify(attempt).includes('changed'), false);
  });

  test('the attempts of two steps are counted apart', async () => {
    const { recorder, steps } = traced();
    await recorder.run({ kind: 'chat_turn' }, () =>
      Promise.all(
        [3, 2].map((count) =>
          recorder.step({}, (step) =>
            Promise.all(counting(1, count).map(() => ask(step.fetch, 'any').then((it) => it.text()))),
          ),
        ),
      ),
    );
    assert.deepEqual(steps().map(numbersOf), [
      [1, 2, 3],
      [1, 2],
    ]);
  });

  test('a body that is the same as the one before it is recorded once', async () => {
    provider.script('same', status(500), status(500), ok());
    const span = await recorded(
      async (step) => {
        for (let count = 0; count < 3; count++) await ask(step.fetch, 'same').then((response) => response.text());
        await ask(step.fetch, 'other').then((response) => response.text());
        await ask(step.fetch, 'same').then((response) => response.text());
      },
      { capture: 'content' },
    );
    const bodies = attemptsOf(span).map((attempt) => 'http.request.body.content' in attempt);
    assert.deepEqual(bodies, [true, false, false, true, true]);
    const resends = attemptsOf(span).map((attempt) => attempt['http.request.resend_count']);
    assert.deepEqual(resends, [undefined, 1, 2, undefined, undefined]);
  });

  test('4000 attempts cost no more than those that are kept', async () => {
    const body = 'x'.repeat(10_000);
    let kept: Attempt[] = [];
    const span = await recorded(
      ({ attempts }) => {
        for (const _ of counting(1, 4000)) attempts.record(some(attempts.next(), { requestBody: body }));
        kept = attempts.snapshot();
      },
      { capture: 'content' },
    );
    assert.equal(span.attributes['runtrace.step.attempt_count'], 4000);
    assert.equal(span.attributes['runtrace.step.dropped_attempt_count'], 4000 - 112);
    assert.deepEqual(numbersOf(span), [...counting(1, 64), ...counting(3953, 4000)]);
    assert.ok(kept.length <= 1024);
    assert.equal(kept.filter(({ requestBody }) => requestBody).length, 112);
  });

  test('what it comes to is in the attributes: codes, failures, the wait between attempts', async () => {
    const at = Date.now() + 1000;
    const span = await recorded(({ attempts }) => {
      const given: [AttemptStatus, number, number, number | undefined][] = [
        ['failed', 0, 10, 429],
        ['failed', 110, 120, undefined],
        ['completed', 170, 180, 200],
      ];
      for (const [status, from, to, statusCode] of given) {
        const times = { startedAt: at + from, endedAt: at + to };
        attempts.record(some(attempts.next(), { status, ...times, ...(statusCode && { statusCode }) }));
      }
    });
    assert.deepEqual(span.attributes['runtrace.step.attempt_codes'], '429 failed 200');
    assert.equal(span.attributes['runtrace.step.failed_attempt_count'], 2);
    assert.equal(span.attributes['runtrace.step.retry_wait_ms'], 150);
    assert.deepEqual(
      attemptsOf(span).map((attempt) => [attempt['runtrace.attempt.wait_ms'], attempt['runtrace.attempt.duration_ms']]),
      [
        [undefined, 10],
        [100, 10],
        [50, 10],
      ],
    );
  });
});

describe('a body that ends well and closes badly', () => {
  const EVENTS = [
    'data: {"id":"1","model":"m","choices":[{"index":0,"delta":{"content":"Hello"}}]}\n\n',
    'data: {"id":"1","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
    'data: [DONE]\n\n',
  ];
  const closingError = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });

  /** A `fetch` whose bodies have `events`, and can't be cancelled in peace. */
  function badlyClosing(events: readonly string[], closing?: Promise<void>): typeof globalThis.fetch {
    return wrapFetch(async () => {
      const body = new ReadableStream({
        start: (controller) => {
          for (const event of events) controller.enqueue(new TextEncoder().encode(event));
        },
        cancel: () => closing ?? Promise.reject(closingError),
      });
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
    });
  }

  const call = async (fetch: typeof globalThis.fetch, chunks: number) => {
    const body = JSON.stringify({ model: 'm', stream: true, messages: [] });
    const response = await fetch('http://127.0.0.1/v1/chat/completions', { method: 'POST', body });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    for (let read = 0; read < chunks; read++) await reader.read();
    return reader;
  };

  for (const explicit of [true, false]) {
    test(`${explicit ? 'an explicit' : 'an implicit'} step: is recorded completed at its end, and becomes failed when closing it fails`, async () => {
      const { recorder, steps } = traced();
      const statuses: unknown[] = [];
      const within = async (step?: Step) => {
        const reader = await call(badlyClosing(EVENTS), EVENTS.length);
        const closing = reader.cancel();
        statuses.push(step?.attempts.snapshot().map(({ status }) => status));
        // The application gets to see the very error.
        await assert.rejects(closing, closingError);
        statuses.push(step?.attempts.snapshot().map(({ status }) => status));
      };
      await recorder.run({ kind: 'chat_turn' }, () => (explicit ? recorder.step({}, within) : within()));
      if (explicit) assert.deepEqual(statuses, [['completed'], ['failed']]);
      const step = only(steps());
      const attempt = only(attemptsOf(step));
      assert.equal(attempt['runtrace.attempt.status'], 'failed');
      assert.equal(attempt['error.type'], 'ECONNRESET');
      assert.equal(attempt['runtrace.attempt.number'], 1);
      assert.equal(step.attributes['runtrace.step.failed_attempt_count'], 1);
      // The answer was all there: nothing about it has become worse.
      assert.equal(step.attributes['runtrace.status'], 'completed');
      assert.equal('error.type' in step.attributes, false);
      assert.deepEqual(step.attributes['gen_ai.response.finish_reasons'], ['stop']);
    });

    test(`${explicit ? 'an explicit' : 'an implicit'} step: a body that is left in the middle and closes badly is interrupted`, async () => {
      const { recorder, steps } = traced();
      const within = async () => {
        const reader = await call(badlyClosing(EVENTS), 1);
        await assert.rejects(reader.cancel(), closingError);
      };
      await recorder.run({ kind: 'chat_turn' }, () => (explicit ? recorder.step({}, within) : within()));
      const step = only(steps());
      assert.equal(only(attemptsOf(step))['runtrace.attempt.status'], 'failed');
      assert.equal(step.attributes['runtrace.status'], 'interrupted');
    });

    test(`${explicit ? 'an explicit' : 'an implicit'} step: a body that breaks after its last event is failed`, async () => {
      const { recorder, steps } = traced();
      const breaking = wrapFetch(async () => {
        let next = 0;
        const pull = (controller: ReadableStreamDefaultController) => {
          const event = EVENTS[next++];
          if (event) controller.enqueue(new TextEncoder().encode(event));
          else controller.error(closingError);
        };
        return new Response(new ReadableStream({ pull }, { highWaterMark: 0 }), {
          headers: { 'content-type': 'text/event-stream' },
        });
      });
      const within = async () => {
        const reader = await call(breaking, EVENTS.length);
        await assert.rejects(reader.read(), closingError);
      };
      await recorder.run({ kind: 'chat_turn' }, () => (explicit ? recorder.step({}, within) : within()));
      assert.equal(only(attemptsOf(only(steps())))['runtrace.attempt.status'], 'failed');
      assert.equal(only(steps()).attributes['runtrace.status'], 'error');
    });
  }

  for (const open of [true, false]) {
    const title = open
      ? 'after its scope has returned it becomes failed all the same, while the run is open'
      : 'after its run has settled it is reported, and changes nothing';
    test(title, async (t) => {
      const messages = diagnosed(t);
      const { recorder, steps } = traced();
      let fail = () => {};
      const closing = new Promise<void>((_, reject) => {
        fail = () => reject(closingError);
      });
      let cancelled: Promise<unknown> = closing;
      const leave = async () => {
        const reader = await call(badlyClosing(EVENTS, closing), EVENTS.length);
        cancelled = reader.cancel();
      };
      const closeBadly = () => {
        fail();
        return assert.rejects(cancelled, closingError);
      };
      await recorder.run({ kind: 'chat_turn' }, async () => {
        await recorder.step({}, leave);
        assert.deepEqual(steps(), []);
        if (open) await closeBadly();
      });
      if (!open) await closeBadly();
      const step = only(steps());
      assert.equal(only(attemptsOf(step))['runtrace.attempt.status'], open ? 'failed' : 'completed');
      assert.equal(step.attributes['runtrace.status'], 'completed');
      const reports = messages.filter((message) =>
        message.includes('closing a body failed after its step had settled'),
      );
      assert.equal(reports.length, open ? 0 : 1);
    });
  }

  test('a caller who aborted is not told of by the error that closing then gives', async () => {
    const { recorder, steps } = traced();
    const controller = new AbortController();
    await recorder.run({ kind: 'chat_turn' }, async () => {
      const response = await ask(recordingFetch, 'any', { signal: controller.signal });
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      controller.abort();
      await reader.cancel().catch(() => {});
      await reader.closed.catch(() => {});
    });
    assert.equal(only(attemptsOf(only(steps())))['runtrace.attempt.status'], 'aborted');
    assert.equal(only(steps()).attributes['runtrace.status'], 'interrupted');
  });
});
