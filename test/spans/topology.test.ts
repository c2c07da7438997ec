import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { context, type Span, type SpanContext, SpanKind, trace } from '@opentelemetry/api';
import {
  AlwaysOffSampler,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base';
import { only, type ReadableSpan, traced } from '../support/traced.js';

const parentOf = (span: ReadableSpan) => span.parentSpanContext?.spanId;
const traceOf = (span: ReadableSpan) => span.spanContext().traceId;
const byName = (spans: ReadableSpan[], name: string) => only(spans.filter((span) => span.name === name));

/** Inside a span that is no run's. */
function inSpan<T>(span: Span, fn: () => T): T {
  return context.with(trace.setSpan(context.active(), span), fn);
}

describe('a run', () => {
  test('on its own is the root of a trace, and its steps and tools are its children', async () => {
    const { recorder, spans } = traced();
    const traceId = await recorder.run({ kind: 'chat_turn', agentName: 'travel' }, async (run) => {
      await recorder.step({ model: 'gpt-5' }, () => {});
      await recorder.tool({ name: 'weather' }, () => {});
      return run.traceId;
    });
    const root = byName(spans(), 'invoke_agent travel');
    assert.equal(root.kind, SpanKind.INTERNAL);
    assert.equal(parentOf(root), undefined);
    assert.equal(traceOf(root), traceId);
    const [step, tool] = ['chat gpt-5', 'execute_tool weather'].map((name) => byName(spans(), name));
    assert.equal(step?.kind, SpanKind.CLIENT);
    assert.equal(tool?.kind, SpanKind.INTERNAL);
    for (const child of [step, tool]) {
      assert.equal(parentOf(child as ReadableSpan), root.spanContext().spanId);
      assert.equal(traceOf(child as ReadableSpan), traceId);
    }
  });

  test('has its parts in its trace also where a framework began another one in it, with a link to that', async () => {
    const { recorder, provider, spans } = traced();
    const theirs = provider.getTracer('framework').startSpan('generate', { root: true });
    await recorder.run({ kind: 'chat_turn' }, () =>
      inSpan(theirs, async () => {
        await recorder.step({ model: 'gpt-5' }, () => {});
        await recorder.run({ kind: 'inner' }, () => {});
        await recorder.tool({ name: 'weather' }, () =>
          inSpan(theirs, () => recorder.step({ model: 'of the tool' }, () => {})),
        );
      }),
    );
    const root = byName(spans(), 'invoke_workflow chat_turn');
    const tool = byName(spans(), 'execute_tool weather');
    const parents = { 'chat gpt-5': root, 'invoke_workflow inner': root, [tool.name]: root, 'chat of the tool': tool };
    for (const [name, parent] of Object.entries(parents)) {
      const part = byName(spans(), name);
      assert.deepEqual([traceOf(part), parentOf(part)], [traceOf(root), parent.spanContext().spanId], name);
      assert.deepEqual(
        part.links.map(({ context }) => context),
        [theirs.spanContext()],
      );
    }
  });

  test('inside of an HTTP server span is a new trace with a link to it', async () => {
    const { recorder, provider, runs } = traced();
    const server = provider.getTracer('http').startSpan('GET /chat', { kind: SpanKind.SERVER });
    await inSpan(server, () => recorder.run({ kind: 'chat_turn' }, () => recorder.step({}, () => {})));
    const root = only(runs());
    assert.notEqual(traceOf(root), server.spanContext().traceId);
    assert.equal(parentOf(root), undefined);
    assert.deepEqual(
      root.links.map(({ context }) => context),
      [server.spanContext()],
    );
  });

  test("inside of an HTTP server span is a child of it with trace: 'join', without a link", async () => {
    const { recorder, provider, runs } = traced();
    const server = provider.getTracer('http').startSpan('GET /chat', { kind: SpanKind.SERVER });
    await inSpan(server, () => recorder.run({ kind: 'chat_turn', trace: 'join' }, () => {}));
    const root = only(runs());
    assert.equal(traceOf(root), server.spanContext().traceId);
    assert.equal(parentOf(root), server.spanContext().spanId);
    assert.deepEqual(root.links, []);
  });

  test('joins nothing where there is nothing, and links to a caller in another process', async () => {
    const { recorder, runs } = traced();
    await recorder.run({ kind: 'alone', trace: 'join' }, () => {});
    const remote: SpanContext = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1, isRemote: true };
    await inSpan(trace.wrapSpanContext(remote), () => recorder.run({ kind: 'linked' }, () => {}));
    await inSpan(trace.wrapSpanContext(remote), () => recorder.run({ kind: 'joined', trace: 'join' }, () => {}));
    const [alone, linked, joined] = runs() as [ReadableSpan, ReadableSpan, ReadableSpan];
    assert.deepEqual([parentOf(alone), alone.links], [undefined, []]);
    assert.equal(linked.links[0]?.context.spanId, remote.spanId);
    assert.notEqual(traceOf(linked), remote.traceId);
    assert.deepEqual([traceOf(joined), parentOf(joined)], [remote.traceId, remote.spanId]);
  });

  for (const around of ['run', 'step', 'tool', "another instrumentation's span"] as const) {
    test(`inside of a ${around} of another run is a child of that, in the same trace, without a link`, async () => {
      const { recorder, provider, runs, spans } = traced();
      const inner = () =>
        recorder.run({ kind: 'inner', trace: 'new' }, () => recorder.step({ model: 'inner' }, () => {}));
      await recorder.run({ kind: 'outer' }, () => {
        if (around === 'run') return inner();
        if (around === 'step') return recorder.step({ model: 'around' }, inner);
        if (around === 'tool') return recorder.tool({ name: 'around' }, inner);
        return provider.getTracer('theirs').startActiveSpan('around', async (span) => {
          await inner();
          span.end();
        });
      });
      const nested = byName(spans(), 'invoke_workflow inner');
      const outside =
        around === 'run'
          ? byName(spans(), 'invoke_workflow outer')
          : spans().find(({ name }) => name.endsWith('around'));
      assert.equal(parentOf(nested), outside?.spanContext().spanId);
      assert.deepEqual(nested.links, []);
      assert.equal(parentOf(byName(spans(), 'chat inner')), nested.spanContext().spanId);
      assert.equal(new Set(spans().map(traceOf)).size, 1);
      assert.notEqual(runs()[0]?.attributes['runtrace.run.id'], runs()[1]?.attributes['runtrace.run.id']);
    });
  }

  test('begun by startRun inside of a run is a child as well, and its steps are its own wherever they begin', async () => {
    const { recorder, spans } = traced();
    await recorder.run({ kind: 'outer' }, async () => {
      const started = recorder.startRun({ kind: 'started' });
      await recorder.step({ model: 'of outer' }, () => started.step({ model: 'of started' }, () => {}));
      started.startStep({ model: 'also of started' }).finish('completed');
      started.finish('completed');
    });
    const outer = byName(spans(), 'invoke_workflow outer').spanContext().spanId;
    const started = byName(spans(), 'invoke_workflow started');
    assert.equal(parentOf(started), outer);
    assert.equal(parentOf(byName(spans(), 'chat of outer')), outer);
    assert.equal(parentOf(byName(spans(), 'chat of started')), started.spanContext().spanId);
    assert.equal(parentOf(byName(spans(), 'chat also of started')), started.spanContext().spanId);
  });

  test("a step's span is active in it: what others start there nests under it", async () => {
    const { recorder, provider, spans } = traced();
    const theirs = (name: string) => provider.getTracer('theirs').startSpan(name).end();
    await recorder.run({ kind: 'chat_turn' }, async () => {
      theirs('in the run');
      await recorder.step({ model: 'gpt-5' }, async () => {
        await null;
        theirs('in the step');
      });
    });
    assert.equal(
      parentOf(byName(spans(), 'in the run')),
      byName(spans(), 'invoke_workflow chat_turn').spanContext().spanId,
    );
    assert.equal(parentOf(byName(spans(), 'in the step')), byName(spans(), 'chat gpt-5').spanContext().spanId);
  });

  test('side by side with another has a trace of its own', async () => {
    const { recorder, runs, spans } = traced();
    await Promise.all(
      [1, 2, 3].map((n) =>
        recorder.run({ kind: 'chat_turn', conversationId: `${n}` }, () => recorder.step({}, () => {})),
      ),
    );
    assert.equal(new Set(runs().map(traceOf)).size, 3);
    assert.equal(spans().length, 6);
  });
});

