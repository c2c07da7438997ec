import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Backend, startBackend } from '../../support/backend.js';
import { codesOf, ordered, runExample, statusOf } from '../../support/examples.js';
import { parseOtlpJson, type ReceivedSpan } from '../../support/otlp-receiver.js';
import { only } from '../../support/traced.js';

const [INTERNAL, CLIENT] = [1, 3];

describe('the example', { concurrency: true }, () => {
  test('openai shows the refused attempt and its retry as one step', async () => {
    const { spans, stdout } = await runExample('openai');
    const [step, run] = ordered(spans);
    assert.deepEqual([step?.name, step?.kind, codesOf(step)], ['chat gpt-5', CLIENT, ['429', '200']]);
    assert.deepEqual([run?.name, run?.kind, statusOf(run)], ['invoke_workflow chat_turn', INTERNAL, 'completed']);
    assert.equal(step?.parentSpanId, run?.spanId);
    assert.equal(stdout, `trace ${run?.traceId}\nLisbon is lovely in May.\n`);
  });

  test('anthropic is interrupted when the user presses Stop, which is no error', async () => {
    const { spans } = await runExample('anthropic');
    assert.deepEqual(ordered(spans).map(nameAndStatus), [
      ['chat claude-sonnet-5', 'interrupted'],
      ['invoke_workflow chat_turn', 'interrupted'],
    ]);
    for (const { status } of spans) assert.equal(status.code, 0);
  });

  test('gemini shows a retry that its client does not count', async () => {
    const { spans, stdout } = await runExample('gemini');
    const [step, run] = ordered(spans);
    assert.deepEqual([step?.name, codesOf(step)], ['generate_content gemini-3-flash', ['503', '200']]);
    assert.deepEqual(nameAndStatus(run), ['invoke_workflow title_generation', 'completed']);
    assert.equal(stdout, 'A trip in May\n');
  });

  test('server is completed for the client that stays, and interrupted for the one that leaves', async () => {
    const { spans } = await runExample('server');
    const ofChat = (id: string) => ordered(spans.filter((span) => span.attributes['gen_ai.conversation.id'] === id));
    assert.deepEqual(ofChat('stays').map(nameAndStatus), [
      ['chat gpt-5', 'completed'],
      ['invoke_workflow chat_turn', 'completed'],
    ]);
    assert.deepEqual(ofChat('leaves').map(nameAndStatus), [
      ['chat gpt-5', 'interrupted'],
      ['invoke_workflow chat_turn', 'interrupted'],
    ]);
    assert.equal(spans.length, 4);
  });

  test("sub-agent is one trace: the sub-agent's run is under the tool that the agent called", async () => {
    const { spans } = await runExample('sub-agent');
    const named = (name: string) => only(spans.filter((span) => span.name === name));
    const [agent, tool, sub] = [
      named('invoke_agent travel'),
      named('execute_tool research'),
      named('invoke_agent research'),
    ];
    assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, 1);
    assert.deepEqual([tool.parentSpanId, sub.parentSpanId], [agent.spanId, tool.spanId]);
    assert.equal(named('chat gpt-5-mini').parentSpanId, sub.spanId);
    assert.equal(
      spans.filter(({ name, parentSpanId }) => name === 'chat gpt-5' && parentSpanId === agent.spanId).length,
      2,
    );
    assert.equal(sub.attributes['runtrace.run.parent_conversation_id'], 'chat-3');
    assert.equal(agent.attributes['runtrace.run.step_count'], 2);
  });

  test('durable is two roots in one trace, with steps that count on', async () => {
    const { spans } = await runExample('durable');
    const runs = spans.filter(({ parentSpanId }) => !parentSpanId);
    assert.equal(runs.length, 2);
    assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, 1);
    for (const { attributes, traceId } of runs) {
      assert.equal(String(attributes['runtrace.run.id']).replaceAll('-', ''), traceId);
    }
    const steps = ordered(spans).filter(({ parentSpanId }) => parentSpanId);
    assert.deepEqual(
      steps.map(({ attributes }) => attributes['runtrace.step.number']),
      [1, 2],
    );
  });

  test('langfuse sends the same to Langfuse', async () => {
    const keys = { LANGFUSE_PUBLIC_KEY: 'none', LANGFUSE_SECRET_KEY: 'none' };
    const { spans } = await runExample('langfuse', { ...keys, LANGFUSE_BASE_URL: backend.url });
    const received = backend.bodies
      .filter(({ path }) => path === '/api/public/otel/v1/traces')
      .flatMap(({ body }) => parseOtlpJson(body).spans);
    const told = (span: ReceivedSpan) => [span.spanId, span.name, statusOf(span), span.status.code, span.events.length];
    assert.deepEqual(ordered(received).map(told), ordered(spans).map(told));
    assert.deepEqual(ordered(spans).map(nameAndStatus), [
      ['chat gpt-5', 'completed'],
      ['invoke_workflow chat_turn', 'completed'],
    ]);
  });

  test('langfuse needs no account: what Langfuse would get is printed', async () => {
    const { spans, stdout } = await runExample('langfuse');
    assert.deepEqual(ordered(spans).map(nameAndStatus), [
      ['chat gpt-5', 'completed'],
      ['invoke_workflow chat_turn', 'completed'],
    ]);
    for (const { spanId } of spans) assert.ok(stdout.includes(spanId));
  });

  test('sentry needs no account', async () => {
    const { spans } = await runExample('sentry');
    assert.deepEqual(ordered(spans).map(statusOf), ['error', 'error']);
  });

  test('sentry sends the error to Sentry, and says there which run it was', async () => {
    const { spans } = await runExample('sentry', { SENTRY_DSN: backend.url.replace('://', '://key@').concat('/1') });
    const [step, run] = ordered(spans);
    assert.deepEqual([codesOf(step), statusOf(step), statusOf(run)], [['401'], 'error', 'error']);
    assert.equal(spans.length, 2);
    const envelopes = backend.bodies.filter(({ path }) => path.startsWith('/api/1/envelope'));
    const items = envelopes.flatMap(({ body }) => body.split('\n').filter(Boolean));
    const event = items.map((item) => JSON.parse(item)).find(({ exception }) => exception);
    assert.equal(event.tags['run.id'], run?.attributes['runtrace.run.id']);
    assert.equal(event.tags['run.trace_id'], run?.traceId);
  });
});

/** Langfuse and Sentry. */
let backend: Backend;
before(async () => {
  backend = await startBackend();
});
after(() => backend.close());

function nameAndStatus(span: ReceivedSpan | undefined): unknown[] {
  return [span?.name, statusOf(span)];
}
