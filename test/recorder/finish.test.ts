import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import type Anthropic from '@anthropic-ai/sdk';
import { diag, type Tracer, type TracerProvider, trace } from '@opentelemetry/api';
import { SimpleSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import OpenAI from 'openai';
import { createRecorder, type FinishDetails, type Recorder, recordingFetch, reportStatus, type Step } from 'runtrace';
import {
  hang,
  hugeBody,
  ok,
  type Provider,
  slow,
  stallMidStream,
  startProvider,
  status,
} from '../../examples/demo/provider.js';
import { diagnosed } from '../support/diagnosed.js';
import { attemptsOf, only, type ReadableSpan, traced, updatesOf } from '../support/traced.js';
import { until } from '../support/until.js';

let provider: Provider;
before(async () => {
  provider = await startProvider();
});
after(() => provider.close());

/** Each pause of a slow answer is longer than a call may be without a sign of life: but a reader waits. */
const LIMITS = { idleMillis: 40, pausedMillis: 40 };
const PAUSE_MILLIS = 70;
const statusOf = (span: ReadableSpan) => span.attributes['runtrace.status'];
const attemptStatuses = (span: ReadableSpan) => attemptsOf(span).map((attempt) => attempt['runtrace.attempt.status']);

function ask(
  model: string,
  {
    fetch = recordingFetch,
    stream = true,
    ...init
  }: RequestInit & { fetch?: typeof recordingFetch; stream?: boolean } = {},
) {
  const body = JSON.stringify({ model, stream, messages });
  return fetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body, ...init });
}

const openai = () =>
  new OpenAI({ apiKey: 'none', baseURL: `${provider.url}/v1`, fetch: recordingFetch, maxRetries: 0 });
const messages: [{ role: 'user'; content: string }] = [{ role: 'user', content: 'Hello?' }];
const question = { messages, stream: true } as const;

