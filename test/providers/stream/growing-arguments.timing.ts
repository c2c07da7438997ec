import assert from 'node:assert/strict';
import { test } from 'node:test';
import { data, modelCall, read } from '../recorded.js';

const call = modelCall({
  url: 'https://api.openai.com/v1/chat/completions',
  request: { model: 'm', messages: [], stream: true },
});

/** How the arguments begin, and go on. Each piece of the second may be their end. */
const ARGUMENTS: readonly [first: string, next: string][] = [
  ['{"text":"', 'abcdefgh'],
  ['{"list":[{}', ',{"a":1}'],
];

/** Reads a call whose arguments come in so many pieces, each with the call's name and without an id. */
function millisOf(pieces: number, beginning: string, next: string): number {
  const piece = { index: 0, function: { name: 'write', arguments: next } };
  const first = { ...piece, function: { name: 'write', arguments: beginning } };
  const chunk = (toolCall: object) => ({
    id: 'c',
    model: 'm',
    choices: [{ index: 0, delta: { tool_calls: [toolCall] } }],
  });
  const chunks = [first, ...Array.from({ length: pieces }, () => piece)].map((each) => data(chunk(each)));
  const start = performance.now();
  read(call, chunks);
  return performance.now() - start;
}

for (const [first, next] of ARGUMENTS) {
  test(`arguments in 32 times as many pieces take about 32 times as long: ${first}${next}`, () => {
    millisOf(1000, first, next);
    const short = Math.min(millisOf(1000, first, next), millisOf(1000, first, next));
    const long = millisOf(32_000, first, next);
    // Parsed with each piece, they took a thousand times as long.
    assert.ok(long <= 200 * short + 20, `${long} ms for ${short} ms`);
  });
}
