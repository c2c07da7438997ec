import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { context, trace } from '@opentelemetry/api';
import type { Usage } from 'runtrace';
import { recordingFetch } from 'runtrace';
import {
  type Behaviour,
  hang,
  ok,
  type Provider,
  resetMidStream,
  startProvider,
  status,
} from '../../examples/demo/provider.js';
import { CLIENTS, type ClientMaker } from '../support/clients.js';
import { only, type Traced, traced } from '../support/traced.js';

let provider: Provider;
before(async () => {
  provider = await startProvider();
});
after(() => provider.close());

const SUMS = [
  'step_count',
  'attempt_count',
  'failed_attempt_count',
  'has_error',
  'endpoint',
  'input_tokens',
  'output_tokens',
] as const;

/** The sums on a run's span: only those that are there. */
function sumsOf({ runs }: Traced, kind = 'sums'): Partial<Record<(typeof SUMS)[number], unknown>> {
  const { attributes } = only(runs().filter((run) => run.attributes['runtrace.run.kind'] === kind));
  const all = SUMS.map((name) => [name, attributes[`runtrace.run.${name}`]] as const);
  return Object.fromEntries(all.filter(([, value]) => value !== undefined));
}

let cases = 0;

/** Asks the real client of an API, the provider behaving as told. */
async function ask(client: string, ...behaviours: [Behaviour, ...Behaviour[]]): Promise<string> {
  const { make } = CLIENTS.find(({ name }) => name === client) as ClientMaker;
  const model = `sums.${++cases}`;
  provider.script(model, ...behaviours);
  return make({ url: provider.url, fetch: recordingFetch }).generate(model);
}

const soon = { retryAfterMillis: 1 };
const usage = (input: number, output: number) => ok({ usage: { input, output } });

