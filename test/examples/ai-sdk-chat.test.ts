import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codesOf, ordered, runExample, statusOf } from '../support/examples.js';

test('the example ai-sdk-chat shows each visit as a run, however it ends', async () => {
  const { spans, stdout } = await runExample('ai-sdk-chat/main');
  assert.equal(stdout, 'Take sunglasses: it is sunny in Lisbon.\n');
  const visit = (id: string) =>
    ordered(spans.filter((span) => span.attributes['gen_ai.conversation.id'] === id)).map((span) => [
      statusOf(span),
      codesOf(span),
    ]);
  assert.deepEqual(visit('answered'), [
    ['completed', ['429', '200']],
    ['completed', ['200']],
    ['completed', undefined],
  ]);
  assert.deepEqual(visit('closed'), [
    ['interrupted', ['200']],
    ['interrupted', undefined],
  ]);
  assert.deepEqual(visit('down'), [
    ['error', ['503', '503', '503']],
    ['completed', undefined],
  ]);
  assert.equal(spans.filter(({ name }) => name === 'execute_tool weather').length, 1);
  assert.equal(spans.length, 8);
});
