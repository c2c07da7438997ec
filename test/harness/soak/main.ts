/** `npm run soak`: 10 000 streamed calls, half of them abandoned. Exits with 1 if anything is left of them. */

import { soak } from './soak.js';

const CALLS = 10_000;
/** Less than anything that could be kept of a call: a span alone is ten times as large. */
const MAX_GROWTH_PER_CALL = 150;

const started = performance.now();
const { steps, runs, growthPerCall, unhandledRejections, openHandles } = await soak(CALLS, 10);
const seconds = Math.round((performance.now() - started) / 1000);
const wrong = [
  runs === CALLS ? '' : `${runs} runs were exported`,
  steps.completed === CALLS / 2 && steps.interrupted === CALLS / 2 ? '' : `steps: ${JSON.stringify(steps)}`,
  growthPerCall <= MAX_GROWTH_PER_CALL ? '' : 'the heap grows',
  unhandledRejections.length === 0 ? '' : `unhandled: ${unhandledRejections}`,
  openHandles.length === 0 ? '' : `open: ${openHandles}`,
].filter(Boolean);
process.stdout.write(
  `${CALLS} calls in ${seconds} s, steps: ${JSON.stringify(steps)}, ${growthPerCall.toFixed(1)} bytes of heap a call.\n` +
    wrong.map((complaint) => `WRONG: ${complaint}\n`).join(''),
);
process.exitCode = wrong.length === 0 ? 0 : 1;
