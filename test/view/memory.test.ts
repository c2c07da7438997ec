import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { until } from '../support/until.js';
import { openEvents, startViewer, type ViewerProcess } from '../support/viewer.js';
import { newTraceId, request, runSpan, span } from './otlp.js';

const MB = 1024 * 1024;
const MEMORY_MB = 256;

/** The most memory that a process ever had. */
function peakMegabytes({ child }: ViewerProcess): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

function wholeRun(start: number, content: string) {
  const traceId = newTraceId();
  const run = runSpan({ traceId, start });
  const step = span({
    traceId,
    parentSpanId: run.spanId,
    name: 'chat gpt-5',
    start,
    attributes: { 'runtrace.step.number': 1, 'gen_ai.input.messages': content },
  });
  return [step, run];
}

test('the viewer stays within --memory while runs arrive without end, and the oldest leave first', {
  skip: process.platform !== 'linux' && 'needs /proc',
  timeout: 110_000,
}, async (t) => {
  const viewer = await startViewer(t, { args: ['--memory', String(MEMORY_MB)] });
  const events = await openEvents(t, viewer);
  const content = 'a prompt of some length, '.repeat(2000);
  let sentBytes = 0;
  let first = '';
  let last = '';
  let start = 1_750_000_000_000;
  while (sentBytes < 2 * MEMORY_MB * MB) {
    const spans = Array.from({ length: 40 }, () => wholeRun(start++, content)).flat();
    first ||= spans[0]?.traceId ?? '';
    last = spans.at(-1)?.traceId ?? '';
    const body = JSON.stringify(request(...spans));
    sentBytes += body.length;
    assert.equal((await viewer.post(body)).status, 200);
  }
  const { runs, more } = await viewer.runs();
  assert.equal(runs[0]?.traceId, last);
  assert.ok(more > 0);
  assert.equal((await viewer.get(`/api/runs/${first}`)).status, 404);
  assert.equal((await viewer.detail(last)).spans.length, 2);
  const gone = () =>
    events.filter(({ event }) => event === 'gone').flatMap(({ data }) => (data as { traceIds: string[] }).traceIds);
  await until(() => gone().length === more);
  assert.equal(gone()[0], first);
  const peak = peakMegabytes(viewer);
  assert.ok(peak <= MEMORY_MB, `${Math.round(peak)} MB`);
});

test('10 000 runs of usual size are in the list at once', { timeout: 60_000 }, async (t) => {
  const viewer = await startViewer(t);
  let start = 1_750_000_000_000;
  for (let sent = 0; sent < 10_000; sent += 500) {
    const runs = Array.from({ length: 500 }, () => wholeRun(start++, 'x'.repeat(1000)));
    await viewer.post(request(...runs.flat()));
  }
  const { runs, more } = await viewer.runs();
  assert.deepEqual([runs.length, more], [10_000, 0]);
  const starts = runs.map(({ startMillis }) => startMillis);
  assert.deepEqual(
    starts,
    [...starts].sort((a, b) => b - a),
  );
});
