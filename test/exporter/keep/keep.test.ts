import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { context, ROOT_CONTEXT, type Span, TraceFlags, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, SamplingDecision, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { recordingFetch } from 'runtrace';
import type { SettledRun } from 'runtrace/exporter';
import { ok, type Provider, startProvider, status } from '../../../examples/demo/provider.js';
import { delivered } from '../../support/delivered.js';
import { diagnosed } from '../../support/diagnosed.js';
import { only } from '../../support/traced.js';

let provider: Provider;
before(async () => {
  provider = await startProvider();
});
after(() => provider.close());

async function chat(model: string): Promise<void> {
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }] });
  await (await recordingFetch(`${provider.url}/v1/chat/completions`, { method: 'POST', body })).text();
}

const never = () => false;
const filesIn = (directory: string) =>
  readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
const failed = (run: SettledRun) => run.status !== 'completed';

describe('what keep is told', () => {
  test('is how the run ended, its figures, and the attributes of its span', async () => {
    const told: SettledRun[] = [];
    const { recorder, flushed } = delivered({ keep: (run) => told.push(run) > 0 });
    provider.script('told', status(429), ok());
    const id = crypto.randomUUID();
    const options = { id, kind: 'chat_turn', conversationId: 'c1', userId: 'u1', agentName: 'helper' };
    await recorder.run({ ...options, attributes: { tenant: 'acme' } }, async () => {
      await chat('told');
      await chat('told');
    });
    const root = only((await flushed()).filter(({ name }) => name === 'invoke_agent helper'));
    const { durationMillis, attributes, ...rest } = only(told);
    assert.deepEqual(rest, {
      traceId: id.replaceAll('-', ''),
      ...options,
      status: 'completed',
      stepCount: 1,
      attempts: 2,
      failedAttempts: 1,
      hasError: false,
      inputTokens: root.attributes['runtrace.run.input_tokens'],
      outputTokens: root.attributes['runtrace.run.output_tokens'],
    });
    assert.ok((rest.inputTokens ?? 0) > 0 && (rest.outputTokens ?? 0) > 0);
    assert.ok(Math.abs(durationMillis - (root.duration[0] * 1000 + root.duration[1] / 1e6)) < 1e-6);
    assert.equal(attributes.tenant, 'acme');
  });

  test('includes the runs inside of it, which it is not asked about', async () => {
    const told: SettledRun[] = [];
    const { recorder, processor } = delivered({ keep: (run) => told.push(run) > 0 });
    provider.script('inner', status(429), ok());
    await recorder.run({ kind: 'outer' }, async () => {
      await recorder.step({ model: 'own' }, () => {});
      await recorder.run({ kind: 'inner' }, async () => {
        await chat('inner');
        await chat('inner');
        await recorder.run({ kind: 'innermost' }, () => Promise.reject(new Error('failed'))).catch(() => {});
      });
    });
    await processor.forceFlush();
    const { kind, status: outcome, stepCount, attempts, failedAttempts, hasError, inputTokens } = only(told);
    assert.deepEqual(
      { kind, outcome, stepCount, attempts, failedAttempts, hasError },
      {
        kind: 'outer',
        outcome: 'completed',
        stepCount: 2,
        attempts: 2,
        failedAttempts: 1,
        hasError: true,
      },
    );
    assert.ok((inputTokens ?? 0) > 0);
  });

  test('comes when the run has settled: not before its held step and its stream are over', async () => {
    const told: SettledRun[] = [];
    const { recorder, processor } = delivered({ keep: (run) => told.push(run) > 0 });
    provider.script('held', status(500));
    let goOn = () => {};
    const open = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    await recorder.run({ kind: 'chat_turn' }, async () => {
      await chat('held');
      void recorder.step({ model: 'open' }, () => open);
    });
    await processor.forceFlush();
    assert.equal(told.length, 0);
    goOn();
    await open;
    await processor.forceFlush();
    assert.equal(only(told).stepCount, 2);
  });
});

