import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Outcome, Told } from './app.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const REGISTER = ['--import', 'runtrace/register'];
/** The same module once more, as another copy of the package would be. */
const AGAIN = ['--import', new URL('../../../dist/register.js?again', import.meta.url).href];

interface Ended {
  outcomes: Record<string, Outcome>;
  warnings: string[];
  /** What became of one scenario. */
  of(scenario: string): Outcome;
}

/** Runs the application in a process of its own. */
async function runApp(scenarios: string[], env: Record<string, string> = {}, execArgv = REGISTER): Promise<Ended> {
  const app = fork(fileURLToPath(new URL('app.js', import.meta.url)), {
    cwd: ROOT,
    execArgv,
    env: { ...process.env, ...env },
  });
  const ended = once(app, 'exit');
  app.send(scenarios);
  const [told] = (await Promise.race([
    once(app, 'message'),
    ended.then(([code]) => Promise.reject(new Error(`the application ended with ${code}`))),
  ])) as [Omit<Ended, 'of'>];
  assert.deepEqual(await ended, [0, null]);
  return { ...told, of: (scenario) => told.outcomes[scenario] as Outcome };
}

const codesOf = ({ attempts }: Told) => attempts.map((attempt) => attempt['http.response.status_code']);
const statusOf = ({ attributes }: Told) => attributes['runtrace.status'];
const shape = (span: Told) => [span.name, statusOf(span), codesOf(span)];
const STEP = ['chat gpt-5', 'completed', [200]];
const CHAT_TURN = ['invoke_workflow chat_turn', 'completed', []];
const MODEL_CALL = ['invoke_workflow model_call', 'completed', []];

describe('runtrace/register', () => {
  const SCENARIOS = [
    'a call outside of any run',
    'another request',
    'a call in a run',
    'calls that are not read',
    'the option and register together',
    'a tool’s call in an explicit step',
    'a step’s own fetch',
    'a call in a model span',
    'a call in a model span that ends too early',
    'a call in an agent’s span',
    'a call that is retried, with a span around each fetch',
  ];
  let app: Ended;
  before(async () => {
    app = await runApp(SCENARIOS);
  });

  test('records what a run calls, with nothing changed in the application', () => {
    const { spans, answers } = app.of('a call in a run');
    assert.deepEqual(spans.map(shape), [STEP, CHAT_TURN]);
    assert.deepEqual(answers, ['chat.completion']);
  });

  test('makes one step of a call and its retries, also where another instrumentation has a span around each fetch', () => {
    const { spans } = app.of('a call that is retried, with a span around each fetch');
    const own = spans.filter(({ name }) => name !== 'fetch POST');
    assert.deepEqual(own.map(shape), [['chat gpt-5', 'completed', [429, 503, 200]], CHAT_TURN]);
  });

  test('takes a call that is not read for a step at a known provider only, with any body', () => {
    const names = app.of('calls that are not read').spans.map(({ name }) => name);
    assert.deepEqual(names, ['POST /api/unread', 'invoke_workflow chat_turn']);
  });

  test('lets calls outside of a run through as they are', () => {
    assert.deepEqual(app.of('a call outside of any run'), { spans: [], answers: ['chat.completion'] });
    assert.deepEqual(app.of('another request'), { spans: [], answers: [404] });
  });

  test('records once where a client has the option as well', () => {
    assert.deepEqual(app.of('the option and register together').spans.map(shape), [STEP, CHAT_TURN]);
  });

  test('takes only model calls for attempts of an explicit step: a tool’s request is none', () => {
    const { spans, answers } = app.of('a tool’s call in an explicit step');
    assert.deepEqual(spans.map(shape), [STEP, CHAT_TURN]);
    assert.deepEqual(answers, ['chat.completion', 404]);
  });

  test('leaves a step’s own fetch what it is: every call of it is an attempt', () => {
    assert.deepEqual(app.of('a step’s own fetch').spans.map(codesOf), [[404], []]);
  });

  test('puts the attempts on the model span of another instrumentation, without a run', () => {
    const { spans } = app.of('a call in a model span');
    assert.deepEqual(spans.map(shape), [['chat of another instrumentation', undefined, [429, 200]]]);
    assert.equal(spans[0]?.attempts[1]?.['http.request.resend_count'], 1);
    assert.equal('http.request.body.content' in (spans[0]?.attempts[0] ?? {}), false);
  });

  test('exports a step of its own after all where that span ends too early, in its trace and without a run', () => {
    const { spans } = app.of('a call in a model span that ends too early');
    const [foreign, step] = spans as [Told, Told];
    assert.deepEqual(spans.map(shape), [['chat of another instrumentation', undefined, []], STEP]);
    assert.equal(step.traceId, foreign.traceId);
    assert.equal(step.parentSpanId, foreign.spanId);
    assert.equal('runtrace.run.id' in step.attributes, false);
    assert.equal(step.attributes['gen_ai.usage.output_tokens'], 8);
  });

  test('takes an agent’s span for none of that', () => {
    assert.deepEqual(app.of('a call in an agent’s span').spans.map(shape), [['an agent', undefined, []]]);
  });

  test('reports the call outside of a run once, and nothing else', () => {
    assert.equal(app.warnings.length, 1);
    assert.match(app.warnings[0] as string, /outside of a run.*\[RUNTRACE_NO_RUN\]$/);
  });
});

