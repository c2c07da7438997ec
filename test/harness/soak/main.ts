/** `npm run soak`: 8000 to 30 000 streamed calls, half of them abandoned. Exits with 1 if anything is left of them. */

import { type SoakSize, soak } from './soak.js';

const SIZE: SoakSize = {
  callsAPart: 1000,
  partsCompared: 4,
  mostParts: 30,
  // Less than anything that could be kept of a call: a span alone is ten times as large.
  allowedGrowthPerCall: 150,
};

const started = performance.now();
const { steps, calls, runs, growthPerCall, unhandledRejections, openHandles } = await soak(SIZE);
const seconds = Math.round((performance.now() - started) / 1000);
const wrong = [
  runs === calls ? '' : `${runs} runs were exported`,
  steps.completed === calls / 2 && steps.interrupted === calls / 2 ? '' : `steps: ${JSON.stringify(steps)}`,
  growthPerCall <= SIZE.allowedGrowthPerCall ? '' : 'the heap grows',
  unhandledRejections.length === 0 ? '' : `unhandled: ${unhandledRejections}`,
  openHandles.length === 0 ? '' : `open: ${openHandles}`,
].filter(Boolean);
process.stdout.write(
  `${calls} calls in ${seconds} s, steps: ${JSON.stringify(steps)}, ${growthPerCall.toFixed(1)} bytes of heap a call.\n` +
    wrong.map((complaint) => `WRONG: ${complaint}\n`).join(''),
);
process.exitCode = wrong.length === 0 ? 0 : 1;
