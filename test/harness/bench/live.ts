/** What the live channel costs: where it is off, and where it shows runs to a real viewer in another process. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Recorder } from 'runtrace';
import { LiveChannel } from '../../../src/live/channel.js';
import { type InProgress, type ProgressListener, progressed } from '../../../src/spans/progress/listener.js';
import { startViewer } from '../../support/viewer.js';
import { addedRow, measure, type Row } from './measure.js';
import { setup } from './setup.js';

const LISTENER = Symbol.for('runtrace.progress_listener');
const CALLS = 500;
/** The channel works after the call, so its work is waited for and counted. */
const AFTERWARDS_MILLIS = 100;

function call({ run, step }: Recorder): Promise<void> {
  return run({ kind: 'bench' }, () =>
    step({ provider: 'openai', model: 'gpt-5' }, (step) => {
      const at = Date.now();
      step.attempts.record({
        number: step.attempts.next(),
        status: 'completed',
        startedAt: at,
        endedAt: at + 5,
        statusCode: 200,
      });
      step.finish('completed', { usage: { inputTokens: 12, outputTokens: 34 } });
    }),
  );
}

export async function liveOn(): Promise<Row> {
  const cleanUps: (() => unknown)[] = [];
  const viewer = await startViewer({ after: (fn) => cleanUps.push(fn) });
  const channel = new LiveChannel(new URL('/live', viewer.origin));
  await sleep(1000);
  const { recorder, flush } = setup();
  const calls = (listener: ProgressListener | undefined) => async (count: number) => {
    (globalThis as Record<symbol, unknown>)[LISTENER] = listener;
    for (let i = 0; i < count; i++) await call(recorder);
    await sleep(AFTERWARDS_MILLIS);
  };
  const measured = await measure({ count: CALLS, ours: calls(channel), floor: calls(undefined), between: flush }, 21);
  for (const cleanUp of cleanUps) await cleanUp();
  return addedRow('the same runs with the channel off', measured, 5, 'call');
}

/** A call tells the listener of about ten changes. */
const CHANGES = 10;

export async function liveOff(): Promise<Row> {
  const part = {} as InProgress;
  let sum = 0;
  const measured = await measure({
    count: 20_000,
    ours: (count) => {
      for (let i = 0; i < count; i++) for (let j = 0; j < CHANGES; j++) progressed(part);
    },
    floor: (count) => {
      for (let i = 0; i < count; i++) for (let j = 0; j < CHANGES; j++) sum += j;
    },
  });
  if (sum === 0) throw new Error('the floor did nothing');
  return addedRow('a loop', measured, 0.5, 'call');
}
