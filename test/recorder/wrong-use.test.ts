import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { trace } from '@opentelemetry/api';
import * as runtrace from 'runtrace';
import { only, traced } from '../support/traced.js';

const { createRecorder, reportStatus, wrapFetch } = runtrace;
const NIL = '00000000-0000-0000-0000-000000000000';
/** What TypeScript would not let through. */
// biome-ignore lint/suspicious/noExplicitAny: wrong use is what is tested
type Anything = any;

const nothing = () => {};
const { recorder } = traced();
const off = createRecorder({ capture: 'off' });

/** Each a call, and what the error has to name. */
function misuses({ run, step, reuseStep, tool, startRun, startStep }: Anything): [string, () => unknown, RegExp][] {
  const kind = 'chat_turn';
  return [
    ['run() without a function', () => run({ kind }), /fn must be a function, got undefined/],
    ['run() with something else', () => run({ kind }, Promise.resolve()), /fn must be a function, got an object/],
    ['run() with only a function', () => run(nothing), /fn must be a function/],
    ['run() without options', () => run(undefined, nothing), /options must be an object, got undefined/],
    ['run() with options that are null', () => run(null, nothing), /options must be an object, got null/],
    ['run() with options that are a list', () => run([], nothing), /options must be an object, got an array/],
    ['run() without a kind', () => run({}, nothing), /options\.kind must be a string that is not empty, got undefined/],
    ['run() with an empty kind', () => run({ kind: '' }, nothing), /options\.kind .* got ''/],
    ['run() with a kind that is no string', () => run({ kind: 7 }, nothing), /options\.kind .* got 7/],
    [
      'run() with an id that is no UUID',
      () => run({ kind, id: 'chat-1' }, nothing),
      /options\.id must be a UUID .* got 'chat-1'/,
    ],
    ['run() with the nil UUID', () => run({ kind, id: NIL }, nothing), /options\.id must be a UUID that is not nil/],
    ['run() with an id that is a number', () => run({ kind, id: 7 }, nothing), /options\.id .* got 7/],
    [
      'run() with an unknown trace',
      () => run({ kind, trace: 'old' }, nothing),
      /options\.trace must be 'new' or 'join', got 'old'/,
    ],
    [
      'run() with a conversation id that is a number',
      () => run({ kind, conversationId: 7 }, nothing),
      /options\.conversationId must be a string, got 7/,
    ],
    [
      'run() with a user that is an object',
      () => run({ kind, userId: {} }, nothing),
      /options\.userId .* got an object/,
    ],
    [
      'run() with an agent that is a function',
      () => run({ kind, agentName: nothing }, nothing),
      /options\.agentName .* got a function/,
    ],
    [
      'run() with attributes that are a text',
      () => run({ kind, attributes: 'a=b' }, nothing),
      /options\.attributes must be an object, got a text of 3 characters/,
    ],
    ['startRun() without options', () => startRun(), /options must be an object/],
    ['startRun() without a kind', () => startRun({}), /options\.kind/],
    ['step() without a function', () => step({}), /fn must be a function/],
    ['step() with only a function', () => step(nothing), /options must be an object, got a function/],
    ['step() with a model that is no string', () => step({ model: {} }, nothing), /options\.model must be a string/],
    ['step() with an operation that is no string', () => step({ operation: 1 }, nothing), /options\.operation/],
    [
      'step() with a request that is a text',
      () => step({ request: 'Hello?' }, nothing),
      /options\.request must be an object/,
    ],
    [
      'step() with attributes that are a list',
      () => step({ attributes: [] }, nothing),
      /options\.attributes .* got an array/,
    ],
    ['startStep() with a text', () => startStep('gpt-5'), /options must be an object, got 'gpt-5'/],
    ['startStep() with null', () => startStep(null), /options must be an object, got null/],
    ['startStep() with a provider that is no string', () => startStep({ provider: 1 }), /options\.provider/],
    ['reuseStep() without a function', () => reuseStep(), /fn must be a function/],
    ['reuseStep() with options first', () => reuseStep({}, nothing), /fn must be a function, got an object/],
    ['tool() without a function', () => tool({ name: 'search' }), /fn must be a function/],
    ['tool() without a name', () => tool({}, nothing), /options\.name must be a string that is not empty/],
    ['tool() with only a function', () => tool(nothing), /options must be an object/],
    ['tool() with a call id that is a number', () => tool({ name: 'search', callId: 1 }, nothing), /options\.callId/],
    [
      'tool() with attributes that are a text',
      () => tool({ name: 'search', attributes: 'a' }, nothing),
      /options\.attributes/,
    ],
  ];
}

