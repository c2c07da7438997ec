import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, before, describe, test } from 'node:test';
import { context } from '@opentelemetry/api';
import { embed, generateObject, generateText, isStepCount, streamText, tool } from 'ai';
import { MockEmbeddingModelV4 } from 'ai/test';
import { createRecorder } from 'runtrace';
import { runtraceTelemetry } from 'runtrace/ai-sdk';
import { errorEventMidStream, ok, slow, stallMidStream, status } from '../../examples/demo/provider.js';
import { attemptsOf, only, type Traced } from '../support/traced.js';
import { until } from '../support/until.js';
import {
  ASKS_FOR_WEATHER,
  attempts,
  busy,
  type ChatModel,
  CITY,
  chat,
  LONG,
  localModel,
  outcome,
  register,
  runOf,
  scene,
  startModels,
  statusOf,
  stopModels,
  weather,
} from './ai-sdk.js';

before(startModels);
after(stopModels);

const prompt = 'Hello?';
const stopWhen = isStepCount(5);

describe('a tool', () => {
  const toolSpans = (set: Traced) => set.spans().filter(({ name }) => name.startsWith('execute_tool'));

  test('has its arguments and its result where content is captured, and not where it is not', async () => {
    for (const capture of ['content', 'metadata'] as const) {
      const set = scene({ capture });
      await generateText({ model: chat(ASKS_FOR_WEATHER, ok()), prompt, tools: weather(), stopWhen });
      await runOf(set);
      const { attributes } = only(toolSpans(set));
      const kept = capture === 'content';
      assert.equal(attributes['gen_ai.tool.call.arguments'], kept ? '{"city":"Lisbon"}' : undefined);
      assert.equal(attributes['gen_ai.tool.call.result'], kept ? '"sunny"' : undefined);
    }
  });

  test('that throws is an error, and the model is told', async () => {
    const set = scene();
    const tools = weather(() => {
      throw new RangeError('no such city');
    });
    const { text } = await generateText({
      model: chat(ASKS_FOR_WEATHER, ok({ text: 'I see.' })),
      prompt,
      tools,
      stopWhen,
    });
    assert.equal(text, 'I see.');
    assert.equal(statusOf(await runOf(set)), 'completed');
    assert.equal(only(toolSpans(set)).status.code, 2);
    assert.equal(only(toolSpans(set)).attributes['error.type'], 'RangeError');
  });

  test('that is stopped by the caller is no error', async () => {
    const set = scene();
    const controller = new AbortController();
    const tools = {
      weather: tool({
        inputSchema: CITY,
        execute: (_input, { abortSignal }) => {
          setTimeout(() => controller.abort(), 5);
          return new Promise((_resolve, reject) =>
            abortSignal?.addEventListener('abort', () => reject(abortSignal.reason)),
          );
        },
      }),
    };
    const { textStream } = streamText({
      model: chat(ASKS_FOR_WEATHER, ok()),
      prompt,
      tools,
      stopWhen,
      abortSignal: controller.signal,
    });
    for await (const _piece of textStream);
    const run = await runOf(set);
    assert.equal(statusOf(run), 'interrupted');
    assert.equal(statusOf(only(set.steps())), 'completed');
    assert.equal(only(toolSpans(set)).status.code, 0);
  });

  test('that takes longer than anything may be silent keeps its run waiting', async () => {
    const set = scene({ limits: { idleMillis: 20, completedHoldMillis: 5 } });
    const tools = weather(() => new Promise((resolve) => setTimeout(resolve, 120, 'sunny')));
    const { textStream } = streamText({ model: chat(ASKS_FOR_WEATHER, ok()), prompt, tools, stopWhen });
    for await (const _piece of textStream);
    assert.equal(statusOf(await runOf(set)), 'completed');
    assert.deepEqual(set.steps().map(statusOf), ['completed', 'completed']);
  });
});

describe('what the AI SDK does between its calls', () => {
  test('may take longer than anything may be silent', async () => {
    const set = scene({ limits: { idleMillis: 20, completedHoldMillis: 5 } });
    const prepareStep = () => new Promise<undefined>((resolve) => setTimeout(resolve, 120, undefined));
    const model = chat(ASKS_FOR_WEATHER, ok());
    const { textStream } = streamText({ model, prompt, tools: weather(), stopWhen, prepareStep });
    for await (const _piece of textStream);
    assert.equal(statusOf(await runOf(set)), 'completed');
    assert.deepEqual(set.steps().map(attempts), [['200 completed'], ['200 completed']]);
  });
});