describe('finish', () => {
  test("says how a step ended after the caller's signal was aborted", async () => {
    const { recorder, steps } = traced();
    const controller = new AbortController();
    provider.script('aborted', stallMidStream());
    await recorder
      .run({ kind: 'chat_turn' }, () =>
        recorder.step({}, async (step) => {
          const response = await ask('aborted', { signal: controller.signal });
          const reader = response.body?.getReader();
          await reader?.read();
          controller.abort();
          step.finish('completed', { response: { id: 'enough' } });
          await reader?.read();
        }),
      )
      .catch((error) => assert.equal(error.name, 'AbortError'));
    const step = only(steps());
    assert.equal(statusOf(step), 'completed');
    assert.equal(step.attributes['gen_ai.response.id'], 'enough');
    assert.deepEqual(attemptStatuses(step), ['aborted']);
  });

  test("says how a run ended after the caller's signal was aborted", async () => {
    const { recorder, runs } = traced();
    const aborted = AbortSignal.abort();
    await recorder
      .run({ kind: 'chat_turn' }, async (run) => {
        run.finish('error', { error: new RangeError('no') });
        aborted.throwIfAborted();
      })
      .catch(() => {});
    assert.equal(statusOf(only(runs())), 'error');
    assert.equal(only(runs()).attributes['error.type'], 'RangeError');
  });

  test("works when the run's function has returned while a call is still alive", async () => {
    const { recorder, steps, runs } = traced({ limits: { idleMillis: 60_000 } });
    provider.script('alive', hang());
    const controller = new AbortController();
    let call: Promise<unknown> | undefined;
    const step = await recorder.run({ kind: 'chat_turn' }, async (run) => {
      const step = run.startStep();
      call = ask('alive', { fetch: step.fetch, signal: controller.signal }).catch(() => {});
      return step;
    });
    assert.deepEqual(steps(), []);
    step.finish('completed', { usage: { inputTokens: 1, outputTokens: 2 } });
    assert.deepEqual(steps(), [], 'its call is in flight');
    controller.abort();
    await call;
    await until(() => runs().length === 1);
    assert.equal(statusOf(only(steps())), 'completed');
    assert.equal(only(runs()).attributes['runtrace.run.output_tokens'], 2);
    assert.equal(statusOf(only(runs())), 'completed');
  });

  test("takes what the clients' types say, where a field may be null or missing", async () => {
    const { recorder, steps } = traced();
    const claude: Pick<Anthropic.Usage, 'input_tokens' | 'cache_read_input_tokens' | 'cache_creation_input_tokens'> = {
      input_tokens: 5,
      cache_read_input_tokens: 3,
      cache_creation_input_tokens: null,
    };
    const gpt: { usage?: OpenAI.CompletionUsage } = {};
    await recorder.run({ kind: 'chat_turn' }, (run) => {
      run.startStep().finish('completed', {
        response: { id: undefined, model: null },
        usage: {
          inputTokens: claude.input_tokens,
          outputTokens: gpt.usage?.completion_tokens,
          cacheReadTokens: claude.cache_read_input_tokens,
          cacheWriteTokens: claude.cache_creation_input_tokens,
        },
      });
    });
    const { attributes } = only(steps());
    assert.deepEqual(
      Object.entries(attributes).filter(([name]) => /usage|response/.test(name)),
      [
        ['gen_ai.usage.input_tokens', 5],
        ['gen_ai.usage.cache_read.input_tokens', 3],
      ],
    );
  });

  test('of the run works while a call is still alive', async () => {
    const { recorder, runs } = traced({ limits: { idleMillis: 60_000 } });
    provider.script('alive', stallMidStream());
    let late: (() => void) | undefined;
    const controller = new AbortController();
    const response = await recorder.run({ kind: 'chat_turn' }, async (run) => {
      late = () => run.finish('error', { error: new RangeError() });
      return { inner: await ask('alive', { signal: controller.signal }) };
    });
    const reading = response.inner.text().catch(() => {});
    late?.();
    assert.deepEqual(runs(), []);
    controller.abort();
    await reading;
    await until(() => runs().length === 1);
    // The function had returned before: its `completed` stands.
    assert.equal(statusOf(only(runs())), 'completed');
    assert.deepEqual(
      updatesOf(only(runs())).map((update) => update['runtrace.status_update.accepted']),
      [true, false],
    );
  });

  test('of a step that was never begun does nothing', async () => {
    const { recorder, spans } = traced();
    const outside = recorder.startStep();
    outside.finish('completed', { usage: { inputTokens: 1 } });
    await recorder.step({}, (step) => step.finish('error', { error: new Error() }));
    const run = recorder.startRun({ kind: 'chat_turn' });
    run.finish('completed');
    await until(() => spans().length === 1);
    const afterwards = run.startStep();
    afterwards.finish('completed');
    await run.step({}, (step) => step.finish('interrupted'));
    run.finish('error');
    assert.equal(spans().length, 1);
    assert.equal(statusOf(only(spans())), 'completed');
    assert.deepEqual([outside.number, afterwards.number], [0, 0]);
  });

  test('of a step without a function closes it; the first word is not the last', async () => {
    const { recorder, steps } = traced();
    await recorder.run({ kind: 'chat_turn' }, (run) => {
      const step = run.startStep({ model: 'gpt-5' });
      step.finish('in_progress');
      step.finish('error', { error: Object.assign(new Error(), { code: 'overloaded' }) });
      step.finish('completed', { response: { id: 'answer' } });
      step.finish('interrupted');
    });
    const step = only(steps());
    assert.equal(step.name, 'chat gpt-5');
    assert.equal(statusOf(step), 'completed');
    assert.equal(step.attributes['gen_ai.response.id'], 'answer');
    assert.equal(updatesOf(step).length, 4);
  });

  test('of a run without a function ends it, but not before the rest of the turn', async () => {
    const { recorder, runs } = traced();
    const run = recorder.startRun({ kind: 'chat_turn' });
    run.finish('in_progress');
    await until(() => true);
    assert.deepEqual(runs(), []);
    run.finish('interrupted');
    run.finish('completed');
    await until(() => runs().length > 0);
    assert.equal(statusOf(only(runs())), 'completed');
  });
});

