/** Plays random programs with the real `openai` client against a server that misbehaves, and compares what was exported with the rules. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import OpenAI from 'openai';
import { type Recorder, recordingFetch } from 'runtrace';
import {
  type Behaviour,
  errorEventMidStream,
  ok,
  type Provider,
  resetBeforeHeaders,
  resetMidStream,
  stallMidStream,
  startProvider,
  status,
} from '../../../examples/demo/provider.js';
import { attemptsOf, millisOf, type ReadableSpan, traced } from '../../support/traced.js';
import { until } from '../../support/until.js';
import {
  type CallPlan,
  type ExpectedStep,
  expectedSteps,
  MAX_RETRIES,
  type Program,
  randomProgram,
  type ServerAnswer,
} from './plan.js';

// They wait for retries most of the time.
const AT_ONCE = 48;

/** Long enough for every abort to come before the retry. */
const WAIT_MILLIS = 5000;

const BEHAVIOURS: Record<ServerAnswer['kind'], (answer: never) => Behaviour> = {
  status: ({ code }: { code: number }) => status(code, { retryAfterMillis: 1 }),
  reset: () => resetBeforeHeaders(),
  answer: (usage: { input: number; output: number }) => ok({ usage }),
  stall: () => stallMidStream(3),
  'reset in mid-stream': () => resetMidStream(3),
  'error event': () => errorEventMidStream(3),
};

function behaviourOf(answer: ServerAnswer, plan: CallPlan): Behaviour {
  if (plan.reader === 'aborts while waiting') return status(503, { retryAfterMillis: WAIT_MILLIS });
  return BEHAVIOURS[answer.kind](answer as never);
}

/** Opens the stream of a call, and reads it as planned. */
class Caller {
  readonly #plan: CallPlan;
  readonly #model: string;
  readonly #client: OpenAI;
  readonly #stop = new AbortController();

  constructor(plan: CallPlan, model: string, provider: Provider) {
    this.#plan = plan;
    this.#model = model;
    const [first, ...others] = plan.answers.map((answer) => behaviourOf(answer, plan));
    provider.script(model, first as Behaviour, ...others);
    const fetch: typeof globalThis.fetch = async (...args) => {
      const response = await recordingFetch(...args);
      if (plan.reader === 'aborts while waiting') void this.#stopLater();
      return response;
    };
    const baseURL = `${provider.url}/v1`;
    this.#client = new OpenAI({ apiKey: 'none', baseURL, fetch, maxRetries: MAX_RETRIES });
  }

