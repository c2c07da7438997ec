import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { type Run, type Status, wrapFetch } from 'runtrace';
import { attemptsOf, type ReadableSpan, type Traced, traced } from './support/traced.js';

/** How a call ends: the wire and whoever reads it. */
type Wire = 'answered' | 'refused' | 'broken' | 'no answer' | 'left' | 'unread' | 'aborted';
type Ending = 'returns' | 'throws' | 'finishes' | 'is dropped';

/** A program that uses everything there is, in any nesting. */
type Action =
  | { do: 'call'; wire: Wire; model: number; numbered: boolean }
  | { do: 'run'; id: number; ending: Ending; status: Status; together: boolean; inside: Action[] }
  | { do: 'startRun'; id: number; ending: Ending; status: Status; together: boolean; inside: Action[] }
  | { do: 'step'; ending: Ending; status: Status; together: boolean; inside: Action[] }
  | { do: 'startStep'; ending: Ending; status: Status; together: boolean; inside: Action[] }
  | { do: 'reuse'; together: boolean; inside: Action[] }
  | { do: 'tool'; together: boolean; inside: Action[] }
  | { do: 'flush' };

const IDS = [1, 2, 3].map((digit) => `00000000-0000-4000-8000-00000000000${digit}`);
const statuses = fc.constantFrom<Status>('in_progress', 'interrupted', 'error', 'completed');
const { action } = fc.letrec<{ action: Action; inside: Action[] }>((tie) => ({
  inside: fc.array(tie('action'), { maxLength: 5 }),
  action: fc.oneof(
    { maxDepth: 5, depthSize: 'medium' },
    fc.record({
      do: fc.constant('call' as const),
      wire: fc.constantFrom<Wire>('answered', 'refused', 'broken', 'no answer', 'left', 'unread', 'aborted'),
      model: fc.nat(1),
      numbered: fc.boolean(),
    }),
    fc.record({
      do: fc.constantFrom('run' as const, 'startRun' as const, 'step' as const, 'startStep' as const),
      id: fc.nat(IDS.length - 1),
      ending: fc.constantFrom<Ending>('returns', 'throws', 'finishes', 'is dropped'),
      status: statuses,
      together: fc.boolean(),
      inside: tie('inside'),
    }) as fc.Arbitrary<Action>,
    fc.record({
      do: fc.constantFrom('reuse' as const, 'tool' as const),
      together: fc.boolean(),
      inside: tie('inside'),
    }),
    fc.record({ do: fc.constant('flush' as const) }),
  ),
}));

class Thrown extends Error {}

/** What was begun, to be compared with what was exported. */
interface Begun {
  runs: number;
  steps: Set<string>;
  calls: number;
}

async function play(program: readonly Action[], set: Traced): Promise<Begun> {
  const { recorder, provider } = set;
  const begun: Begun = { runs: 0, steps: new Set(), calls: 0 };

  const all = async (actions: readonly Action[], together: boolean, run: Run | undefined): Promise<void> => {
    if (together) await Promise.all(actions.map((action) => one(action, run)));
    else for (const action of actions) await one(action, run);
  };

  const end = (ending: Ending, status: Status, finish: (status: Status) => void): void => {
    if (ending === 'finishes') finish(status);
    if (ending === 'throws') throw new Thrown();
  };

  const one = async (action: Action, run: Run | undefined): Promise<void> => {
    await nextTurn();
    if (action.do === 'flush') return provider.forceFlush();
    if (action.do === 'call') {
      if (run) begun.calls++;
      return call(action.wire, action.model, action.numbered);
    }
    const { inside, together } = action;
    if (action.do === 'reuse') return recorder.reuseStep(() => all(inside, together, run));
    if (action.do === 'tool') return recorder.tool({ name: 'tool' }, () => all(inside, together, run));
    const { ending, status } = action;
    if (action.do === 'run') {
      begun.runs++;
      const work = async (run: Run) => {
        await all(inside, together, run);
        end(ending, status, (status) => run.finish(status));
      };
      return recorder.run({ kind: 'any', id: IDS[action.id] as string }, work).catch(ignoreThrown);
    }
    if (action.do === 'startRun') {
      begun.runs++;
      const started = recorder.startRun({ kind: 'any', id: IDS[action.id] as string });
      await started.step({}, (step) => {
        begun.steps.add(step.id);
        return all(inside, together, started);
      });
      if (ending !== 'is dropped') started.finish(status);
      return;
    }
    if (action.do === 'step') {
      return recorder
        .step({}, async (step) => {
          if (step.number > 0) begun.steps.add(step.id);
          await all(inside, together, run);
          end(ending, status, (status) => step.finish(status));
        })
        .catch(ignoreThrown);
    }
    const step = recorder.startStep();
    if (step.number > 0) begun.steps.add(step.id);
    await all(inside, together, run);
    if (ending !== 'is dropped') step.finish(status);
  };

  await one(
    { do: 'run', id: 0, ending: 'returns', status: 'completed', together: false, inside: [...program] },
    undefined,
  );
  return begun;
}