describe('the decision', () => {
  test('is for the whole run: steps, tools, inner runs and spans of others go with it, or none do', async () => {
    for (const isKept of [true, false]) {
      const { recorder, provider: tracerProvider, names, processor } = delivered({ keep: () => isKept });
      await recorder.run({ kind: 'chat_turn' }, async () => {
        tracerProvider.getTracer('theirs').startSpan('SELECT').end();
        await recorder.tool({ name: 'search' }, () => recorder.run({ kind: 'inner' }, () => {}));
        await recorder.step({ model: 'm' }, () => tracerProvider.getTracer('theirs').startSpan('GET').end());
      });
      const all = [
        'GET',
        'SELECT',
        'chat m',
        'execute_tool search',
        'invoke_workflow chat_turn',
        'invoke_workflow inner',
      ];
      assert.deepEqual(await names(), isKept ? all : []);
      const { notKept, undecided, taken, dropped, rejected } = processor.stats();
      assert.deepEqual([notKept.runs, notKept.spans], isKept ? [0, 0] : [1, 6]);
      assert.equal(notKept.bytes > 0, !isKept);
      assert.deepEqual([taken.spans, dropped.spans, rejected.spans], [isKept ? 6 : 0, 0, 0]);
      assert.deepEqual(undecided, { spans: 0, bytes: 0 });
    }
  });

  test('keeps a failed run whole, in the order in which its spans ended', async () => {
    const { recorder, flushed, processor } = delivered({ keep: failed });
    for (const kind of ['good', 'bad', 'good']) {
      await recorder
        .run({ kind }, async () => {
          for (const model of ['1', '2']) await recorder.step({ model }, () => {});
          if (kind === 'bad') throw new Error('failed');
        })
        .catch(() => {});
    }
    assert.deepEqual(
      (await flushed()).map(({ name }) => name),
      ['chat 1', 'chat 2', 'invoke_workflow bad'],
    );
    assert.deepEqual([processor.stats().notKept.runs, processor.stats().notKept.spans], [2, 6]);
  });

  test('is made once, and spans that end or start later follow it', async () => {
    for (const isKept of [true, false]) {
      let calls = 0;
      const {
        recorder,
        provider: tracerProvider,
        names,
        processor,
      } = delivered({
        keep: () => {
          calls++;
          return isKept;
        },
      });
      const theirs = tracerProvider.getTracer('theirs');
      let open: Span | undefined;
      let inside = ROOT_CONTEXT;
      let inner: { finish(status: 'error'): void } | undefined;
      await recorder.run({ kind: 'chat_turn' }, () => {
        open = theirs.startSpan('ends late');
        inside = context.active();
        inner = recorder.startRun({ kind: 'inner' });
      });
      await processor.forceFlush();
      open?.end();
      theirs.startSpan('starts late', {}, inside).end();
      theirs.startSpan('starts under one that ended', {}, trace.setSpan(ROOT_CONTEXT, open as Span)).end();
      inner?.finish('error');
      await processor.forceFlush();
      assert.equal(calls, 1);
      const late = ['ends late', 'starts late', 'starts under one that ended'];
      const all = [...late, 'invoke_workflow chat_turn', 'invoke_workflow inner'].sort();
      assert.deepEqual(await names(), isKept ? all : []);
      assert.deepEqual([processor.stats().notKept.runs, processor.stats().notKept.spans], isKept ? [0, 0] : [1, 5]);
    }
  });

  test('passes over spans that belong to no run', async () => {
    const { recorder, provider: tracerProvider, names } = delivered({ keep: never });
    const theirs = tracerProvider.getTracer('theirs');
    await theirs.startActiveSpan('GET /chat', async (around) => {
      await recorder.run({ kind: 'chat_turn' }, () => {
        theirs.startSpan('another trace', { root: true }).end();
      });
      theirs.startSpan('after the run').end();
      around.end();
    });
    assert.deepEqual(await names(), ['GET /chat', 'after the run', 'another trace']);
  });

  test('is for spans whose parent came over the wire too, if the run began the trace', async () => {
    const { recorder, provider: tracerProvider, names } = delivered({ keep: failed });
    const theirs = tracerProvider.getTracer('theirs');
    /** As the instrumentation of HTTP starts it, in a process that calls itself. */
    const serve = (name: string, traceId: string) => {
      const caller = { traceId, spanId: '1'.repeat(16), traceFlags: TraceFlags.SAMPLED, isRemote: true };
      theirs.startSpan(name, {}, trace.setSpanContext(ROOT_CONTEXT, caller)).end();
    };
    const traceIds = new Map<string, string>();
    for (const kind of ['good', 'bad']) {
      await recorder.run({ kind }, (run) => {
        traceIds.set(kind, run.traceId);
        serve(`during ${kind}`, run.traceId);
        run.finish(kind === 'bad' ? 'error' : 'completed');
      });
    }
    for (const [kind, traceId] of traceIds) serve(`after ${kind}`, traceId);
    serve('of another service', '9'.repeat(32));
    assert.deepEqual(await names(), ['after bad', 'during bad', 'invoke_workflow bad', 'of another service']);
  });

  test('affects no other processor', async () => {
    const other = new InMemorySpanExporter();
    const { recorder, names } = delivered({ keep: never, spanProcessors: [new SimpleSpanProcessor(other)] });
    await recorder.run({ kind: 'chat_turn' }, () => recorder.step({ model: 'm' }, () => {}));
    assert.deepEqual(await names(), []);
    assert.equal(other.getFinishedSpans().length, 2);
  });

  test('keeps runs that are not kept off the disk', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'runtrace-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const exporter = new InMemorySpanExporter();
    exporter.export = (_spans, done) => done({ code: 1, error: new Error('down') });
    const { recorder, processor } = delivered({ exporter, keep: failed, spool: { directory, writeAhead: true } });
    await recorder.run({ kind: 'good' }, () => {});
    await processor.forceFlush();
    assert.deepEqual(filesIn(directory), []);
    assert.equal(processor.stats().spooled.spans, 0);
    await recorder.run({ kind: 'bad' }, (run) => run.finish('error'));
    await processor.forceFlush();
    assert.equal(processor.stats().spooled.spans, 1);
    assert.equal(filesIn(directory).length, 1);
    await processor.shutdown();
  });
});

