import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soak } from './soak.js';

test('of many streamed calls, half of them abandoned, nothing is left but their spans', async () => {
  const calls = 240;
  const { steps, runs, growthPerCall, unhandledRejections, openHandles } = await soak(calls, 2);
  assert.equal(runs, calls);
  assert.deepEqual(steps, { completed: calls / 2, interrupted: calls / 2 });
  assert.deepEqual(unhandledRejections, []);
  assert.deepEqual(openHandles, []);
  // So few calls that code which is compiled meanwhile weighs more than they do. `npm run soak` is stricter.
  assert.ok(growthPerCall < 10_000, `${growthPerCall} bytes a call`);
});
