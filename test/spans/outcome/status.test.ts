import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type DiagLogger, DiagLogLevel, diag, SpanStatusCode } from '@opentelemetry/api';
import fc from 'fast-check';
import { type FinishDetails, type Status, wrapFetch } from 'runtrace';
import { only, type ReadableSpan, type TracedOptions, traced, updatesOf } from '../../support/traced.js';

const STATUSES: readonly Status[] = ['in_progress', 'interrupted', 'error', 'completed'];
const CODES = { interrupted: SpanStatusCode.UNSET, error: SpanStatusCode.ERROR, completed: SpanStatusCode.OK };

type Finish = (status: Status, details?: FinishDetails) => void;

/** Both a run and a step have a `finish` and become a span. Resolves with it, also where `body` threw. */
const SUBJECTS: Record<string, (body: (finish: Finish) => void, options?: TracedOptions) => Promise<ReadableSpan>> = {
  run: async (body, options) => {
    const { recorder, runs } = traced(options);
    await recorder.run({ kind: 'chat_turn' }, (run) => body(run.finish.bind(run))).catch(ignoreThrown);
    return only(runs());
  },
  step: async (body, options) => {
    const { recorder, steps } = traced(options);
    const call = () => recorder.step({}, (step) => body(step.finish.bind(step)));
    await recorder.run({ kind: 'chat_turn' }, call).catch(ignoreThrown);
    return only(steps());
  },
};

class Thrown extends Error {}

function ignoreThrown(error: unknown): void {
  if (!(error instanceof Thrown)) throw error;
}

/** The rule as it is written down for users, once more. */
function accepts(current: Status, proposed: Status): boolean {
  return current === 'in_progress' || STATUSES.indexOf(proposed) >= STATUSES.indexOf(current);
}

const historyOf = (span: ReadableSpan) =>
  updatesOf(span).map((update) => [update['runtrace.status'], update['runtrace.status_update.accepted']]);

function passMillis(millis: number): void {
  const until = performance.now() + millis;
  while (performance.now() < until);
}

const millis = ([seconds, nanos]: readonly [number, number]) => seconds * 1000 + nanos / 1e6;

