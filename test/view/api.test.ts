import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { encodeProtobuf } from '../../src/exporter/otlp/protobuf/protobuf.js';
import { endedSpans } from '../support/spans.js';
import { until } from '../support/until.js';
import {
  openEvents,
  postJson,
  rowsIn,
  startViewer,
  startViewerOfBlock,
  type ViewerProcess,
} from '../support/viewer.js';
import { newSpanId, newTraceId, request, runSpan, span } from './otlp.js';

const START = 1_750_000_000_000;

/** A run with a step that was refused once, a tool and another program's span below it. */
function wholeRun(traceId = newTraceId()) {
  const run = runSpan({
    traceId,
    start: START,
    end: START + 538,
    attributes: { 'gen_ai.conversation.id': 'c-1', 'runtrace.run.step_count': 1 },
  });
  const attempt = (number: number, at: number, more: Record<string, string | number>) => ({
    name: 'runtrace.attempt',
    at,
    attributes: { 'runtrace.attempt.number': number, 'runtrace.attempt.duration_ms': 50, ...more },
  });
  const step = span({
    traceId,
    parentSpanId: run.spanId,
    name: 'chat gpt-5',
    start: START + 10,
    end: START + 500,
    attributes: {
      'runtrace.step.number': 1,
      'runtrace.status': 'completed',
      'gen_ai.request.model': 'gpt-5',
      'runtrace.step.retry_wait_ms': 370,
      'runtrace.step.failed_attempt_count': 1,
      'gen_ai.usage.input_tokens': 12,
      'gen_ai.usage.output_tokens': 34,
    },
    events: [
      attempt(1, START + 10, {
        'runtrace.attempt.status': 'failed',
        'http.response.status_code': 429,
        'http.response.header.retry-after-ms': '360',
        'error.type': 'rate_limit_error',
      }),
      attempt(2, START + 430, {
        'runtrace.attempt.status': 'completed',
        'http.response.status_code': 200,
        'runtrace.attempt.wait_ms': 370,
        'runtrace.attempt.time_to_first_chunk_ms': 20,
      }),
      {
        name: 'runtrace.status_update',
        at: START + 500,
        attributes: { 'runtrace.status': 'error', 'runtrace.status_update.late_ms': 40 },
      },
      { name: 'exception', at: START + 60, attributes: { 'exception.type': 'RateLimitError' } },
    ],
  });
  const tool = span({
    traceId,
    parentSpanId: run.spanId,
    name: 'execute_tool search',
    start: START + 505,
    attributes: { 'gen_ai.operation.name': 'execute_tool', 'runtrace.run.id': 'id' },
  });
  const query = span({ traceId, parentSpanId: tool.spanId, name: 'SELECT', start: START + 506 });
  return { traceId, run, step, tool, query };
}