describe('several runs in one trace', () => {
  test('with trace: join each has its own decision, and the spans around them pass', async () => {
    const { recorder, provider: tracerProvider, names, processor } = delivered({ keep: failed });
    const theirs = tracerProvider.getTracer('theirs');
    await theirs.startActiveSpan('GET /chat', async (around) => {
      const run = (kind: string) =>
        recorder.run({ kind, trace: 'join' }, async (run) => {
          theirs.startSpan(`SELECT in ${kind}`).end();
          await recorder.run({ kind: `inside ${kind}` }, () => {});
          run.finish(kind === 'bad' ? 'error' : 'completed');
        });
      await Promise.all([run('good'), run('bad')]);
      theirs.startSpan('SELECT around').end();
      await run('good');
      around.end();
    });
    assert.deepEqual(await names(), [
      'GET /chat',
      'SELECT around',
      'SELECT in bad',
      'invoke_workflow bad',
      'invoke_workflow inside bad',
    ]);
    assert.deepEqual([processor.stats().notKept.runs, processor.stats().notKept.spans], [2, 6]);
  });

  test('of the same run id each has its own decision', async () => {
    const { recorder, names, processor } = delivered({ keep: failed });
    const id = crypto.randomUUID();
    const run = (kind: string) =>
      recorder.run({ kind, id }, async (run) => {
        await recorder.step({ model: kind }, () => {});
        run.finish(kind === 'bad' ? 'error' : 'completed');
      });
    await Promise.all([run('good'), run('bad')]);
    await run('good');
    assert.deepEqual(await names(), ['chat bad', 'invoke_workflow bad']);
    assert.deepEqual([processor.stats().notKept.runs, processor.stats().notKept.spans], [2, 4]);
  });

  test('of the same run id: a span that may belong to any of them is delivered', async () => {
    const { recorder, provider: tracerProvider, names } = delivered({ keep: never });
    const id = crypto.randomUUID();
    const traceId = id.replaceAll('-', '');
    for (let i = 0; i < 3; i++) await recorder.run({ kind: 'chat_turn', id }, () => {});
    const caller = { traceId, spanId: '1'.repeat(16), traceFlags: TraceFlags.SAMPLED, isRemote: true };
    tracerProvider.getTracer('theirs').startSpan('of any', {}, trace.setSpanContext(ROOT_CONTEXT, caller)).end();
    assert.deepEqual(await names(), ['of any']);
  });
});

