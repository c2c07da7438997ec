/** For any program and any answers to its calls, the spans that are exported add up. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { type Run, type Status, wrapFetch } from 'runtrace';
import { attemptsOf, type ReadableSpan, type Traced, traced } from '../support/traced.js';
import { until } from '../support/until.js';

const STATUSES: Status[] = ['in_progress', 'interrupted', 'error', 'completed'];
const ANSWERS = ['answer', 'refuse', 'rate-limit', 'reset', 'hang', 'break', 'stall'] as const;
const READERS = ['text', 'cancel', 'ignore', 'abort', 'half'] as const;

type Operation =
  | { do: 'call'; answer: (typeof ANSWERS)[number]; reader: (typeof READERS)[number]; again: number }
  | { do: 'run' | 'step' | 'run.step' | 'tool' | 'reuseStep' | 'generator' | 'together' | 'alone'; inside: Operation[] }
  | { do: 'finish' | 'finishRun' | 'startStep' | 'startRun'; status: Status }
  | { do: 'throw' | 'flush' | 'turn' };

const { operation } = fc.letrec<{ operation: Operation; inside: Operation[] }>((tie) => ({
  inside: fc.array(tie('operation'), { maxLength: 4 }),
  operation: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.record({
      do: fc.constant('call' as const),
      answer: fc.constantFrom(...ANSWERS),
      reader: fc.constantFrom(...READERS),
      again: fc.nat(2),
    }),
    fc.record({
      do: fc.constantFrom('finish' as const, 'finishRun' as const, 'startStep' as const, 'startRun' as const),
      status: fc.constantFrom(...STATUSES),
    }),
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('throw' as const, 'flush' as const, 'turn' as const) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constantFrom(
          ...(['run', 'step', 'run.step', 'tool', 'reuseStep', 'generator', 'together', 'alone'] as const),
        ),
        inside: tie('inside'),
      }),
    },
  ),
}));

/** A model API in memory: what it answers stands in the query. */
async function api(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
  const answer = new URL(String(input)).searchParams.get('answer');
  await nextTurn();
  init.signal?.throwIfAborted();
  if (answer === 'reset') throw Object.assign(new TypeError('fetch failed'), { code: 'ECONNRESET' });
  if (answer === 'hang') {
    return new Promise((_, reject) => init.signal?.addEventListener('abort', () => reject(init.signal?.reason)));
  }
  if (answer === 'refuse' || answer === 'rate-limit') {
    return Response.json({ error: { type: answer } }, { status: answer === 'refuse' ? 400 : 429 });
  }
  const chunks = ['{"choices":[],', '"usage":{"prompt_tokens":2,"completion_tokens":3}}'].map((it) => Buffer.from(it));
  const body = new ReadableStream({
    async pull(controller) {
      await nextTurn();
      const chunk = answer !== 'answer' && chunks.length === 1 ? undefined : chunks.shift();
      if (chunk) controller.enqueue(chunk);
      else if (answer === 'answer') controller.close();
      else if (answer === 'break') controller.error(new TypeError('terminated'));
      else await new Promise(() => {});
    },
  });
  return new Response(body, { headers: { 'content-type': 'application/json' } });
}

const fetch = wrapFetch(api);

class Thrown extends Error {}

/** Plays a program, and counts what it began. */
class Player {
  readonly #set: Traced;
  readonly #leave = new AbortController();
  readonly started: Run[] = [];
  /** What is not awaited, and may still run when its run is over. */
  readonly alone: Promise<unknown>[] = [];
  runs = 0;
  calls = 0;
  #model = 0;

  constructor(set: Traced) {
    this.#set = set;
  }

  async play(operations: readonly Operation[], run?: Run, finish?: (status: Status) => void): Promise<unknown> {
    let last: unknown;
    for (const operation of operations) last = await this.#play(operation, run, finish);
    return last;
  }

