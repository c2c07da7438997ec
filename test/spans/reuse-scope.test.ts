import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { Recorder, Step } from 'runtrace';
import { recordingFetch } from 'runtrace';
import {
  type Behaviour,
  errorEventMidStream,
  ok,
  type Provider,
  resetMidStream,
  stallMidStream,
  startProvider,
  status,
} from '../../examples/demo/provider.js';
import { CLIENTS, read } from '../support/clients.js';
import { attemptsOf, only, type ReadableSpan, type Traced, traced } from '../support/traced.js';
import { until } from '../support/until.js';

let provider: Provider;
before(async () => {
  provider = await startProvider();
});
after(() => provider.close());

/** A set-up with a client that retries nothing, so that every attempt is the application's. */
function scene(...behaviours: [Behaviour, ...Behaviour[]]): Traced & Recorder & Asking {
  const set = traced({ limits: { idleMillis: 1 } });
  const model = `gpt-5.${randomUUID()}`;
  provider.script(model, ...behaviours);
  const client = CLIENTS[0]?.make({ url: provider.url, fetch: recordingFetch, maxRetries: 0 });
  assert.ok(client);
  const ask: Asking['ask'] = async (options) => read(await client.open(model, options));
  return { ...set, ...set.recorder, model, ask, open: (options) => client.open(model, options) };
}

interface Asking {
  readonly model: string;
  ask(options?: { signal?: AbortSignal }): Promise<string>;
  open(options?: { signal?: AbortSignal }): Promise<AsyncIterable<string>>;
}

const statusOf = (span: ReadableSpan) => span.attributes['runtrace.status'];
const codesOf = (span: ReadableSpan) =>
  String(span.attributes['runtrace.step.attempt_codes'] ?? '')
    .split(' ')
    .filter(Boolean);
const attemptStatuses = (span: ReadableSpan) => attemptsOf(span).map((attempt) => attempt['runtrace.attempt.status']);
const ignore = () => {};