test('with runtrace/register loaded twice, or from two copies, a call is recorded once', async () => {
  for (const execArgv of [
    [...REGISTER, ...REGISTER],
    [...REGISTER, ...AGAIN],
  ]) {
    const app = await runApp(['a call in a run'], {}, execArgv);
    assert.deepEqual(app.of('a call in a run').spans.map(shape), [STEP, CHAT_TURN]);
  }
});

test('nothing about fetch or the global object looks different with runtrace/register', async () => {
  const scenario = 'what the application can see of fetch';
  const [without, with_] = await Promise.all([runApp([scenario], {}, []), runApp([scenario])]);
  assert.deepEqual(with_.of(scenario), without.of(scenario));
});

describe('with RUNTRACE_IMPLICIT_RUNS=true', () => {
  const SCENARIOS = [
    'a call outside of any run',
    'another request',
    'a call in a run',
    'a call that is retried',
    'a call outside of any run that is retried, with a span around each fetch',
    'two identical calls at once, retried',
    'a call that fails',
    'a stream that is left',
    'a call in an agent’s span',
    'a call in a model span',
    'a call in a run that isn’t recorded',
    'a step’s own fetch, without a context manager',
  ];
  let app: Ended;
  before(async () => {
    app = await runApp(SCENARIOS, { RUNTRACE_IMPLICIT_RUNS: 'true' });
  });

  test('a model call outside of any run gets a run of its own, and another request doesn’t', () => {
    const { spans } = app.of('a call outside of any run');
    assert.deepEqual(spans.map(shape), [STEP, MODEL_CALL]);
    assert.equal(spans[0]?.parentSpanId, spans[1]?.spanId);
    assert.equal(spans[0]?.attributes['runtrace.run.id'], spans[1]?.attributes['runtrace.run.id']);
    assert.deepEqual(app.of('another request').spans, []);
  });

  test('a call in a run stays in it', () => {
    assert.deepEqual(app.of('a call in a run').spans.map(shape), [STEP, CHAT_TURN]);
  });

  test('the retries of a call are in its run', () => {
    const { spans } = app.of('a call that is retried');
    assert.deepEqual(spans.map(shape), [['chat gpt-5', 'completed', [429, 503, 200]], MODEL_CALL]);
  });

  test('so they are where another instrumentation has a span around each fetch', () => {
    const { spans } = app.of('a call outside of any run that is retried, with a span around each fetch');
    const own = spans.filter(({ name }) => name !== 'GET /chat' && name !== 'fetch POST');
    assert.deepEqual(own.map(shape), [['chat gpt-5', 'completed', [429, 503, 200]], MODEL_CALL]);
  });

  test('identical calls at once have a run each', () => {
    const { spans } = app.of('two identical calls at once, retried');
    assert.deepEqual(spans.map(shape), [
      ['chat gpt-5', 'completed', [429, 200]],
      MODEL_CALL,
      ['chat gpt-5', 'completed', [429, 200]],
      MODEL_CALL,
    ]);
  });

  test('the run ends as its call did', () => {
    assert.deepEqual(app.of('a call that fails').spans.map(statusOf), ['error', 'error']);
    assert.equal(app.of('a call that fails').spans[1]?.attributes['error.type'], 'invalid_request_error');
    assert.deepEqual(app.of('a stream that is left').spans.map(statusOf), ['interrupted', 'interrupted']);
  });

  test('inside of a span that holds many calls, or none, it is a trace of its own', () => {
    const { spans } = app.of('a call in an agent’s span');
    const agent = spans.find(({ name }) => name === 'an agent');
    const others = spans.filter((span) => span !== agent);
    assert.deepEqual(others.map(shape).sort(), [STEP, MODEL_CALL].sort());
    assert.ok(others.every(({ traceId }) => traceId !== agent?.traceId));
  });

  test('the model span of another instrumentation has the attempts all the same', () => {
    assert.deepEqual(app.of('a call in a model span').spans.map(shape), [
      ['chat of another instrumentation', undefined, [429, 200]],
    ]);
  });

  test('nothing is recorded in a run that isn’t', () => {
    assert.deepEqual(app.of('a call in a run that isn’t recorded').spans, []);
  });

  test('a call that a step records is not taken for one outside of any run, also without a context manager', () => {
    const { spans } = app.of('a step’s own fetch, without a context manager');
    assert.deepEqual(spans.map(shape), [STEP, CHAT_TURN]);
  });

  test('there is nothing to complain about', () => {
    assert.deepEqual(app.warnings, []);
  });
});