/** What is wrong to say of a run, a step or a span. */
function misstatements(finish: Anything): [string, () => unknown, RegExp][] {
  const statuses = "status must be 'in_progress', 'interrupted', 'error' or 'completed'";
  return [
    ['without a status', () => finish(), new RegExp(`${statuses}, got undefined`)],
    ['with an unknown status', () => finish('done'), new RegExp(`${statuses}, got 'done'`)],
    ['with a status of the prototype', () => finish('constructor'), new RegExp(statuses)],
    ['with a status that is an error', () => finish(new Error('no')), new RegExp(`${statuses}, got an object`)],
    ['with details that are an error text', () => finish('error', 'no'), /details must be an object, got 'no'/],
    ['with details that are null', () => finish('error', null), /details must be an object, got null/],
    [
      'with a response that is a text',
      () => finish('completed', { response: 'Hi' }),
      /details\.response must be an object/,
    ],
    [
      'with usage that is a number',
      () => finish('completed', { usage: 12 }),
      /details\.usage must be an object, got 12/,
    ],
    [
      'with attributes that are a list',
      () => finish('completed', { attributes: [1] }),
      /details\.attributes .* got an array/,
    ],
  ];
}

function throwsAtOnce(call: () => unknown, names: RegExp): void {
  assert.throws(call, (error) => {
    assert.ok(error instanceof TypeError, `${error}`);
    assert.match(error.message, /^runtrace: /);
    assert.match(error.message, names);
    return true;
  });
}