describe('two calls in a reuse scope', () => {
  test('that are implicit steps share one step, one span, one attempt log', async () => {
    const { run, reuseStep, ask, steps, runs } = scene(status(500), ok());
    await run({ kind: 'chat_turn' }, () => reuseStep(() => ask().catch(ask)));
    const step = only(steps());
    assert.deepEqual(codesOf(step), ['500', '200']);
    assert.equal(statusOf(step), 'completed');
    assert.deepEqual(
      attemptsOf(step).map((attempt) => attempt['runtrace.attempt.number']),
      [1, 2],
    );
    assert.equal(only(runs()).attributes['runtrace.run.step_count'], 1);
    assert.equal(only(runs()).attributes['runtrace.run.attempt_count'], 2);
  });

  test('that are explicit steps share one step, one span, one attempt log', async () => {
    const { run, step, reuseStep, ask, steps } = scene(status(500), ok());
    const handles: Step[] = [];
    const call = () =>
      step({}, (step) => {
        handles.push(step);
        return ask();
      });
    await run({ kind: 'chat_turn' }, () => reuseStep(() => call().catch(call)));
    const [first, second] = handles as [Step, Step];
    assert.deepEqual([first.id, first.number, first.attempts], [second.id, second.number, second.attempts]);
    assert.deepEqual(codesOf(only(steps())), ['500', '200']);
    assert.equal(statusOf(only(steps())), 'completed');
  });

  test('of which one is an explicit step share it too', async () => {
    for (const explicitFirst of [true, false]) {
      const { run, step, reuseStep, ask, steps } = scene(status(500), ok());
      const calls = [() => step({}, () => ask()), () => ask()];
      const [first, second] = explicitFirst ? calls : calls.reverse();
      await run({ kind: 'chat_turn' }, () => reuseStep(() => first?.().catch(() => second?.())));
      assert.deepEqual(codesOf(only(steps())), ['500', '200']);
      assert.equal(statusOf(only(steps())), 'completed');
    }
  });

  test('that are steps without a function share it too', async () => {
    const { run, startStep, reuseStep, steps } = scene(ok());
    await run({ kind: 'chat_turn' }, () =>
      reuseStep(() => {
        startStep({ model: 'first' }).finish('error', { error: new RangeError() });
        startStep({ model: 'second' }).finish('completed', { response: { id: 'second' } });
      }),
    );
    assert.equal(only(steps()).name, 'chat second');
    assert.equal(statusOf(only(steps())), 'completed');
  });

  test('without the scope they are two', async () => {
    const { run, step, ask, steps } = scene(ok());
    await run({ kind: 'chat_turn' }, async () => {
      await ask();
      await ask();
      await step({}, () => ask());
      await step({}, () => ask());
    });
    assert.deepEqual(steps().map(codesOf), [['200'], ['200'], ['200'], ['200']]);
  });

  test('outside of a run are not recorded', async () => {
    const { reuseStep, ask, spans } = scene(ok());
    assert.equal(typeof (await reuseStep(() => ask())), 'string');
    assert.deepEqual(spans(), []);
  });

  test('made at once share it', async () => {
    const { run, step, reuseStep, ask, steps } = scene(ok());
    await run({ kind: 'chat_turn' }, () =>
      reuseStep(() => Promise.all([ask(), ask(), step({}, () => ask()), step({}, () => ask())])),
    );
    assert.deepEqual(codesOf(only(steps())), ['200', '200', '200', '200']);
  });

  test('with nested scopes share the outer one', async () => {
    const { run, reuseStep, ask, steps } = scene(ok());
    await run({ kind: 'chat_turn' }, () =>
      reuseStep(async () => {
        await reuseStep(() => ask());
        await reuseStep(() => reuseStep(() => ask()));
        await ask();
      }),
    );
    assert.deepEqual(codesOf(only(steps())), ['200', '200', '200']);
  });

  test('one scope after the other: one step after the other', async () => {
    const { run, reuseStep, ask, steps } = scene(ok());
    await run({ kind: 'chat_turn' }, async () => {
      await reuseStep(() => ask());
      await reuseStep(() => ask());
    });
    assert.deepEqual(steps().map(codesOf), [['200'], ['200']]);
  });

  test('of which one comes when the scope is over are two steps', async () => {
    const { run, reuseStep, ask, steps } = scene(ok());
    await run({ kind: 'chat_turn' }, async () => {
      let later: Promise<unknown> = Promise.resolve();
      let proceed = ignore;
      await reuseStep(async () => {
        await ask();
        later = new Promise<void>((resolve) => {
          proceed = resolve;
        }).then(() => ask());
      });
      proceed();
      await later;
    });
    assert.deepEqual(steps().map(codesOf), [['200'], ['200']]);
  });

  test('made by a tool in between are none of its calls', async () => {
    const { run, reuseStep, tool, ask, steps } = scene(ok());
    await run({ kind: 'chat_turn' }, () =>
      reuseStep(async () => {
        await ask();
        await tool({ name: 'research' }, () => ask());
        await ask();
      }),
    );
    assert.deepEqual(steps().map(codesOf), [['200', '200'], ['200']]);
  });
});

