import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { generateText, isStepCount, streamText } from 'ai';
import { runtraceTelemetry } from 'runtrace/ai-sdk';
import {
  type Behaviour,
  endWithoutLastEvent,
  errorEventMidStream,
  garbage,
  hang,
  ok,
  resetBeforeHeaders,
  resetMidStream,
  slow,
  stallMidStream,
  status,
} from '../../examples/demo/provider.js';
import { diagnosed } from '../support/diagnosed.js';
import { only, type ReadableSpan, updatesOf } from '../support/traced.js';
import { until } from '../support/until.js';
import {
  ASKS_FOR_WEATHER,
  attempts,
  busy,
  type ChatModel,
  chat,
  hasArrived,
  LONG,
  outcome,
  readAll,
  register,
  runOf,
  scene,
  startModels,
  statusOf,
  stopModels,
  VERY_LONG,
  weather,
} from './ai-sdk.js';

before(startModels);
after(stopModels);

const prompt = 'Hello?';

const parentOf = (spans: readonly ReadableSpan[], { parentSpanContext }: ReadableSpan) =>
  spans.find((span) => span.spanContext().spanId === parentSpanContext?.spanId)?.name;

describe('an operation that is in no run', () => {
  for (const name of ['generateText', 'streamText'] as const) {
    test(`${name} is a run of its own, with a step for each model call and a span for each tool`, async () => {
      const set = scene();
      const settings = {
        model: chat(ASKS_FOR_WEATHER, ok()),
        prompt: 'What will the weather be?',
        tools: weather(),
        stopWhen: isStepCount(5),
      };
      if (name === 'generateText') await generateText(settings);
      else await streamText(settings).consumeStream();

      const run = await runOf(set);
      assert.equal(run.name, `invoke_workflow ${name}`);
      assert.equal(run.attributes['runtrace.ai_sdk.operation_id'], `ai.${name}`);
      assert.equal(statusOf(run), 'completed');
      assert.deepEqual(
        set
          .spans()
          .map((span) => [span.name.split(/[. ]/, 1)[0], parentOf(set.spans(), span)])
          .sort(),
        [
          ['chat', run.name],
          ['chat', run.name],
          ['execute_tool', run.name],
          ['invoke_workflow', undefined],
        ],
      );
      for (const [number, step] of set.steps().entries()) {
        assert.equal(statusOf(step), 'completed');
        assert.equal(step.attributes['runtrace.step.number'], number + 1);
        assert.equal(step.attributes['runtrace.ai_sdk.step_number'], number);
        assert.deepEqual(attempts(step), ['200 completed']);
        assert.equal(step.attributes['gen_ai.provider.name'], 'openai');
        assert.equal(step.attributes['runtrace.step.operation'], name === 'generateText' ? 'generate' : 'stream');
        assert.equal(step.attributes['gen_ai.usage.input_tokens'], 12);
        assert.deepEqual(updatesOf(step), []);
      }
      const call = only(set.spans().filter(({ name }) => name === 'execute_tool weather'));
      assert.equal(call.attributes['gen_ai.tool.call.id'], 'call-1');
      assert.equal(call.status.code, 1);
      assert.equal(run.attributes['runtrace.run.step_count'], 2);
      assert.equal(run.attributes['runtrace.run.input_tokens'], 24);
    });
  }

  test('is of the kind that its functionId says, and for whom its runtime context says', async () => {
    const set = scene();
    await generateText({
      model: chat(ok()),
      prompt,
      runtimeContext: { conversationId: 'conversation-1', userId: 'ada', other: 'not told' },
      telemetry: { functionId: 'chat_turn', includeRuntimeContext: { conversationId: true, userId: true } },
    });
    const { attributes } = await runOf(set);
    assert.equal(attributes['runtrace.run.kind'], 'chat_turn');
    assert.equal(attributes['runtrace.ai_sdk.function_id'], 'chat_turn');
    assert.equal(attributes['gen_ai.conversation.id'], 'conversation-1');
    assert.equal(attributes['user.id'], 'ada');
    assert.equal(only(set.steps()).attributes['gen_ai.conversation.id'], 'conversation-1');
  });

  test('says nothing of a runtime context that is not included', async () => {
    const set = scene();
    await generateText({ model: chat(ok()), prompt, runtimeContext: { conversationId: 'c', userId: 'ada' } });
    const { attributes } = await runOf(set);
    assert.equal(attributes['gen_ai.conversation.id'], undefined);
    assert.equal(attributes['user.id'], undefined);
  });

  test('is what the option says', async () => {
    const asked: unknown[] = [];
    const set = scene({
      telemetry: {
        run: (operation) => {
          asked.push(operation);
          return { kind: 'research', agentName: 'scout', attributes: { tenant: 'blue' } };
        },
      },
    });
    const model = chat(ok());
    await generateText({
      model,
      prompt,
      runtimeContext: { depth: 2, secret: 'x' },
      telemetry: { functionId: 'f', includeRuntimeContext: { depth: true } },
    });
    const run = await runOf(set);
    assert.equal(run.name, 'invoke_agent scout');
    assert.equal(run.attributes.tenant, 'blue');
    assert.equal(run.attributes['runtrace.ai_sdk.operation_id'], 'ai.generateText');
    const { modelId } = model;
    const runtimeContext = { depth: 2 };
    assert.deepEqual(asked, [
      { name: 'generateText', functionId: 'f', provider: 'openai.chat', modelId, runtimeContext },
    ]);
  });

  test('is not recorded where the option says so, throws, or gives what is no run', async (t) => {
    const said = diagnosed(t);
    const fails = () => {
      throw new Error('no idea');
    };
    for (const run of [() => undefined, fails, () => ({ kind: '' })]) {
      const set = scene({ telemetry: { run } });
      assert.equal((await generateText({ model: chat(ok({ text: 'Yes.' })), prompt })).text, 'Yes.');
      assert.deepEqual(set.spans(), []);
    }
    // Calls outside of runs are reported as well, once per process.
    const failures = said.filter((message) => !message.includes('RUNTRACE_NO_RUN'));
    assert.deepEqual(failures, ['runtrace: an operation of the AI SDK could not be recorded']);
  });

  test('is not recorded where capture is off, or its telemetry is', async () => {
    const off = scene({ capture: 'off' });
    await generateText({ model: chat(ok()), prompt });
    assert.deepEqual(off.spans(), []);
    const on = scene();
    await generateText({ model: chat(ok()), prompt, telemetry: { isEnabled: false } });
    assert.deepEqual(on.spans(), []);
  });

  test('uses the default recorder where none is given, which records nothing without a provider', async () => {
    register(runtraceTelemetry());
    const { text } = await generateText({ model: chat(ok({ text: 'Yes.' })), prompt });
    assert.equal(text, 'Yes.');
  });

  test('twenty at once are twenty runs, each with its own call and no other', async () => {
    const set = scene();
    const models = Array.from({ length: 20 }, (_, index) => (index % 2 ? chat(busy(), ok()) : chat(ok())));
    await Promise.all(
      models.map((model, index) =>
        index % 3 ? generateText({ model, prompt }) : streamText({ model, prompt }).consumeStream(),
      ),
    );
    await until(() => set.runs().length === models.length);
    for (const [index, { modelId }] of models.entries()) {
      const step = only(set.steps().filter(({ name }) => name === `chat ${modelId}`));
      assert.deepEqual(attempts(step), index % 2 ? ['429 failed', '200 completed'] : ['200 completed']);
      assert.equal(step.attributes['runtrace.step.number'], 1);
    }
  });
});