describe('the sums of a run', () => {
  test('count steps, attempts and failed attempts, and add up the tokens, of implicit and explicit steps', async () => {
    const set = traced();
    await set.recorder.run({ kind: 'sums' }, async () => {
      await ask('openai chat', status(429, soon), status(500, soon), usage(10, 1));
      await set.recorder.step({}, () => ask('anthropic', status(529, soon), usage(20, 2)));
      await assert.rejects(ask('openai responses', status(400)));
    });
    assert.deepEqual(sumsOf(set), {
      step_count: 3,
      attempt_count: 6,
      failed_attempt_count: 4,
      has_error: true,
      endpoint: 'POST /v1/chat/completions',
      input_tokens: 30,
      output_tokens: 3,
    });
  });

  test('of a run without a step are zero, and what is not known is left out', async () => {
    const set = traced();
    await set.recorder.run({ kind: 'sums' }, () => {});
    assert.deepEqual(sumsOf(set), { step_count: 0, attempt_count: 0, failed_attempt_count: 0, has_error: false });
  });

  test('are on the root span of a run under no gen_ai.usage name', async () => {
    const set = traced();
    await set.recorder.run({ kind: 'sums' }, (run) => {
      run.finish('completed', { usage: { inputTokens: 7, outputTokens: 8, cacheReadTokens: 1 } });
    });
    const { attributes } = only(set.runs());
    assert.deepEqual(
      Object.keys(attributes).filter((name) => name.startsWith('gen_ai.usage')),
      [],
    );
    assert.equal(sumsOf(set).input_tokens, 7);
    assert.equal(sumsOf(set).output_tokens, 8);
  });

  test('know no error where a step was interrupted, or failed and then completed', async () => {
    const set = traced();
    const leave = new AbortController();
    await set.recorder.run({ kind: 'sums' }, async () => {
      await ask('openai chat', status(500, soon), ok());
      provider.script('interrupted', hang());
      const body = JSON.stringify({ model: 'interrupted', messages: [] });
      const call = recordingFetch(`${provider.url}/v1/chat/completions`, {
        method: 'POST',
        body,
        signal: leave.signal,
      });
      leave.abort();
      await assert.rejects(call);
    });
    const { step_count, attempt_count, failed_attempt_count, has_error } = sumsOf(set);
    assert.deepEqual([step_count, attempt_count, failed_attempt_count, has_error], [2, 3, 1, false]);
  });

  test('know an error of a step in a run that completed, and none in a run that failed by itself', async () => {
    const set = traced();
    await set.recorder.run({ kind: 'sums' }, async () => {
      await assert.rejects(set.recorder.step({}, () => Promise.reject(new Error('of the step'))));
    });
    await assert.rejects(
      set.recorder.run({ kind: 'failed' }, async () => {
        await set.recorder.step({}, () => {});
        throw new Error('of the run');
      }),
    );
    assert.equal(sumsOf(set).has_error, true);
    assert.equal(sumsOf(set, 'failed').has_error, false);
  });

  test('of a nested run are its own, and are not those of the run around it', async () => {
    const set = traced();
    await set.recorder.run({ kind: 'sums' }, async () => {
      await ask('openai chat', usage(1, 2));
      await set.recorder.run({ kind: 'inner' }, () => ask('anthropic', status(529, soon), usage(30, 40)));
    });
    assert.deepEqual(sumsOf(set, 'inner'), {
      step_count: 1,
      attempt_count: 2,
      failed_attempt_count: 1,
      has_error: false,
      endpoint: 'POST /v1/messages',
      input_tokens: 30,
      output_tokens: 40,
    });
    assert.deepEqual(sumsOf(set), {
      step_count: 1,
      attempt_count: 1,
      failed_attempt_count: 0,
      has_error: false,
      endpoint: 'POST /v1/chat/completions',
      input_tokens: 1,
      output_tokens: 2,
    });
  });

  test('name the endpoint of the first attempt that completed, not of one that failed before it', async () => {
    const set = traced();
    await set.recorder.run({ kind: 'sums' }, async () => {
      await assert.rejects(ask('openai chat', status(400)));
      await ask('google', ok());
      await ask('anthropic', ok());
    });
    assert.match(String(sumsOf(set).endpoint), /^POST \/v1\w*\/models\/sums\.\d+:generateContent$/);
  });

  test('say nothing of an endpoint where no attempt completed', async () => {
    const set = traced();
    await set.recorder.run({ kind: 'sums' }, () => assert.rejects(ask('openai chat', status(400))));
    assert.equal(sumsOf(set).endpoint, undefined);
  });

  test('take the usage that finish was given instead of that on the wire, all of its fields', async () => {
    const set = traced();
    await set.recorder.run({ kind: 'sums' }, async () => {
      await set.recorder.step({}, async (step) => {
        await ask('openai chat', usage(10, 20));
        step.finish('completed', { usage: { inputTokens: 11, outputTokens: undefined } as unknown as Usage });
      });
    });
    const { input_tokens, output_tokens } = sumsOf(set);
    assert.deepEqual([input_tokens, output_tokens], [11, undefined]);
    assert.equal(only(set.steps()).attributes['gen_ai.usage.output_tokens'], undefined);
  });

  test('count the call that won in a reuse scope, with the attempts of all', async () => {
    const set = traced();
    await set.recorder.run({ kind: 'sums' }, () =>
      set.recorder.reuseStep(async () => {
        await ask('openai chat', resetMidStream()).catch(() => {});
        await ask('openai chat', usage(5, 6));
      }),
    );
    const { step_count, attempt_count, failed_attempt_count, input_tokens, has_error } = sumsOf(set);
    assert.deepEqual([step_count, attempt_count, failed_attempt_count, input_tokens, has_error], [1, 2, 1, 5, false]);
  });

  test('count the attempts that went on a model span of another instrumentation, but no step', async () => {
    const set = traced();
    await set.recorder.run({ kind: 'sums' }, async () => {
      const span = set.provider
        .getTracer('theirs')
        .startSpan('chat', { attributes: { 'gen_ai.operation.name': 'chat' } });
      await context.with(trace.setSpan(context.active(), span), () =>
        ask('openai chat', status(429, soon), usage(3, 4)),
      );
      span.end();
    });
    assert.deepEqual(sumsOf(set), {
      step_count: 1,
      attempt_count: 2,
      failed_attempt_count: 1,
      has_error: false,
      endpoint: 'POST /v1/chat/completions',
      input_tokens: 3,
      output_tokens: 4,
    });
  });

  test('count every attempt of a step, also those that its span has no room for', async () => {
    const set = traced();
    await set.recorder.run({ kind: 'sums' }, () =>
      set.recorder.step({}, ({ attempts }) => {
        for (let n = 1; n <= 3000; n++) {
          const now = Date.now();
          attempts.record({
            number: attempts.next(),
            status: n % 3 ? 'failed' : 'completed',
            startedAt: now,
            endedAt: now,
          });
        }
      }),
    );
    const { attempt_count, failed_attempt_count } = sumsOf(set);
    assert.deepEqual([attempt_count, failed_attempt_count], [3000, 2000]);
  });
});