describe('another run in a reuse scope', () => {
  test('starts a step of its own, one for each run id', async () => {
    const { run, reuseStep, ask, steps, runs } = scene(ok());
    const inner = { kind: 'title_generation', id: randomUUID() };
    await run({ kind: 'chat_turn' }, (outer) =>
      reuseStep(async () => {
        await ask();
        await run(inner, () => ask());
        await ask();
        await run({ kind: 'title_generation' }, async () => {
          await ask();
          await ask();
        });
        await outer.step({}, () => ask());
      }),
    );
    const attempts = runs().map(({ attributes }) => attributes['runtrace.run.attempt_count']);
    assert.deepEqual(attempts.sort(), [1, 2, 3]);
    assert.deepEqual(
      runs().map(({ attributes }) => attributes['runtrace.run.step_count']),
      [1, 1, 1],
    );
    assert.equal(new Set(steps().map(({ attributes }) => attributes['runtrace.run.id'])).size, 3);
  });

  test('that has the same id shares the step', async () => {
    const { run, reuseStep, ask, steps } = scene(status(500), ok());
    const options = { kind: 'chat_turn', id: randomUUID() };
    await run(options, () =>
      reuseStep(async () => {
        await ask().catch(ignore);
        await run(options, () => ask());
      }),
    );
    assert.deepEqual(codesOf(only(steps())), ['500', '200']);
  });

  test('does not end the scope for the others when it is over', async () => {
    const { run, reuseStep, ask, steps, runs } = scene(ok());
    await run({ kind: 'chat_turn' }, () =>
      reuseStep(async () => {
        await ask();
        await run({ kind: 'title_generation' }, () => ask());
        await until(() => runs().length === 1);
        await ask();
      }),
    );
    assert.deepEqual(
      steps()
        .map((step) => attemptsOf(step).length)
        .sort(),
      [1, 2],
    );
  });
});

