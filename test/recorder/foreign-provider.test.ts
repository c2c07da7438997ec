import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { createRecorder, type Limits, type Recorder, recordingFetch, reportStatus, type Status } from 'runtrace';
import { ok, type Provider, slow, startProvider, status } from '../../examples/demo/provider.js';
import { CLIENTS } from '../support/clients.js';
import { ForeignProvider, type ForeignSpan, toMillis } from '../support/foreign-provider.js';
import { only, settled } from '../support/traced.js';
import { until } from '../support/until.js';

const { UNSET, OK, ERROR } = SpanStatusCode;
const CODES = { completed: OK, error: ERROR, interrupted: UNSET } as const;

let provider: Provider;
before(async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  provider = await startProvider();
});
after(() => provider.close());

function over(foreign: ForeignProvider, limits: Partial<Limits> = {}): Recorder {
  const recorder = createRecorder({ tracerProvider: foreign, limits });
  return { ...recorder, run: settled(recorder.run) };
}

/** A call of the chat API, without a client that would retry it. */
function chat(model: string): Promise<Response> {
  const body = JSON.stringify({ model, messages: [] });
  return recordingFetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body });
}

const statusOf = (span: ForeignSpan) => span.attributes['runtrace.status'];

describe('over a provider that only implements the API', () => {
  test('every run and step ends once, the root after its steps, with nothing written after its end', async () => {
    const foreign = new ForeignProvider();
    const recorder = over(foreign);
    await recorder.run({ kind: 'outer', attributes: { mine: 1 } }, async (outer) => {
      await recorder.step({ model: 'explicit' }, () => {});
      await (await chat('implicit')).text();
      await recorder.run({ kind: 'inner' }, () => recorder.tool({ name: 'tool' }, () => 'done'));
      outer.finish('completed', { attributes: { theirs: 2 } });
    });
    assert.deepEqual(
      foreign.ended.map(({ name }) => name),
      ['execute_tool tool', 'invoke_workflow inner', 'chat explicit', 'chat implicit', 'invoke_workflow outer'],
    );
    assert.deepEqual(foreign.violations, []);
    const root = foreign.ended.at(-1) as ForeignSpan;
    assert.equal(root.parent, undefined);
    assert.equal(root.attributes.mine, 1);
    assert.equal(root.attributes.theirs, 2);
    for (const span of foreign.ended) {
      assert.ok(toMillis(span.endTime) >= toMillis(span.startTime));
      assert.equal(span.spanContext().traceId, root.spanContext().traceId);
      for (const { time } of span.events) {
        assert.ok(toMillis(time) >= toMillis(span.startTime) && toMillis(time) <= toMillis(span.endTime));
      }
    }
  });

  const sequences: Status[][] = [
    ['error', 'completed'],
    ['completed', 'error'],
    ['interrupted', 'error', 'interrupted'],
    ['in_progress', 'interrupted', 'in_progress'],
  ];
  for (const sequence of sequences) {
    test(`the rule holds: ${sequence.join(', ')}`, async () => {
      const foreign = new ForeignProvider();
      const recorder = over(foreign);
      await recorder.run({ kind: 'chat_turn' }, (run) =>
        recorder.step({}, (step) => {
          for (const status of sequence) {
            step.finish(status, { error: new RangeError(status), attributes: { from: status } });
            run.finish(status, { error: new RangeError(status), attributes: { from: status } });
          }
        }),
      );
      const order = ['in_progress', 'interrupted', 'error', 'completed'];
      const winner = sequence.reduce((a, b) => (order.indexOf(b) >= order.indexOf(a) ? b : a)) as keyof typeof CODES;
      assert.equal(foreign.ended.length, 2);
      for (const span of foreign.ended) {
        assert.equal(statusOf(span), winner);
        assert.equal(span.status.code, CODES[winner]);
        assert.equal(span.attributes.from, winner);
        assert.equal(span.attributes['error.type'], winner === 'error' ? 'RangeError' : undefined);
        assert.equal(span.events.filter(({ name }) => name === 'exception').length, Number(winner === 'error'));
        assert.equal(span.events.filter(({ name }) => name === 'runtrace.status_update').length, sequence.length);
      }
      assert.deepEqual(foreign.violations, []);
    });
  }

  test("a client's retries fold into one step, which is held for late news while the run goes on", async () => {
    const foreign = new ForeignProvider();
    const recorder = over(foreign, { completedHoldMillis: 30 });
    const client = CLIENTS[0]?.make({ url: provider.url, fetch: recordingFetch });
    provider.script('retried', status(429, { retryAfterMillis: 1 }), status(500, { retryAfterMillis: 1 }), ok());
    await recorder.run({ kind: 'chat_turn' }, async () => {
      await client?.generate('retried');
      assert.equal(foreign.ended.length, 0);
      await until(() => foreign.ended.length === 1);
      const step = only(foreign.ended);
      assert.equal(statusOf(step), 'completed');
      assert.deepEqual(step.attributes['runtrace.step.attempt_codes'], '429 500 200');
      assert.ok(toMillis(step.endTime) < Date.now() - 25, 'it ends when the call ended, not when its hold was over');
    });
    assert.equal(foreign.ended.length, 2);
    assert.deepEqual(foreign.violations, []);
  });

  test('a step that failed is held for longer, and by no means past its run', async () => {
    const foreign = new ForeignProvider();
    const recorder = over(foreign, { completedHoldMillis: 0, retryHoldMillis: 60_000 });
    provider.script('refused', status(400));
    await recorder.run({ kind: 'chat_turn' }, async () => {
      await (await chat('refused')).text();
      await (await chat('answered')).text();
      await until(() => foreign.ended.length > 0);
      assert.equal(only(foreign.ended).name, 'chat answered');
    });
    assert.deepEqual(
      foreign.ended.map((span) => [span.name, statusOf(span)]),
      [
        ['chat answered', 'completed'],
        ['chat refused', 'error'],
        ['invoke_workflow chat_turn', 'completed'],
      ],
    );
  });

  test('a run that is over waits for its live stream, and gives up on a call without a sign of life', async () => {
    const foreign = new ForeignProvider();
    const recorder = over(foreign, { idleMillis: 40 });
    provider.script('slow', slow(15));
    const { live, dead } = await recorder.run({ kind: 'chat_turn' }, async () => ({
      live: await chat('slow'),
      dead: await chat('unread'),
    }));
    await live.text();
    await until(() => foreign.ended.length === 3);
    assert.deepEqual(
      foreign.ended.map((span) => [span.name, statusOf(span)]),
      [
        ['chat slow', 'completed'],
        ['chat unread', 'interrupted'],
        ['invoke_workflow chat_turn', 'completed'],
      ],
    );
    await dead.body?.cancel();
    assert.deepEqual(foreign.violations, []);
  });

  test('a run in a span of other code is linked to it, or joined with it', async () => {
    const foreign = new ForeignProvider();
    const recorder = over(foreign);
    const server = foreign.getTracer().startSpan('GET /');
    await context.with(trace.setSpan(context.active(), server), async () => {
      await recorder.run({ kind: 'linked' }, () => {});
      await recorder.run({ kind: 'joined', trace: 'join' }, () => {});
    });
    const [linked, joined] = foreign.ended as [ForeignSpan, ForeignSpan];
    assert.notEqual(linked.spanContext().traceId, server.spanContext().traceId);
    assert.deepEqual(linked.links, [{ context: server.spanContext() }]);
    assert.deepEqual(joined.parent, server.spanContext());
    assert.deepEqual(joined.links, []);
  });

  test('reportStatus on a span of ours is a proposal; on one of theirs it changes nothing', async () => {
    const foreign = new ForeignProvider();
    const recorder = over(foreign);
    await recorder.run({ kind: 'chat_turn' }, () => reportStatus(trace.getActiveSpan(), 'error'));
    const theirs = foreign.getTracer().startSpan('theirs');
    reportStatus(theirs, 'error');
    theirs.end();
    assert.deepEqual(
      foreign.ended.map((span) => [span.name, statusOf(span), span.status.code]),
      [
        ['invoke_workflow chat_turn', 'completed', OK],
        ['theirs', undefined, UNSET],
      ],
    );
  });

  test('there is no stamp on the spans of others', async () => {
    const foreign = new ForeignProvider();
    await over(foreign).run({ kind: 'chat_turn' }, () => foreign.getTracer().startSpan('theirs').end());
    assert.deepEqual(foreign.ended[0]?.attributes, {});
  });

  test('that does not record, nothing is kept and the calls are made', async () => {
    const foreign = new ForeignProvider(false);
    const recorder = over(foreign);
    const answer = await recorder.run({ kind: 'chat_turn' }, () =>
      recorder.step({}, async (step) => {
        assert.equal(step.number, 0);
        return (await chat('unrecorded')).status;
      }),
    );
    assert.equal(answer, 200);
    assert.deepEqual([foreign.ended, foreign.violations], [[], []]);
  });
});