describe('memory of decisions', () => {
  test('is of the last 10 000 traces: a span of an older one without a parent here is delivered', async () => {
    const { recorder, provider: tracerProvider, names } = delivered({ keep: never });
    const traceIds: string[] = [];
    for (let i = 0; i <= 10_000; i++) await recorder.run({ kind: 'r' }, (run) => void traceIds.push(run.traceId));
    // A run settles a turn of the event loop after its function.
    await new Promise(setImmediate);
    for (const [name, traceId] of [
      ['forgotten', traceIds[0] as string],
      ['remembered', traceIds[1] as string],
    ]) {
      const caller = { traceId: traceId as string, spanId: '1'.repeat(16), traceFlags: TraceFlags.SAMPLED };
      tracerProvider
        .getTracer('theirs')
        .startSpan(name as string, {}, trace.setSpanContext(ROOT_CONTEXT, { ...caller, isRemote: true }))
        .end();
    }
    assert.deepEqual(await names(), ['forgotten']);
  });
});

describe('sampling by the SDK', () => {
  const sampler = (decide: (name: string) => SamplingDecision) => ({
    shouldSample: (_context: unknown, _traceId: string, name: string) => ({ decision: decide(name) }),
    toString: () => 'by name',
  });

  test('a run that is not recorded is not asked about, and what others record in it passes', async () => {
    let calls = 0;
    const {
      recorder,
      provider: tracerProvider,
      names,
      processor,
    } = delivered({
      keep: () => ++calls < 0,
      sampler: sampler((name) =>
        name.startsWith('invoke_') ? SamplingDecision.NOT_RECORD : SamplingDecision.RECORD_AND_SAMPLED,
      ),
    });
    await recorder.run({ kind: 'chat_turn' }, () => tracerProvider.getTracer('theirs').startSpan('SELECT').end());
    assert.deepEqual(await names(), ['SELECT']);
    assert.equal(calls, 0);
    assert.equal(processor.stats().notKept.runs, 0);
  });

  test('a run that is recorded and not sampled decides for the sampled spans in it', async () => {
    for (const isKept of [true, false]) {
      const {
        recorder,
        provider: tracerProvider,
        names,
        processor,
      } = delivered({
        keep: () => isKept,
        sampler: sampler((name) =>
          name.startsWith('invoke_') ? SamplingDecision.RECORD : SamplingDecision.RECORD_AND_SAMPLED,
        ),
      });
      await recorder.run({ kind: 'chat_turn' }, () => tracerProvider.getTracer('theirs').startSpan('SELECT').end());
      assert.deepEqual(await names(), isKept ? ['SELECT'] : []);
      assert.deepEqual([processor.stats().notKept.runs, processor.stats().notKept.spans], isKept ? [0, 0] : [0, 1]);
    }
  });

  test('a span under one that is not recorded still belongs to its run', async () => {
    const {
      recorder,
      provider: tracerProvider,
      names,
      processor,
    } = delivered({
      keep: failed,
      sampler: sampler((name) =>
        name === 'middleware' ? SamplingDecision.NOT_RECORD : SamplingDecision.RECORD_AND_SAMPLED,
      ),
    });
    const theirs = tracerProvider.getTracer('theirs');
    await theirs.startActiveSpan('GET /chat', async (around) => {
      for (const outcome of ['completed', 'error'] as const) {
        await recorder.run({ kind: outcome, trace: 'join' }, (run) => {
          theirs.startActiveSpan('middleware', () => theirs.startSpan(`SELECT ${outcome}`).end());
          run.finish(outcome);
        });
      }
      around.end();
    });
    assert.deepEqual(await names(), ['GET /chat', 'SELECT error', 'invoke_workflow error']);
    assert.equal(processor.stats().notKept.spans, 2);
  });

  test('spans in a run that are not sampled are neither delivered nor counted', async () => {
    const {
      recorder,
      provider: tracerProvider,
      names,
      processor,
    } = delivered({
      keep: failed,
      sampler: sampler((name) => (name === 'SELECT' ? SamplingDecision.RECORD : SamplingDecision.RECORD_AND_SAMPLED)),
    });
    for (const outcome of ['completed', 'error'] as const) {
      await recorder.run({ kind: outcome }, (run) => {
        tracerProvider.getTracer('theirs').startSpan('SELECT').end();
        run.finish(outcome);
      });
    }
    assert.deepEqual(await names(), ['invoke_workflow error']);
    assert.equal(processor.stats().notKept.spans, 1);
  });
});

