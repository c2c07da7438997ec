import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { wrapFetch } from 'runtrace';
import { traced } from '../../support/traced.js';
import { until } from '../../support/until.js';

const statusOf = ({ attributes }: { attributes: object }) => (attributes as Record<string, unknown>)['runtrace.status'];

/** Blocks the event loop, as a long computation does. */
function block(millis: number): void {
  const end = performance.now() + millis;
  while (performance.now() < end);
}

describe('while the event loop is blocked', () => {
  test('a body that the application is about to read is not taken for one that nothing reads', async () => {
    const set = traced({ limits: { idleMillis: 50 } });
    const answer = JSON.stringify({ choices: [{ index: 0, message: { content: 'Hi' }, finish_reason: 'stop' }] });
    const ask = wrapFetch(async () => new Response(answer, { headers: { 'content-type': 'application/json' } }));
    const request = { method: 'POST', body: '{"model":"m","messages":[]}' };
    const response = await set.recorder.run({ kind: 'route' }, () =>
      ask('https://api.openai.com/v1/chat/completions', request),
    );
    // The file is read while the loop is blocked, and the application learns it after the timers.
    const reading = readFile(new URL(import.meta.url)).then(() => response.text());
    block(400);
    assert.equal(await reading, answer);
    await until(() => set.runs().length === 1);
    assert.deepEqual([...set.steps(), ...set.runs()].map(statusOf), ['completed', 'completed']);
  });

  test('what was due does not wait for what is scheduled next', async () => {
    const soon = traced({ limits: { completedHoldMillis: 50 } });
    const late = traced({ limits: { completedHoldMillis: 600_000 } });
    const runs = [soon, late].map(({ recorder }) => recorder.startRun({ kind: 'open' }));
    const step = () => {};
    await runs[0]?.step({}, step);
    block(1200);
    await runs[1]?.step({}, step);
    await until(() => soon.steps().length === 1);
    for (const run of runs) run.finish('completed');
  });
});
