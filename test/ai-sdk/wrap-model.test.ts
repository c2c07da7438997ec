import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LanguageModelV2, LanguageModelV3, LanguageModelV4 } from '@ai-sdk/provider';
import { generateText, Output, streamText } from 'ai';
import fc from 'fast-check';
import { createRecorder } from 'runtrace';
import { runtraceTelemetry, wrapModel } from 'runtrace/ai-sdk';
import { ok, stallMidStream, status } from '../../examples/demo/provider.js';
import { only, type Traced, type TracedOptions, traced, updatesOf } from '../support/traced.js';
import {
  answerParts,
  attempts,
  busy,
  CITY,
  chat,
  LONG,
  localModel,
  outcome,
  readAll,
  register,
  SETTLE_MILLIS,
  startModels,
  statusOf,
  stopModels,
  streamOf,
} from './ai-sdk.js';

before(startModels);
after(stopModels);

/** A set-up of one test, with no telemetry registered. */
function scene(options: TracedOptions = {}): Traced {
  register();
  return traced({
    limits: { idleMillis: SETTLE_MILLIS, pausedMillis: SETTLE_MILLIS, completedHoldMillis: 20 },
    ...options,
  });
}

const inRun = <T>({ recorder }: Traced, fn: () => T | PromiseLike<T>) => recorder.run({ kind: 'chat_turn' }, fn);

const prompt = [
  { role: 'system' as const, content: 'Be brief.' },
  { role: 'user' as const, content: [{ type: 'text' as const, text: 'What will the weather be?' }] },
];
const CALL = {
  prompt,
  temperature: 0.5,
  maxOutputTokens: 99,
  topP: 0.9,
  topK: 4,
  seed: 7,
  stopSequences: ['END'],
  presencePenalty: 0.1,
  frequencyPenalty: 0.2,
  tools: [
    { type: 'function' as const, name: 'weather', description: 'Tells it.', inputSchema: { type: 'object' as const } },
  ],
};

const TEXT = { type: 'text' as const, text: 'Let me see.' };
const TOOL_CALL = { type: 'tool-call' as const, toolCallId: 'call-1', toolName: 'weather', input: '{"city":"Lisbon"}' };
const STREAMED = [
  { type: 'response-metadata' as const, id: 'answer-1', modelId: 'local-1b' },
  { type: 'text-start' as const, id: '1' },
  { type: 'text-delta' as const, id: '1', delta: 'Let me ' },
  { type: 'text-delta' as const, id: '1', delta: 'see.' },
  { type: 'text-end' as const, id: '1' },
  TOOL_CALL,
];
const NEW_USAGE = {
  inputTokens: { total: 31, noCache: 23, cacheRead: 8, cacheWrite: undefined },
  outputTokens: { total: 17, text: 12, reasoning: 5 },
};
const base = { provider: 'local.chat', modelId: 'local', supportedUrls: {} };
const response = { id: 'answer-1', modelId: 'local-1b' };

function streamed<Part>(parts: readonly Part[]): { stream: ReadableStream<Part> } {
  const left = [...parts];
  return {
    stream: new ReadableStream<Part>({
      pull: (controller) => (left.length > 0 ? controller.enqueue(left.shift() as Part) : controller.close()),
    }),
  };
}

const v2: LanguageModelV2 = (() => {
  const usage = { inputTokens: 31, outputTokens: 17, totalTokens: 48, reasoningTokens: 5, cachedInputTokens: 8 };
  const end = { finishReason: 'tool-calls' as const, usage };
  const warnings = [{ type: 'unsupported-setting' as const, setting: 'topK' as const }];
  return {
    ...base,
    specificationVersion: 'v2',
    doGenerate: async () => ({ content: [TEXT, TOOL_CALL], ...end, warnings, response }),
    doStream: async () => streamed([{ type: 'stream-start', warnings }, ...STREAMED, { type: 'finish', ...end }]),
  };
})();

const v3: LanguageModelV3 = (() => {
  const end = { finishReason: { unified: 'tool-calls' as const, raw: 'tool_use' }, usage: NEW_USAGE };
  const warnings = [{ type: 'unsupported' as const, feature: 'topK' }];
  return {
    ...base,
    specificationVersion: 'v3',
    doGenerate: async () => ({ content: [TEXT, TOOL_CALL], ...end, warnings, response }),
    doStream: async () => streamed([{ type: 'stream-start', warnings }, ...STREAMED, { type: 'finish', ...end }]),
  };
})();

