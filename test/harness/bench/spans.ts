/** What a step costs that needs no HTTP: the span, its attributes and events, and the rule. */
import type { Message, Recorder, Step } from 'runtrace';
import { handMade } from './by-hand.js';
import { figure, measure, type Row, ratioRow } from './measure.js';
import { exportedBy, setup } from './setup.js';

const URL = 'https://api.openai.com/v1/chat/completions';
const STEPS = 500;

function attempt(step: Step, statusCode: number, bodies?: { requestBody: string; responseBody: string }): void {
  const startedAt = Date.now();
  step.attempts.record({
    number: step.attempts.next(),
    status: statusCode === 200 ? 'completed' : 'failed',
    startedAt,
    endedAt: startedAt + 5,
    statusCode,
    method: 'POST',
    url: URL,
    ...bodies,
  });
}

export function oneAttempt({ step }: Recorder): Promise<void> {
  return step({ provider: 'openai', model: 'gpt-5' }, (step) => {
    attempt(step, 200);
    step.finish('completed', {
      response: { id: 'resp_1', finishReasons: ['stop'] },
      usage: { inputTokens: 12, outputTokens: 34 },
    });
  });
}

/** Words, about `length` characters of them. */
export function words(length: number): string {
  return 'The quick brown fox jumps over the lazy dog, and then it thinks about it. '.repeat(Math.ceil(length / 74));
}

const message = (role: string): Message[] => [{ role, parts: [{ type: 'text', content: words(2000) }] }];
const QUESTION = message('user');
const ANSWER = message('assistant');

function threeAttempts({ step }: Recorder): Promise<void> {
  return step({ provider: 'openai', model: 'gpt-5', request: { messages: QUESTION } }, (step) => {
    attempt(step, 429);
    attempt(step, 429);
    attempt(step, 200);
    step.finish('completed', {
      response: { id: 'resp_1', finishReasons: ['stop'], messages: ANSWER },
      usage: { inputTokens: 512, outputTokens: 498 },
    });
  });
}

async function steps(capture: 'metadata' | 'content', use: (recorder: Recorder) => Promise<void>): Promise<Row> {
  const { tracer, recorder, flush } = setup({ capture });
  const spans = await exportedBy({ capture }, ({ run, ...rest }) =>
    run({ kind: 'bench' }, () => use({ run, ...rest })),
  );
  const [step, root] = spans.map(handMade);
  if (!step || !root) throw new Error('a run with one step has two spans');
  const measured = await measure({
    count: STEPS,
    ours: (count) =>
      recorder.run({ kind: 'bench' }, async () => {
        for (let i = 0; i < count; i++) await use(recorder);
      }),
    floor: (count) =>
      root(tracer, async () => {
        for (let i = 0; i < count; i++) await step(tracer, () => {});
      }),
    between: flush,
  });
  return ratioRow('the same span, attributes and events by hand on the bare SDK', measured, 1.5);
}

export const oneStep = () => steps('metadata', oneAttempt);
export const stepWithContent = () => steps('content', threeAttempts);

export async function runOfTenSteps(): Promise<Row> {
  const { tracer, recorder, flush } = setup();
  const run = (recorder: Recorder) =>
    recorder.run({ kind: 'bench' }, async () => {
      for (let i = 0; i < 10; i++) await oneAttempt(recorder);
    });
  const spans = await exportedBy({}, run);
  const root = handMade(spans[10] as (typeof spans)[number]);
  const step = handMade(spans[0] as (typeof spans)[number]);
  const measured = await measure({
    count: 50,
    ours: async (count) => {
      for (let i = 0; i < count; i++) await run(recorder);
    },
    floor: async (count) => {
      for (let i = 0; i < count; i++) {
        await root(tracer, async () => {
          for (let i = 0; i < 10; i++) await step(tracer, () => {});
        });
      }
    },
    between: flush,
  });
  return ratioRow('11 spans by hand', measured, 1.5);
}

/** Twice the steps may take twice the time, and a little more. */
export async function holdAndSettle(most = 100_000): Promise<Row> {
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < 7; round++) {
    for (const [size, list] of [
      [most / 2, times[0]],
      [most, times[1]],
    ] as const) {
      const { recorder, flush } = setup({ limits: { completedHoldMillis: 600_000 } });
      globalThis.gc?.();
      const before = process.cpuUsage();
      await recorder.run({ kind: 'bench' }, async () => {
        for (let i = 0; i < size; i++) await oneAttempt(recorder);
      });
      const { user, system } = process.cpuUsage(before);
      if (round > 0) list.push(user + system);
      await flush();
    }
  }
  const ratio = figure(times[1].map((time, round) => time / (times[0][round] as number)));
  const [half, whole] = times.map((list) => figure(list).median / 1000);
  return {
    floor: 'half of the steps',
    figures: `${ratio.median.toPrecision(3)} x (${ratio.low.toPrecision(3)} to ${ratio.high.toPrecision(3)}); ${whole?.toFixed(0)} ms for ${most}, ${half?.toFixed(0)} ms for ${most / 2}`,
    goal: '<= 2.2 x',
    ofGoal: ratio.median / 2.2,
  };
}

/** Memory of runs that are open, beside that of their spans alone. */
export async function openRuns(): Promise<Row> {
  const used = () => {
    globalThis.gc?.();
    globalThis.gc?.();
    return process.memoryUsage().heapUsed;
  };
  // What a FinalizationRegistry knows goes in a task after the collection that found it, and its memory with the next one.
  const finalized = async () => {
    for (let i = 0; i < 3; i++) {
      globalThis.gc?.();
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };
  const { tracer, recorder, flush } = setup({ limits: { openRuns: 20_000, completedHoldMillis: 600_000 } });
  const open: unknown[] = [];
  const ours = (runs: number) => {
    for (let i = 0; i < runs; i++) {
      const run = recorder.startRun({ kind: 'bench' });
      open.push(run);
      for (let step = 0; step < 2; step++) open.push(run.startStep({ provider: 'openai', model: 'gpt-5' }));
    }
  };
  ours(100);
  const before = used();
  ours(5000);
  const half = (used() - before) / 5000;
  ours(5000);
  const whole = (used() - before) / 10_000;
  const spans: unknown[] = [];
  const beforeSpans = used();
  for (let i = 0; i < 30_000; i++) {
    spans.push(
      tracer.startSpan('chat gpt-5', {
        attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai' },
      }),
    );
  }
  const floor = (used() - beforeSpans) / 10_000;
  for (const run of open) (run as Step).finish('completed');
  open.length = 0;
  spans.length = 0;
  await flush();
  await finalized();
  const left = (used() - before) / 10_000;
  const growth = whole / half;
  return {
    floor: `the spans' own memory, ${floor.toFixed(0)} bytes a run`,
    figures: `${whole.toFixed(0)} bytes a run at 10 000, ${half.toFixed(0)} at 5000; ${left.toFixed(0)} left when all had ended`,
    goal: 'linear (<= 1.1 x), all freed (<= 2 % left)',
    ofGoal: Math.max(growth / 1.1, left / whole / 0.02),
  };
}
