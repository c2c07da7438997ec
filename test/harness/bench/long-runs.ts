/** What open runs hold in memory, and whether a long run pays for its past steps. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Run, Step } from 'runtrace';
import { figure, type Row } from './measure.js';
import { setup } from './setup.js';
import { oneAttempt } from './spans.js';

const RUNS = 5000;
const MAX_BYTES = 6000;

function usedBytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** Memory of an open run with one step in flight, over that of its two spans. */
export async function openRun(): Promise<Row> {
  const { tracer, recorder, flush } = setup({ limits: { openRuns: 2 * RUNS } });
  const spansOf = () => {
    const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai', 'runtrace.step.number': 1 };
    const root = { 'runtrace.run.kind': 'bench', 'runtrace.run.id': crypto.randomUUID() };
    return [
      tracer.startSpan('bench', { attributes: root }),
      tracer.startSpan('chat gpt-5', { attributes: { ...attributes, 'gen_ai.request.model': 'gpt-5' } }),
    ];
  };
  const open: (Run | Step)[] = [];
  const start = () => {
    const run = recorder.startRun({ kind: 'bench' });
    open.push(run, run.startStep({ provider: 'openai', model: 'gpt-5' }));
  };
  const spans: unknown[] = [];
  for (let i = 0; i < 100; i++) {
    start();
    spans.push(spansOf());
  }
  const before = usedBytes();
  for (let i = 0; i < RUNS; i++) start();
  const ours = (usedBytes() - before) / RUNS;
  const beforeSpans = usedBytes();
  for (let i = 0; i < RUNS; i++) spans.push(spansOf());
  const floor = (usedBytes() - beforeSpans) / RUNS;
  for (const part of open.reverse()) part.finish('completed');
  await flush();
  return {
    floor: `its two spans alone, ${floor.toFixed(0)} bytes`,
    figures: `${(ours - floor).toFixed(0)} bytes over its spans; ${ours.toFixed(0)} in all`,
    goal: `<= ${MAX_BYTES} bytes over its spans`,
    ofGoal: (ours - floor) / MAX_BYTES,
  };
}

/** So many that the code which V8 compiles meanwhile, some 100 kB, is little for each step. */
const STEPS = 40_000;
/** What the beginning and the end of the run are. */
const FIFTH = STEPS / 5;
const AT_A_TIME = 100;
/** A step is held no longer than this, so that only few of them are open. */
const HOLD_MILLIS = 1;

/** A day of an agent: one run of 40 000 steps, few of which are held at a time. Its end may not cost more than its beginning. */
export async function longRun(): Promise<Row> {
  const { recorder, flush } = setup({ limits: { completedHoldMillis: HOLD_MILLIS } });
  const micros: number[] = [];
  const heap: number[] = [];
  const part = async () => {
    const before = process.cpuUsage();
    for (let i = 0; i < AT_A_TIME; i++) await oneAttempt(recorder);
    // They settle meanwhile, and their spans are exported.
    await sleep(HOLD_MILLIS + 40);
    const { user, system } = process.cpuUsage(before);
    micros.push((user + system) / AT_A_TIME);
  };
  await recorder.run({ kind: 'warm-up' }, async () => {
    for (let i = 0; i < 60; i++) await part();
  });
  micros.length = 0;
  await recorder.run({ kind: 'bench' }, async () => {
    for (let done = 0; done < STEPS; done += AT_A_TIME) {
      await part();
      if (done + AT_A_TIME === FIFTH || done + AT_A_TIME === STEPS) {
        await sleep(200);
        heap.push(usedBytes());
      }
    }
  });
  await flush();
  const fifth = micros.length / 5;
  const [first, last] = [figure(micros.slice(0, fifth)), figure(micros.slice(-fifth))];
  const ratio = last.median / first.median;
  const bytes = ((heap[1] as number) - (heap[0] as number)) / (STEPS - FIFTH);
  return {
    floor: `the first ${FIFTH} steps of the run`,
    figures: `the last ${FIFTH} take ${ratio.toPrecision(3)} x; ${last.median.toFixed(1)} us a step, the first ${first.median.toFixed(1)} us; ${bytes.toFixed(0)} bytes kept of a past step`,
    goal: '<= 1.1 x, <= 16 bytes kept of a past step',
    ofGoal: Math.max(ratio / 1.1, bytes / 16),
  };
}
