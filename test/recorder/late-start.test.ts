import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { recordingFetch } from 'runtrace';
import { ok, type Provider, resetMidStream, startProvider, status } from '../../examples/demo/provider.js';
import { attemptsOf, only, type Traced, traced, updatesOf } from '../support/traced.js';

describe('a step whose function returns before it has begun its call', () => {
  let provider: Provider;
  let set: Traced;

  before(async () => {
    provider = await startProvider();
  });
  after(() => provider.close());

  /** Calls a model, a few turns after the step's function has returned, and returns when the answer was read. */
  async function play(model: string, signal?: AbortSignal): Promise<void> {
    set = traced({ limits: { completedHoldMillis: 10_000 } });
    const { run, step } = set.recorder;
    await run({ kind: 'chat' }, async () => {
      const call = await step({}, () => ({ answer: ask() }));
      await call.answer;
    });

    async function ask(): Promise<unknown> {
      await nextTurn();
      const url = `${provider.url}/v1/chat/completions`;
      const body = JSON.stringify({ model, messages: [], stream: true, stream_options: { include_usage: true } });
      const response = await recordingFetch(url, { method: 'POST', body, ...(signal && { signal }) });
      return response.text().catch(() => {});
    }
  }

  const outcome = () => {
    const step = only(set.steps());
    assert.equal(attemptsOf(step).length, 1);
    assert.deepEqual(updatesOf(step), []);
    return step.attributes['runtrace.status'];
  };

  test('is completed where the call is, and knows its usage', async () => {
    provider.script('gpt-late', ok({ usage: { input: 7, output: 3 } }));
    await play('gpt-late');
    assert.equal(outcome(), 'completed');
    assert.equal(only(set.steps()).attributes['gen_ai.usage.input_tokens'], 7);
  });

  test('is an error where the call is refused', async () => {
    provider.script('gpt-refused', status(401));
    await play('gpt-refused');
    assert.equal(outcome(), 'error');
  });

  test('is an error where the answer breaks off', async () => {
    provider.script('gpt-reset', resetMidStream());
    await play('gpt-reset');
    assert.equal(outcome(), 'error');
  });

  test('is interrupted where the call is aborted', async () => {
    const controller = new AbortController();
    provider.script('gpt-aborted', () => controller.abort());
    await play('gpt-aborted', controller.signal).catch(() => {});
    assert.equal(outcome(), 'interrupted');
  });

  test('stays what the application said', async () => {
    provider.script('gpt-said', status(401));
    set = traced({ limits: { completedHoldMillis: 10_000 } });
    const { run, step } = set.recorder;
    await run({ kind: 'chat' }, async () => {
      const { late } = await step({}, (step) => {
        step.finish('completed');
        const ask = () =>
          recordingFetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body: '{"messages":[]}' });
        return { late: nextTurn().then(ask) };
      });
      await (await late).text();
    });
    assert.equal(only(set.steps()).attributes['runtrace.status'], 'completed');
  });
});