describe('a TypeError that names what is wrong is thrown at once', () => {
  for (const [where, use] of [
    ['', recorder],
    ['where nothing is recorded: ', off],
    ['by the default recorder: ', runtrace],
  ] as const) {
    for (const [what, call, names] of misuses(use)) test(`${where}${what}`, () => throwsAtOnce(call, names));
  }

  test('inside of a run as well; nothing of it is recorded, and the run goes on', async () => {
    const { recorder, spans } = traced();
    for (const recorders of [recorder, off]) {
      await recorders.run({ kind: 'chat_turn' }, (run: Anything) => {
        for (const [, call, names] of misuses(recorders)) throwsAtOnce(call, names);
        throwsAtOnce(() => run.step(), /options must be an object/);
        throwsAtOnce(() => run.step({}), /fn must be a function/);
        throwsAtOnce(() => run.startStep({ model: 1 }), /options\.model/);
      });
    }
    const { attributes } = only(spans());
    assert.equal(attributes['runtrace.status'], 'completed');
    assert.equal(attributes['runtrace.run.step_count'], 0);
  });

  for (const [what, , names] of misstatements(nothing)) {
    test(`finish ${what}, of a run and of a step, recorded or not; reportStatus too`, async () => {
      const same = (finish: Anything) => {
        const found = misstatements(finish).find(([other]) => other === what);
        throwsAtOnce(found?.[1] ?? nothing, names);
      };
      for (const { run, startRun } of [recorder, off]) {
        await run({ kind: 'chat_turn' }, (run) =>
          run.step({}, (step) => {
            same(run.finish.bind(run));
            same(step.finish.bind(step));
            const span = trace.getActiveSpan();
            if (span) same((...args: unknown[]) => (reportStatus as Anything)(span, ...args));
          }),
        );
        const started = startRun({ kind: 'chat_turn' });
        const step = started.startStep();
        same(started.finish.bind(started));
        same(step.finish.bind(step));
        step.finish('completed');
        same(step.finish.bind(step));
        started.finish('completed');
        same(started.finish.bind(started));
      }
    });
  }

  test('resumeAfterStep with what is no count', async () => {
    for (const { run } of [recorder, off]) {
      await run({ kind: 'chat_turn' }, (run: Anything) => {
        for (const wrong of [undefined, null, -1, 1.5, '7', Number.NaN, Number.POSITIVE_INFINITY]) {
          throwsAtOnce(() => run.resumeAfterStep(wrong), /^runtrace: n must be an integer of at least 0, got /);
        }
        assert.equal(run.startStep().number, run.traceId.match(/^0+$/) ? 0 : 1);
      });
    }
  });

  test('an attempt with a wrong number, status or time', async () => {
    const right = { number: 1, status: 'completed', startedAt: 1, endedAt: 2 };
    const wrong: [Anything, RegExp][] = [
      [undefined, /attempt must be an object/],
      [{ ...right, number: 0 }, /attempt\.number must be an integer of at least 1, got 0/],
      [{ ...right, number: '1' }, /attempt\.number .* got '1'/],
      [
        { ...right, status: 'error' },
        /attempt\.status must be 'completed', 'failed', 'aborted' or 'unread', got 'error'/,
      ],
      [{ ...right, startedAt: undefined }, /attempt\.startedAt must be milliseconds since the epoch, got undefined/],
      [{ ...right, startedAt: new Date() }, /attempt\.startedAt .* got an object/],
      [{ ...right, endedAt: Number.NaN }, /attempt\.endedAt .* got NaN/],
    ];
    for (const { run } of [recorder, off]) {
      await run({ kind: 'chat_turn' }, (run) =>
        run.step({}, ({ attempts }) => {
          for (const [attempt, names] of wrong) {
            throwsAtOnce(() => attempts.record(attempt), names);
            if (attempt?.number !== 0 && attempt?.number !== '1')
              throwsAtOnce(() => attempts.replace(1, attempt), names);
          }
          throwsAtOnce(() => attempts.replace(0, right as Anything), /attempt\.number/);
          assert.equal(attempts.count, 0);
        }),
      );
    }
  });

  for (const [what, options, names] of [
    ['options that are null', null, /options must be an object, got null/],
    [
      'an unknown option',
      { captrue: 'off' },
      /options must be an object of tracerProvider, capture, redact, limits, got 'captrue'/,
    ],
    ['a provider that is none', { tracerProvider: {} }, /tracerProvider must be a TracerProvider, got an object/],
    [
      'an unknown capture',
      { capture: 'everything' },
      /capture must be 'off', 'metadata', 'content' or a function, got 'everything'/,
    ],
    ['a capture that is a boolean', { capture: true }, /capture .* got true/],
    ['an unknown limit', { limits: { opneRuns: 1 } }, /limits must be .* got 'opneRuns'/],
    [
      'a limit that is a text',
      { limits: { retryHoldMillis: '60' } },
      /limits\.retryHoldMillis must be a number of at least 0, got '60'/,
    ],
    ['a limit that is negative', { limits: { idleMillis: -1 } }, /limits\.idleMillis .* got -1/],
    [
      'a limit that is no number',
      { limits: { completedHoldMillis: Number.NaN } },
      /limits\.completedHoldMillis .* got NaN/,
    ],
    ['no room for a single run', { limits: { openRuns: 0 } }, /limits\.openRuns must be a number of at least 1, got 0/],
    ['limits that are a number', { limits: 1000 }, /limits must be an object, got 1000/],
    ['names to redact that are a text', { redact: { names: 'ssn' } }, /redact\.names must be an array, got 'ssn'/],
    [
      'patterns that are texts',
      { redact: { patterns: ['a+'] } },
      /redact\.patterns\[0\] must be a regular expression, got a text/,
    ],
    ['a redact that is no function', { redact: { redact: true } }, /redact\.redact/],
    ['a redact that is a list', { redact: [] }, /redact must be an object/],
  ] as [string, Anything, RegExp][]) {
    test(`createRecorder with ${what}`, () => throwsAtOnce(() => createRecorder(options), names));
  }

  test('wrapFetch without a function', () => {
    throwsAtOnce(() => wrapFetch(undefined as Anything), /fetch must be a function, got undefined/);
    throwsAtOnce(() => wrapFetch({ fetch } as Anything), /fetch must be a function, got an object/);
  });

  test('reportStatus with something that is no span', () => {
    throwsAtOnce(() => reportStatus({} as Anything, 'completed'), /span must be a Span, got an object/);
    throwsAtOnce(() => reportStatus('span' as Anything, 'completed'), /span must be a Span, got 'span'/);
    assert.doesNotThrow(() => reportStatus(undefined, 'completed'), 'there may be no active span');
  });
});

describe('what is absent is no wrong use', () => {
  test('undefined, null and the empty text', async () => {
    for (const none of [undefined, null, '']) {
      const ids = { conversationId: none, userId: none, agentName: none, parentConversationId: none } as Anything;
      await recorder.run({ kind: 'chat_turn', ...ids, attributes: none || undefined }, async (run) => {
        const step = { operation: none, provider: none, model: none, conversationId: none } as Anything;
        await run.step({ ...step, request: none || undefined, attributes: none || undefined }, nothing);
        run.startStep(undefined).finish('completed', undefined);
        run.finish('completed', { response: none || undefined, usage: none || undefined } as Anything);
      });
    }
    assert.doesNotThrow(() => createRecorder());
    assert.doesNotThrow(() =>
      createRecorder({ limits: { retryHoldMillis: undefined }, capture: undefined } as Anything),
    );
  });

  test('a UUID in capitals is one', async () => {
    const id = 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11';
    assert.equal(await recorder.run({ kind: 'chat_turn', id }, (run) => run.id), id);
  });
});