  async #stopLater(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) await nextTurn();
    this.#stop.abort();
  }

  open() {
    const messages = [{ role: 'user' as const, content: 'Hi' }];
    const { signal } = this.#stop;
    return this.#client.chat.completions.create(
      { model: this.#model, stream: true, stream_options: { include_usage: true }, messages },
      { signal },
    );
  }

  async read(stream: AsyncIterable<OpenAI.ChatCompletionChunk>): Promise<void> {
    let text = '';
    for await (const { choices } of stream) {
      text += choices[0]?.delta.content ?? '';
      if (text === '') continue;
      if (this.#plan.reader === 'breaks') break;
      if (this.#plan.reader === 'aborts') this.#stop.abort();
    }
  }

  /** Never fails: the application handles every error. */
  async ask(): Promise<void> {
    try {
      await this.read(await this.open());
    } catch {}
  }
}

async function play({ shape }: Program, callers: readonly Caller[], recorder: Recorder): Promise<void> {
  const each = async (ask: (caller: Caller) => Promise<void>) => {
    for (const caller of callers) await ask(caller);
  };
  if (shape === 'returned') {
    const [caller] = callers as [Caller];
    const stream = await recorder.run({ kind: shape }, async () => caller.open()).catch(() => undefined);
    if (stream) await caller.read(stream).catch(() => {});
    return;
  }
  await recorder.run({ kind: shape }, (): Promise<unknown> => {
    switch (shape) {
      case 'step':
        return each((caller) => recorder.step({}, () => caller.ask()));
      case 'reuse':
        return recorder.reuseStep(() => each((caller) => caller.ask()));
      case 'parallel':
        return recorder.step({}, () => Promise.all(callers.map((caller) => caller.ask())));
      default:
        return each((caller) => caller.ask());
    }
  });
}

/** What is wrong with an exported step. */
function judge(step: ReadableSpan, expected: ExpectedStep, run: ReadableSpan, shape: Program['shape']): string[] {
  const isParallel = shape === 'parallel';
  const { attributes, events } = step;
  const attempts = attemptsOf(step);
  const wrong: string[] = [];
  const same = (what: string, has: unknown, wants: unknown) => {
    if (JSON.stringify(has) !== JSON.stringify(wants)) {
      wrong.push(`${what}: ${JSON.stringify(has)} instead of ${JSON.stringify(wants)}`);
    }
  };
  const summaries = attempts.map((attempt) =>
    `${attempt['http.response.status_code'] ?? ''} ${attempt['runtrace.attempt.status']}`.trim(),
  );
  same('status', attributes['runtrace.status'], expected.status);
  same(
    'attempts',
    isParallel ? summaries.sort() : summaries,
    isParallel ? [...expected.attempts].sort() : expected.attempts,
  );
  same(
    'numbers',
    attempts.map((attempt) => attempt['runtrace.attempt.number']),
    attempts.map((_, index) => index + 1),
  );
  same('attempt_count', attributes['runtrace.step.attempt_count'], expected.attempts.length);
  const failed = expected.attempts.filter((attempt) => attempt.endsWith('failed')).length;
  same('failed_attempt_count', attributes['runtrace.step.failed_attempt_count'], failed);
  same('input_tokens', attributes['gen_ai.usage.input_tokens'], expected.input);
  same('output_tokens', attributes['gen_ai.usage.output_tokens'], expected.output);
  same('error.type', attributes['error.type'] !== undefined, expected.status === 'error');
  const [from, to] = [millisOf(step.startTime), millisOf(step.endTime)];
  if (from < millisOf(run.startTime) || to > millisOf(run.endTime)) wrong.push('the step is not inside its run');
  for (const [index, event] of events.entries()) {
    const at = millisOf(event.time);
    if (at < from || at > to) wrong.push(`event ${index} is outside of its step`);
    // In a reuse scope a call that was outranked may end after the outcome.
    const millis = Number(event.attributes?.['runtrace.attempt.duration_ms'] ?? 0);
    if (shape !== 'reuse' && millis > to - from + 1) wrong.push('an attempt is longer than its step');
  }
  return wrong;
}

async function tryOne(seed: number, provider: Provider): Promise<{ calls: number; wrong: string[] }> {
  const program = randomProgram(seed);
  const set = traced({ limits: { idleMillis: 200 } });
  const callers = program.calls.map((plan, index) => new Caller(plan, `random.${seed}.${index}`, provider));
  await play(program, callers, set.recorder);
  await set.provider.forceFlush();
  await until(() => set.runs().length === 1);
  const expected = expectedSteps(program);
  const steps = set.steps();
  const [run] = set.runs() as [ReadableSpan];
  const numbers = steps.map(({ attributes }) => attributes['runtrace.step.number']);
  const wrong = steps.flatMap((step, index) => {
    const wanted = expected[index];
    return wanted ? judge(step, wanted, run, program.shape) : ['a step too many'];
  });
  if (JSON.stringify(numbers) !== JSON.stringify(expected.map((_, index) => index + 1))) wrong.push(`steps ${numbers}`);
  const hasError = expected.some(({ status }) => status === 'error');
  if (run.attributes['runtrace.run.has_error'] !== hasError) wrong.push(`has_error is ${!hasError}`);
  await set.shutdown();
  return {
    calls: program.calls.length,
    wrong: wrong.map((what) => `seed ${seed}: ${what} in ${JSON.stringify(program)}`),
  };
}

/** Plays programs until they have made `calls` calls. Returns how many that were, and everything that is wrong. */
export async function playRandom(seed: number, calls: number): Promise<{ calls: number; wrong: string[] }> {
  const provider = await startProvider();
  const total = { calls: 0, wrong: [] as string[] };
  let next = seed * 1_000_000;
  const work = async () => {
    while (total.calls < calls) {
      const { calls: made, wrong } = await tryOne(next++, provider);
      total.calls += made;
      total.wrong.push(...wrong);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  await provider.close();
  return total;
}
