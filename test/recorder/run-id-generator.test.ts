import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { context, ROOT_CONTEXT, type TracerProvider, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { NodeSDK } from '@opentelemetry/sdk-node';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type Sampler,
  SamplingDecision,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { createRecorder, RunIdGenerator, run, StatusPrioritySpanProcessor } from 'runtrace';
import { only, settled, traced } from '../support/traced.js';

const ID = '0195f3c2-7d1e-7a40-9b1c-3f2a5e6d7c81';
const TRACE_ID = '0195f3c27d1e7a409b1c3f2a5e6d7c81';

/** A provider with the generator, with or without our processor, and its recorder. */
function withGenerator({ processor = true, sampler }: { processor?: boolean; sampler?: Sampler } = {}) {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const exporter = new InMemorySpanExporter();
  const tracerProvider: TracerProvider = new BasicTracerProvider({
    idGenerator: new RunIdGenerator(),
    spanProcessors: [...(processor ? [new StatusPrioritySpanProcessor()] : []), new SimpleSpanProcessor(exporter)],
    ...(sampler && { sampler }),
  });
  const recorder = createRecorder({ tracerProvider });
  return {
    recorder: { ...recorder, run: settled(recorder.run) },
    tracer: tracerProvider.getTracer('theirs'),
    spans: () => exporter.getFinishedSpans(),
  };
}

const traceIdsOf = (spans: { spanContext(): { traceId: string } }[]) => spans.map((span) => span.spanContext().traceId);

for (const processor of [true, false]) {
  describe(`${processor ? 'with' : 'without'} a StatusPrioritySpanProcessor`, () => {
    test('the trace id of a root run is its run id without the dashes, for its steps too', async () => {
      const { recorder, spans } = withGenerator({ processor });
      const traceId = await recorder.run({ kind: 'chat_turn', id: ID }, async (run) => {
        await recorder.step({}, () => {});
        return run.traceId;
      });
      assert.equal(traceId, TRACE_ID);
      assert.deepEqual(traceIdsOf(spans()), [TRACE_ID, TRACE_ID]);
    });

    test('so it is for an id that runtrace made, and for one in capitals', async () => {
      const { recorder } = withGenerator({ processor });
      await recorder.run({ kind: 'chat_turn' }, (run) => assert.equal(run.traceId, run.id.replaceAll('-', '')));
      await recorder.run({ kind: 'chat_turn', id: ID.toUpperCase() }, (run) => assert.equal(run.traceId, TRACE_ID));
    });

    test('two runs of one id are two roots in one trace', async () => {
      const { recorder, spans } = withGenerator({ processor });
      await Promise.all([1, 2].map(() => recorder.run({ kind: 'chat_turn', id: ID }, async () => {})));
      assert.deepEqual(traceIdsOf(spans()), [TRACE_ID, TRACE_ID]);
      assert.equal(new Set(spans().map((span) => span.spanContext().spanId)).size, 2);
      for (const span of spans()) assert.equal(span.parentSpanContext, undefined);
    });

    test("a nested run is in its parent's trace", async () => {
      const { recorder, spans } = withGenerator({ processor });
      await recorder.run({ kind: 'outer', id: ID }, () => recorder.run({ kind: 'inner' }, () => {}));
      assert.deepEqual(traceIdsOf(spans()), [TRACE_ID, TRACE_ID]);
    });

    test('in a span of other code, a run begins its own trace; a run that joins stays in that of the span', async () => {
      const { recorder, tracer, spans } = withGenerator({ processor });
      const theirs = tracer.startSpan('GET /', {}, ROOT_CONTEXT);
      await context.with(trace.setSpan(ROOT_CONTEXT, theirs), async () => {
        await recorder.run({ kind: 'new', id: ID }, () => {});
        await recorder.run({ kind: 'join', trace: 'join' }, () => {});
      });
      assert.deepEqual(traceIdsOf(spans()), [TRACE_ID, theirs.spanContext().traceId]);
    });

    test('a run that would join, where there is nothing to join, is a root with its own id', async () => {
      const { recorder } = withGenerator({ processor });
      await recorder.run({ kind: 'join', id: ID, trace: 'join' }, (run) => assert.equal(run.traceId, TRACE_ID));
    });

    test('every other root span gets a random trace id, inside of a run too', async () => {
      const { recorder, tracer, spans } = withGenerator({ processor });
      const root = () => tracer.startSpan('theirs', { root: true }).end();
      root();
      await recorder.run({ kind: 'chat_turn', id: ID }, root);
      root();
      const traceIds = traceIdsOf(spans());
      assert.equal(traceIds.length, 4);
      assert.equal(new Set(traceIds).size, 4);
      for (const traceId of traceIds) assert.match(traceId, /^[0-9a-f]{32}$/);
    });

    test('so does one that a sampler starts while a run is being started', async () => {
      const started: string[] = [];
      const sampler: Sampler = {
        shouldSample(_context, _traceId, name) {
          if (name.startsWith('invoke')) {
            started.push(tracer.startSpan('sampled', { root: true }, ROOT_CONTEXT).spanContext().traceId);
          }
          return { decision: SamplingDecision.RECORD_AND_SAMPLED };
        },
      };
      const { recorder, tracer } = withGenerator({ processor, sampler });
      await recorder.run({ kind: 'outer', id: ID }, (outer) => {
        assert.equal(outer.traceId, TRACE_ID);
        return recorder.run({ kind: 'inner', id: '11111111-1111-4111-8111-111111111111' }, () => {});
      });
      assert.equal(started.length, 2);
      for (const traceId of started) assert.ok(![TRACE_ID, '1'.repeat(12)].some((id) => traceId.includes(id)), traceId);
    });
  });
}

test('without the generator, run.traceId says where the run is', async () => {
  const { recorder, runs } = traced();
  const traceId = await recorder.run({ kind: 'chat_turn', id: ID }, (run) => run.traceId);
  assert.deepEqual(traceIdsOf(runs()), [traceId]);
  assert.notEqual(traceId, TRACE_ID);
});

test('NodeSDK takes it', async (t) => {
  const sdk = new NodeSDK({ idGenerator: new RunIdGenerator(), spanProcessors: [new StatusPrioritySpanProcessor()] });
  sdk.start();
  t.after(() => sdk.shutdown());
  await run({ kind: 'chat_turn', id: ID }, (run) => assert.equal(run.traceId, TRACE_ID));
});

test('ids are well-formed, and no two are the same', () => {
  const generator = new RunIdGenerator();
  const count = 1000;
  const traceIds = Array.from({ length: count }, () => generator.generateTraceId());
  const spanIds = Array.from({ length: count }, () => generator.generateSpanId());
  assert.equal(new Set(traceIds).size, count);
  assert.equal(new Set(spanIds).size, count);
  for (const id of traceIds) assert.match(id, /^[0-9a-f]{32}$/);
  for (const id of spanIds) assert.match(id, /^[0-9a-f]{16}$/);
});

test('no id is all zeros, for any random numbers', (t) => {
  for (const random of [0, 1 - 2 ** -53]) {
    t.mock.method(Math, 'random', () => random);
    const generator = new RunIdGenerator();
    assert.match(generator.generateTraceId(), /^(?!0+$)[0-9a-f]{32}$/);
    assert.match(generator.generateSpanId(), /^(?!0+$)[0-9a-f]{16}$/);
    t.mock.restoreAll();
  }
});

test('the generator knows nothing of a run that is over', async () => {
  const { recorder, tracer, spans } = withGenerator();
  await recorder.run({ kind: 'chat_turn', id: ID }, () => {});
  tracer.startSpan('theirs', {}, ROOT_CONTEXT).end();
  assert.equal(only(spans().filter(({ name }) => name === 'theirs')).spanContext().traceId === TRACE_ID, false);
});