describe('the step of a reuse scope', () => {
  test('that failed and then completed is completed, as the winning call was', async () => {
    const { run, step, reuseStep, steps } = scene(ok());
    const other = scene(ok());
    await run({ kind: 'chat_turn' }, () =>
      reuseStep(async () => {
        const failing = {
          model: 'loser',
          provider: 'loser.inc',
          attributes: { lost: true },
          request: { temperature: 1 },
        };
        await step(failing, () => Promise.reject(Object.assign(new Error(), { code: 'overloaded' }))).catch(ignore);
        await step({ model: 'winner', attributes: { won: true } }, () => other.ask());
      }),
    );
    const { name, attributes, status, events } = only(steps());
    assert.equal(name, 'chat winner');
    assert.equal(attributes['gen_ai.request.model'], 'winner');
    assert.equal(attributes['runtrace.status'], 'completed');
    assert.equal(attributes.won, true);
    for (const gone of ['lost', 'error.type', 'gen_ai.request.temperature'])
      assert.equal(gone in attributes, false, gone);
    assert.notEqual(attributes['gen_ai.provider.name'], 'loser.inc');
    assert.equal(status.message, undefined);
    assert.equal(events.filter(({ name }) => name === 'exception').length, 0);
  });

  test('takes name and model from the winning call, also if another one announced it', async () => {
    const lost = scene(status(500));
    const won = scene(ok({ model: 'the-one-that-answered' }));
    const { run, step, reuseStep } = lost.recorder;
    for (const [first, second] of [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ]) {
      const model = won.model;
      provider.script(model, ok({ model: 'the-one-that-answered' }));
      const client = CLIENTS[0]?.make({ url: provider.url, fetch: recordingFetch, maxRetries: 0 });
      const losing = () => lost.ask();
      const winning = () => client?.generate(model);
      await run({ kind: 'chat_turn' }, () =>
        reuseStep(async () => {
          await (first ? step({ model: lost.model }, losing) : losing()).catch(ignore);
          await (second ? step({ model }, winning) : winning());
        }),
      );
      const span = lost.steps().at(-1) as ReadableSpan;
      const label = `${first ? 'explicit' : 'implicit'}, then ${second ? 'explicit' : 'implicit'}`;
      assert.equal(span.name, `chat ${model}`, label);
      assert.equal(span.attributes['gen_ai.request.model'], model, label);
      assert.equal(span.attributes['gen_ai.response.model'], 'the-one-that-answered', label);
      assert.equal(span.attributes['runtrace.step.operation'], 'generate', label);
      assert.deepEqual(codesOf(span), ['500', '200'], label);
    }
  });

  for (const explicit of [true, false]) {
    const kind = explicit ? 'explicit' : 'implicit';
    const wrapped =
      ({ step }: Pick<Recorder, 'step'>, fn: () => Promise<unknown>) =>
      () =>
        explicit ? step({}, fn) : fn();

    test(`that was reset in mid-stream and then completed is completed (${kind})`, async () => {
      const { run, step, reuseStep, ask, steps } = scene(resetMidStream(), ok());
      const call = wrapped({ step }, () => ask());
      await run({ kind: 'chat_turn' }, () => reuseStep(() => call().catch(call)));
      assert.equal(statusOf(only(steps())), 'completed');
      assert.deepEqual(attemptStatuses(only(steps())), ['failed', 'completed']);
    });

    test(`that failed twice has the newer error (${kind})`, async () => {
      const { run, step, reuseStep, ask, steps } = scene(status(429), errorEventMidStream());
      const call = wrapped({ step }, () => ask());
      await run({ kind: 'chat_turn' }, () => reuseStep(() => call().catch(call))).catch(ignore);
      const span = only(steps());
      assert.equal(statusOf(span), 'error');
      assert.deepEqual(attemptStatuses(span), ['failed', 'failed']);
      assert.equal(span.attributes['error.type'], attemptsOf(span)[1]?.['error.type']);
      assert.notEqual(span.attributes['error.type'], attemptsOf(span)[0]?.['error.type']);
      assert.equal(span.events.filter(({ name }) => name === 'exception').length, 1);
    });

    test(`that failed and then was aborted is still failed (${kind})`, async () => {
      const controller = new AbortController();
      const { run, step, reuseStep, ask, open, steps } = scene(status(429), async (exchange) => {
        await stallMidStream()(exchange);
        controller.abort();
      });
      const first = wrapped({ step }, () => ask());
      const second = wrapped({ step }, async () => read(await open({ signal: controller.signal })));
      await run({ kind: 'chat_turn' }, () => reuseStep(() => first().catch(second))).catch(ignore);
      const span = only(steps());
      assert.equal(statusOf(span), 'error');
      assert.deepEqual(attemptStatuses(span), ['failed', 'aborted']);
      assert.equal(span.attributes['error.type'], attemptsOf(span)[0]?.['error.type']);
    });
  }

  test('has the error that the application saw last, and the application has its very error', async () => {
    const { run, reuseStep, ask, steps } = scene(status(500));
    const thrown = new Error('gave up');
    const call = run({ kind: 'chat_turn' }, () =>
      reuseStep(async () => {
        await ask().catch(ignore);
        throw thrown;
      }),
    );
    await assert.rejects(call, thrown);
    assert.equal(statusOf(only(steps())), 'error');
    assert.deepEqual(codesOf(only(steps())), ['500']);
  });

  test('goes on with a stream that the scope returns', async () => {
    const { run, reuseStep, ask, open, steps } = scene(status(500), ok());
    await run({ kind: 'chat_turn' }, async () => {
      const stream = await reuseStep(() => open().catch(() => open()));
      assert.deepEqual(steps(), []);
      await read(stream);
      await ask();
    });
    assert.deepEqual(steps().map(codesOf), [['500', '200'], ['200']]);
    assert.deepEqual(steps().map(statusOf), ['completed', 'completed']);
  });

  test('is still the same for a call that is made while such a stream is read', async () => {
    const { run, reuseStep, ask, open, steps } = scene(ok());
    await run({ kind: 'chat_turn' }, async () => {
      const answers = await reuseStep(async () => {
        async function* both() {
          yield* await open();
          yield await ask();
        }
        return both();
      });
      await read(answers);
    });
    assert.deepEqual(steps().map(codesOf), [['200', '200']]);
  });

  test('settles when the run is over, though the scope is not', async () => {
    const { run, reuseStep, ask, steps, runs } = scene(ok());
    await reuseStep(async () => {
      await run({ kind: 'chat_turn' }, () => ask());
      await until(() => runs().length === 1);
      assert.equal(statusOf(only(steps())), 'completed');
      await run({ kind: 'chat_turn' }, () => ask());
    });
    await until(() => runs().length === 2);
    assert.equal(steps().length, 2);
  });
});