describe('recordInputs or recordOutputs: false', () => {
  const SECRET = 'the launch code is in the drawer';
  const told = (set: Traced) =>
    JSON.stringify(set.spans().map(({ name, attributes, events, status }) => ({ name, attributes, events, status })));

  for (const telemetry of [{ recordInputs: false }, { recordOutputs: false }]) {
    test(`keeps all content of one call out: ${JSON.stringify(telemetry)}`, async () => {
      const set = scene({ capture: 'content' });
      const answers = () => chat(ASKS_FOR_WEATHER, busy(), ok({ text: SECRET }));
      const asked = { prompt: SECRET, system: SECRET, tools: weather(() => SECRET), stopWhen };
      await set.recorder.run({ kind: 'chat_turn' }, () => generateText({ ...asked, model: answers(), telemetry }));
      assert.doesNotMatch(told(set), /launch code|Lisbon/);
      assert.deepEqual(set.steps().map(attempts), [['200 completed'], ['429 failed', '200 completed']]);

      const other = scene({ capture: 'content' });
      await other.recorder.run({ kind: 'chat_turn' }, () => generateText({ ...asked, model: answers() }));
      assert.match(told(other), /launch code/);
      assert.match(told(other), /Lisbon/);
    });
  }

  test('keeps out what the tools of the call ask other models', async () => {
    const set = scene({ capture: 'content' });
    const ask = async () => (await generateText({ model: chat(ok({ text: SECRET })), prompt: SECRET })).text;
    const byHand = async () => (await set.recorder.tool({ name: 'ask', arguments: SECRET }, ask)) && (await ask());
    await generateText({
      model: chat(ASKS_FOR_WEATHER, ok()),
      prompt,
      tools: weather(byHand),
      stopWhen,
      telemetry: { recordInputs: false },
    });
    await runOf(set);
    assert.equal(set.steps().length, 4);
    assert.doesNotMatch(told(set), /launch code/);
  });

  test('keeps what an error says out', async () => {
    const set = scene({ capture: 'content' });
    const refusal = status(400, { body: { error: { message: `I will not say that ${SECRET}`, code: 'refused' } } });
    const telemetry = { recordInputs: false };
    await assert.rejects(generateText({ model: chat(refusal), prompt: SECRET, telemetry }));
    assert.equal((await runOf(set)).attributes['error.type'], 'refused');
    assert.doesNotMatch(told(set), /launch code/);
  });
});