describe('not sampled', () => {
  test('a run is not kept: its span is active, and everything in it is the child of a span that is not sampled', async () => {
    const { recorder, provider, spans } = traced({ sampler: new ParentBasedSampler({ root: new AlwaysOffSampler() }) });
    const seen = await recorder.run({ kind: 'chat_turn' }, async (run) => {
      const active = trace.getActiveSpan();
      assert.equal(active?.isRecording(), false);
      assert.equal(active?.spanContext().traceId, run.traceId);
      provider.getTracer('theirs').startSpan('theirs').end();
      const inner = await recorder.run({ kind: 'inner' }, ({ traceId }) => traceId);
      assert.equal(inner, run.traceId);
      return recorder.step({}, ({ number }) => number);
    });
    assert.equal(seen, 0);
    assert.deepEqual(spans(), []);
  });

  test('a run in it is not decided anew: no half of a run is kept', async () => {
    let asked = 0;
    const everySecond: Sampler = {
      shouldSample: () => ({
        decision: asked++ % 2 ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD,
      }),
      toString: () => 'every second',
    };
    const { recorder, spans } = traced({ sampler: new ParentBasedSampler({ root: everySecond }) });
    await recorder.run({ kind: 'outer' }, () => recorder.run({ kind: 'inner' }, () => recorder.step({}, () => {})));
    assert.deepEqual(
      spans().map(({ name }) => name),
      [],
    );
  });

  test('the run in a server span that is not sampled is decided by itself; a joined one is not sampled', async () => {
    const { recorder, runs } = traced({ sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(1) }) });
    const unsampled = trace.wrapSpanContext({ traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 0 });
    await inSpan(unsampled, () => recorder.run({ kind: 'linked' }, () => {}));
    await inSpan(unsampled, () => recorder.run({ kind: 'joined', trace: 'join' }, () => {}));
    assert.equal(only(runs()).name, 'invoke_workflow linked');
  });

  test('a step alone: its run is kept, and counts no step', async () => {
    const noSteps: Sampler = {
      shouldSample: (_, __, name) => ({
        decision: name.startsWith('chat') ? SamplingDecision.NOT_RECORD : SamplingDecision.RECORD_AND_SAMPLED,
      }),
      toString: () => 'no steps',
    };
    const { recorder, spans } = traced({ sampler: noSteps });
    await recorder.run({ kind: 'chat_turn' }, () => recorder.step({}, (step) => step.finish('error')));
    const run = only(spans());
    assert.equal(run.attributes['runtrace.run.step_count'], 0);
    assert.equal(run.attributes['runtrace.status'], 'completed');
  });
});