describe('the API of the page', () => {
  let viewer: ViewerProcess;
  startViewerOfBlock((started) => {
    viewer = started;
  });

  test('the list has one row for a run, for any order of its spans', async () => {
    const { traceId, run, step, tool, query } = wholeRun();
    for (const part of [query, tool, step, run]) assert.equal((await viewer.post(request(part))).status, 200);
    const rows = (await viewer.runs()).runs.filter((row) => row.traceId === traceId);
    assert.deepEqual(rows, [
      {
        traceId,
        spanId: run.spanId,
        name: 'invoke_workflow chat_turn',
        status: 'completed',
        kind: 'chat_turn',
        conversationId: 'c-1',
        models: ['gpt-5'],
        attemptCodes: ['429', '200'],
        waitedMillis: 370,
        startMillis: START,
        durationMillis: 538,
        inputTokens: 12,
        outputTokens: 34,
        stepCount: 1,
        failedAttempts: 1,
        live: false,
        lostContact: false,
      },
    ]);
  });

  test('a run has its spans in order, with attempts, status updates and other events', async () => {
    const { traceId, run, step, tool, query } = wholeRun();
    await viewer.post(request(query, tool, step, run));
    const { spans, service } = await viewer.detail(traceId);
    assert.equal(service, 'shop');
    assert.deepEqual(
      spans.map(({ spanId, depth, kind, library }) => [spanId, depth, kind, library]),
      [
        [run.spanId, 0, 'run', 'runtrace'],
        [step.spanId, 1, 'step', 'runtrace'],
        [tool.spanId, 1, 'tool', 'runtrace'],
        [query.spanId, 2, 'other', 'runtrace'],
      ],
    );
    const [first, second] = spans[1]?.attempts ?? [];
    assert.deepEqual([first?.code, first?.endMillis, first?.errorType], [429, START + 60, 'rate_limit_error']);
    assert.deepEqual([second?.waitMillis, second?.askedMillis, second?.firstChunkMillis], [370, 360, 20]);
    assert.deepEqual(spans[1]?.statusUpdates, [
      { atMillis: START + 540, status: 'error', accepted: false, late: true },
    ]);
    assert.deepEqual(
      spans[1]?.otherEvents.map(({ name }) => name),
      ['exception'],
    );
  });

  test('what a clock that was set makes negative takes no time', async () => {
    const run = runSpan();
    const event = {
      name: 'runtrace.attempt',
      at: START + 10,
      attributes: {
        'runtrace.attempt.duration_ms': -5,
        'runtrace.attempt.wait_ms': -4,
        'runtrace.attempt.time_to_first_chunk_ms': -3,
      },
    };
    const attributes = { 'runtrace.step.number': 1, 'runtrace.step.retry_wait_ms': -2 };
    await viewer.post(
      request(run, span({ traceId: run.traceId, parentSpanId: run.spanId, events: [event], attributes })),
    );
    const { row, spans } = await viewer.detail(run.traceId);
    const [attempt] = spans[1]?.attempts ?? [];
    assert.deepEqual([attempt?.endMillis, attempt?.waitMillis, attempt?.firstChunkMillis], [START + 10, 0, 0]);
    assert.equal(row.waitedMillis, 0);
  });

  test('Protobuf, with gzip or without, is read as JSON is', async () => {
    const spans = endedSpans(3, {
      attributes: (i) => ({
        'runtrace.run.kind': 'k',
        'runtrace.run.id': 'id',
        text: 'ä',
        list: ['a', 'b'],
        ratio: 0.5,
        on: true,
        n: i,
      }),
    });
    const body = Buffer.from(await encodeProtobuf(spans));
    const traceId = spans[0]?.spanContext().traceId as string;
    for (const [sent, headers] of [
      [body, {}],
      [gzipSync(body), { 'content-encoding': 'gzip' }],
    ] as const) {
      const response = await postJson(viewer.origin, sent, { 'content-type': 'application/x-protobuf', ...headers });
      assert.deepEqual([response.status, (await response.arrayBuffer()).byteLength], [200, 0]);
    }
    const { spans: shown } = await viewer.detail(traceId);
    assert.equal(shown.length, 3);
    assert.deepEqual(shown[1]?.attributes, {
      'runtrace.run.kind': 'k',
      'runtrace.run.id': 'id',
      text: 'ä',
      list: ['a', 'b'],
      ratio: 0.5,
      on: true,
      n: 1,
    });
  });

  test('a trace comes back as OTLP that is taken again, with the same figures', async (t) => {
    const { traceId, run, step, tool, query } = wholeRun();
    await viewer.post(request(query, tool, step, run));
    const otlp = await (await viewer.get(`/api/runs/${traceId}/otlp`)).text();
    const other = await startViewer(t);
    assert.equal((await other.post(otlp)).status, 200);
    assert.deepEqual(await other.detail(traceId), await viewer.detail(traceId));
  });

  test('a span without an end keeps having none, until it is delivered with one', async (t) => {
    const run = runSpan({ end: 0 });
    await viewer.post(request(run));
    const otlp = await (await viewer.get(`/api/runs/${run.traceId}/otlp`)).text();
    const other = await startViewer(t);
    await other.post(otlp);
    assert.deepEqual(await other.detail(run.traceId), await viewer.detail(run.traceId));
    for (const again of [runSpan({ traceId: run.traceId, spanId: run.spanId }), run]) {
      await viewer.post(request(again));
      assert.equal((await viewer.detail(run.traceId)).row.durationMillis, 1000);
    }
  });

  test('a span that was delivered is not in progress, even if it says so', async () => {
    const run = runSpan({ attributes: { 'runtrace.status': 'in_progress' } });
    await viewer.post(request(run));
    const { row, spans } = await viewer.detail(run.traceId);
    assert.deepEqual([row.status, row.live, spans[0]?.status], ['unknown', false, 'unknown']);
  });

  test('a trace without a run or a model call is not in the list', async () => {
    const foreign = span({ name: 'GET /' });
    const modelCall = span({ name: 'chat', attributes: { 'gen_ai.operation.name': 'chat' } });
    await viewer.post(request(foreign, modelCall));
    const ids = (await viewer.runs()).runs.map(({ traceId }) => traceId);
    assert.ok(!ids.includes(foreign.traceId));
    assert.ok(ids.includes(modelCall.traceId));
  });

  test('the events tell of each run that came or changed, and begin with what the viewer is', async (t) => {
    const events = await openEvents(t, viewer);
    assert.equal(events[0]?.event, 'hello');
    assert.equal((events[0]?.data as { files: boolean } | undefined)?.files, false);
    const { traceId, run, step } = wholeRun();
    await viewer.post(request(step));
    await until(() => rowsIn(events, traceId).length === 1);
    await viewer.post(request(run));
    await until(() => rowsIn(events, traceId).length === 2);
    assert.deepEqual(
      rowsIn(events, traceId).map(({ status }) => status),
      ['unknown', 'completed'],
    );
  });

  test('a span without a status of runtrace has that of OpenTelemetry: error, completed, or unknown', async () => {
    const run = runSpan();
    const tools = [2, 1, 0].map((code) =>
      span({
        traceId: run.traceId,
        parentSpanId: run.spanId,
        name: `execute_tool ${code}`,
        status: { code, message: `says ${code}` },
      }),
    );
    await viewer.post(request(run, ...tools));
    const { spans } = await viewer.detail(run.traceId);
    const statuses = Object.fromEntries(spans.slice(1).map(({ name, status }) => [name, status]));
    assert.deepEqual(statuses, {
      'execute_tool 2': 'error',
      'execute_tool 1': 'completed',
      'execute_tool 0': 'unknown',
    });
    assert.equal(spans.find(({ status }) => status === 'error')?.statusMessage, 'says 2');
  });

  test('a nested run is part of the outer run’s row', async () => {
    const outer = runSpan();
    const inner = runSpan({ traceId: outer.traceId, parentSpanId: outer.spanId, name: 'inner', spanId: newSpanId() });
    await viewer.post(request(inner, outer));
    const rows = (await viewer.runs()).runs.filter(({ traceId }) => traceId === outer.traceId);
    assert.deepEqual(
      rows.map(({ spanId }) => spanId),
      [outer.spanId],
    );
  });
});
