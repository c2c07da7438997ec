import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { LegacyOpenTelemetry, OpenTelemetry } from '@ai-sdk/otel';
import { generateText, isStepCount, streamText, type Telemetry } from 'ai';
import { runtraceTelemetry, wrapModel } from 'runtrace/ai-sdk';
import { ok } from '../../examples/demo/provider.js';
import { attemptsOf, only, type Traced, type TracedOptions, traced } from '../support/traced.js';
import { until } from '../support/until.js';
import {
  ASKS_FOR_WEATHER,
  attempts,
  busy,
  chat,
  localModel,
  register,
  SETTLE_MILLIS,
  startModels,
  statusOf,
  stopModels,
  weather,
} from './ai-sdk.js';

before(startModels);
after(stopModels);

const prompt = 'Hello?';
const newSet = (options: TracedOptions = {}) =>
  traced({ limits: { idleMillis: SETTLE_MILLIS, pausedMillis: SETTLE_MILLIS, completedHoldMillis: 20 }, ...options });

/** The two of them, in both orders. */
const ORDERS: Record<string, (ours: Telemetry, theirs: Telemetry) => void> = {
  'registered after ours': (ours, theirs) => register(ours, theirs),
  'registered before ours': (ours, theirs) => register(theirs, ours),
};

const THEIRS = {
  '@ai-sdk/otel': {
    make: ({ provider }: Traced): Telemetry => new OpenTelemetry({ tracer: provider.getTracer('gen_ai') }),
    isModelSpan: (name: string) => name.startsWith('chat '),
    isToolSpan: (name: string) => name.startsWith('execute_tool '),
  },
  "@ai-sdk/otel's legacy integration": {
    make: ({ provider }: Traced): Telemetry => new LegacyOpenTelemetry({ tracer: provider.getTracer('ai') }),
    isModelSpan: (name: string) => /\.do(?:Generate|Stream)$/.test(name),
    isToolSpan: (name: string) => name === 'ai.toolCall',
  },
};

for (const [who, { make, isModelSpan, isToolSpan }] of Object.entries(THEIRS)) {
  for (const [order, registerBoth] of Object.entries(ORDERS)) {
    describe(`beside ${who}, ${order}`, () => {
      const scene = async (options: TracedOptions = {}) => {
        const set = newSet(options);
        registerBoth(runtraceTelemetry({ recorder: set.recorder }), make(set));
        // As an application does: nothing is asked in the very turn in which it is registered.
        await Promise.resolve();
        return set;
      };
      const modelSpans = (set: Traced) => set.spans().filter(({ name }) => isModelSpan(name));

      test('attempts go on its model spans, and no span is there twice', async () => {
        const set = await scene();
        const model = chat(ASKS_FOR_WEATHER, busy(), ok());
        await set.recorder.run({ kind: 'chat_turn' }, () =>
          generateText({ model, prompt, tools: weather(), stopWhen: isStepCount(3) }),
        );
        assert.deepEqual(set.steps(), []);
        assert.deepEqual(modelSpans(set).map(attempts), [['200 completed'], ['429 failed', '200 completed']]);
        assert.equal(set.spans().filter(({ name }) => isToolSpan(name) || name.startsWith('execute_tool')).length, 1);
        const run = only(set.runs());
        assert.equal(run.attributes['runtrace.run.attempt_count'], 3);
        for (const span of set.spans()) assert.equal(span.spanContext().traceId, run.spanContext().traceId);
      });

      test('a call whose inputs and outputs are not recorded has no content there, nor has what its tools ask', async () => {
        const set = await scene({ capture: 'content' });
        const answer = ok({ text: 'the launch code is in the drawer' });
        const question = [
          { role: 'user' as const, content: [{ type: 'text' as const, text: 'Where is the launch code?' }] },
        ];
        const ask = async () => (await chat(answer).doGenerate({ prompt: question })).content;
        await set.recorder.run({ kind: 'chat_turn' }, () =>
          generateText({
            model: chat(ASKS_FOR_WEATHER, answer),
            prompt: 'What is the launch code?',
            tools: weather(ask),
            stopWhen: isStepCount(3),
            telemetry: { recordInputs: false, recordOutputs: false },
          }),
        );
        assert.equal(set.spans().flatMap(attemptsOf).length, 3);
        assert.doesNotMatch(
          JSON.stringify(set.spans().map(({ attributes, events }) => [attributes, events])),
          /launch code/,
        );
      });

      test('also in no run', async () => {
        const set = await scene();
        await generateText({ model: chat(busy(), ok()), prompt });
        await until(() => set.runs().length > 0);
        assert.deepEqual(set.steps(), []);
        assert.deepEqual(attempts(only(modelSpans(set))), ['429 failed', '200 completed']);
        assert.equal(statusOf(only(set.runs())), 'completed');
      });

      test('also of streams', async () => {
        const set = await scene();
        await set.recorder.run({ kind: 'chat_turn' }, () => streamText({ model: chat(ok()), prompt }).consumeStream());
        assert.deepEqual(set.steps(), []);
        assert.deepEqual(attempts(only(modelSpans(set))), ['200 completed']);
      });

      test('no attempt of a stream that is tried again is lost', async () => {
        const set = await scene();
        await set.recorder.run({ kind: 'chat_turn' }, () =>
          streamText({ model: chat(busy(), ok()), prompt }).consumeStream(),
        );
        // Its first model span is dropped by its owner, who never ends it.
        await until(() => set.runs().length > 0);
        const all = set.spans().flatMap(attemptsOf);
        assert.deepEqual(all.map((attempt) => attempt['http.response.status_code']).sort(), [200, 429]);
      });

      test('a model that is asked without a recording fetch has its model span and no other', async () => {
        const set = await scene();
        await set.recorder.run({ kind: 'chat_turn' }, () => generateText({ model: localModel(), prompt }));
        assert.deepEqual(set.steps(), []);
        assert.equal(modelSpans(set).length, 1);
      });
    });
  }

  test(`a wrapped model adds nothing to what ${who} makes`, async () => {
    const set = newSet();
    register(make(set));
    await set.recorder.run({ kind: 'chat_turn' }, () => generateText({ model: wrapModel(chat(ok())), prompt }));
    assert.deepEqual(set.steps(), []);
    assert.deepEqual(attempts(only(set.spans().filter(({ name }) => isModelSpan(name)))), ['200 completed']);
  });
}