describe("with capture: 'off'", () => {
  test('a run inside of a recorded one leaves no span, and nothing in it is a part of the run around it', async () => {
    const set = traced({ capture: ({ kind }) => (kind === 'private' ? 'off' : 'metadata') });
    const { recorder, provider, spans } = set;
    await recorder.run({ kind: 'outer' }, async () => {
      await recorder.run({ kind: 'private' }, async (run) => {
        assert.match(run.traceId, /^0{32}$/);
        await recorder.step({}, ({ number }) => assert.equal(number, 0));
        await recorder.tool({ name: 'private' }, () => {});
        recorder.startStep().finish('completed');
        run.startStep().finish('completed');
        provider.getTracer('theirs').startSpan('theirs').end();
        await recorder.run({ kind: 'inside' }, () => recorder.step({ model: 'inside' }, () => {}));
      });
      await recorder.step({ model: 'outside' }, () => {});
    });
    const outer = byName(spans(), 'invoke_workflow outer');
    assert.deepEqual(
      spans().map(({ name }) => name),
      ['theirs', 'chat inside', 'invoke_workflow inside', 'chat outside', 'invoke_workflow outer'],
    );
    assert.equal(outer.attributes['runtrace.run.step_count'], 1);
    assert.deepEqual(byName(spans(), 'theirs').attributes, {});
    assert.equal(byName(spans(), 'chat outside').attributes['runtrace.step.number'], 1);
  });
});
