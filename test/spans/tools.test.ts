import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SpanStatusCode } from '@opentelemetry/api';
import { only, type ReadableSpan, type TracedOptions, traced } from '../support/traced.js';

/** The span of a tool that answers `value`. */
async function spanOf(value: unknown, options: TracedOptions = {}): Promise<ReadableSpan> {
  const { recorder, spans, shutdown } = traced(options);
  const answer = await recorder.run({ kind: 'chat_turn' }, () => recorder.tool({ name: 'search' }, () => value));
  assert.equal(answer, value);
  await shutdown();
  return only(spans().filter(({ name }) => name === 'execute_tool search'));
}

for (const given of [{ city: 'Lisbon' }, '{"city":"Lisbon"}']) {
  test(`arguments that are ${typeof given === 'string' ? 'JSON text' : 'an object'} are recorded as an object`, async () => {
    const { recorder, spans, shutdown } = traced({ capture: 'content' });
    const options = { name: 'search', arguments: given };
    await recorder.run({ kind: 'chat_turn' }, () => recorder.tool(options, () => 'found'));
    await shutdown();
    const { attributes } = only(spans().filter(({ name }) => name === 'execute_tool search'));
    assert.equal(attributes['gen_ai.tool.call.arguments'], '{"city":"Lisbon"}');
  });
}

const TEXT = [{ type: 'text', text: 'The index of Anna Meier is gone.' }];

describe('a tool whose answer says that it has failed is an error:', () => {
  const failed: readonly [string, object][] = [
    ['a result of MCP', { content: TEXT, isError: true }],
    ['a tool_result of Anthropic', { type: 'tool_result', tool_use_id: 'toolu_1', content: TEXT, is_error: true }],
    ['a toolResult of Bedrock', { toolUseId: 'tooluse_1', content: [{ text: 'gone' }], status: 'error' }],
    ['a ToolMessage of LangChain', { tool_call_id: 'call_1', content: 'gone', status: 'error' }],
  ];
  for (const [name, value] of failed) {
    test(name, async () => {
      const { status, attributes, events } = await spanOf(value);
      assert.deepEqual(status, { code: SpanStatusCode.ERROR, message: 'tool_error' });
      assert.equal(attributes['error.type'], 'tool_error');
      // Nothing was thrown.
      assert.deepEqual(events, []);
    });
  }

  test('with its result, where content is captured', async () => {
    const value = { content: TEXT, isError: true };
    const { attributes } = await spanOf(value, { capture: 'content' });
    assert.deepEqual(JSON.parse(String(attributes['gen_ai.tool.call.result'])), value);
  });
});

describe('a tool whose answer does not say that is completed:', () => {
  const answers: readonly [string, unknown][] = [
    ['a result of MCP', { content: TEXT, isError: false }],
    ['a result of MCP without a word of it', { content: TEXT }],
    ['a field of that name in an answer of another kind', { isError: true, jobs: [] }],
    ['a status in an answer of another kind', { id: 7, status: 'error' }],
    ['a tool_result of Anthropic', { type: 'tool_result', tool_use_id: 'toolu_1', content: TEXT }],
    ['a ToolMessage of LangChain', { tool_call_id: 'call_1', content: 'found', status: 'success' }],
    ['a list', [{ content: TEXT, isError: true }]],
    ['a text', 'isError: true'],
    ['nothing', undefined],
    ['null', null],
  ];
  for (const [name, value] of answers) {
    test(name, async () => {
      const { status, attributes } = await spanOf(value);
      assert.deepEqual(status, { code: SpanStatusCode.OK });
      assert.equal(attributes['error.type'], undefined);
    });
  }

  test('one with getters, none of which is called', async () => {
    const called = () => assert.fail('it was called');
    const fields = { get: called, enumerable: true };
    const value = Object.defineProperties({}, { isError: fields, content: fields, status: fields, type: fields });
    assert.equal((await spanOf(value)).status.code, SpanStatusCode.OK);
  });
});