function ignoreThrown(error: unknown): void {
  if (!(error instanceof Thrown)) throw error;
}

async function call(wire: Wire, model: number, numbered: boolean): Promise<void> {
  const controller = new AbortController();
  const fetch = wrapFetch(async () => {
    await nextTurn();
    if (wire === 'no answer') throw new TypeError('fetch failed');
    let chunks = 0;
    const pull = async (stream: ReadableStreamDefaultController) => {
      await nextTurn();
      if (chunks++ === 0) stream.enqueue(new TextEncoder().encode('{"choices":[{"message":{"content":"Hi"}}]'));
      else if (wire === 'broken') stream.error(new TypeError('terminated'));
      else if (wire === 'aborted') stream.error(controller.signal.reason);
      else {
        stream.enqueue(new TextEncoder().encode('}'));
        stream.close();
      }
    };
    const body = new ReadableStream({ pull }, { highWaterMark: 0 });
    return new Response(body, { status: wire === 'refused' ? 503 : 200 });
  });
  const headers: Record<string, string> = numbered ? { 'x-stainless-retry-count': '0' } : {};
  const init = { method: 'POST', headers, body: `{"model":"m${model}","messages":[]}`, signal: controller.signal };
  try {
    const response = await fetch('http://127.0.0.1/v1/chat/completions', init);
    if (wire === 'unread') return;
    if (wire === 'left') await response.body?.cancel();
    else if (wire === 'aborted') {
      const reader = response.body?.getReader();
      await reader?.read();
      controller.abort();
      await reader?.read();
    } else await response.text();
  } catch {
    // The application has its ways with failures; here it goes on.
  }
}

const micros = ([seconds, nanos]: readonly [number, number]) => seconds * 1e6 + Math.round(nanos / 1000);
const value = (span: ReadableSpan, name: string) => Number(span.attributes[name] ?? 0);

/** For a longer search than in every `npm test`. */
const PROGRAMS = Number(process.env.ANY_PROGRAM_RUNS ?? 40);

test('whatever a program does, every run and step in it is exported once and adds up', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 6 }), async (program) => {
      const set = traced({ limits: { settleMillis: 0, lateMillis: 0, holdMillis: 0 } });
      const begun = await play(program, set);
      await set.shutdown();
      const [runs, steps] = [set.runs(), set.steps()];

      assert.equal(runs.length, begun.runs);
      const exported = steps.map(({ attributes }) => String(attributes['runtrace.step.id']));
      assert.equal(new Set(exported).size, exported.length, 'no step twice');
      for (const id of begun.steps) assert.ok(exported.includes(id), 'no step is lost');
      assert.equal(new Set(set.spans().map((span) => span.spanContext().spanId)).size, set.spans().length);

      for (const span of [...runs, ...steps]) {
        const { attributes, status, events, startTime, endTime } = span;
        assert.ok(['interrupted', 'error', 'completed'].includes(String(attributes['runtrace.status'])));
        const code = { interrupted: 0, completed: 1, error: 2 }[String(attributes['runtrace.status'])];
        assert.equal(status.code, code);
        assert.equal('error.type' in attributes, attributes['runtrace.status'] === 'error');
        for (const { time } of events) {
          assert.ok(micros(time) >= micros(startTime) && micros(time) <= micros(endTime), 'inside of the span');
        }
      }

      for (const id of new Set(runs.map(({ attributes }) => attributes['runtrace.run.id']))) {
        const own = (span: ReadableSpan) => span.attributes['runtrace.run.id'] === id;
        const sum = (name: string) => runs.filter(own).reduce((total, run) => total + value(run, name), 0);
        const mine = steps.filter(own);
        assert.equal(sum('runtrace.run.step_count'), mine.length);
        for (const count of ['attempt_count', 'failed_attempt_count']) {
          const ofSteps = mine.reduce((total, step) => total + value(step, `runtrace.step.${count}`), 0);
          assert.equal(sum(`runtrace.run.${count}`), ofSteps, count);
        }
      }
      const order = set.spans();
      for (const step of steps) {
        const own = runs.filter(
          ({ attributes }) => attributes['runtrace.run.id'] === step.attributes['runtrace.run.id'],
        );
        const last = Math.max(...own.map((run) => order.indexOf(run)));
        assert.ok(order.indexOf(step) < last, 'a step goes before its run');
        const attempts = attemptsOf(step);
        assert.equal(attempts.length, value(step, 'runtrace.step.attempt_count'));
        assert.deepEqual(
          attempts.map((attempt) => attempt['runtrace.attempt.number']),
          attempts.map((_, index) => index + 1),
        );
      }
      const attempts = steps.reduce((total, step) => total + value(step, 'runtrace.step.attempt_count'), 0);
      assert.equal(attempts, begun.calls);
    }),
    { numRuns: PROGRAMS },
  );
});
