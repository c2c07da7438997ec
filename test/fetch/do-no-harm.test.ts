import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { context, type DiagLogger, diag, ROOT_CONTEXT } from '@opentelemetry/api';
import { recordingFetch } from 'runtrace';
import { ok, type Provider, resetMidStream, startProvider, status } from '../../examples/demo/provider.js';
import { only, type ReadableSpan, type Traced, traced } from '../support/traced.js';
import { until } from '../support/until.js';

let provider: Provider;
before(async () => {
  provider = await startProvider();
});
after(() => provider.close());

function chat(model: string, init: RequestInit = {}): Promise<Response> {
  const body = JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'Hi' }] });
  return recordingFetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body, ...init });
}

type Scope = <T>(set: Traced, fn: () => T | PromiseLike<T>) => Promise<T>;

const SCOPES: Record<string, Scope> = {
  run: ({ recorder }, fn) => recorder.run({ kind: 'chat_turn' }, fn),
  step: ({ recorder }, fn) => recorder.run({ kind: 'chat_turn' }, () => recorder.step({}, fn)),
  'run.step': ({ recorder }, fn) => recorder.startRun({ kind: 'chat_turn' }).step({}, fn),
  tool: ({ recorder }, fn) => recorder.run({ kind: 'chat_turn' }, () => recorder.tool({ name: 'tool' }, fn)),
  reuseStep: ({ recorder }, fn) => recorder.run({ kind: 'chat_turn' }, () => recorder.reuseStep(fn)),
};

for (const [name, scope] of Object.entries(SCOPES)) {
  describe(name, () => {
    test('gives what its function gives: the very same value', async () => {
      const values = [
        undefined,
        null,
        0,
        '',
        Number.NaN,
        Symbol('s'),
        {},
        [],
        () => {},
        new Map(),
        Object.create(null),
      ];
      for (const value of values) {
        assert.ok(Object.is(await scope(traced(), () => value), value));
        assert.ok(Object.is(await scope(traced(), async () => value), value));
      }
    });

    test('fails with what its function fails with: the very same value of any type', async () => {
      const hostile = new Proxy(new Error('hostile'), {
        get: () => {
          throw new Error('a getter threw');
        },
      });
      for (const thrown of [undefined, null, 0, 'text', Symbol('s'), {}, Object.freeze(new Error('frozen')), hostile]) {
        const rethrow = () => {
          throw thrown;
        };
        for (const fail of [rethrow, async () => rethrow()]) {
          const caught = await scope(traced(), fail).then(
            () => assert.fail('it did not fail'),
            (error: unknown) => [error],
          );
          assert.ok(Object.is(caught[0], thrown));
        }
      }
    });

    test('asks a thenable once, when it would be asked', async () => {
      let asked = 0;
      const thenable: PromiseLike<number> = {
        // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested
        then(resolve) {
          asked++;
          return Promise.resolve(7).then(resolve);
        },
      };
      assert.equal(await scope(traced(), () => thenable), 7);
      assert.equal(asked, 1);
    });

    test("leaves the context as it was, and the application's own storage alone", async () => {
      const storage = new AsyncLocalStorage<string>();
      const outside = context.active();
      await storage.run('mine', async () => {
        const running = scope(traced(), async () => {
          assert.equal(storage.getStore(), 'mine');
          await null;
          assert.equal(storage.getStore(), 'mine');
          storage.enterWith('theirs');
        });
        assert.equal(context.active(), outside);
        await running;
        assert.equal(context.active(), outside);
        assert.equal(storage.getStore(), 'mine');
      });
    });
  });
}

describe('what a function gets', () => {
  for (const capture of ['metadata', 'off'] as const) {
    test(`may be taken apart, at ${capture}`, async () => {
      const { recorder, runs, steps } = traced({ capture });
      await recorder.run({ kind: 'chat_turn' }, async ({ step, startStep, resumeAfterStep, finish }) => {
        resumeAfterStep(4);
        await step({}, ({ finish, fetch }) => {
          assert.equal(typeof fetch, 'function');
          finish('error');
        });
        const { finish: finishStep } = startStep();
        finishStep('interrupted');
        finish('error');
      });
      const outcome = ({ attributes }: ReadableSpan) => attributes['runtrace.status'];
      assert.deepEqual(runs().map(outcome), capture === 'off' ? [] : ['error']);
      assert.deepEqual(steps().map(outcome), capture === 'off' ? [] : ['error', 'interrupted']);
    });
  }
});