for (const [subject, record] of Object.entries(SUBJECTS)) {
  describe(`the status of a ${subject}`, () => {
    for (const first of STATUSES) {
      for (const second of STATUSES) {
        test(`${second} after ${first} ${accepts(first, second) ? 'replaces it' : 'changes nothing'}`, async () => {
          const span = await record((finish) => {
            finish(first, { attributes: { from: 'first' } });
            finish(second, { attributes: { from: 'second' } });
          });
          const [status, from] = accepts(first, second) ? [second, 'second'] : [first, 'first'];
          // Where no proposal was made, its function made one, by returning.
          const ended = status === 'in_progress' ? 'completed' : status;
          assert.equal(span.attributes['runtrace.status'], ended);
          assert.equal(span.attributes.from, status === 'in_progress' ? undefined : from);
          assert.equal(span.status.code, CODES[ended]);
          const history = [
            [first, true],
            [second, accepts(first, second)],
          ];
          if (status === 'in_progress') history.push(['completed', true]);
          assert.deepEqual(historyOf(span), history);
        });
      }
    }

    const proposals = fc.array(
      fc.record({
        status: fc.constantFrom(...STATUSES),
        inputTokens: fc.option(fc.nat(), { nil: undefined }),
        code: fc.option(fc.constantFrom('rate_limit', 'overloaded', 'server_error'), { nil: undefined }),
        name: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }),
      }),
      { maxLength: 24 },
    );

    test('any sequence of proposals ends as the model says', async () => {
      await fc.assert(
        fc.asyncProperty(proposals, fc.boolean(), async (proposed, throws) => {
          const span = await record((finish) => {
            for (const { status, inputTokens, code, name } of proposed) {
              finish(status, {
                ...(inputTokens !== undefined && { usage: { inputTokens } }),
                ...(code && { error: Object.assign(new Error('no'), { code }) }),
                ...(name && { attributes: { [name]: true } }),
              });
            }
            if (throws) throw new Thrown();
          });

          const all: {
            status: Status;
            inputTokens?: number | undefined;
            code?: string | undefined;
            name?: string | undefined;
          }[] = [...proposed];
          if (proposed.every(({ status }) => status === 'in_progress')) {
            all.push(throws ? { status: 'error', code: 'Thrown' } : { status: 'completed' });
          }
          let outcome: (typeof all)[number] = { status: 'in_progress' };
          const history: [Status, boolean][] = [];
          for (const proposal of all) {
            const { status } = proposal;
            const accepted = accepts(outcome.status, status);
            history.push([status, accepted]);
            if (accepted) outcome = proposal;
          }

          const { attributes } = span;
          const status = outcome.status as keyof typeof CODES;
          const failed = status === 'error';
          assert.equal(attributes['runtrace.status'], status);
          assert.equal(span.status.code, CODES[status]);
          assert.equal(attributes['error.type'], failed ? (outcome.code ?? '_OTHER') : undefined);
          assert.equal(span.status.message !== undefined, failed);
          assert.equal(span.events.filter(({ name }) => name === 'exception').length, failed ? 1 : 0);
          const tokens = subject === 'run' ? 'runtrace.run.input_tokens' : 'gen_ai.usage.input_tokens';
          assert.equal(attributes[tokens], outcome.inputTokens);
          for (const name of ['a', 'b', 'c']) assert.equal(attributes[name], name === outcome.name ? true : undefined);
          if (history.length < 2) assert.deepEqual(historyOf(span), []);
          else if (history.length < 16) assert.deepEqual(historyOf(span), history);
          else assert.ok(historyOf(span).length <= 16 && historyOf(span).length >= 15);
        }),
        { numRuns: 100 },
      );
    });

    test('after error then completed nothing of the error is left', async () => {
      const error = Object.assign(new Error('Rate limit reached'), { code: 'rate_limit_exceeded' });
      const span = await record(
        (finish) => {
          finish('error', { error, usage: { inputTokens: 3 }, response: { id: 'lost' }, attributes: { lost: true } });
          finish('completed', { usage: { outputTokens: 5 } });
        },
        { capture: 'content' },
      );
      assert.deepEqual(span.status, { code: SpanStatusCode.OK });
      assert.deepEqual(
        span.events.filter(({ name }) => name === 'exception'),
        [],
      );
      for (const name of ['error.type', 'lost', 'gen_ai.response.id', 'gen_ai.usage.input_tokens']) {
        assert.equal(name in span.attributes, false, name);
      }
      assert.equal(
        JSON.stringify([span.attributes, span.status, span.events[1]]).match(/rate.limit/i),
        null,
        'not even its text',
      );
    });

    test('a later error replaces an earlier one, with all that comes with it', async () => {
      const span = await record((finish) => {
        finish('error', { error: Object.assign(new Error(), { code: 'first' }), attributes: { first: true } });
        finish('error', { error: Object.assign(new Error(), { code: 'second' }), attributes: { second: true } });
      });
      assert.equal(span.attributes['error.type'], 'second');
      assert.equal(span.attributes.second, true);
      assert.equal('first' in span.attributes, false);
      assert.equal(span.events.filter(({ name }) => name === 'exception').length, 1);
      assert.match(String(span.status.message), /^second/);
    });

    test('one proposal is no history', async () => {
      const span = await record((finish) => finish('error'));
      assert.deepEqual(updatesOf(span), []);
    });

    for (const stands of ['completed', 'error'] as const) {
      test(`a stale interrupted after ${stands} is rejected, also long after it`, async () => {
        const span = await record((finish) => {
          finish(stands, { attributes: { kept: true } });
          passMillis(5);
          finish('interrupted', { attributes: { kept: false } });
        });
        assert.equal(span.attributes['runtrace.status'], stands);
        assert.equal(span.attributes.kept, true);
        assert.equal(span.status.code, CODES[stands]);
        assert.ok(Number(updatesOf(span)[1]?.['runtrace.status_update.late_ms']) >= 5, 'it ended when it did');
        assert.deepEqual(historyOf(span), [
          [stands, true],
          ['interrupted', false],
        ]);
        for (const { time } of span.events) {
          assert.ok(millis(time) >= millis(span.startTime) && millis(time) <= millis(span.endTime));
        }
      });
    }

    test('what is proposed last is the end, in time too', async () => {
      const span = await record((finish) => {
        finish('interrupted');
        passMillis(5);
        finish('completed');
      });
      const [first, second] = span.events.map(({ time }) => millis(time));
      assert.equal(second, millis(span.endTime));
      assert.ok(Number(second) - Number(first) >= 5);
    });
  });
}