describe('an operation in a run', () => {
  test('belongs to it: its steps are steps of the run, and count on', async () => {
    const set = scene();
    await set.recorder.run({ kind: 'chat_turn' }, async () => {
      await generateText({ model: chat(ok()), prompt });
      await streamText({
        model: chat(ASKS_FOR_WEATHER, ok()),
        prompt,
        tools: weather(),
        stopWhen: isStepCount(5),
      }).consumeStream();
    });
    const run = only(set.runs());
    const numbers = set
      .steps()
      .map(({ attributes }) => [
        attributes['runtrace.step.number'],
        attributes['runtrace.ai_sdk.step_number'],
        attributes['runtrace.ai_sdk.operation_id'],
      ]);
    assert.deepEqual(numbers, [
      [1, 0, 'ai.generateText'],
      [2, 0, 'ai.streamText'],
      [3, 1, 'ai.streamText'],
    ]);
    const callIds = set.steps().map(({ attributes }) => attributes['runtrace.ai_sdk.call_id']);
    assert.equal(new Set(callIds).size, 2);
    for (const span of set.spans()) assert.equal(span.spanContext().traceId, run.spanContext().traceId);
  });

  test('that is begun inside of a tool nests under the tool', async () => {
    const set = scene();
    const sub = chat(ok());
    const tools = weather(async () => (await generateText({ model: sub, prompt: 'Well?' })).text);
    await generateText({ model: chat(ASKS_FOR_WEATHER, ok()), prompt, tools, stopWhen: isStepCount(5) });
    const run = await runOf(set);
    const step = only(set.steps().filter(({ name }) => name === `chat ${sub.modelId}`));
    assert.equal(parentOf(set.spans(), step), 'execute_tool weather');
    assert.equal(run.attributes['runtrace.run.step_count'], 3);
  });

  test('that is not waited for keeps the run waiting', async () => {
    const set = scene();
    const model = chat(slow(2));
    let stream: PromiseLike<void> | undefined;
    await set.recorder.run({ kind: 'chat_turn' }, () => {
      stream = streamText({ model, prompt }).consumeStream();
    });
    await stream;
    assert.deepEqual(await outcome(set), { step: 'completed', attempts: ['200 completed'], run: 'completed' });
  });

  test('inside of an explicit step belongs to that step', async () => {
    const set = scene();
    await set.recorder.run({ kind: 'chat_turn' }, () =>
      set.recorder.step({ model: 'mine' }, () => generateText({ model: chat(busy(), ok()), prompt })),
    );
    assert.equal(only(set.steps()).name, 'chat mine');
    assert.deepEqual(attempts(only(set.steps())), ['429 failed', '200 completed']);
  });

  test('in a reuse scope is one step, however many calls it makes', async () => {
    const set = scene();
    const settings = { prompt, maxRetries: 0 };
    await set.recorder.run({ kind: 'chat_turn' }, () =>
      set.recorder.reuseStep(async () => {
        await generateText({ ...settings, model: chat(status(500)) }).catch(() => {});
        await generateText({ ...settings, model: chat(ok()) });
      }),
    );
    assert.deepEqual(attempts(only(set.steps())), ['500 failed', '200 completed']);
    assert.equal(statusOf(only(set.steps())), 'completed');
  });

  test('that begins after the run has settled is a run in its trace', async () => {
    const set = scene();
    const model = chat(ok());
    const { promise, resolve } = deferred();
    let late: Promise<unknown> | undefined;
    await set.recorder.run({ kind: 'chat_turn' }, () => {
      late = promise.then(() => generateText({ model, prompt }));
    });
    resolve();
    await late;
    await until(() => set.runs().length === 2);
    assert.equal(set.runs().length, 2);
    assert.equal(new Set(set.spans().map((span) => span.spanContext().traceId)).size, 1);
  });

  test('is not recorded where the run is not', async () => {
    const set = scene({ capture: ({ kind }) => (kind === 'private' ? 'off' : 'metadata') });
    await set.recorder.run({ kind: 'private' }, () => generateText({ model: chat(ok()), prompt }));
    assert.deepEqual(set.spans(), []);
  });
});

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** What an application does with a call, and how that must look. */
interface Way {
  readonly name: string;
  readonly behaviours: readonly [Behaviour, ...Behaviour[]];
  /** `controller` is for stopping it. */
  play(model: ChatModel, controller: AbortController): unknown;
  readonly step: 'completed' | 'error' | 'interrupted';
  readonly attempts: readonly string[];
  readonly errorType?: string;
  /** If it is another than the step's. */
  readonly run?: string;
}