  async #play(operation: Operation, run: Run | undefined, finish?: (status: Status) => void): Promise<unknown> {
    const { recorder, provider } = this.#set;
    const inside = (inner = run, finishInner = finish) =>
      'inside' in operation ? this.play(operation.inside, inner, finishInner) : undefined;
    switch (operation.do) {
      case 'call':
        return this.#call(operation, run);
      case 'run':
        this.runs++;
        return recorder.run({ kind: 'any' }, (inner) => inside(inner));
      case 'step':
      case 'run.step': {
        const begin = operation.do === 'run.step' && run ? run.step : recorder.step;
        return begin({}, (step) => inside(run, step.finish));
      }
      case 'tool':
        return recorder.tool({ name: 'any' }, () => inside());
      case 'reuseStep':
        return recorder.reuseStep(() => inside());
      case 'generator': {
        const generator = async function* () {
          yield 1;
          yield await inside();
        };
        this.runs++;
        const items = await recorder.run({ kind: 'any' }, generator);
        for await (const item of items) if (item === 1 && operation.inside.length % 2) break;
        return undefined;
      }
      case 'together':
        return Promise.all(
          operation.inside.map((one) =>
            this.#play(one, run, finish).catch((error) => {
              if (!isExpected(error)) throw error;
            }),
          ),
        );
      case 'alone':
        this.alone.push(Promise.resolve(inside()).catch(() => {}));
        return undefined;
      case 'finish':
        return finish?.(operation.status);
      case 'finishRun':
        return run?.finish(operation.status);
      case 'startStep':
        return run?.startStep().finish(operation.status);
      case 'startRun': {
        this.runs++;
        const started = recorder.startRun({ kind: 'any' });
        this.started.push(started);
        return started.finish(operation.status);
      }
      case 'throw':
        throw new Thrown();
      case 'flush':
        return provider.forceFlush();
      case 'turn':
        return nextTurn();
    }
  }

  async #call({ answer, reader, again }: Operation & { do: 'call' }, run: Run | undefined): Promise<void> {
    const leave = new AbortController();
    const signal = AbortSignal.any([leave.signal, this.#leave.signal]);
    const body = JSON.stringify({ model: `any ${this.#model++}`, messages: [] });
    for (let attempt = 0; attempt <= again; attempt++) {
      if (run) this.calls++;
      const call = fetch(`http://model/v1/chat/completions?answer=${answer}`, { method: 'POST', body, signal });
      if (answer === 'hang' && reader === 'ignore') {
        call.catch(() => {});
        return;
      }
      if (answer === 'hang') leave.abort();
      const response = await call;
      if (reader === 'cancel') await response.body?.cancel();
      if (reader === 'abort') leave.abort();
      if (reader === 'half') await response.body?.getReader().read();
      if (reader === 'text' && answer !== 'stall') await response.text();
      if (response.ok) return;
    }
  }

  /** Calls that still hang are let go. */
  end(): void {
    this.#leave.abort();
  }
}

function isExpected(error: unknown): boolean {
  return error instanceof Thrown || error instanceof TypeError || (error as Error)?.name === 'AbortError';
}

const idOf = (span: ReadableSpan) => String(span.attributes['runtrace.run.id']);

function checkExport(spans: readonly ReadableSpan[], began: Pick<Player, 'runs' | 'calls' | 'alone'>): void {
  const runs = spans.filter((span) => 'runtrace.run.kind' in span.attributes);
  const steps = spans.filter((span) => 'runtrace.step.id' in span.attributes);
  assert.equal(new Set(spans.map((span) => span.spanContext().spanId)).size, spans.length, 'a span twice');
  assert.equal(runs.length, began.runs, 'runs');
  const codes: Record<string, number> = { completed: 1, error: 2, interrupted: 0 };
  for (const span of [...runs, ...steps]) {
    const status = String(span.attributes['runtrace.status']);
    assert.equal(span.status.code, codes[status]);
    assert.equal('error.type' in span.attributes, status === 'error');
    assert.ok(span.duration[0] >= 0 && span.duration[1] >= 0);
  }
  let attempts = 0;
  for (const step of steps) {
    const numbers = attemptsOf(step).map((attempt) => attempt['runtrace.attempt.number']);
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => index + 1),
      'numbers of attempts',
    );
    attempts += numbers.length;
  }
  // What is called when its run is over is not recorded.
  if (began.alone.length === 0) assert.equal(attempts, began.calls, 'attempts');
  else assert.ok(attempts <= began.calls, 'attempts');
  for (const run of runs) {
    const own = steps.filter((step) => idOf(step) === idOf(run));
    const numbers = own.map((step) => Number(step.attributes['runtrace.step.number'])).sort((a, b) => a - b);
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => index + 1),
      'numbers of steps',
    );
    const sum = (name: string) =>
      own.reduce((total, step) => total + Number(step.attributes[`runtrace.step.${name}`]), 0);
    assert.equal(run.attributes['runtrace.run.step_count'], own.length);
    assert.equal(run.attributes['runtrace.run.attempt_count'], sum('attempt_count'));
    assert.equal(run.attributes['runtrace.run.failed_attempt_count'], sum('failed_attempt_count'));
    assert.equal(
      run.attributes['runtrace.run.has_error'],
      own.some((step) => step.status.code === 2),
    );
    for (const step of own) assert.ok(spans.indexOf(step) < spans.indexOf(run), 'a step after its run');
  }
}

test('for any use of runs, every run, step and attempt is exported once, and the sums are right', async () => {
  const unhandled: unknown[] = [];
  const collect = (reason: unknown) => void unhandled.push(reason);
  process.on('unhandledRejection', collect);
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.array(operation, { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        async (program, processor) => {
          const set = traced({
            processor,
            // Longer than a busy machine keeps a program from its next call: a run that is idle ends, and what is called then is not counted.
            limits: { completedHoldMillis: 5, idleMillis: 100, pausedMillis: 100, retryHoldMillis: 20 },
          });
          const player = new Player(set);
          player.runs++;
          await set.recorder
            .run({ kind: 'any' }, (run) => run.step({}, () => player.play(program, run)))
            .catch((error) => {
              if (!isExpected(error)) throw error;
            });
          player.end();
          // What goes on alone may begin more of it, and runs.
          for (const one of player.alone) await one;
          for (const run of player.started) run.finish('completed');
          for (let turn = 0; turn < 3; turn++) await nextTurn();
          if (processor) await set.shutdown();
          else await until(() => set.runs().length >= player.runs);
          checkExport(set.spans(), player);
        },
      ),
      { numRuns: 60 },
    );
  } finally {
    process.off('unhandledRejection', collect);
  }
  assert.deepEqual(unhandled, []);
});
