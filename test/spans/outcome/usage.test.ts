import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Usage } from 'runtrace';
import { wrapFetch } from 'runtrace';
import { attemptsOf, only, type ReadableSpan, type Traced, traced } from '../../support/traced.js';

const NAMES = {
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  cacheReadTokens: 'gen_ai.usage.cache_read.input_tokens',
  cacheWriteTokens: 'gen_ai.usage.cache_write.input_tokens',
  reasoningTokens: 'gen_ai.usage.reasoning.output_tokens',
} as const;

const RUN_NAMES = {
  inputTokens: 'runtrace.run.input_tokens',
  outputTokens: 'runtrace.run.output_tokens',
  cacheReadTokens: 'runtrace.run.cache_read_tokens',
  cacheWriteTokens: 'runtrace.run.cache_write_tokens',
  reasoningTokens: 'runtrace.run.reasoning_tokens',
} as const;

type Field = keyof typeof NAMES;
const FIELDS = Object.keys(NAMES) as Field[];

function usageOf(attributes: Record<string, unknown>, names: Record<Field, string> = NAMES): Usage {
  const known = FIELDS.map((field) => [field, attributes[names[field]]] as const);
  return Object.fromEntries(known.filter(([, tokens]) => tokens !== undefined));
}

function sumOf(usages: Iterable<Usage>): Usage {
  const sum: Usage = {};
  for (const usage of usages) {
    for (const field of FIELDS) {
      const tokens = usage[field];
      if (tokens !== undefined) sum[field] = (sum[field] ?? 0) + tokens;
    }
  }
  return sum;
}

const tokens = fc.option(fc.nat(1000), { nil: undefined });
const usages = fc.record({
  inputTokens: tokens,
  outputTokens: tokens,
  cacheReadTokens: tokens,
  cacheWriteTokens: tokens,
  reasoningTokens: tokens,
});

/** What JSON keeps of it. */
const given = (usage: object): Usage => JSON.parse(JSON.stringify(usage));

const attempts = fc.array(
  fc.record({
    status: fc.constantFrom('completed' as const, 'completed' as const, 'failed' as const, 'aborted' as const),
    usage: usages.map(given),
    answer: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }),
  }),
  { maxLength: 12 },
);

describe('the usage of a step', () => {
  test('is the sum over its completed attempts, each response id once, and that of a run the sum over its steps', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(attempts, { minLength: 1, maxLength: 3 }), async (ofSteps) => {
        const set: Traced = traced();
        await set.recorder.run({ kind: 'chat_turn' }, async () => {
          for (const all of ofSteps) {
            await set.recorder.step({}, (step) => {
              for (const { answer, ...attempt } of all) {
                const [startedAt, endedAt] = [Date.now(), Date.now()];
                const number = step.attempts.next();
                step.attempts.record({ number, startedAt, endedAt, ...attempt, ...(answer && { responseId: answer }) });
              }
            });
          }
        });
        const expected = ofSteps.map((all) => {
          const counted = new Map<unknown, Usage>();
          for (const [index, { status, usage, answer }] of all.entries()) {
            if (status === 'completed' || counted.has(answer)) counted.set(answer ?? index, usage);
          }
          return sumOf(counted.values());
        });
        assert.deepEqual(
          set.steps().map(({ attributes }) => usageOf(attributes)),
          expected,
        );
        assert.deepEqual(usageOf(only(set.runs()).attributes, RUN_NAMES), sumOf(expected));
        const events = set.steps().flatMap((step) => attemptsOf(step).map((attempt) => usageOf(attempt)));
        assert.deepEqual(
          events,
          ofSteps.flat().map(({ usage }) => usage),
        );
      }),
      { numRuns: 60 },
    );
  });

  const answer = (id: string, input: number, output: number) =>
    wrapFetch(async () =>
      Response.json({
        id,
        choices: [{ index: 0, message: { content: 'Hi' }, finish_reason: 'stop' }],
        usage: {
          prompt_tokens: input,
          completion_tokens: output,
          prompt_tokens_details: { cached_tokens: 1 },
          completion_tokens_details: { reasoning_tokens: 2 },
        },
      }),
    );
  const ask = async (fetch: typeof globalThis.fetch, model = 'm') =>
    (
      await fetch('http://model/v1/chat/completions', { method: 'POST', body: JSON.stringify({ model, messages: [] }) })
    ).text();

  async function stepOf(play: (finish: (usage: Usage) => void) => Promise<unknown>): Promise<ReadableSpan> {
    const { recorder, steps } = traced();
    await recorder.run({ kind: 'chat_turn' }, () =>
      recorder.step({}, (step) => play((usage) => step.finish('completed', { usage }))),
    );
    return only(steps());
  }

  test('is read at the wire, on the event of each attempt and on the step', async () => {
    const step = await stepOf(async () => {
      await ask(answer('one', 10, 5));
      await ask(answer('two', 20, 6));
    });
    assert.deepEqual(usageOf(step.attributes), {
      inputTokens: 30,
      outputTokens: 11,
      cacheReadTokens: 2,
      reasoningTokens: 4,
    });
    assert.deepEqual(
      attemptsOf(step).map((attempt) => attempt['gen_ai.usage.input_tokens']),
      [10, 20],
    );
  });

  test('of one response id counts once', async () => {
    const step = await stepOf(async () => {
      await ask(answer('same', 10, 5));
      await ask(answer('same', 10, 5), 'other');
    });
    assert.equal(step.attributes['gen_ai.usage.input_tokens'], 10);
  });

  test('of one response id counts once in a run, too; of two answers that share an id by chance, both count', async () => {
    const { recorder, runs } = traced();
    await recorder.run({ kind: 'chat_turn' }, async () => {
      await ask(answer('same', 10, 5));
      await recorder.step({}, () => ask(answer('same', 10, 5), 'from a cache'));
      await recorder.step({}, () => ask(answer('same', 11, 6), 'by chance'));
    });
    assert.deepEqual(usageOf(only(runs()).attributes, RUN_NAMES), {
      inputTokens: 21,
      outputTokens: 11,
      cacheReadTokens: 2,
      reasoningTokens: 4,
    });
  });

  test('that finish was given replaces that of the wire, all of its fields', async () => {
    const step = await stepOf(async (finish) => {
      await ask(answer('one', 10, 5));
      finish({ inputTokens: 1, outputTokens: 2 });
    });
    assert.deepEqual(usageOf(step.attributes), { inputTokens: 1, outputTokens: 2 });
    assert.equal(only(attemptsOf(step))['gen_ai.usage.input_tokens'], 10);
  });

  test('that finish was given without a number in it is none', async () => {
    const step = await stepOf(async (finish) => {
      await ask(answer('one', 10, 5));
      finish({});
    });
    assert.equal(step.attributes['gen_ai.usage.input_tokens'], 10);
  });

  test('that a replaced proposal was given is replaced with it', async () => {
    const { recorder, steps } = traced();
    await recorder.run({ kind: 'chat_turn' }, () =>
      recorder.step({}, async (step) => {
        await ask(answer('one', 10, 5));
        step.finish('error', { usage: { inputTokens: 99, outputTokens: 99 } });
        step.finish('completed');
      }),
    );
    assert.equal(only(steps()).attributes['gen_ai.usage.input_tokens'], 10);
  });
});