test("an application's own attributes come beside those of runtrace, and none takes the place of one", async () => {
  const { recorder, runs, steps } = traced();
  const attributes = {
    tenant: 'blue',
    'error.type': 'mine',
    'runtrace.status': 'mine',
    'runtrace.run.id': 'mine',
    'runtrace.step.number': 7,
  };
  const details = { error: new RangeError('too far'), attributes: { shard: 3, ...attributes } };
  await recorder.run({ kind: 'chat_turn', attributes }, async (run) => {
    await recorder.step({ model: 'gpt-5', attributes }, (step) => step.finish('error', details));
    run.finish('error', details);
  });
  const run = only(runs());
  const step = only(steps());
  for (const { attributes } of [run, step]) {
    assert.equal(attributes.tenant, 'blue');
    assert.equal(attributes.shard, 3);
    assert.equal(attributes['error.type'], 'RangeError');
    assert.equal(attributes['runtrace.status'], 'error');
    assert.equal(attributes['runtrace.run.id'], run.attributes['runtrace.run.id']);
    assert.notEqual(attributes['runtrace.run.id'], 'mine');
  }
  assert.equal(step.attributes['runtrace.step.number'], 1);
});

test('an error that is said with no more is that of the last attempt', async () => {
  const { recorder, steps } = traced();
  provider.script('bare', status(429), ok());
  await recorder.run({ kind: 'chat_turn' }, async () => {
    for (const _ of ['refused', 'answered']) {
      await recorder.step({}, async (step) => {
        await ask('bare', { stream: false }).then((response) => response.text());
        step.finish('error');
      });
    }
  });
  const errorTypes = steps().map((step) => [step.attributes['error.type'], attemptsOf(step)[0]?.['error.type']]);
  assert.deepEqual(errorTypes, [
    ['rate_limit_exceeded', 'rate_limit_exceeded'],
    ['_OTHER', undefined],
  ]);
});

