import assert from 'node:assert/strict';
import { test } from 'node:test';
import { data, modelCall, read } from '../recorded.js';

const call = modelCall({
  url: 'https://api.openai.com/v1/chat/completions',
  request: { model: 'm', messages: [], stream: true },
});

/** Reads a call whose arguments come in so many pieces, each with the call's name and without an id. */
function millisOf(pieces: number): number {
  const piece = { index: 0, function: { name: 'write', arguments: 'abcdefgh' } };
  const first = { ...piece, function: { name: 'write', arguments: '{"text":"' } };
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

test('arguments in 32 times as many pieces take about 32 times as long', () => {
  millisOf(1000);
  const short = Math.min(millisOf(1000), millisOf(1000));
  const long = millisOf(32_000);
  // Parsed with each piece, they took a thousand times as long.
  assert.ok(long <= 200 * short + 20, `${long} ms for ${short} ms`);
});
