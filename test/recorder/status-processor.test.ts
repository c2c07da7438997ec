import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { SpanStatusCode, trace } from '@opentelemetry/api';
import {
  BatchSpanProcessor,
  InMemorySpanExporter,
  type ReadableSpan,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { type Run, recordingFetch, reportStatus, type Status, StatusPrioritySpanProcessor } from 'runtrace';
import { hang, ok, type Provider, slow, startProvider, status } from '../../examples/demo/provider.js';
import { diagnosed } from '../support/diagnosed.js';
import { only, traced } from '../support/traced.js';
import { until } from '../support/until.js';

const { UNSET, OK, ERROR } = SpanStatusCode;

let provider: Provider;
before(async () => {
  provider = await startProvider();
});
after(() => provider.close());

/** A call of the chat API, without a client that would retry it. */
function chat(model: string, init: RequestInit = {}): Promise<Response> {
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }] });
  return recordingFetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body, ...init });
}

/** A processor of another package. */
function foreignProcessor(hooks: Partial<SpanProcessor> & Pick<SpanProcessor, never>): SpanProcessor {
  return { onStart() {}, onEnd() {}, forceFlush: async () => {}, shutdown: async () => {}, ...hooks };
}

const statusOf = (span: ReadableSpan) => span.attributes['runtrace.status'];

/** A promise that is resolved by hand. */
function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((resolved) => {
    resolve = resolved;
  });
  return { promise, resolve };
}

describe('a processor that is listed after ours', () => {
  test('sees a step once, settled: with its outcome, its attempts and the status of the one that won', async () => {
    const seen: { name: string; code: number; status: unknown; attempts: number }[] = [];
    const spy = foreignProcessor({
      onEnd: (span) =>
        void seen.push({
          name: span.name,
          code: span.status.code,
          status: statusOf(span),
          attempts: span.events.filter(({ name }) => name === 'runtrace.attempt').length,
        }),
    });
    const { recorder, shutdown } = traced({ spanProcessors: [spy] });
    provider.script('seen', status(429), ok());
    await recorder.run({ kind: 'chat_turn' }, () =>
      recorder.reuseStep(async () => {
        for (const _ of [1, 2]) {
          await recorder.step({ model: 'seen' }, () => chat('seen').then((response) => response.text()));
          assert.deepEqual(seen, []);
        }
      }),
    );
    await shutdown();
    assert.deepEqual(seen, [
      { name: 'chat seen', code: OK, status: 'completed', attempts: 2 },
      { name: 'invoke_workflow chat_turn', code: OK, status: 'completed', attempts: 0 },
    ]);
  });

  test('cannot change a status in its onEnding, not even where the SDK would let it', async () => {
    const meddler = foreignProcessor({
      onEnding: (span) => void span.setStatus({ code: ERROR, message: 'meddled' }),
    } as Partial<SpanProcessor>);
    const { recorder, spans } = traced({ spanProcessors: [meddler] });
    const aborted = new DOMException('no more', 'AbortError');
    await assert.rejects(
      recorder.run({ kind: 'chat_turn' }, () => recorder.step({}, () => Promise.reject(aborted))),
      aborted,
    );
    assert.deepEqual(
      spans().map(({ status }) => status),
      [{ code: UNSET }, { code: UNSET }],
    );
  });
});

