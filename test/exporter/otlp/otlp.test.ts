import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Attributes, context, trace } from '@opentelemetry/api';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { recordingFetch } from 'runtrace';
import { OTLPFileExporter, RuntraceExporter } from 'runtrace/exporter';
import {
  errorEventMidStream,
  hang,
  ok,
  type Provider,
  resetMidStream,
  startProvider,
  status,
} from '../../../examples/demo/provider.js';
import { CLIENTS, read } from '../../support/clients.js';
import { type OtlpReceiver, parseOtlpJson, type ReceivedSpan, startOtlpReceiver } from '../../support/otlp-receiver.js';
import { type Traced, traced } from '../../support/traced.js';

const SOON = { retryAfterMillis: 1 };
const TEXT = 'Grüß Gott, 你好, 👋🏽, a lone surrogate \ud83d and a NUL \0.';

/** What applications put into attributes, right or wrong. */
const ODD = {
  text: TEXT,
  empty: '',
  big: Number.MAX_SAFE_INTEGER,
  beyond: 2 ** 64,
  negative: -1,
  half: 0.5,
  NaN: Number.NaN,
  infinite: Number.NEGATIVE_INFINITY,
  yes: true,
  texts: ['a', 'b'],
  numbers: [1, 2.5],
  none: [],
  holes: ['a', null, undefined],
  mixed: ['a', 1],
  object: { a: 1 },
  date: new Date(),
  nothing: null,
  '': 'without a name',
} as unknown as Attributes;

let provider: Provider;
let receiver: OtlpReceiver;
let directory: string;
let set: Traced;
let lines: string[];
before(async () => {
  [provider, receiver, directory] = await Promise.all([
    startProvider(),
    startOtlpReceiver(),
    mkdtemp(join(tmpdir(), 'runtrace-otlp-')),
  ]);
  const path = join(directory, 'spans.jsonl');
  set = traced({
    capture: 'content',
    limits: { idleMillis: 30, openRuns: 60 },
    spanProcessors: [
      new BatchSpanProcessor(new RuntraceExporter({ url: receiver.url })),
      new BatchSpanProcessor(new OTLPFileExporter({ path })),
    ],
  });
  await everything(set);
  await set.shutdown();
  lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
});
after(async () => {
  await Promise.all([provider.close(), receiver.close(), rm(directory, { recursive: true })]);
});

/** All that can be recorded, with every client. */
async function everything({ recorder, provider: tracing }: Traced): Promise<void> {
  const { run, step, reuseStep, tool, startRun } = recorder;
  await Promise.all(
    CLIENTS.filter(({ name }) => !name.startsWith('ai ')).map(async ({ name, make }) => {
      const client = make({ url: provider.url, fetch: recordingFetch });
      const model = `otlp ${name}`.replaceAll(' ', '-');
      provider.script(model, status(429, SOON), status(500, SOON), ok({ text: TEXT }));
      await run({ kind: name, conversationId: '1', userId: 'ada', agentName: 'otlp', attributes: ODD }, async () => {
        await client.generate(model);
        await step({ model, attributes: ODD }, async () => read(await client.open(model)));
        for (const behaviour of [errorEventMidStream(), resetMidStream()]) {
          provider.script(model, behaviour);
          await step({}, async () => read(await client.open(model))).catch(() => {});
        }
        provider.script(model, ok());
        for await (const _ of await client.open(model)) break;
        provider.script(model, status(400, { body: `{"error":{"message":${JSON.stringify(TEXT)}}}` }));
        await reuseStep(() => client.generate(model)).catch(() => {});
        provider.script(model, hang());
        await client.generate(model, { signal: AbortSignal.timeout(20) }).catch(() => {});
        await tool({ name: 'tool', callId: 'call', arguments: { [TEXT]: ODD } }, () => ODD);
        await tool({ name: 'broken' }, () => Promise.reject(new RangeError(TEXT))).catch(() => {});
      });
    }),
  );
  await run({ kind: 'many attempts' }, () =>
    step({}, ({ attempts, finish: _ }) => {
      const now = Date.now();
      for (let n = 1; n <= 300; n++) {
        // Out of order, at the same time, before the span and after it.
        const startedAt = n % 7 ? now : now + (n % 2 ? -60_000 : 60_000);
        attempts.record({
          number: attempts.next(),
          status: 'failed',
          startedAt,
          endedAt: startedAt,
          error: new Error(TEXT),
        });
      }
    }),
  );
  await run({ kind: 'many statuses' }, (many) =>
    step({}, (step) => {
      for (let i = 0; i < 40; i++) {
        step.finish(i % 2 ? 'error' : 'interrupted', { error: new Error(TEXT), attributes: ODD });
        many.finish('error', { error: Object.create(null) });
      }
    }),
  );
  const server = tracing.getTracer('http').startSpan('GET /');
  await context.with(trace.setSpan(context.active(), server), () =>
    run({ kind: 'linked' }, () => run({ kind: 'inner' }, () => {})),
  );
  server.end();
  startRun({ kind: 'never finished' }).startStep();
  for (let i = 0; i < 60; i++) startRun({ kind: 'ended early' }).startStep({ model: TEXT });
}

