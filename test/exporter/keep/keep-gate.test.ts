import assert from 'node:assert/strict';
import { test } from 'node:test';
import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { createRecorder } from 'runtrace';
import { KeepGate, MAX_WAITING_MILLIS } from '../../../src/exporter/keep/keep-gate.js';
import { copySpanWith, type ReadableSpan } from '../../../src/exporter/otlp/span.js';
import { fakeClock } from '../../support/fake-clock.js';

/** Runs behind a gate whose time is the test's. */
function gated(keep: () => boolean) {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const clock = fakeClock();
  const names: string[] = [];
  const gate = new KeepGate({ keep, deliver: ({ name }) => void names.push(name), clock });
  const provider = new BasicTracerProvider({
    spanProcessors: [
      {
        onStart: (span, parent) => gate.onStart(span, parent, undefined),
        onEnd: (span) => gate.onEnd(span),
        forceFlush: async () => {},
        shutdown: async () => {},
      },
    ],
  });
  const tracer = provider.getTracer('theirs');
  return { clock, names, gate, provider, tracer, recorder: createRecorder({ tracerProvider: provider }) };
}

test('a span waits for ten minutes; then its run is kept, also for the rest of its life', async () => {
  const { clock, names, gate, recorder, tracer } = gated(() => false);
  await recorder.run({ kind: 'early' }, async () => {
    // A run may be as old as it likes, as long as nothing waits.
    await clock.advance(2 * MAX_WAITING_MILLIS);
    tracer.startSpan('first').end();
    const laterRun = recorder.startRun({ kind: 'later', trace: 'new' });
    await clock.advance(MAX_WAITING_MILLIS / 2);
    tracer.startSpan('second').end();
    await clock.advance(MAX_WAITING_MILLIS / 2 - 1);
    assert.deepEqual(names, []);
    await clock.advance(1);
    assert.deepEqual(names, ['first', 'second']);
    laterRun.finish('completed');
    tracer.startSpan('third').end();
    assert.equal(names.at(-1), 'third');
  });
  // A run settles a turn of the event loop after its function.
  await new Promise(setImmediate);
  assert.ok(names.includes('invoke_workflow early'));
  assert.equal(gate.notKept.runs, 0);
  assert.equal(gate.undecided.spans, 0);
});

test('each run has its own ten minutes', async () => {
  const { clock, names, gate, recorder, tracer } = gated(() => false);
  const spanIn = (name: string) => () => tracer.startSpan(name).end();
  const [first, second, third] = ['1', '2', '3'].map((kind) => recorder.startRun({ kind }));
  for (const run of [first, second, third]) {
    await run?.step({}, spanIn(`in ${run.id}`));
    await clock.advance(MAX_WAITING_MILLIS / 4);
  }
  second?.finish('completed');
  await new Promise(setImmediate);
  assert.equal(gate.notKept.runs, 1);
  await clock.advance(MAX_WAITING_MILLIS / 4);
  assert.deepEqual(names, [`in ${first?.id}`]);
  await clock.advance(MAX_WAITING_MILLIS / 2);
  assert.deepEqual(names.slice(0, 2), [`in ${first?.id}`, `in ${third?.id}`]);
});

test('a span that another processor copied is found by its trace', async () => {
  const { names, gate, provider, recorder } = gated(() => false);
  const onEnd = gate.onEnd.bind(gate);
  gate.onEnd = (span: ReadableSpan) => onEnd(copySpanWith(span, {}));
  await recorder.run({ kind: 'chat_turn' }, () => provider.getTracer('theirs').startSpan('SELECT').end());
  await new Promise(setImmediate);
  assert.deepEqual(names, []);
  assert.deepEqual([gate.notKept.runs, gate.notKept.spans], [1, 2]);
});