describe('what keeps a run without keep', () => {
  const mistakes: [what: string, keep: () => unknown][] = [
    [
      'throws',
      () => {
        throw new Error('keep failed');
      },
    ],
    ['returns undefined', () => undefined],
    [
      'returns a promise that rejects',
      async () => {
        throw new Error('keep failed');
      },
    ],
    ['returns 0', () => 0],
  ];
  for (const [what, keep] of mistakes) {
    test(`a keep that ${what}`, async () => {
      const { recorder, names } = delivered({ keep: keep as () => boolean });
      await recorder.run({ kind: 'chat_turn' }, () => recorder.step({ model: 'm' }, () => {}));
      assert.deepEqual(await names(), ['chat m', 'invoke_workflow chat_turn']);
    });
  }

  test('shutdown, which does not ask', async () => {
    const { recorder, processor, spans } = delivered({ keep: never });
    const run = recorder.startRun({ kind: 'open' });
    await run.step({ model: 'ended' }, () => {});
    const later = recorder.startRun({ kind: 'empty' });
    await processor.shutdown();
    assert.deepEqual(
      spans()
        .map(({ name }) => name)
        .sort(),
      ['chat ended', 'invoke_workflow empty', 'invoke_workflow open'],
    );
    later.finish('completed');
    assert.equal(processor.stats().notKept.runs, 0);
  });

  test('forceFlush does not: it sends nothing undecided', async () => {
    const { recorder, provider: tracerProvider, processor, spans } = delivered({ keep: () => true });
    await recorder.run({ kind: 'open' }, async () => {
      tracerProvider.getTracer('theirs').startSpan('SELECT').end();
      await processor.forceFlush();
      assert.deepEqual(spans(), []);
      const { undecided, taken, held } = processor.stats();
      assert.deepEqual([undecided.spans, taken.spans, held.spans], [1, 0, 0]);
      assert.ok(undecided.bytes > 0);
    });
    await processor.forceFlush();
    assert.equal(spans().length, 2);
    assert.deepEqual(processor.stats().undecided, { spans: 0, bytes: 0 });
  });

  test('attributes that the SDK’s limits cut off: it can not be judged', async (t) => {
    const messages = diagnosed(t);
    const { recorder, names } = delivered({ keep: never, spanLimits: { attributeCountLimit: 4 } });
    await recorder.run({ kind: 'chat_turn' }, () => {});
    assert.deepEqual(await names(), ['invoke_workflow chat_turn']);
    assert.match(only(messages), /lacks attributes that keep needs/);
  });
});

describe('spans of an open run wait in memory', () => {
  const MIB = 1024 * 1024;
  const filler = 'x'.repeat(MIB);

  test('up to 16 MiB: a run with more is kept, also for the rest of its life', async () => {
    const { recorder, provider: tracerProvider, processor, spans } = delivered({ keep: never });
    const theirs = tracerProvider.getTracer('theirs');
    await recorder.run({ kind: 'large' }, async () => {
      for (let i = 0; i < 15; i++) theirs.startSpan(`${i}`, { attributes: { filler } }).end();
      await processor.forceFlush();
      assert.equal(spans().length, 0);
      for (let i = 15; i < 18; i++) theirs.startSpan(`${i}`, { attributes: { filler } }).end();
      await processor.forceFlush();
      assert.equal(spans().length, 18);
      theirs.startSpan('later').end();
    });
    await recorder.run({ kind: 'small' }, () => {});
    await processor.forceFlush();
    assert.deepEqual(
      spans()
        .slice(18)
        .map(({ name }) => name),
      ['later', 'invoke_workflow large'],
    );
    assert.deepEqual([processor.stats().notKept.runs, processor.stats().notKept.spans], [1, 1]);
  });

  test('up to 64 MiB in all: the run that goes beyond is kept', async () => {
    const { recorder, provider: tracerProvider, processor, spans } = delivered({ keep: never });
    const theirs = tracerProvider.getTracer('theirs');
    const runs = Array.from({ length: 5 }, (_, i) => recorder.startRun({ kind: `run ${i}` }));
    for (const [i, run] of runs.entries()) {
      await run.step({ model: `${i}` }, () => {
        for (let j = 0; j < 14; j++) theirs.startSpan(`${i}`, { attributes: { filler } }).end();
      });
    }
    assert.ok(processor.stats().undecided.bytes <= 64 * MIB);
    for (const run of runs) run.finish('completed');
    await new Promise(setImmediate);
    await processor.forceFlush();
    assert.deepEqual(new Set(spans().map(({ name }) => name)), new Set(['4', 'chat 4', 'invoke_workflow run 4']));
    assert.equal(spans().length, 16);
    assert.deepEqual([processor.stats().notKept.runs, processor.stats().notKept.spans], [4, 4 * 16]);
  });
});