describe('a route that returns a streaming Response', { concurrency: true }, () => {
  const routes: Record<string, (model: string) => Promise<Response>> = {
    "of the client's stream": async (model) => {
      const stream = await openai().chat.completions.create({ model, ...question });
      return new Response(stream.toReadableStream());
    },
    'of the body, transformed': async (model) => {
      const { body } = await ask(model);
      return new Response(body?.pipeThrough(new TextDecoderStream()).pipeThrough(new TextEncoderStream()));
    },
    'of the body as it is': async (model) => new Response((await ask(model)).body),
    'as it came': (model) => ask(model),
  };

  for (const [what, route] of Object.entries(routes)) {
    test(`${what}, ends completed when the stream does, however long it takes`, async () => {
      const model = `slow ${what}`;
      const { recorder, steps, runs } = traced({ limits: LIMITS });
      provider.script(model, slow(PAUSE_MILLIS, { text: 'One two three' }));
      const response = await recorder.run({ kind: 'chat_turn' }, () => route(model));
      assert.deepEqual(runs(), []);
      assert.match(await response.text(), /three/);
      await until(() => runs().length === 1);
      assert.equal(statusOf(only(runs())), 'completed');
      assert.equal(statusOf(only(steps())), 'completed');
    });

    test(`${what}, is interrupted when the client goes away`, async () => {
      const model = `gone ${what}`;
      const { recorder, steps, runs } = traced({ limits: LIMITS });
      provider.script(model, stallMidStream());
      const response = await recorder.run({ kind: 'chat_turn' }, () => route(model));
      const reader = response.body?.getReader();
      await reader?.read();
      await reader?.cancel();
      await until(() => runs().length === 1);
      assert.equal(statusOf(only(steps())), 'interrupted');
      assert.equal(statusOf(only(runs())), 'interrupted');
    });

    test(`${what}, is interrupted when it is never read`, async () => {
      const model = `unread ${what}`;
      const { recorder, steps, runs } = traced({ limits: LIMITS });
      provider.script(model, hugeBody(4_000_000));
      const response = await recorder.run({ kind: 'chat_turn' }, () => route(model));
      await until(() => runs().length === 1);
      assert.deepEqual([...steps(), ...runs()].map(statusOf), ['interrupted', 'interrupted']);
      await response.body?.cancel();
    });

    test(`${what}, in a step: the step goes on with it`, async () => {
      const model = `step ${what}`;
      const { recorder, steps, runs } = traced({ limits: LIMITS });
      provider.script(model, slow(PAUSE_MILLIS, { text: 'One two three' }));
      const response = await recorder.run({ kind: 'chat_turn' }, () => recorder.step({}, () => route(model)));
      assert.match(await response.text(), /three/);
      await until(() => runs().length === 1);
      assert.equal(statusOf(only(steps())), 'completed');
      assert.equal(steps().length, 1);
    });
  }

  test('over HTTP, to a reader who takes his time', async () => {
    const { recorder, steps, runs } = traced({ limits: LIMITS });
    provider.script('http', slow(PAUSE_MILLIS, { text: 'One two three' }));
    const server = createServer(async (_request, response) => {
      const answer = await recorder.run({ kind: 'chat_turn' }, () => ask('http'));
      Readable.fromWeb(answer.body as import('node:stream/web').ReadableStream).pipe(response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const text = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`).then((it) => it.text());
      assert.match(text, /three/);
      await until(() => runs().length === 1);
      assert.deepEqual([...steps(), ...runs()].map(statusOf), ['completed', 'completed']);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

test('usage by the names of a provider is reported, because it is not recorded', async (t) => {
  const { recorder, steps } = traced();
  const messages = diagnosed(t);
  const finish = (usage: object) => recorder.step({}, (step) => step.finish('completed', { usage }));
  await recorder.run({ kind: 'chat_turn' }, async () => {
    await finish({ inputTokens: undefined });
    await finish({ cacheReadTokens: 1, total: 2 });
    assert.deepEqual(messages, []);
    await finish({ prompt_tokens: 1, completion_tokens: 2 });
  });
  assert.equal(steps().length, 3);
  assert.deepEqual(messages, ['runtrace: usage without inputTokens or outputTokens was left out']);
});

describe('nothing is thrown into the application', () => {
  const cyclic: Record<string, unknown> = { big: 1n };
  cyclic.self = cyclic;
  const throwing = () =>
    new Proxy(
      {},
      {
        get: () => {
          throw new Error('a getter threw');
        },
        ownKeys: () => {
          throw new Error('keys threw');
        },
      },
    );
  const HORRORS: Record<string, unknown> = {
    'an error whose getters throw': { error: throwing() },
    'attributes whose getters throw': { attributes: throwing() },
    'a response whose getters throw': { response: throwing() },
    'usage whose getters throw': { usage: throwing() },
    'messages with cycles and bigints': { response: { messages: [{ role: 'assistant', parts: [cyclic] }] } },
    'values that are no attributes': {
      attributes: { cyclic, fn: () => {}, big: 1n, symbol: Symbol('s'), nothing: null },
    },
    'finish reasons that are no list': { response: { finishReasons: 'stop' } },
    'usage that is no number': { usage: { inputTokens: 'many', outputTokens: Number.NaN } },
    'an error that is nothing': { error: null },
    'an error that is a function': { error: () => {} },
  };

  for (const capture of ['metadata', 'content'] as const) {
    for (const [what, details] of Object.entries(HORRORS)) {
      test(`by finish with ${what}, at ${capture}`, async () => {
        const { recorder, runs, steps } = traced({ capture });
        for (const status of ['error', 'completed'] as const) {
          await recorder.run({ kind: 'chat_turn' }, async (run) => {
            run.step({}, (step) => step.finish(status, details as FinishDetails));
            run.startStep().finish(status, details as FinishDetails);
            reportStatus(trace.getActiveSpan(), status, details as FinishDetails);
            run.finish(status, details as FinishDetails);
          });
        }
        assert.deepEqual(runs().map(statusOf), ['error', 'completed']);
        assert.deepEqual(steps().map(statusOf).sort(), ['completed', 'completed', 'error', 'error']);
        for (const run of runs()) assert.ok(!('runtrace.run.input_tokens' in run.attributes));
      });
    }
  }

  const failing = () => {
    throw new Error('telemetry is broken');
  };

  /** All that application code does, with everything that comes back of it. */
  async function everything({ run, step, tool, startRun, reuseStep }: Recorder): Promise<void> {
    const value = await run({ kind: 'chat_turn' }, async (run) => {
      await step({}, (step) => step.finish('error', { error: new Error() }));
      const answer = await openai().chat.completions.create({ model: 'everything', ...question, stream: false });
      await reuseStep(() => step({}, () => ask('everything').then((response) => response.text())));
      await tool({ name: 'search' }, () => 'found');
      const started: Step = run.startStep();
      started.attempts.record({ number: started.attempts.next(), status: 'failed', startedAt: 1, endedAt: 2 });
      started.finish('completed');
      run.finish('completed');
      return answer.choices[0]?.finish_reason;
    });
    assert.equal(value, 'stop');
    const thrown = new Error('of the application');
    await assert.rejects(
      run({ kind: 'chat_turn' }, () => step({}, () => Promise.reject(thrown))),
      thrown,
    );
    startRun({ kind: 'chat_turn' }).finish('completed');
    await until(() => true);
  }

  test('by a processor that fails, and everything is exported all the same', async () => {
    const { recorder, runs, steps } = traced({
      spanProcessors: [{ onStart() {}, onEnd: failing, forceFlush: async () => {}, shutdown: async () => {} }],
    });
    // The SDK hands a span to one processor after the other: one that fails keeps it from those after it, not from us.
    await everything(recorder);
    assert.deepEqual([runs(), steps()], [[], []]);
  });

  test('by an exporter that fails; it is reported', async (t) => {
    const messages: string[] = [];
    const error = (message: string) => void messages.push(message);
    diag.setLogger({ error, warn: error, info() {}, debug() {}, verbose() {} }, { suppressOverrideMessage: true });
    t.after(() => diag.disable());
    const exporters: SpanExporter[] = [
      { export: failing, shutdown: async () => {} },
      { export: (_spans, done) => done({ code: 1, error: new Error('refused') }), shutdown: async () => {} },
    ];
    for (const exporter of exporters) {
      const { recorder, runs, steps } = traced({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
      await everything(recorder);
      await until(() => runs().length === 3);
      assert.deepEqual(runs().map(statusOf).sort(), ['completed', 'completed', 'error']);
      assert.equal(steps().length, 5);
    }
    for (const text of ['telemetry is broken', 'refused']) {
      await until(() => messages.some((message) => message.includes(text)));
    }
  });

  test('by a sampler or a processor that fails when a span starts', async () => {
    const { recorder } = traced({ sampler: { shouldSample: failing, toString: () => 'failing' } });
    await everything(recorder);
    const other = traced({
      spanProcessors: [{ onStart: failing, onEnd() {}, forceFlush: async () => {}, shutdown: async () => {} }],
    });
    await everything(other.recorder);
  });

  test('by a provider that fails', async () => {
    const span = () => trace.wrapSpanContext({ traceId: '1'.repeat(32), spanId: '1'.repeat(16), traceFlags: 1 });
    const providers: TracerProvider[] = [
      { getTracer: failing },
      { getTracer: () => ({ startSpan: failing, startActiveSpan: failing }) as Tracer },
      ...(
        [
          'setAttributes',
          'setAttribute',
          'addEvent',
          'setStatus',
          'updateName',
          'end',
          'isRecording',
          'spanContext',
        ] as const
      ).map(
        (method): TracerProvider => ({
          getTracer: () =>
            ({
              startSpan: () => Object.assign(span(), { isRecording: () => true, [method]: failing }),
            }) as unknown as Tracer,
        }),
      ),
    ];
    for (const tracerProvider of providers) await everything(createRecorder({ tracerProvider }));
  });
});