const v4: LanguageModelV4 = { ...(v3 as unknown as LanguageModelV4), specificationVersion: 'v4' };

const MODELS = { v2, v3, v4 };

describe('every call of a wrapped model is a step', () => {
  for (const [version, model] of Object.entries(MODELS)) {
    for (const operation of ['generate', 'stream'] as const) {
      test(`with what was asked and answered: ${operation}, specification ${version}`, async () => {
        const set = scene({ capture: 'content' });
        const wrapped: { doGenerate(call: object): unknown; doStream(call: object): unknown } = wrapModel(model);
        await inRun(set, async () => {
          if (operation === 'generate') await wrapped.doGenerate(CALL);
          else for await (const _part of ((await wrapped.doStream(CALL)) as { stream: ReadableStream }).stream);
        });
        const step = only(set.steps());
        assert.equal(step.name, 'chat local');
        assert.equal(statusOf(step), 'completed');
        const { attributes } = step;
        const expected = {
          'gen_ai.operation.name': 'chat',
          'gen_ai.provider.name': 'local',
          'runtrace.step.operation': operation,
          'gen_ai.request.model': 'local',
          'gen_ai.request.stream': operation === 'stream' || undefined,
          'gen_ai.request.temperature': 0.5,
          'gen_ai.request.max_tokens': 99,
          'gen_ai.request.top_p': 0.9,
          'gen_ai.request.top_k': 4,
          'gen_ai.request.seed': 7,
          'gen_ai.request.stop_sequences': ['END'],
          'gen_ai.request.presence_penalty': 0.1,
          'gen_ai.request.frequency_penalty': 0.2,
          'gen_ai.response.id': 'answer-1',
          'gen_ai.response.model': 'local-1b',
          'gen_ai.response.finish_reasons': [version === 'v2' ? 'tool-calls' : 'tool_use'],
          'gen_ai.usage.input_tokens': 31,
          'gen_ai.usage.output_tokens': 17,
          'gen_ai.usage.cache_read.input_tokens': 8,
          'gen_ai.usage.reasoning.output_tokens': 5,
          'runtrace.step.warnings': [version === 'v2' ? 'unsupported-setting: topK' : 'unsupported: topK'],
        };
        for (const [name, value] of Object.entries(expected)) assert.deepEqual(attributes[name], value, name);
        const read = (name: string): unknown => JSON.parse(String(attributes[name]));
        assert.deepEqual(read('gen_ai.system_instructions'), [{ type: 'text', content: 'Be brief.' }]);
        assert.deepEqual(read('gen_ai.input.messages'), [
          { role: 'user', parts: [{ type: 'text', content: 'What will the weather be?' }] },
        ]);
        assert.deepEqual(read('gen_ai.tool.definitions'), [
          { type: 'function', name: 'weather', description: 'Tells it.', parameters: { type: 'object' } },
        ]);
        const [answer] = read('gen_ai.output.messages') as [{ role: string; parts: unknown[] }];
        assert.equal(answer.role, 'assistant');
        assert.deepEqual(answer.parts, [
          { type: 'text', content: 'Let me see.' },
          { type: 'tool_call', id: 'call-1', name: 'weather', arguments: { city: 'Lisbon' } },
        ]);
      });
    }
  }

  test('without content where none is captured', async () => {
    const set = scene();
    await inRun(set, () => wrapModel(v4).doGenerate(CALL));
    const names = Object.keys(only(set.steps()).attributes);
    assert.deepEqual(
      names.filter((name) => /messages|instructions|definitions/.test(name)),
      [],
    );
  });

  test('bounded, however much is asked and answered', async () => {
    const set = scene({ capture: 'content', limits: { contentBytes: 2000 } });
    const huge = 'x'.repeat(1_000_000);
    const parts = Array.from({ length: 300 }, () => ({
      type: 'text-delta' as const,
      id: '1',
      delta: huge.slice(0, 9000),
    }));
    const answer = [...answerParts([]).slice(0, 3), ...parts, ...answerParts([]).slice(-2)];
    const model = wrapModel<LanguageModelV4>({ ...v4, doStream: async () => streamed(answer) });
    const image = { type: 'data' as const, data: new Uint8Array(1_000_000) };
    await inRun(set, async () => {
      const content = [
        { type: 'text' as const, text: huge },
        { type: 'file' as const, mediaType: 'image/png', data: image },
      ];
      const { stream } = await model.doStream({ prompt: [{ role: 'user', content }] });
      for await (const _part of stream);
    });
    const { attributes } = only(set.steps());
    for (const name of ['gen_ai.input.messages', 'gen_ai.output.messages']) {
      assert.ok(Buffer.byteLength(String(attributes[name])) <= 2000, name);
      JSON.parse(String(attributes[name]));
    }
  });

  test('marked as structured output, where an object is asked for', async () => {
    const set = scene();
    const model = wrapModel(chat(ok({ text: '{"city":"Lisbon"}' })));
    const { output } = await inRun(set, () =>
      generateText({ model, prompt: 'Hello?', output: Output.object({ schema: CITY }) }),
    );
    assert.deepEqual(output, { city: 'Lisbon' });
    assert.equal(only(set.steps()).attributes['gen_ai.output.type'], 'json');
    const local = scene();
    await inRun(local, () => wrapModel(v4).doGenerate({ ...CALL, responseFormat: { type: 'json' } }));
    assert.equal(only(local.steps()).attributes['gen_ai.output.type'], 'json');
  });

  test('with the attempts that are made for it, where its provider has the recording fetch', async () => {
    const set = scene();
    await inRun(set, () => generateText({ model: wrapModel(chat(ok())), prompt: 'Hello?' }));
    assert.deepEqual(attempts(only(set.steps())), ['200 completed']);
    assert.equal(only(set.steps()).attributes['gen_ai.usage.input_tokens'], 12);
  });

  test('with the attributes of the application, and for whom it says', async () => {
    const set = scene();
    const model = wrapModel(v4, {
      conversationId: 'other',
      userId: 'grace',
      attributes: { tier: 'gold', token: 'sk-secret-0123456789abcdef' },
    });
    await inRun(set, () => model.doGenerate(CALL));
    const { attributes } = only(set.steps());
    assert.equal(attributes['gen_ai.conversation.id'], 'other');
    assert.equal(attributes['user.id'], 'grace');
    assert.equal(attributes.tier, 'gold');
    assert.doesNotMatch(String(attributes.token), /secret/);
  });
});