describe('the application', () => {
  /** Everything that the application gets to see of a stream. */
  const seen = async (model: ChatModel, settings: object = {}) => {
    const result = streamText({ model, prompt, tools: weather(), stopWhen, onError: () => {}, ...settings });
    const parts: unknown[] = [];
    try {
      for await (const part of result.fullStream) parts.push(part);
    } catch (error) {
      parts.push(error);
    }
    const text = JSON.stringify(parts, (name, value) =>
      ['id', 'timestamp', 'headers', 'performance', 'date', 'modelId'].includes(name) ? undefined : value,
    );
    return text.replaceAll(model.modelId, 'model').replaceAll(/(chatcmpl|req)[-_]\w+/g, 'id');
  };
  const scripts = {
    'a tool call and an answer': () => chat(ASKS_FOR_WEATHER, busy(), ok({ text: 'Sunny.' })),
    'a refusal': () => chat(status(401)),
    'an error in the stream': () => chat(errorEventMidStream(6)),
  };
  for (const [name, make] of Object.entries(scripts)) {
    test(`sees of ${name} what it sees without us`, async () => {
      register();
      const without = await seen(make());
      const set = scene();
      assert.equal(await seen(make()), without);
      await runOf(set);
      const wrapped = scene();
      assert.equal(await wrapped.recorder.run({ kind: 'r' }, () => seen(make())), without);
    });
  }

  test('gets its answer where telemetry itself fails', async () => {
    const fails = () => {
      throw new Error('no tracer today');
    };
    const recorder = createRecorder({ tracerProvider: { getTracer: fails } });
    register(runtraceTelemetry({ recorder }));
    const { text } = await generateText({ model: chat(ok({ text: 'Yes.' })), prompt });
    assert.equal(text, 'Yes.');
  });

  test('needs no context manager; attempts are then not seen', async (t) => {
    const set = scene({ capture: 'content' });
    context.disable();
    t.after(() => void scene());
    const telemetry = { recordOutputs: false };
    await generateText({ model: chat(ok()), prompt, telemetry });
    assert.deepEqual(await outcome(set), { step: 'completed', attempts: [], run: 'completed' });
    const { attributes } = only(set.steps());
    assert.equal(attributes['gen_ai.usage.input_tokens'], 12);
    assert.equal(attributes['gen_ai.output.messages'], undefined);
  });

  test('is told at once of a bad option', () => {
    for (const [options, said] of [
      [null, /options must be an object, got null/],
      [{ recorder: 'mine' }, /options.recorder must be an object, got 'mine'/],
      [{ runs: () => undefined }, /options must be an object of recorder, run, got 'runs'/],
      [{ run: 'chat' }, /options.run must be a function, got 'chat'/],
    ] as const) {
      assert.throws(
        () => runtraceTelemetry(options as never),
        (error) => error instanceof TypeError && said.test(error.message),
      );
    }
  });
});

describe('the provider of spans', () => {
  test('that is flushed while a call waits for its retry does not cut it in two', async () => {
    const set = scene();
    const model = chat(status(429, { retryAfterMillis: 60 }), ok());
    const call = generateText({ model, prompt });
    await new Promise((resolve) => setTimeout(resolve, 40));
    await set.provider.forceFlush();
    await call;
    const { step, attempts } = await outcome(set);
    assert.deepEqual([step, attempts], ['completed', ['429 failed', '200 completed']]);
  });

  test('that is shut down in mid-stream ends all, once', async () => {
    const set = scene();
    const { textStream } = streamText({ model: chat(stallMidStream()), prompt });
    await textStream[Symbol.asyncIterator]().next();
    await set.shutdown();
    assert.deepEqual(await outcome(set), { step: 'interrupted', attempts: ['200 aborted'], run: 'interrupted' });
  });
});

