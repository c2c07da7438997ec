import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { SpanKind } from '@opentelemetry/api';
import { type RunOptions, recordingFetch, type StepOptions, wrapFetch } from 'runtrace';
import { ok, type Provider, startProvider } from '../../examples/demo/provider.js';
import { CLIENTS, read } from '../support/clients.js';
import { only, type ReadableSpan, type TracedOptions, traced } from '../support/traced.js';

let provider: Provider;
before(async () => {
  provider = await startProvider();
});
after(() => provider.close());

/** The spans of a run and of an explicit step in it. */
async function recorded(
  runOptions: Partial<RunOptions>,
  stepOptions: StepOptions = {},
  options?: TracedOptions,
): Promise<{ run: ReadableSpan; step: ReadableSpan }> {
  const { recorder, runs, steps } = traced(options);
  await recorder.run({ kind: 'chat_turn', ...runOptions }, () => recorder.step(stepOptions, () => {}));
  return { run: only(runs()), step: only(steps()) };
}

describe('a step', () => {
  test('takes the conversation id from its options', async () => {
    const { step } = await recorded({ conversationId: 'of the run' }, { conversationId: 'of the step' });
    assert.equal(step.attributes['gen_ai.conversation.id'], 'of the step');
  });

  test('else from the run', async () => {
    const { step } = await recorded({ conversationId: 'of the run' });
    assert.equal(step.attributes['gen_ai.conversation.id'], 'of the run');
  });

  test('has none, never a made-up one, where there is none', async () => {
    for (const none of [{}, { conversationId: '' }, { conversationId: null as never }]) {
      const { run, step } = await recorded(none, none);
      for (const { attributes } of [run, step]) assert.equal('gen_ai.conversation.id' in attributes, false);
    }
  });

  test('has number, provider, model and operation on its span, and its name says what it is', async () => {
    const { run, step } = await recorded(
      {},
      { operation: 'embeddings', provider: 'mistral_ai', model: 'mistral-embed' },
    );
    assert.equal(step.name, 'embeddings mistral-embed');
    assert.equal(step.kind, SpanKind.CLIENT);
    assert.equal(step.parentSpanContext?.spanId, run.spanContext().spanId);
    const { attributes } = step;
    assert.equal(attributes['runtrace.step.number'], 1);
    assert.equal(attributes['gen_ai.provider.name'], 'mistral_ai');
    assert.equal(attributes['gen_ai.request.model'], 'mistral-embed');
    assert.equal(attributes['gen_ai.operation.name'], 'embeddings');
    assert.equal(attributes['runtrace.run.id'], run.attributes['runtrace.run.id']);
    assert.match(String(attributes['runtrace.step.id']), /^[0-9a-f-]{36}$/);
  });

  test('is a chat without a user where nothing is said', async () => {
    for (const nothing of [
      {},
      { operation: '', provider: '', model: '' },
      { operation: null, provider: null, model: null },
    ]) {
      const { step } = await recorded({}, nothing as StepOptions);
      assert.equal(step.name, 'chat');
      assert.equal(step.attributes['gen_ai.operation.name'], 'chat');
      for (const name of ['gen_ai.provider.name', 'gen_ai.request.model', 'user.id']) {
        assert.equal(name in step.attributes, false, name);
      }
    }
  });

  test("has the user only if it is another than the run's", async () => {
    const same = await recorded({ userId: 'u1' });
    assert.equal(same.run.attributes['user.id'], 'u1');
    assert.equal('user.id' in same.step.attributes, false);
    const other = await recorded({ userId: 'u1' }, { userId: 'u2' });
    assert.equal(other.step.attributes['user.id'], 'u2');
  });

  test('has what it was asked, as it was asked then', async () => {
    const messages = [{ role: 'user', parts: [{ type: 'text', content: 'Hello?' }] }];
    const request = { temperature: 0.5, maxTokens: 10, stopSequences: ['END'], stream: true, messages };
    const attributes = { 'app.tenant': 'acme' };
    const { recorder, steps } = traced({ capture: 'content' });
    await recorder.run({ kind: 'chat_turn' }, () =>
      recorder.step({ request, attributes }, (step) => {
        // The application goes on with the conversation.
        messages.push({ role: 'assistant', parts: [] });
        request.temperature = 1;
        attributes['app.tenant'] = 'changed';
        const usage = { inputTokens: 3 };
        step.finish('completed', { usage });
        usage.inputTokens += 100;
      }),
    );
    const { attributes: written } = only(steps());
    assert.equal(written['gen_ai.request.temperature'], 0.5);
    assert.equal(written['gen_ai.request.max_tokens'], 10);
    assert.deepEqual(written['gen_ai.request.stop_sequences'], ['END']);
    assert.equal(written['gen_ai.request.stream'], true);
    assert.equal(written['runtrace.step.operation'], 'stream');
    assert.equal(written['app.tenant'], 'acme');
    assert.equal(written['gen_ai.usage.input_tokens'], 3);
    assert.equal(JSON.parse(String(written['gen_ai.input.messages'])).length, 1);
  });

  test('has what came of it', async () => {
    const { recorder, steps } = traced({ capture: 'content' });
    await recorder.run({ kind: 'chat_turn' }, () =>
      recorder.step({}, (step) =>
        step.finish('completed', {
          response: {
            id: 'r1',
            model: 'm-2026',
            finishReasons: ['stop'],
            messages: [{ role: 'assistant', parts: [{ type: 'text', content: 'Hi' }], finish_reason: 'stop' }],
          },
          usage: { inputTokens: 10, outputTokens: 5, cacheReadTokens: 4, cacheWriteTokens: 3, reasoningTokens: 2 },
          attributes: { 'app.score': 0.5, 'app.tags': ['a', 'b'] },
        }),
      ),
    );
    const { attributes } = only(steps());
    const expected = {
      'gen_ai.response.id': 'r1',
      'gen_ai.response.model': 'm-2026',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': 10,
      'gen_ai.usage.output_tokens': 5,
      'gen_ai.usage.cache_read.input_tokens': 4,
      'gen_ai.usage.cache_write.input_tokens': 3,
      'gen_ai.usage.cache_creation.input_tokens': 3,
      'gen_ai.usage.reasoning.output_tokens': 2,
      'app.score': 0.5,
      'app.tags': ['a', 'b'],
    };
    for (const [name, value] of Object.entries(expected)) assert.deepEqual(attributes[name], value, name);
    assert.match(String(attributes['gen_ai.output.messages']), /"content":"Hi"/);
  });

  test('usage given to finish replaces the usage of the wire, also the fields that it leaves out', async () => {
    const { recorder, steps } = traced();
    const answer = { id: 'wire', choices: [], usage: { prompt_tokens: 12, completion_tokens: 8 } };
    const fetch = wrapFetch(async () => Response.json(answer));
    await recorder.run({ kind: 'chat_turn' }, () =>
      recorder.step({}, async (step) => {
        const body = JSON.stringify({ model: 'm', messages: [] });
        await fetch('http://127.0.0.1/v1/chat/completions', { method: 'POST', body }).then((response) =>
          response.json(),
        );
        step.finish('completed', {
          response: { id: undefined, model: 'said' } as never,
          usage: { outputTokens: 9, inputTokens: undefined, reasoningTokens: null } as never,
        });
      }),
    );
    const { attributes } = only(steps());
    assert.equal(attributes['gen_ai.usage.input_tokens'], undefined);
    assert.equal(attributes['gen_ai.usage.output_tokens'], 9);
    assert.equal(attributes['gen_ai.response.id'], 'wire');
    assert.equal(attributes['gen_ai.response.model'], 'said');
  });

  for (const { name, provider: providerName, make } of CLIENTS) {
    test(`that was not announced is known from the wire: ${name}`, async () => {
      const { recorder, steps } = traced();
      const client = make({ url: provider.url, fetch: recordingFetch });
      const model = `identity.${randomUUID()}`;
      provider.script(model, ok({ model: 'the-exact-one', usage: { input: 12, output: 8 } }));
      await recorder.run({ kind: 'chat_turn', conversationId: 'c1' }, async () => {
        await client.generate(model);
        await read(await client.open(model));
      });
      const mine = steps();
      assert.deepEqual(
        mine.map(({ attributes }) => [attributes['runtrace.step.number'], attributes['runtrace.step.operation']]),
        [
          [1, 'generate'],
          [2, 'stream'],
        ],
      );
      for (const { name, attributes } of mine) {
        const operation = providerName === 'gcp.gemini' ? 'generate_content' : 'chat';
        assert.equal(name, `${operation} ${model}`);
        assert.equal(attributes['gen_ai.operation.name'], operation);
        assert.equal(attributes['gen_ai.provider.name'], providerName);
        assert.equal(attributes['gen_ai.request.model'], model);
        assert.equal(attributes['gen_ai.response.model'], 'the-exact-one');
        assert.equal(attributes['gen_ai.conversation.id'], 'c1');
        assert.equal(attributes['gen_ai.usage.input_tokens'], 12);
        assert.equal(attributes['gen_ai.usage.output_tokens'], 8);
        assert.equal(attributes['server.address'], '127.0.0.1');
        assert.equal(attributes['server.port'], Number(new URL(provider.url).port));
        assert.equal(attributes['runtrace.status'], 'completed');
      }
    });
  }

  test('what its options say goes before what the wire says', async () => {
    const { recorder, steps } = traced();
    const client = CLIENTS[0]?.make({ url: provider.url, fetch: recordingFetch });
    await recorder.run({ kind: 'chat_turn' }, () =>
      recorder.step({ operation: 'generate_content', provider: 'acme', model: 'alias' }, () => client?.generate('any')),
    );
    const { name, attributes } = only(steps());
    assert.equal(name, 'generate_content alias');
    assert.equal(attributes['gen_ai.provider.name'], 'acme');
    assert.equal(attributes['gen_ai.request.model'], 'alias');
    assert.equal(attributes['gen_ai.operation.name'], 'generate_content');
  });
});