describe('what the AI SDK tries again with a wrapped model is one step', () => {
  const calls = {
    generateText: async (model: LanguageModelV4) => void (await generateText({ model, prompt: 'Hello?' })),
    streamText: async (model: LanguageModelV4) => {
      for await (const _piece of streamText({ model, prompt: 'Hello?', onError: () => {} }).textStream);
    },
  };
  for (const [name, call] of Object.entries(calls)) {
    test(`by ${name}`, async () => {
      const set = scene();
      await inRun(set, () => call(wrapModel(chat(busy(), busy(500), ok()))));
      assert.deepEqual(await outcome(set), {
        step: 'completed',
        attempts: ['429 failed', '500 failed', '200 completed'],
        run: 'completed',
      });
    });

    test(`by ${name}, in vain`, async () => {
      const set = scene();
      await inRun(set, () => call(wrapModel(chat(busy()))).catch(() => {}));
      assert.deepEqual(await outcome(set), {
        step: 'error',
        attempts: ['429 failed', '429 failed', '429 failed'],
        run: 'completed',
        errorType: 'rate_limit_exceeded',
      });
      assert.ok(updatesOf(only(set.steps())).every((update) => update['runtrace.status'] === 'error'));
    });
  }

  test('also where no fetch is seen', async () => {
    const set = scene();
    let tries = 0;
    const failing = Object.assign(localModel(), {
      doGenerate: async () => {
        if (tries++ < 1) throw new RangeError('not yet');
        return v4.doGenerate(CALL);
      },
    });
    const model = wrapModel(failing);
    await inRun(set, async () => {
      await assert.rejects(Promise.resolve(model.doGenerate(CALL)), RangeError);
      await model.doGenerate({ ...CALL, prompt: structuredClone(prompt), abortSignal: new AbortController().signal });
    });
    assert.equal(statusOf(only(set.steps())), 'completed');
  });

  test('but another question is another step, and so is the same one after it was answered', async () => {
    const set = scene();
    const model = wrapModel(chat(status(401), ok()));
    const ask = (text: string) => generateText({ model, prompt: text, maxRetries: 0 }).catch(() => {});
    await inRun(set, async () => {
      await ask('One?');
      await ask('Two?');
      await ask('Two?');
    });
    assert.deepEqual(set.steps().map(statusOf), ['error', 'completed', 'completed']);
  });
});

