/** Every test here runs in a process without a context manager, as a file of tests has one to itself. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { createRecorder, recordingFetch, StatusPrioritySpanProcessor } from 'runtrace';
import { ok, type Provider, startProvider, status } from '../../examples/demo/provider.js';
import { CLIENTS, type ClientMaker } from '../support/clients.js';
import { diagnosed } from '../support/diagnosed.js';
import { attemptsOf, only, settled } from '../support/traced.js';
import { until } from '../support/until.js';

let provider: Provider;
before(async () => {
  provider = await startProvider();
});
after(() => provider.close());

function set() {
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: [new StatusPrioritySpanProcessor(), new SimpleSpanProcessor(exporter)],
  });
  const spans = () => exporter.getFinishedSpans();
  const recorder = createRecorder({ tracerProvider, limits: { idleMillis: 30 } });
  return { recorder: { ...recorder, run: settled(recorder.run) }, spans };
}

const outcomeOf = ({ name, attributes }: ReadableSpan) => [name, attributes['runtrace.status']];
const body = (model: string) => JSON.stringify({ model, messages: [] });

describe('without a context manager', () => {
  test('what has lost its run is reported once, with what to add, however many runs and recorders there are', async (t) => {
    const messages = diagnosed(t);
    assert.equal(context.active(), ROOT_CONTEXT);
    const { recorder } = set();
    await recorder.run({ kind: 'asks nothing' }, () => {});
    assert.deepEqual(messages, []);
    for (const { recorder } of [set(), set()]) {
      for (const kind of ['a', 'b']) await recorder.run({ kind }, () => recorder.step({}, () => {}));
    }
    const message = only(messages);
    assert.match(message, /no context manager/);
    assert.match(message, /AsyncLocalStorageContextManager/);
    assert.match(message, /run\.step\(\).*step\.fetch/);
  });

  test("run.step() and step.fetch work all the same: a client's retries are attempts of the step, under its run", async () => {
    const { recorder, spans } = set();
    provider.script('retried', status(429, { retryAfterMillis: 1 }), ok({ usage: { input: 3, output: 4 } }));
    const text = await recorder.run({ kind: 'chat_turn' }, (run) =>
      run.step({ model: 'retried' }, async (step) => {
        assert.equal(step.number, 1);
        const { make } = CLIENTS[0] as ClientMaker;
        return make({ url: provider.url, fetch: step.fetch }).generate('retried');
      }),
    );
    assert.ok(text.length > 0);
    assert.deepEqual(spans().map(outcomeOf), [
      ['chat retried', 'completed'],
      ['invoke_workflow chat_turn', 'completed'],
    ]);
    const [step, run] = spans() as [ReadableSpan, ReadableSpan];
    assert.equal(step.parentSpanContext?.spanId, run.spanContext().spanId);
    assert.deepEqual(
      attemptsOf(step).map((attempt) => attempt['http.response.status_code']),
      [429, 200],
    );
    assert.equal(run.attributes['runtrace.run.attempt_count'], 2);
    assert.equal(run.attributes['runtrace.run.input_tokens'], 3);
  });

  test('startRun and run.startStep work all the same', async () => {
    const { recorder, spans } = set();
    const run = recorder.startRun({ kind: 'started' });
    const step = run.startStep({ model: 'started' });
    await (await step.fetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body: body('started') })).text();
    step.finish('completed');
    run.finish('completed');
    await until(() => spans().length === 2);
    assert.deepEqual(spans().map(outcomeOf), [
      ['chat started', 'completed'],
      ['invoke_workflow started', 'completed'],
    ]);
    assert.equal(attemptsOf(spans()[0] as ReadableSpan).length, 1);
  });

  test('runs side by side are kept apart, and a throw is the error of its own step and run', async () => {
    const { recorder, spans } = set();
    await Promise.all(
      ['a', 'b'].map((kind) =>
        recorder
          .run({ kind }, (run) =>
            run.step({ model: kind }, async (step) => {
              await step.fetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body: body(kind) });
              if (kind === 'b') throw new RangeError('b');
            }),
          )
          .catch((error) => assert.equal((error as Error).message, 'b')),
      ),
    );
    await until(() => spans().length === 4);
    assert.deepEqual(Object.fromEntries(spans().map(outcomeOf)), {
      'chat a': 'interrupted',
      'chat b': 'error',
      'invoke_workflow a': 'completed',
      'invoke_workflow b': 'error',
    });
    assert.equal(new Set(spans().map((span) => span.spanContext().traceId)).size, 2);
  });

  test('what needs the context passes through: recordingFetch, step(), tool() and reuseStep()', async () => {
    const { recorder, spans } = set();
    const { step, tool, reuseStep } = recorder;
    await recorder.run({ kind: 'chat_turn' }, async () => {
      const url = `${provider.url}/v1/chat/completions`;
      assert.equal((await recordingFetch(url, { method: 'POST', body: body('passes') })).status, 200);
      assert.equal(await step({}, ({ number }) => number), 0);
      assert.equal(await tool({ name: 'tool' }, () => 'done'), 'done');
      assert.equal(await reuseStep(() => 'reused'), 'reused');
    });
    assert.deepEqual(spans().map(outcomeOf), [['invoke_workflow chat_turn', 'completed']]);
  });
});