describe('a run', () => {
  test('is named by its agent, else by its kind, and says who it is for', async () => {
    const id = randomUUID();
    const options = {
      id,
      conversationId: 'c1',
      userId: 'u1',
      agentName: 'Researcher',
      parentConversationId: 'p1',
      rootConversationId: 'r1',
      attributes: { 'app.tenant': 'acme' },
    };
    const { run } = await recorded(options);
    assert.equal(run.name, 'invoke_agent Researcher');
    assert.equal(run.kind, SpanKind.INTERNAL);
    assert.equal(run.parentSpanContext, undefined);
    const expected = {
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.name': 'Researcher',
      'gen_ai.conversation.id': 'c1',
      'user.id': 'u1',
      'runtrace.run.id': id,
      'runtrace.run.kind': 'chat_turn',
      'runtrace.run.parent_conversation_id': 'p1',
      'runtrace.run.root_conversation_id': 'r1',
      'app.tenant': 'acme',
    };
    for (const [name, value] of Object.entries(expected)) assert.equal(run.attributes[name], value, name);
    assert.equal((await recorded({})).run.name, 'invoke_workflow chat_turn');
    assert.equal((await recorded({})).run.attributes['gen_ai.operation.name'], 'invoke_workflow');
  });

  test('gets an id of its own where none is given', async () => {
    const ids = await Promise.all([recorded({}), recorded({}), recorded({ id: null as never })]);
    assert.equal(new Set(ids.map(({ run }) => run.attributes['runtrace.run.id'])).size, 3);
  });

  test('tells its id and its trace id', async () => {
    const { recorder, runs } = traced();
    const told = await recorder.run({ kind: 'chat_turn' }, ({ id, traceId }) => [id, traceId]);
    assert.deepEqual(told, [only(runs()).attributes['runtrace.run.id'], only(runs()).spanContext().traceId]);
  });

  test('attributes of the application do not take the place of ours', async () => {
    const attributes = { 'runtrace.status': 'mine', 'runtrace.run.id': 'mine', 'gen_ai.operation.name': 'mine' };
    const { run, step } = await recorded({ attributes }, { attributes });
    for (const span of [run, step]) for (const name in attributes) assert.notEqual(span.attributes[name], 'mine', name);
  });
});