describe('a wrapped model', () => {
  test('is the very same model where recording is disabled', () => {
    const recorder = createRecorder({ capture: 'off' });
    for (const model of Object.values(MODELS)) assert.equal(wrapModel(model, { recorder }), model);
    assert.notEqual(wrapModel(v4, { recorder: createRecorder() }), v4);
  });

  test('has to be one', () => {
    for (const model of [undefined, null, 'openai/gpt-5', 7, {}, { doGenerate() {} }, () => {}]) {
      assert.throws(
        () => wrapModel(model as never),
        (error) =>
          error instanceof TypeError && /^runtrace: model must be a language model of the AI SDK/.test(error.message),
      );
    }
  });

  test('needs good options', () => {
    for (const [options, said] of [
      [null, /options must be an object, got null/],
      [{ recorder: 'mine' }, /options.recorder must be an object, got 'mine'/],
      [{ user: 'ada' }, /options must be an object of recorder, .*, got 'user'/],
      [{ userId: 7 }, /options.userId must be a string, got 7/],
      [{ attributes: [] }, /options.attributes must be an object, got an array/],
    ] as const) {
      assert.throws(
        () => wrapModel(v4, options as never),
        (error) => error instanceof TypeError && said.test(error.message),
      );
    }
  });

  test('keeps its provider, its model id and every other property', () => {
    class Model {
      readonly specificationVersion = 'v4';
      readonly modelId = 'local';
      readonly supportedUrls = { 'image/*': [/^https:/] };
      readonly #secret = 'kept';
      get provider() {
        return `${this.#secret}.chat`;
      }
      tell() {
        return this.#secret;
      }
      doGenerate = v4.doGenerate;
      doStream = v4.doStream;
    }
    const model = new Model();
    const wrapped = wrapModel(model);
    assert.equal(wrapped.provider, 'kept.chat');
    assert.equal(wrapped.modelId, 'local');
    assert.equal(wrapped.specificationVersion, 'v4');
    assert.equal(wrapped.supportedUrls, model.supportedUrls);
    assert.equal(wrapped.tell(), 'kept');
    assert.ok(wrapped instanceof Model);
    assert.equal(wrapped.constructor, Model);
    assert.deepEqual(Object.keys(wrapped), Object.keys(model));
    assert.equal(wrapped.doGenerate, wrapped.doGenerate);
  });

  test('may be frozen', async () => {
    const set = scene();
    const wrapped = wrapModel(Object.freeze({ ...v4 }));
    assert.equal(wrapped.modelId, 'local');
    await inRun(set, () => wrapped.doGenerate(CALL));
    assert.equal(set.steps().length, 1);
  });

  test('may have calls that cannot be replaced', async () => {
    const set = scene();
    const { doGenerate, doStream, ...rest } = v4;
    const model = Object.defineProperties(rest, { doGenerate: { value: doGenerate }, doStream: { value: doStream } });
    await inRun(set, () => wrapModel(model as LanguageModelV4).doGenerate(CALL));
    assert.equal(set.steps().length, 1);
  });

  test('that answers null is an error, and the null is handed on', async () => {
    for (const name of ['doGenerate', 'doStream'] as const) {
      const set = scene();
      const model = wrapModel<LanguageModelV4>({ ...v4, [name]: async () => null });
      assert.equal(await inRun(set, async () => model[name](CALL)), null);
      assert.equal(statusOf(only(set.steps())), 'error');
      assert.equal(only(set.steps()).attributes['error.type'], 'invalid_response');
    }
  });

  test('that fails throws its very error', async () => {
    const set = scene();
    const error = new RangeError('no such model');
    const model = wrapModel<LanguageModelV4>({ ...v4, doStream: () => Promise.reject(error) });
    await assert.rejects(
      inRun(set, () => model.doStream(CALL)),
      (thrown) => thrown === error,
    );
    assert.equal(only(set.steps()).attributes['error.type'], 'RangeError');
  });

  test('that stops because of an error has failed', async () => {
    const set = scene();
    const finishReason = { unified: 'error' as const, raw: undefined };
    const model = wrapModel<LanguageModelV4>({
      ...v4,
      doGenerate: async () => ({ ...(await v4.doGenerate(CALL)), finishReason }),
    });
    await inRun(set, () => model.doGenerate(CALL));
    assert.equal(statusOf(only(set.steps())), 'error');
  });

  test('that says that the provider’s stream ended without its completion signal has failed', async () => {
    const finishReason = { unified: 'interrupted' as const, raw: undefined };
    const parts = answerParts(['Hel']).map((part) => (part.type === 'finish' ? { ...part, finishReason } : part));
    const model = wrapModel<LanguageModelV4>({
      ...v4,
      doGenerate: async () => ({ ...(await v4.doGenerate(CALL)), finishReason }),
      doStream: async () => ({ stream: streamOf(parts) }),
    });
    const reads: (() => Promise<unknown>)[] = [
      async () => model.doGenerate(CALL),
      async () => (await model.doStream(CALL)).stream.pipeTo(new WritableStream()),
      // The caller leaves after the finish reason.
      async () => {
        for await (const part of (await model.doStream(CALL)).stream) if (part.type === 'finish') break;
      },
    ];
    for (const read of reads) {
      const set = scene();
      await inRun(set, read);
      const { attributes } = only(set.steps());
      assert.deepEqual([attributes['runtrace.status'], attributes['error.type']], ['error', 'invalid_response']);
    }
  });

  test('answers with the very object that the model answered with', async () => {
    const set = scene();
    const whole = await v4.doGenerate(CALL);
    const open = await v4.doStream(CALL);
    const { stream } = open;
    const model = wrapModel<LanguageModelV4>({ ...v4, doGenerate: async () => whole, doStream: async () => open });
    await inRun(set, async () => {
      assert.equal(await model.doGenerate(CALL), whole);
      assert.equal(await model.doStream(CALL), open);
      assert.equal(open.stream, stream);
      await stream.cancel();
    });
  });

  test('only passes on outside of a run', async () => {
    const set = scene();
    await wrapModel(v4).doGenerate(CALL);
    assert.deepEqual(set.spans(), []);
  });

  test('adds no step to an explicit one, nor to one of the telemetry', async () => {
    const set = scene();
    const model = wrapModel(wrapModel(v4));
    await inRun(set, () => set.recorder.step({ model: 'mine' }, () => model.doGenerate(CALL)));
    assert.equal(only(set.steps()).name, 'chat mine');
    register(runtraceTelemetry({ recorder: set.recorder }));
    await inRun(set, () => generateText({ model: wrapModel(localModel()), prompt: 'Hello?' }));
    assert.equal(set.steps().length, 2);
  });
});

