/** What is dropped, truncated or rejected is counted and reported. Each report is made of its own sentence, so each test has one. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Attempt, Run, Step } from 'runtrace';
import { recordingFetch } from 'runtrace';
import { ok, type Provider, startProvider } from '../../examples/demo/provider.js';
import { diagnosed } from '../support/diagnosed.js';
import { attemptsOf, only, type ReadableSpan, type Traced, traced, updatesOf } from '../support/traced.js';

let provider: Provider;
before(async () => {
  provider = await startProvider();
});
after(() => provider.close());

const url = () => `${provider.url}/v1/chat/completions`;
const question = (model: string, content = 'Hi') => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ model, messages: [{ role: 'user', content }] }),
});

function failedAttempt(number: number, more: Partial<Attempt> = {}): Attempt {
  return { number, status: 'failed', startedAt: Date.now(), endedAt: Date.now(), ...more };
}

/** A run and a step of it that have settled. */
async function settled({ recorder }: Traced): Promise<{ run: Run; step: Step }> {
  const left: { run: Run; step: Step }[] = [];
  await recorder.run({ kind: 'settled' }, (run) => recorder.step({}, (step) => void left.push({ run, step })));
  return only(left);
}

describe('is counted and reported:', () => {
  test('attempts that a span has no room for', async (t) => {
    const messages = diagnosed(t);
    const { recorder, steps } = traced();
    await recorder.run({ kind: 'chat_turn' }, () =>
      recorder.step({}, ({ attempts }) => {
        for (let n = 1; n <= 120; n++) attempts.record(failedAttempt(attempts.next()));
      }),
    );
    assert.equal(attemptsOf(only(steps())).length, 112);
    assert.equal(only(steps()).attributes['runtrace.step.dropped_attempt_count'], 8);
    assert.match(only(messages), /more attempts than its span has room for/);
  });

  test('status updates that a span has no room for', async (t) => {
    const messages = diagnosed(t);
    const { recorder, steps } = traced();
    await recorder.run({ kind: 'chat_turn' }, () =>
      recorder.step({}, (step) => {
        for (let n = 0; n < 30; n++) step.finish('error');
      }),
    );
    assert.equal(updatesOf(only(steps())).length, 15);
    assert.match(messages[0] as string, /more status updates than its span has room for/);
  });

  test('what is cut off a body', async (t) => {
    const messages = diagnosed(t);
    const { recorder, steps } = traced({ capture: 'content', limits: { bodyBytes: 1000 } });
    provider.script('long body', ok({ text: 'long '.repeat(1000) }));
    await recorder.run({ kind: 'chat_turn' }, async () => {
      await (await recordingFetch(url(), question('long body', 'word '.repeat(1000)))).text();
    });
    const attempt = only(attemptsOf(only(steps())));
    const kept = ['request', 'response'].map((of) => Buffer.byteLength(String(attempt[`http.${of}.body.content`])));
    const all = ['request', 'response'].map((of) => Number(attempt[`http.${of}.body.size`]));
    assert.ok(kept.every((bytes) => bytes <= 1000));
    const cut = Number(attempt['runtrace.attempt.truncated_bytes']);
    assert.ok(cut > 0 && cut >= Number(all[0]) + Number(all[1]) - 2000);
    assert.match(messages.join('\n'), /longer than limits\.bodyBytes/);
  });

  test('what is cut off messages and tool results', async (t) => {
    const messages = diagnosed(t);
    const { recorder, spans } = traced({ capture: 'content', limits: { contentBytes: 500 } });
    const long = 'long '.repeat(1000);
    await recorder.run({ kind: 'chat_turn' }, async () => {
      await recorder.tool({ name: 'tool', arguments: { long } }, () => ({ long }));
      const request = { messages: [{ role: 'user', parts: [{ type: 'text', content: long }] }] };
      await recorder.step({ request }, () => {});
    });
    const [tool, step] = spans() as [ReadableSpan, ReadableSpan];
    for (const [span, name] of [
      [tool, 'gen_ai.tool.call.arguments'],
      [tool, 'gen_ai.tool.call.result'],
      [step, 'gen_ai.input.messages'],
    ] as const) {
      const text = String(span.attributes[name]);
      assert.ok(Buffer.byteLength(text) <= 500);
      assert.doesNotThrow(() => JSON.parse(text), name);
    }
    assert.match(messages.join('\n'), /longer than limits\.contentBytes/);
  });

  test('what comes after settling', async (t) => {
    const messages = diagnosed(t);
    const set = traced();
    const { recorder } = set;
    const { run, step } = await settled(set);
    const before = JSON.stringify(set.spans().map(({ attributes, events }) => [attributes, events]));
    const expected: Record<string, () => unknown> = {
      'a status was proposed after its run had settled': () => run.finish('completed'),
      'a status was proposed after its step had settled': () => step.finish('completed'),
      'an attempt was recorded after its step had settled': () => step.attempts.record(failedAttempt(7)),
      'a step was begun after its run had settled': () => run.startStep().finish('completed'),
      'a call was made after its step had settled': async () => (await step.fetch(url(), question('late'))).text(),
    };
    for (const [sentence, late] of Object.entries(expected)) {
      const count = messages.length;
      await late();
      assert.match(messages.slice(count).join('\n'), new RegExp(sentence));
    }
    assert.equal(JSON.stringify(set.spans().map(({ attributes, events }) => [attributes, events])), before);

    const left: Promise<unknown>[] = [];
    await recorder.run({ kind: 'left' }, () => {
      left.push(
        nextTurn()
          .then(nextTurn)
          .then(async () => {
            await (await recordingFetch(url(), question('late'))).text();
            await recorder.tool({ name: 'late' }, () => {});
          }),
      );
    });
    await Promise.all(left);
    for (const what of ['model call', 'tool call']) {
      assert.ok(
        messages.some((message) => message.includes(`a ${what} was`) && /after its run had settled/.test(message)),
      );
    }
    assert.equal(set.runs().length, 2);
    assert.equal(set.spans().length, 3);
  });

  test('a rejected proposal, on the span itself', async () => {
    const { recorder, steps } = traced();
    await recorder.run({ kind: 'chat_turn' }, () =>
      recorder.step({}, (step) => {
        step.finish('completed');
        step.finish('interrupted');
      }),
    );
    assert.deepEqual(
      updatesOf(only(steps())).map((update) => [update['runtrace.status'], update['runtrace.status_update.accepted']]),
      [
        ['completed', true],
        ['interrupted', false],
      ],
    );
  });

  test('the 1st, the 10th and the 100th time', async (t) => {
    const messages = diagnosed(t);
    const { step } = await settled(traced());
    for (let n = 0; n < 120; n++) step.finish('completed');
    const told = messages.filter((message) => /proposed after its step had settled/.test(message));
    assert.ok(told.length <= 3);
    assert.match(told.at(-1) as string, /\(100 times so far\)/);
  });
});