describe('a rejection', () => {
  test('that the application does not handle is unhandled once, as without us', async () => {
    const { stdout } = await runProgram(`
      process.on('unhandledRejection', (reason) => console.log(reason.message));
      const fail = (why) => () => Promise.reject(new Error(why));
      const run = startRun({ kind: 'chat_turn' });
      recorder.run({ kind: 'chat_turn' }, fail('run'));
      recorder.run({ kind: 'chat_turn' }, () => void recorder.step({}, fail('step')));
      recorder.run({ kind: 'chat_turn' }, () => void recorder.reuseStep(fail('reuseStep')));
      recorder.run({ kind: 'chat_turn' }, () => void recorder.tool({ name: 'tool' }, fail('tool')));
      run.step({}, fail('run.step'));
    `);
    assert.deepEqual(stdout.trim().split('\n').sort(), ['reuseStep', 'run', 'run.step', 'step', 'tool']);
  });

  test('of a call that the application handles is never unhandled, however it goes', async () => {
    const set = traced({ limits: { idleMillis: 0, pausedMillis: 0 } });
    provider.script('broken', resetMidStream());
    const leave = new AbortController();
    const reasons: unknown[] = [];
    const listener = (reason: unknown) => void reasons.push(reason);
    process.on('unhandledRejection', listener);
    try {
      await set.recorder.run({ kind: 'chat_turn' }, async () => {
        for (const read of [
          (response: Response) => response.text(),
          (response: Response) => response.body?.pipeTo(new WritableStream()),
          (response: Response) => response.clone().text(),
          async (response: Response) => response.body?.getReader().read(),
          async (response: Response) => response.body?.cancel(),
          async () => {},
        ]) {
          const response = await chat('broken', { signal: leave.signal });
          await Promise.resolve(read(response)).catch(() => {});
        }
        // A body that breaks while it is not read: no code is told, so none can handle it.
        await until(() => provider.requests.filter(({ model }) => model === 'broken').length === 6);
        leave.abort(new Error('everybody leaves'));
        await sleep(30);
      });
    } finally {
      process.off('unhandledRejection', listener);
    }
    assert.deepEqual(reasons, []);
  });
});

describe('telemetry that fails', () => {
  test('in the logger of the application is not told to the application', async (t) => {
    const fail = () => {
      throw new Error('the logger is broken');
    };
    const logger: DiagLogger = { error: fail, warn: fail, info: fail, debug: fail, verbose: fail };
    t.after(() => diag.disable());
    const { recorder, spans } = traced({
      capture: () => {
        throw new Error('asked in vain');
      },
    });
    const late = traced().recorder.startRun({ kind: 'late' });
    late.finish('completed');
    await null;
    diag.setLogger(logger, { suppressOverrideMessage: true });
    late.finish('error');
    assert.equal(await recorder.run({ kind: 'chat_turn' }, () => 'done'), 'done');
    assert.deepEqual(spans(), []);
  });

  test('in a redact function keeps the value out, and the call is the same', async () => {
    const set = traced({
      capture: 'content',
      redact: {
        redact: () => {
          throw new Error('the redactor is broken');
        },
      },
    });
    provider.script('redacted', status(500), ok());
    const text = await set.recorder.run({ kind: 'chat_turn', attributes: { secret: 'hunter2' } }, () =>
      set.recorder.step({}, async () => {
        await (await chat('redacted')).text();
        return (await chat('redacted')).text();
      }),
    );
    assert.match(text, /\[DONE\]/);
    assert.equal(set.spans().length, 2);
    assert.doesNotMatch(
      JSON.stringify(set.spans().map(({ attributes, events }) => [attributes, events])),
      /hunter2|Hello/,
    );
  });
});

describe('the timer', () => {
  test('does not run in the context of the first caller', async () => {
    const seen: unknown[] = [];
    const storage = new AsyncLocalStorage<string>();
    const { recorder } = traced({
      limits: { completedHoldMillis: 0 },
      spanProcessors: [
        {
          onStart() {},
          onEnd: () => void seen.push(context.active(), storage.getStore()),
          forceFlush: async () => {},
          shutdown: async () => {},
        },
      ],
    });
    const started = recorder.startRun({ kind: 'started' });
    await recorder.run({ kind: 'chat_turn' }, async () => {
      storage.run('of the first', () => started.startStep().finish('completed'));
      await until(() => seen.length > 0);
    });
    assert.deepEqual(seen.slice(0, 2), [ROOT_CONTEXT, undefined]);
    started.finish('completed');
  });

  test('does not keep the process alive', async () => {
    const startedAt = Date.now();
    await runProgram(`
      const run = startRun({ kind: 'never finished' });
      run.startStep().finish('error');
      run.startStep();
      const over = startRun({ kind: 'over' });
      over.startStep();
      over.finish('completed');
    `);
    // A run waits a minute for its step, the step that failed for a retry, and the run that is never finished ends after a day.
    assert.ok(Date.now() - startedAt < 30_000);
  });
});

test('a foreign span in a run is left as it is, but for the stamp', async () => {
  const { recorder, provider, spans } = traced();
  const start = () => provider.getTracer('theirs').startSpan('theirs');
  const outside = start();
  await recorder.run({ kind: 'chat_turn' }, () => {
    const inside = start();
    assert.deepEqual(Reflect.ownKeys(inside), Reflect.ownKeys(outside));
    inside.end();
  });
  const theirs = only(spans().filter(({ name }) => name === 'theirs'));
  assert.deepEqual(Object.keys(theirs.attributes), ['runtrace.run.id']);
});

/** Runs a program of its own, with a recorder, until it ends by itself. */
function runProgram(program: string): Promise<{ stdout: string }> {
  const preamble = `
    import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
    import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
    import { context } from '@opentelemetry/api';
    import { createRecorder, recordingFetch, StatusPrioritySpanProcessor } from 'runtrace';
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const tracerProvider = new BasicTracerProvider({ spanProcessors: [new StatusPrioritySpanProcessor()] });
    const recorder = createRecorder({ tracerProvider, limits: { idleMillis: 60_000 } });
    const { startRun } = recorder;
  `;
  const args = ['--input-type=module', '--eval', preamble + program];
  return promisify(execFile)(process.execPath, args, { timeout: 40_000 });
}