describe('a foreign setStatus on a span of ours', () => {
  const outcomes = { completed: OK, error: ERROR, interrupted: UNSET } as const;
  for (const [outcome, code] of Object.entries(outcomes) as [Status & keyof typeof outcomes, SpanStatusCode][]) {
    for (const foreign of [OK, ERROR, UNSET]) {
      test(`${SpanStatusCode[foreign]} does not win over ${outcome}`, async () => {
        const { recorder, spans } = traced();
        const meddle = () =>
          trace.getActiveSpan()?.setStatus({ code: foreign, ...(foreign === ERROR && { message: 'meddled' }) });
        await recorder.run({ kind: 'chat_turn' }, async (run) => {
          meddle();
          await recorder.step({}, (step) => {
            meddle();
            step.finish(outcome);
            meddle();
          });
          run.finish(outcome);
          meddle();
        });
        assert.equal(spans().length, 2);
        for (const span of spans()) {
          assert.equal(span.status.code, code);
          assert.notEqual(span.status.message, 'meddled');
          assert.equal(statusOf(span), outcome);
        }
      });
    }
  }

  test('and a foreign end() is ignored and reported; the span ends when it settles', async (t) => {
    const messages = diagnosed(t);
    const { recorder, steps, runs } = traced();
    await recorder.run({ kind: 'chat_turn' }, async () => {
      trace.getActiveSpan()?.end();
      await recorder.step({}, (step) => {
        trace.getActiveSpan()?.end();
        assert.ok(trace.getActiveSpan()?.isRecording());
        step.finish('error');
      });
      assert.deepEqual([...steps(), ...runs()], []);
    });
    assert.equal(statusOf(only(steps())), 'error');
    assert.equal(statusOf(only(runs())), 'completed');
    assert.equal(messages.filter((message) => /other code called end\(\)/.test(message)).length, 1);
  });

  /** As LangSmith does in its OpenTelemetry mode: it writes what it knows of a model call to the span that is active. */
  test('nor does what a foreign setAttribute says of what the span began with', async () => {
    const { recorder, steps, runs } = traced();
    const meddle = () =>
      trace.getActiveSpan()?.setAttributes({ 'gen_ai.operation.name': 'execute_tool', 'user.id': 'eve', theirs: 1 });
    await recorder.run({ kind: 'chat_turn', userId: 'ada' }, async () => {
      meddle();
      await recorder.step({ model: 'gpt-5' }, meddle);
    });
    const begun = ({ attributes }: ReadableSpan) => [attributes['gen_ai.operation.name'], attributes.theirs];
    assert.deepEqual(begun(only(runs())), ['invoke_workflow', 1]);
    assert.equal(only(runs()).attributes['user.id'], 'ada');
    assert.deepEqual(begun(only(steps())), ['chat', 1]);
  });

  test('while a foreign exception event stays', async () => {
    const { recorder, steps } = traced();
    await recorder.run({ kind: 'chat_turn' }, () =>
      recorder.step({}, () => trace.getActiveSpan()?.recordException(new RangeError('theirs'))),
    );
    const { status, events } = only(steps());
    assert.equal(status.code, OK);
    assert.deepEqual(
      events.map(({ name, attributes }) => [name, attributes?.['exception.type']]),
      [['exception', 'RangeError']],
    );
  });
});

describe('reportStatus', () => {
  const proposals: { say: Status[]; code: SpanStatusCode; status: Status | undefined }[] = [
    { say: [], code: ERROR, status: undefined },
    { say: ['in_progress'], code: ERROR, status: undefined },
    { say: ['completed'], code: OK, status: 'completed' },
    { say: ['interrupted'], code: UNSET, status: 'interrupted' },
    { say: ['error'], code: ERROR, status: 'error' },
    { say: ['error', 'completed'], code: OK, status: 'completed' },
    { say: ['completed', 'error'], code: OK, status: 'completed' },
    { say: ['interrupted', 'error'], code: ERROR, status: 'error' },
    { say: ['error', 'interrupted', 'in_progress'], code: ERROR, status: 'error' },
    { say: ['interrupted', 'completed', 'interrupted'], code: OK, status: 'completed' },
  ];
  for (const { say, code, status } of proposals) {
    test(`on a span of other code: ${say.join(', ') || 'nothing'} ends as ${status ?? 'its owner said'}`, () => {
      const { provider, spans } = traced();
      const span = provider.getTracer('theirs').startSpan('theirs');
      for (const proposed of say) reportStatus(span, proposed, { error: new RangeError('ours') });
      span.setAttribute('error.type', 'theirs').setStatus({ code: ERROR, message: 'theirs' });
      span.end();
      const ended = only(spans());
      assert.equal(ended.status.code, code);
      assert.equal(statusOf(ended), status);
      const errorTypes = { undefined: 'theirs', error: 'RangeError', completed: undefined, interrupted: undefined };
      assert.equal(ended.attributes['error.type'], errorTypes[String(status) as keyof typeof errorTypes]);
      if (status) assert.equal(ended.status.message, status === 'error' ? 'RangeError' : undefined);
    });
  }

  test('keeps what a later error says, not what an earlier one did', () => {
    const { provider, spans } = traced();
    const span = provider.getTracer('theirs').startSpan('theirs');
    reportStatus(span, 'error', { error: new RangeError('first'), attributes: { from: 'first', first: true } });
    reportStatus(span, 'error', { error: new SyntaxError('second'), attributes: { from: 'second' } });
    span.end();
    const { attributes, status } = only(spans());
    assert.deepEqual(attributes, { 'runtrace.status': 'error', 'error.type': 'SyntaxError', from: 'second' });
    assert.deepEqual(status, { code: ERROR, message: 'SyntaxError' });
  });

  test("on a run's or a step's span is a proposal like finish", async () => {
    const { recorder, steps, runs } = traced();
    await recorder.run({ kind: 'chat_turn' }, async () => {
      reportStatus(trace.getActiveSpan(), 'completed');
      const step = recorder.step({}, () => {
        reportStatus(trace.getActiveSpan(), 'interrupted');
        reportStatus(trace.getActiveSpan(), 'error', { error: new RangeError('no') });
      });
      await step;
    });
    assert.equal(statusOf(only(steps())), 'completed');
    assert.deepEqual(
      only(steps())
        .events.filter(({ name }) => name === 'runtrace.status_update')
        .map(({ attributes }) => [attributes?.['runtrace.status'], attributes?.['error.type']]),
      [
        ['interrupted', undefined],
        ['error', 'RangeError'],
        ['completed', undefined],
      ],
    );
    assert.equal(statusOf(only(runs())), 'completed');
  });

  test('of no span, of one that is not recorded and of one that has ended is nothing', () => {
    const { provider, spans } = traced();
    reportStatus(undefined, 'interrupted');
    reportStatus(trace.wrapSpanContext({ traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 }), 'error');
    const span = provider.getTracer('theirs').startSpan('theirs');
    span.end();
    reportStatus(span, 'error');
    assert.equal(only(spans()).status.code, UNSET);
  });

  test('throws a TypeError that names what is wrong', () => {
    const { provider } = traced();
    const span = provider.getTracer('theirs').startSpan('theirs');
    assert.throws(() => reportStatus(span, 'done' as Status), { name: 'TypeError', message: /status.*'done'/ });
    assert.throws(() => reportStatus(span, 'error', 'why' as never), { name: 'TypeError', message: /details.*'why'/ });
    assert.throws(() => reportStatus({} as never, 'error'), {
      name: 'TypeError',
      message: /span must be a Span, got an object/,
    });
  });
});