const generate = (model: ChatModel, settings: { timeout?: number; abortSignal?: AbortSignal } = {}) =>
  generateText({ model, prompt, ...settings });
const stream = (model: ChatModel, settings: object = {}) =>
  streamText({ model, prompt, onError: () => {}, ...settings });
/** Stops a call when it has arrived at the provider. */
async function stopped(call: Promise<unknown>, { modelId }: ChatModel, controller: AbortController, reason?: string) {
  call.catch(() => {});
  await until(() => hasArrived(modelId));
  controller.abort(reason);
  await call;
}
/** The same, when it has got its answer as well. */
async function stoppedLater(call: Promise<unknown>, { modelId }: ChatModel, controller: AbortController) {
  call.catch(() => {});
  await until(() => hasArrived(modelId));
  await sleep(100);
  controller.abort();
  await call;
}
/** Long enough to be stopped while the client waits. */
const busyForLong = status(429, { retryAfterMillis: 20_000 });

const WAYS: readonly Way[] = [
  {
    name: 'is answered',
    behaviours: [ok()],
    play: (model) => generate(model),
    step: 'completed',
    attempts: ['200 completed'],
  },
  {
    name: 'is refused twice, then answered',
    behaviours: [busy(429), busy(500), ok()],
    play: (model) => generate(model),
    step: 'completed',
    attempts: ['429 failed', '500 failed', '200 completed'],
  },
  {
    name: 'is refused for good',
    behaviours: [busy(529)],
    play: (model) => generate(model),
    step: 'error',
    attempts: ['529 failed', '529 failed', '529 failed'],
    errorType: 'server_error',
  },
  {
    name: 'is not allowed',
    behaviours: [status(401)],
    play: (model) => generate(model),
    step: 'error',
    attempts: ['401 failed'],
    errorType: 'invalid_api_key',
  },
  {
    name: 'is answered with garbage',
    behaviours: [garbage()],
    play: (model) => generate(model),
    step: 'error',
    attempts: ['200 failed'],
    errorType: 'invalid_response',
  },
  {
    name: 'is reset, then answered',
    behaviours: [resetBeforeHeaders(), status(401)],
    play: (model) => generateText({ model, prompt, maxRetries: 0 }),
    step: 'error',
    attempts: ['failed'],
    errorType: 'ECONNRESET',
  },
  {
    name: 'is aborted while it hangs',
    behaviours: [hang()],
    play: (model, controller) => stopped(generate(model, { abortSignal: controller.signal }), model, controller),
    step: 'interrupted',
    attempts: ['aborted'],
  },
  {
    name: 'is aborted with a reason of the application',
    behaviours: [hang()],
    play: (model, controller) =>
      stopped(generate(model, { abortSignal: controller.signal }), model, controller, 'no longer wanted'),
    step: 'interrupted',
    attempts: ['aborted'],
  },
  {
    name: 'is aborted while it waits to be tried again',
    behaviours: [busyForLong],
    play: (model, controller) => stoppedLater(generate(model, { abortSignal: controller.signal }), model, controller),
    step: 'interrupted',
    attempts: ['429 failed'],
  },
  {
    name: 'is to be streamed, and aborted while it waits to be tried again',
    behaviours: [busyForLong],
    play: (model, controller) =>
      stoppedLater(readAll(stream(model, { abortSignal: controller.signal }).textStream), model, controller),
    step: 'interrupted',
    attempts: ['429 failed'],
  },
  {
    name: 'runs out of time while it waits to be tried again',
    behaviours: [busyForLong],
    play: (model) => generate(model, { timeout: 200 }),
    step: 'error',
    attempts: ['429 failed'],
    errorType: 'TimeoutError',
  },
  {
    name: 'takes too long',
    behaviours: [hang()],
    play: (model) => generate(model, { timeout: 40 }),
    step: 'error',
    attempts: ['failed'],
    errorType: 'TimeoutError',
  },
  {
    name: 'is streamed',
    behaviours: [ok()],
    play: (model) => readAll(stream(model).textStream),
    step: 'completed',
    attempts: ['200 completed'],
  },
  {
    name: 'is streamed after it was refused',
    behaviours: [busy(429), busy(500), ok()],
    play: (model) => readAll(stream(model).textStream),
    step: 'completed',
    attempts: ['429 failed', '500 failed', '200 completed'],
  },
  {
    name: 'is not streamed, because it is refused for good',
    behaviours: [busy(529)],
    play: (model) => readAll(stream(model).textStream),
    step: 'error',
    attempts: ['529 failed', '529 failed', '529 failed'],
    errorType: 'server_error',
  },
  {
    name: 'is streamed, and never read',
    behaviours: [ok(VERY_LONG)],
    play: (model) => void stream(model),
    step: 'interrupted',
    attempts: ['200 aborted'],
  },
  {
    name: 'is streamed, and left with break',
    behaviours: [ok(VERY_LONG)],
    async play(model) {
      for await (const _piece of stream(model).textStream) break;
    },
    step: 'interrupted',
    attempts: ['200 aborted'],
  },
  {
    name: 'is streamed as a Response, whose body is cancelled',
    behaviours: [ok(VERY_LONG)],
    async play(model) {
      const reader = stream(model).toUIMessageStreamResponse().body?.getReader();
      await reader?.read();
      await reader?.cancel();
    },
    step: 'interrupted',
    attempts: ['200 aborted'],
  },
  {
    name: 'is aborted in mid-stream',
    behaviours: [stallMidStream(12, LONG)],
    async play(model, controller) {
      for await (const _piece of stream(model, { abortSignal: controller.signal }).textStream) controller.abort();
    },
    step: 'interrupted',
    attempts: ['200 aborted'],
  },
  {
    name: 'is aborted in mid-stream with a reason of the application',
    behaviours: [stallMidStream(12, LONG)],
    async play(model, controller) {
      const { textStream } = stream(model, { abortSignal: controller.signal });
      for await (const _piece of textStream) controller.abort('no longer wanted');
    },
    step: 'interrupted',
    attempts: ['200 aborted'],
  },
  {
    name: 'takes too long in mid-stream',
    behaviours: [stallMidStream(12, LONG)],
    play: (model) => readAll(stream(model, { timeout: { chunkMs: 60 } }).textStream),
    step: 'error',
    attempts: ['200 failed'],
    errorType: 'TimeoutError',
  },
  {
    name: 'is reset in mid-stream',
    behaviours: [resetMidStream(12, LONG)],
    play: (model) => readAll(stream(model).textStream),
    step: 'error',
    attempts: ['200 failed'],
    errorType: 'ECONNRESET',
  },
  {
    name: 'fails in mid-stream',
    behaviours: [errorEventMidStream(12, LONG)],
    play: (model) => readAll(stream(model).textStream),
    step: 'error',
    attempts: ['200 failed'],
    errorType: 'server_error',
  },
  {
    name: 'fails in mid-stream, and the AI SDK asks again',
    behaviours: [errorEventMidStream(12, LONG), ok()],
    play: (model) => readAll(stream(model, { streamRetries: 1 }).textStream),
    step: 'completed',
    attempts: ['200 failed', '200 completed'],
  },
  {
    name: 'ends without the last event',
    behaviours: [endWithoutLastEvent()],
    play: (model) => readAll(stream(model).textStream),
    step: 'error',
    attempts: ['200 failed'],
    errorType: 'invalid_response',
  },
];

describe('a call', () => {
  for (const way of WAYS) {
    const play = async (model: ChatModel) => {
      try {
        await way.play(model, new AbortController());
      } catch {
        // What the application is told is none of ours.
      }
    };
    const { step, errorType } = way;
    const expected = { step, attempts: way.attempts, ...(errorType !== undefined && { errorType }) };

    test(`that ${way.name}, in no run`, async () => {
      const set = scene();
      await play(chat(...way.behaviours));
      assert.deepEqual(await outcome(set), { ...expected, run: way.run ?? step });
    });

    test(`that ${way.name}, in a run whose function returns`, async () => {
      const set = scene();
      const model = chat(...way.behaviours);
      await set.recorder.run({ kind: 'chat_turn' }, () => play(model));
      assert.deepEqual(await outcome(set), { ...expected, run: 'completed' });
    });
  }
});