test('RUNTRACE_CAPTURE says how much is recorded', async () => {
  const scenarios = ['a call in a run', 'a call in a model span'];
  const [content, off] = await Promise.all([
    runApp(scenarios, { RUNTRACE_CAPTURE: 'content' }),
    runApp(scenarios, { RUNTRACE_CAPTURE: 'OFF' }),
  ]);
  for (const scenario of scenarios) {
    const [span] = content.of(scenario).spans;
    assert.match(String(span?.attempts[0]?.['http.request.body.content']), /How are you/);
  }
  assert.deepEqual(off.of('a call in a run').spans, []);
  assert.deepEqual(off.of('a call in a model span').spans.map(shape), [
    ['chat of another instrumentation', undefined, []],
  ]);
});

test('an environment variable with a bad value is reported, counts as its default, and the application starts all the same', async () => {
  const env = { RUNTRACE_CAPTURE: 'everything', RUNTRACE_IMPLICIT_RUNS: 'maybe' };
  const app = await runApp(['a call outside of any run', 'a call in a run'], env);
  assert.deepEqual(app.of('a call outside of any run').spans, []);
  const [step] = app.of('a call in a run').spans;
  assert.equal('http.request.body.content' in (step?.attempts[0] ?? {}), false);
  assert.equal('gen_ai.input.messages' in (step?.attributes ?? {}), false);
  assert.equal(app.warnings.length, 2);
  assert.match(
    app.warnings.join('\n'),
    /RUNTRACE_CAPTURE must be one of 'off', 'metadata', 'content', got 'everything'/,
  );
  assert.match(app.warnings.join('\n'), /RUNTRACE_IMPLICIT_RUNS must be one of 'true', 'false', got 'maybe'/);
});