describe('a strict OTLP receiver', () => {
  test('accepts every request', () => {
    assert.ok(receiver.requests.length > 0);
    assert.deepEqual(receiver.violations, []);
    assert.ok(receiver.requests.every((request) => request.status === 200));
  });

  test('gets every span that ended, once', () => {
    const ids = (spans: readonly { spanId: string }[]) => spans.map(({ spanId }) => spanId).sort();
    assert.deepEqual(ids(receiver.spans()), ids(set.spans().map((span) => span.spanContext())));
    assert.equal(new Set(ids(receiver.spans())).size, receiver.spans().length);
    assert.ok(receiver.spans().length > 150);
  });

  test('sees each run as a root or a child of its trace, and each step under its run', () => {
    const byId = new Map(receiver.spans().map((span) => [span.spanId, span]));
    for (const span of receiver.spans()) {
      if (!span.parentSpanId) continue;
      assert.equal(byId.get(span.parentSpanId)?.traceId, span.traceId, `${span.name} has no parent`);
    }
    for (const step of stepsOf(receiver.spans())) {
      assert.ok(step.parentSpanId);
      assert.equal(step.kind, 3);
    }
    for (const run of runsOf(receiver.spans())) assert.equal(run.kind, 1);
  });

  test('sees the status of every run and step, and the code that goes with it', () => {
    const codes: Record<string, number> = { completed: 1, error: 2, interrupted: 0 };
    const spans = [...runsOf(receiver.spans()), ...stepsOf(receiver.spans())];
    for (const { attributes, status } of spans) assert.equal(status.code, codes[String(attributes['runtrace.status'])]);
    assert.deepEqual([...new Set(spans.map(({ status }) => status.code))].sort(), [0, 1, 2]);
  });

  test('sees the attempts in the order of their numbers, a microsecond apart at least', () => {
    let seen = 0;
    for (const { events } of receiver.spans()) {
      const attempts = events.filter(({ name }) => name === 'runtrace.attempt');
      for (const [i, attempt] of attempts.entries()) {
        const before = attempts[i - 1];
        if (!before) continue;
        seen++;
        assert.ok(
          Number(attempt.attributes['runtrace.attempt.number']) > Number(before.attributes['runtrace.attempt.number']),
        );
        assert.ok(attempt.timeUnixNano / 1000n > before.timeUnixNano / 1000n);
      }
    }
    assert.ok(seen > 100);
  });

  test('loses no event to the limit of the SDK', () => {
    for (const { droppedEventsCount, name } of receiver.spans()) assert.equal(droppedEventsCount, 0, name);
  });
});

describe('a line of the OTLP file', () => {
  test('is a request that a strict receiver accepts, and together they are the same spans', () => {
    const requests = lines.map(parseOtlpJson);
    assert.deepEqual(
      requests.flatMap(({ violations }) => violations),
      [],
    );
    const byId = (spans: readonly ReceivedSpan[]) => new Map(spans.map((span) => [span.spanId, span]));
    assert.deepEqual(byId(wellFormed(requests.flatMap(({ spans }) => spans))), byId(receiver.spans()));
  });
});

test("what runtrace says is on the span, however many attributes of its own the application has, up to the SDK's limit", async () => {
  const { recorder, spans } = traced();
  const attributes = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`mine.${i}`, i]));
  await recorder.run({ kind: 'chat_turn', attributes }, async (run) => {
    await recorder.step({ attributes }, (step) => step.finish('completed', { attributes, usage: { inputTokens: 1 } }));
    run.finish('completed', { attributes });
  });
  for (const span of spans()) {
    assert.equal(span.attributes['runtrace.status'], 'completed');
    assert.ok(span.attributes['runtrace.run.id']);
    assert.ok(Object.keys(span.attributes).some((name) => name.startsWith('mine.')));
  }
  const [step, run] = spans();
  assert.equal(step?.attributes['gen_ai.usage.input_tokens'], 1);
  assert.equal(step?.attributes['runtrace.step.attempt_count'], 0);
  assert.equal(run?.attributes['runtrace.run.step_count'], 1);
  assert.equal(run?.attributes['runtrace.run.has_error'], false);
});

/** Protobuf's texts are UTF-8, which has no half of a surrogate pair. */
function wellFormed<T>(value: T): T {
  if (typeof value === 'string') return value.toWellFormed() as T;
  if (Array.isArray(value)) return value.map(wellFormed) as T;
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, wellFormed(item)])) as T;
}

function runsOf(spans: readonly ReceivedSpan[]): ReceivedSpan[] {
  return spans.filter(({ attributes }) => 'runtrace.run.kind' in attributes);
}

function stepsOf(spans: readonly ReceivedSpan[]): ReceivedSpan[] {
  return spans.filter(({ attributes }) => 'runtrace.step.id' in attributes);
}
