import assert from 'node:assert/strict';
import { test } from 'node:test';
import { playRandom } from '../harness/random/play.js';

test('random calls of the openai client: each step has the right status, attempts, numbers, usage and times', async () => {
  const { calls, wrong } = await playRandom(7, 150);
  assert.ok(calls >= 150);
  assert.deepEqual(wrong, []);
});
