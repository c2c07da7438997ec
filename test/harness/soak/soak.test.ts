import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soak } from './soak.js';

test('of many streamed calls, half of them abandoned, nothing is left but their spans', async () => {
  const calls = 240;
  // So few calls that code which is compiled meanwhile weighs more than they do. `npm run soak` is stricter.
  const allowedGrowthPerCall = 10_000;
  const { steps, runs, growthPerCall, unhandledRejections, openHandles } = await soak({
    callsAPart: calls / 2,
    partsCompared: 1,
    mostParts: 2,
    allowedGrowthPerCall,
  });
  assert.equal(runs, calls);
  assert.deepEqual(steps, { completed: calls / 2, interrupted: calls / 2 });
  assert.deepEqual(unhandledRejections, []);
  assert.deepEqual(openHandles, []);
  assert.ok(growthPerCall <= allowedGrowthPerCall, `${growthPerCall} bytes a call`);
});