describe('forceFlush', () => {
  test('settles what is held in runs that are over, and lets the rest run', async () => {
    const set = traced();
    const { recorder, steps, runs } = set;
    provider.script('over', status(400));
    provider.script('live', slow(5));
    provider.script('retried', status(500), ok());
    const { promise: goOn, resolve: go } = deferred();

    const other = recorder.run({ kind: 'other' }, async () => {
      await (await chat('retried')).text();
      await goOn;
      await (await chat('retried')).text();
    });
    const live = await recorder.run({ kind: 'over' }, async () => {
      await (await chat('over')).text();
      return { response: await chat('live') };
    });
    await until(() => provider.requests.some(({ model }) => model === 'retried'));
    assert.deepEqual(steps(), []);

    await set.provider.forceFlush();
    assert.equal(only(steps()).name, 'chat over');
    assert.deepEqual(runs(), []);

    await live.response.text();
    await set.provider.forceFlush();
    assert.deepEqual(
      runs().map(({ name }) => name),
      ['invoke_workflow over'],
    );
    go();
    await other;
    assert.deepEqual(outcomesOf(steps()), {
      'chat over': 'error',
      'chat live': 'completed',
      'chat retried': 'completed',
    });
    assert.equal(runs().length, 2);
  });

  test('settles before the exporters are asked: what was held leaves with the same flush', async () => {
    const exporter = new InMemorySpanExporter();
    const set = traced({ spanProcessors: [new BatchSpanProcessor(exporter)] });
    provider.script('held', status(400));
    provider.script('flushed', slow(5));
    const { response } = await set.recorder.run({ kind: 'chat_turn' }, async () => {
      await (await chat('held')).text();
      return { response: await chat('flushed') };
    });
    await set.provider.forceFlush();
    assert.deepEqual(outcomesOf(exporter.getFinishedSpans()), { 'chat held': 'error' });
    await response.text();
    await set.provider.forceFlush();
    assert.equal(exporter.getFinishedSpans().length, 3);
  });

  test('of a run that waits for a stream that it returned cuts nothing off', async () => {
    const set = traced();
    provider.script('returned', slow(5));
    const response = await set.recorder.run({ kind: 'route' }, () => chat('returned'));
    await set.provider.forceFlush();
    assert.deepEqual(set.spans(), []);
    await response.text();
    await set.provider.forceFlush();
    assert.deepEqual(outcomesOf(set.spans()), {
      'chat returned': 'completed',
      'invoke_workflow route': 'completed',
    });
  });
});