describe('a chat route', () => {
  let server: Server;
  let answer: (response: ServerResponse) => unknown;
  before(async () => {
    server = createServer((_request, response) => void answer(response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => server.close());

  const ask = (set: Traced, model: ChatModel) => ({
    'pipes its stream to the response': (response: ServerResponse) =>
      set.recorder.run({ kind: 'route' }, () => streamText({ model, prompt }).pipeUIMessageStreamToResponse(response)),
    'returns a Response': async (response: ServerResponse) => {
      const { body } = await set.recorder.run({ kind: 'route' }, () =>
        streamText({ model, prompt }).toUIMessageStreamResponse(),
      );
      await pipeline(Readable.fromWeb(body as never), response).catch(() => {});
    },
    'stops the model when the client goes': (response: ServerResponse) => {
      const gone = new AbortController();
      response.on('close', () => gone.abort());
      set.recorder.run({ kind: 'route' }, () =>
        streamText({ model, prompt, abortSignal: gone.signal }).pipeUIMessageStreamToResponse(response),
      );
    },
    'is in no run': (response: ServerResponse) => streamText({ model, prompt }).pipeUIMessageStreamToResponse(response),
  });
  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  for (const name of Object.keys(ask({} as Traced, {} as ChatModel)) as (keyof ReturnType<typeof ask>)[]) {
    test(`that ${name}: read to the end`, async () => {
      const set = scene();
      answer = ask(set, chat(slow(1)))[name];
      const text = await (await fetch(url())).text();
      assert.match(text, /help/);
      assert.deepEqual(await outcome(set), { step: 'completed', attempts: ['200 completed'], run: 'completed' });
    });

    test(`that ${name}: the client disconnects`, async () => {
      const set = scene();
      answer = ask(set, chat(slow(2, LONG)))[name];
      const request = get(url(), (response) => response.once('data', () => request.destroy()));
      request.on('error', () => {});
      await until(() => set.runs().length > 0);
      const { step, run } = await outcome(set);
      // The function of a run that pipes has long returned, and got no error.
      const told = name === 'returns a Response' || name === 'is in no run';
      assert.deepEqual([step, run], ['interrupted', told ? 'interrupted' : 'completed']);
    });
  }
});

describe('the telemetry that is registered twice, as by a module that is loaded anew, records', () => {
  const twice = {
    'the very same': (set: Traced) => {
      const telemetry = runtraceTelemetry({ recorder: set.recorder });
      register(telemetry, telemetry);
    },
    'another one of the same recorder': ({ recorder }: Traced) =>
      register(runtraceTelemetry({ recorder }), runtraceTelemetry({ recorder })),
  };
  const doEmbed = async () => ({ embeddings: [[1]], usage: { tokens: 3 }, warnings: [] });
  const operations: Record<string, [play: () => PromiseLike<unknown>, steps: string[][], tools?: number]> = {
    'a tool loop': [
      () => generateText({ model: chat(ASKS_FOR_WEATHER, busy(), ok()), prompt, tools: weather(), stopWhen }),
      [['200 completed'], ['429 failed', '200 completed']],
      1,
    ],
    'a stream': [
      () => streamText({ model: chat(busy(), ok()), prompt }).consumeStream(),
      [['429 failed', '200 completed']],
    ],
    'a structured output': [
      () => generateObject({ model: chat(busy(), ok({ text: '{"city":"Lisbon"}' })), prompt, schema: CITY }),
      [['429 failed', '200 completed']],
    ],
    'an embedding': [() => embed({ model: new MockEmbeddingModelV4({ doEmbed }), value: 'a text' }), [[]]],
  };

  for (const [which, registerTwice] of Object.entries(twice)) {
    for (const [name, [play, steps, tools = 0]] of Object.entries(operations)) {
      test(`${name} once: ${which}`, async () => {
        for (const around of [true, false]) {
          const set = scene();
          registerTwice(set);
          await (around ? set.recorder.run({ kind: 'chat_turn' }, play) : play());
          assert.equal(statusOf(await runOf(set)), 'completed');
          for (const step of set.steps()) assert.equal(statusOf(step), 'completed');
          assert.deepEqual(set.steps().map(attempts), steps);
          assert.equal(set.spans().filter((span) => span.name.startsWith('execute_tool')).length, tools);
        }
      });
    }
  }
});

test('what an operation was given is let go when it is over', { skip: !globalThis.gc }, async () => {
  const set = scene();
  const given = async () => {
    const tools = weather();
    await generateText({ model: localModel(), prompt, tools });
    await streamText({ model: localModel(), prompt, tools }).consumeStream();
    return new WeakRef(tools.weather);
  };
  const ref = await given();
  await until(() => set.runs().length === 2);
  await until(() => {
    globalThis.gc?.();
    return ref.deref() === undefined;
  });
});

describe('a stream', () => {
  test('belongs to the run in which it was asked for, also if another run reads it', async () => {
    const set = scene();
    const model = chat(ASKS_FOR_WEATHER, busy(), ok());
    const result = await set.recorder.run({ kind: 'asks' }, () => [
      streamText({ model, prompt, tools: weather(), stopWhen }),
    ]);
    await set.recorder.run({ kind: 'reads' }, () => only(result).consumeStream());
    await until(() => set.runs().length === 2);
    const asks = only(set.runs().filter(({ name }) => name === 'invoke_workflow asks'));
    assert.equal(asks.attributes['runtrace.run.step_count'], 2);
    assert.deepEqual(set.steps().map(attempts), [['200 completed'], ['429 failed', '200 completed']]);
  });

  test('of a local model has the time and the parts of its own', async () => {
    const set = scene({ capture: 'content' });
    await streamText({ model: localModel(), prompt }).consumeStream();
    await runOf(set);
    const step = only(set.steps());
    assert.deepEqual(attemptsOf(step), []);
    assert.match(String(step.attributes['gen_ai.output.messages']), /Hello there\./);
    assert.deepEqual(step.attributes['gen_ai.response.finish_reasons'], ['eos']);
  });
});