describe('the parts of a stream', () => {
  test('pass one by one, the very same, when they are asked for and not before', async () => {
    const set = scene();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('part', 'pause'), { maxLength: 12 }),
        fc.nat(12),
        async (script, reads) => {
          const given = script
            .filter((step) => step === 'part')
            .map((_step, id) => ({ type: 'text-delta', id, delta: 'x' }));
          let pulled = 0;
          const source = new ReadableStream(
            {
              async pull(controller) {
                if (script[pulled] === 'pause') await sleep(0);
                if (pulled < given.length) controller.enqueue(given[pulled++]);
                else controller.close();
              },
            },
            { highWaterMark: 0 },
          );
          const model = wrapModel<LanguageModelV4>({ ...v4, doStream: async () => ({ stream: source as never }) });
          await inRun(set, async () => {
            const { stream } = await model.doStream(CALL);
            const reader = stream.getReader();
            for (let read = 0; read < Math.min(reads, given.length); read++) {
              assert.equal(pulled, read);
              assert.equal((await reader.read()).value, given[read]);
            }
            if (reads > given.length) assert.equal((await reader.read()).done, true);
            else await reader.cancel();
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  const ways: Record<string, (stream: ReadableStream) => Promise<unknown>> = {
    'a reader': async (stream) => {
      const reader = stream.getReader();
      while (!(await reader.read()).done);
    },
    'for await': async (stream) => {
      for await (const _part of stream);
    },
    pipeTo: (stream) => stream.pipeTo(new WritableStream()),
    pipeThrough: (stream) => stream.pipeThrough(new TransformStream()).pipeTo(new WritableStream()),
    tee: (stream) => Promise.all(stream.tee().map((branch) => branch.pipeTo(new WritableStream()))),
  };
  for (const [name, read] of Object.entries(ways)) {
    test(`read by ${name}, complete the step`, async () => {
      const set = scene();
      await inRun(set, async () => read((await wrapModel(v4).doStream(CALL)).stream));
      assert.equal(statusOf(only(set.steps())), 'completed');
      assert.equal(only(set.steps()).attributes['gen_ai.usage.output_tokens'], 17);
    });
  }

  for (const [name, leave] of Object.entries({
    'and are left then': (reader: ReadableStreamDefaultReader) => reader.cancel(),
    'and are read no more': () => {},
  })) {
    test(`that tell of an error ${name} leave it failed`, async () => {
      const set = scene();
      const parts = [...answerParts(['Once ']).slice(0, 4), { type: 'error' as const, error: new RangeError('torn') }];
      const model = wrapModel(localModel(() => streamOf([...parts, ...answerParts(['upon '])])));
      await inRun(set, async () => {
        const reader = (await model.doStream(CALL)).stream.getReader();
        for (let part: { type?: string } | undefined = {}; part?.type !== 'error'; part = (await reader.read()).value);
        await leave(reader);
      });
      const { step, errorType } = await outcome(set);
      assert.deepEqual([step, errorType], ['error', 'RangeError']);
    });
  }

  const ends: [string, (stream: ReadableStream) => unknown, string][] = [
    ['that are never read leave it interrupted', () => {}, 'interrupted'],
    ['that are cancelled leave it interrupted', (stream) => stream.cancel(), 'interrupted'],
    [
      'that are left in the middle leave it interrupted',
      async (stream) => {
        for await (const _part of stream) break;
      },
      'interrupted',
    ],
    ['that are read no more leave it interrupted', (stream) => stream.getReader().read(), 'interrupted'],
  ];
  for (const [name, consume, expected] of ends) {
    test(name, async () => {
      const set = scene();
      await inRun(set, async () => void (await consume((await wrapModel(v4).doStream(CALL)).stream)));
      const { step, run } = await outcome(set);
      assert.deepEqual([step, run], [expected, 'completed']);
    });
  }

  test('of which some had come are kept where it ends early', async () => {
    const set = scene({ capture: 'content' });
    const model = wrapModel(localModel(() => streamOf(answerParts(['Once ', 'upon ', 'a time']))));
    await inRun(set, async () => {
      const reader = (await model.doStream(CALL)).stream.getReader();
      for (let read = 0; read < 5; read++) await reader.read();
      await reader.cancel();
    });
    const [message] = JSON.parse(String(only(set.steps()).attributes['gen_ai.output.messages'])) as [
      { parts: unknown[] },
    ];
    assert.deepEqual(message.parts, [{ type: 'text', content: 'Once upon ' }]);
    assert.equal(statusOf(only(set.steps())), 'interrupted');
  });

  const wire: Record<string, [make: () => LanguageModelV4, expected: string, (call: Open) => Promise<unknown>]> = {
    'aborted in mid-stream': [
      () => chat(stallMidStream(12, LONG)),
      'interrupted',
      async (open) => {
        const controller = new AbortController();
        for await (const part of await open(controller.signal)) {
          if (part.type === 'text-delta') controller.abort('no longer wanted');
        }
      },
    ],
    'that take too long': [
      () => chat(stallMidStream(12, LONG)),
      'error',
      async (open) => readAll(await open(AbortSignal.timeout(100))),
    ],
    'left with break': [
      () => chat(ok(LONG)),
      'interrupted',
      async (open) => {
        for await (const part of await open()) if (part.type === 'text-delta') break;
      },
    ],
  };
  for (const [name, [make, expected, consume]] of Object.entries(wire)) {
    test(`from a provider, ${name}, leave it ${expected}`, async () => {
      const set = scene();
      const model = wrapModel(make());
      const open: Open = async (abortSignal) =>
        (await model.doStream({ prompt, ...(abortSignal && { abortSignal }) })).stream;
      // What the application is told is none of ours.
      await inRun(set, () => consume(open).catch(() => {}));
      assert.equal((await outcome(set)).step, expected);
    });
  }
});

type Open = (abortSignal?: AbortSignal) => Promise<Awaited<ReturnType<LanguageModelV4['doStream']>>['stream']>;