test('a caller who aborts with a reason of his own interrupts the step, its run and the run around it', async () => {
  const { recorder, steps, runs } = traced();
  const pending: typeof fetch = (_input, init) =>
    new Promise((_, reject) => {
      init?.signal?.addEventListener('abort', () => reject(init.signal?.reason));
    });
  const fetch = wrapFetch(pending);
  for (const explicit of [true, false]) {
    const reason = new RangeError('the user left');
    const controller = new AbortController();
    const body = JSON.stringify({ model: 'gpt-5', messages: [] });
    const ask = () =>
      fetch('http://127.0.0.1/v1/chat/completions', { method: 'POST', body, signal: controller.signal });
    const call = recorder.run({ kind: 'outer' }, () =>
      recorder.run({ kind: 'inner' }, () => (explicit ? recorder.step({}, ask) : ask())),
    );
    controller.abort(reason);
    await assert.rejects(call, reason);
  }
  for (const span of [...steps(), ...runs()]) assert.equal(span.attributes['runtrace.status'], 'interrupted');
  assert.deepEqual([steps().length, runs().length], [2, 4]);
});

describe('a late callback', () => {
  test('that says completed wins over interrupted, also after the scope of the step, while the run is open', async () => {
    const { recorder, steps, runs } = traced();
    await recorder.run({ kind: 'chat_turn' }, async () => {
      const late = await recorder.step({}, (step) => {
        step.finish('interrupted', { attributes: { interrupted: true } });
        return step.finish.bind(step);
      });
      assert.deepEqual(steps(), [], 'it is held');
      late('completed', { usage: { outputTokens: 7 } });
    });
    const step = only(steps());
    assert.equal(step.attributes['runtrace.status'], 'completed');
    assert.equal(step.attributes['gen_ai.usage.output_tokens'], 7);
    assert.equal('interrupted' in step.attributes, false);
    assert.equal(only(runs()).attributes['runtrace.run.output_tokens'], 7);
  });

  test('that says interrupted changes nothing of a step that is held', async () => {
    const { recorder, steps } = traced();
    await recorder.run({ kind: 'chat_turn' }, async () => {
      const late = await recorder.step({}, (step) => step.finish.bind(step));
      late('interrupted');
      const thrown = await recorder
        .step({}, (step): Finish => {
          throw Object.assign(new Thrown(), { finish: step.finish.bind(step) });
        })
        .catch((error) => error.finish as Finish);
      thrown('interrupted');
    });
    assert.deepEqual(
      steps().map((step) => [step.attributes['runtrace.status'], historyOf(step)]),
      ['completed', 'error'].map((status) => [
        status,
        [
          [status, true],
          ['interrupted', false],
        ],
      ]),
    );
  });

  test('after settling changes nothing, is counted and reported', async () => {
    const warnings: string[] = [];
    const nothing = () => {};
    const logger: DiagLogger = {
      error: nothing,
      warn: (message) => warnings.push(message),
      info: nothing,
      debug: nothing,
      verbose: nothing,
    };
    diag.setLogger(logger, DiagLogLevel.ALL);
    try {
      const { recorder, spans } = traced();
      let late: Finish[] = [];
      await recorder.run({ kind: 'chat_turn' }, (run) =>
        recorder.step({}, (step) => {
          late = [run.finish.bind(run), step.finish.bind(step)];
        }),
      );
      const exported = JSON.stringify(
        spans().map(({ status, attributes, events, endTime }) => [status, attributes, events, endTime]),
      );
      for (const finish of late) finish('completed', { attributes: { late: true } });
      assert.equal(spans().length, 2);
      assert.equal(
        JSON.stringify(spans().map(({ status, attributes, events, endTime }) => [status, attributes, events, endTime])),
        exported,
      );
      assert.equal(warnings.filter((warning) => /proposed after its (run|step) had settled/.test(warning)).length, 2);
    } finally {
      diag.disable();
    }
  });
});