describe('shutdown', () => {
  test('settles everything; what still runs ends as interrupted, and the calls go on', async () => {
    const set = traced();
    const { recorder, spans } = set;
    provider.script('failed', status(400));
    provider.script('hangs', hang());
    provider.script('streams', slow(5));
    const { promise: shutDown, resolve: goOn } = deferred();
    const began = deferred();
    const leave = new AbortController();

    const started = recorder.startRun({ kind: 'started' });
    const outer = recorder.run({ kind: 'outer' }, async () => {
      await (await chat('failed')).text();
      const hanging = chat('hangs', { signal: leave.signal }).catch((error: Error) => error.name);
      const streaming = await chat('streams');
      return recorder.run({ kind: 'inner' }, () =>
        recorder.step({ model: 'explicit' }, async () => {
          began.resolve();
          await shutDown;
          leave.abort();
          return [await hanging, (await streaming.text()).length > 0];
        }),
      );
    });
    await began.promise;
    await set.provider.shutdown();
    const settled = {
      'chat failed': 'error',
      'chat hangs': 'interrupted',
      'chat streams': 'interrupted',
      'chat explicit': 'interrupted',
      'invoke_workflow inner': 'interrupted',
      'invoke_workflow outer': 'interrupted',
      'invoke_workflow started': 'interrupted',
    };
    assert.deepEqual(outcomesOf(spans()), settled);
    const rootsAfterTheirs = spans().map(({ name }) => name);
    assert.ok(rootsAfterTheirs.indexOf('invoke_workflow outer') > rootsAfterTheirs.indexOf('chat streams'));
    assert.ok(rootsAfterTheirs.indexOf('invoke_workflow outer') > rootsAfterTheirs.indexOf('invoke_workflow inner'));

    goOn();
    assert.deepEqual(await outer, ['AbortError', true]);
    started.finish('completed');
    await set.provider.shutdown();
    assert.deepEqual(outcomesOf(spans()), settled);
    assert.equal(spans().length, 7);
  });

  test('makes later runs, steps, tools and reuse scopes pass everything through', async () => {
    const set = traced();
    const { recorder, spans } = set;
    const early: Run[] = [];
    await recorder.run({ kind: 'early' }, (run) => void early.push(run));
    await set.provider.shutdown();
    const before = spans().length;
    const answer = await recorder.run({ kind: 'late' }, (run) =>
      recorder.reuseStep(() =>
        recorder.step({}, async (step) => {
          const { number } = step;
          assert.equal(number, 0);
          await recorder.tool({ name: 'late' }, () => {});
          run.finish('error');
          step.finish('error');
          step.attempts.record({ number: step.attempts.next(), status: 'completed', startedAt: 1, endedAt: 2 });
          return (await chat('after shutdown')).status;
        }),
      ),
    );
    assert.equal(answer, 200);
    const late = only(early).step({}, async (step) => (await step.fetch(`${provider.url}/nowhere`)).status);
    assert.equal(await late, 404);
    recorder.startRun({ kind: 'late' }).startStep().finish('completed');
    await set.provider.forceFlush();
    assert.equal(spans().length, before);
  });
});

describe('the stamp', () => {
  test('is the id of the run, on every other span inside of it, and nothing else', async () => {
    const { recorder, provider: other, spans } = traced();
    const tracer = other.getTracer('theirs');
    const ids: Record<string, string> = {};
    const theirs = (name: string) => tracer.startActiveSpan(name, (span) => span.end());
    theirs('before');
    await recorder.run({ kind: 'outer' }, async (outer) => {
      theirs('in the run');
      ids['in the run'] = outer.id;
      await recorder.step({}, () => theirs('in a step'));
      ids['in a step'] = outer.id;
      await recorder.run({ kind: 'inner' }, (inner) => {
        theirs('in an inner run');
        ids['in an inner run'] = inner.id;
      });
    });
    theirs('after');
    const stamps = spans()
      .filter(({ instrumentationScope }) => instrumentationScope.name === 'theirs')
      .map(({ name, attributes }) => [name, attributes]);
    assert.deepEqual(Object.fromEntries(stamps), {
      before: {},
      'in the run': { 'runtrace.run.id': ids['in the run'] },
      'in a step': { 'runtrace.run.id': ids['in a step'] },
      'in an inner run': { 'runtrace.run.id': ids['in an inner run'] },
      after: {},
    });
  });
});

describe('a set-up that is not quite right', () => {
  test('listed twice: every run and step is still exported once', async () => {
    const { recorder, spans, shutdown } = traced({ spanProcessors: [new StatusPrioritySpanProcessor()] });
    await recorder.run({ kind: 'outer' }, () =>
      recorder.run({ kind: 'inner' }, () => recorder.step({}, (step) => step.finish('error'))),
    );
    const open = recorder.startRun({ kind: 'open' });
    await shutdown();
    assert.deepEqual(outcomesOf(spans()), {
      chat: 'error',
      'invoke_workflow inner': 'completed',
      'invoke_workflow outer': 'completed',
      'invoke_workflow open': 'interrupted',
    });
    assert.equal(spans().length, 4);
    assert.equal(new Set(spans().map(({ attributes }) => attributes['runtrace.run.id'])).size, 3);
    assert.ok(open.id);
  });
});

/** How the runs and steps ended, by name. */
function outcomesOf(spans: readonly ReadableSpan[]): Record<string, unknown> {
  return Object.fromEntries(spans.map((span) => [span.name, statusOf(span)]));
}
