import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseOtlpJson, type ReceivedSpan, startOtlpReceiver } from '../../support/otlp-receiver.js';

const DEMO = fileURLToPath(new URL('../../../examples/demo/main.js', import.meta.url));
const INTERNAL = 1;
const CLIENT = 3;
const UNSET = 0;
const OK = 1;
const ERROR = 2;

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'runtrace-demo-'));
});
after(() => rm(directory, { recursive: true }));

describe('the demo', () => {
  let demo: Ended;
  let spans: readonly ReceivedSpan[];
  let received: readonly ReceivedSpan[];
  let violations: readonly string[];

  before(async () => {
    const receiver = await startOtlpReceiver();
    demo = await runDemo({ file: 'all.jsonl', env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint } });
    spans = await spansIn('all.jsonl');
    received = receiver.spans();
    violations = receiver.violations;
    await receiver.close();
  });

  /** The one run of a conversation, with what is directly in it, in order of time. */
  const runOf = (conversation: string) => {
    const runs = spans.filter((span) => span.attributes['runtrace.run.kind'] && conversationOf(span) === conversation);
    assert.equal(runs.length, 1, `${runs.length} runs of ${conversation}`);
    const [run] = runs as [ReceivedSpan];
    const inside = spans
      .filter(({ traceId, parentSpanId }) => traceId === run.traceId && parentSpanId === run.spanId)
      .sort((a, b) => Number(a.startTimeUnixNano - b.startTimeUnixNano));
    return { run, inside };
  };

  test('exits with 0, and complains about nothing', () => {
    assert.deepEqual([demo.code, demo.stderr], [0, '']);
  });

  test('prints every run as a tree, its trace id, and where to look at it', () => {
    for (const { traceId, parentSpanId } of spans) {
      if (!parentSpanId) assert.match(demo.stdout, new RegExp(`^  ${traceId}  `, 'm'));
    }
    assert.match(demo.stdout, /chat gpt-5.*completed/);
    assert.match(demo.stdout, /#2 +429/);
    assert.match(demo.stdout, /http:\/\/localhost:16686\/trace\//);
  });

  test('writes every span to the file, once, and sends the same spans to the endpoint', () => {
    const ids = (of: readonly ReceivedSpan[]) => of.map(({ traceId, spanId }) => `${traceId} ${spanId}`).sort();
    assert.deepEqual(violations, []);
    assert.equal(new Set(ids(spans)).size, spans.length);
    assert.deepEqual(ids(received), ids(spans));
    assert.equal(spans.filter(({ parentSpanId }) => !parentSpanId).length, 8);
  });

  test('shows 429, 429, 200 as one completed step with three attempts and the waits between them', () => {
    const { run, inside } = runOf('rate-limited');
    assert.deepEqual([run.status.code, run.attributes['runtrace.status']], [OK, 'completed']);
    assert.deepEqual(inside.map(summary), [step('chat gpt-5', 'completed', ['429', '429', '200'])]);
    const waits = attemptsOf(inside[0]).map((attempt) => Number(attempt['runtrace.attempt.wait_ms'] ?? 0));
    assert.deepEqual(
      waits.map((wait) => wait >= 100),
      [false, true, true],
    );
    assert.deepEqual(
      attemptsOf(inside[0]).map((attempt) => attempt['http.request.resend_count']),
      [undefined, 1, 2],
    );
    assert.equal(inside[0]?.attributes['error.type'], undefined);
  });

  test('folds a reset stream and the one asked for instead into one completed step', () => {
    const { inside } = runOf('reset');
    assert.deepEqual(inside.map(summary), [step('chat claude-sonnet-5', 'completed', ['200', '200'])]);
    const statuses = attemptsOf(inside[0]).map((attempt) => attempt['runtrace.attempt.status']);
    assert.deepEqual(statuses, ['failed', 'completed']);
  });

  test('shows the stopped stream as interrupted, which is no error', () => {
    const { run, inside } = runOf('stopped');
    assert.deepEqual([run.status.code, run.attributes['runtrace.status']], [UNSET, 'interrupted']);
    assert.deepEqual(inside.map(summary), [step('chat gpt-5', 'interrupted', ['200'])]);
    assert.deepEqual(
      attemptsOf(inside[0]).map((attempt) => attempt['runtrace.attempt.status']),
      ['aborted'],
    );
    assert.equal(run.attributes['runtrace.run.has_error'], false);
  });

  test('shows the call that failed for good as an error, with every attempt', () => {
    const { run, inside } = runOf('failed');
    assert.deepEqual([run.status.code, run.attributes['runtrace.status']], [ERROR, 'error']);
    assert.deepEqual(inside.map(summary), [step('chat claude-opus-5', 'error', ['529', '529', '529'])]);
    assert.ok(inside[0]?.attributes['error.type']);
    assert.equal(run.attributes['runtrace.run.has_error'], true);
  });

  test('shows the title as a run of its own kind, tied to its parent conversation', () => {
    const { run, inside } = runOf('title');
    assert.equal(run.attributes['runtrace.run.kind'], 'title');
    assert.equal(run.attributes['runtrace.run.parent_conversation_id'], 'rate-limited');
    assert.deepEqual(inside.map(summary), [step('chat gpt-5-mini', 'completed', ['200'])]);
    assert.equal(inside[0]?.attributes['app.title.length'], 'A trip in May'.length);
    assert.equal(inside[0]?.attributes['gen_ai.usage.cache_read.input_tokens'], 64);
  });

  test('shows the tool between the two steps', () => {
    const { run, inside } = runOf('tool');
    assert.equal(run.name, 'invoke_agent travel');
    assert.deepEqual(
      inside.map(({ name }) => name),
      ['chat claude-sonnet-5', 'execute_tool weather', 'chat claude-sonnet-5'],
    );
    assert.deepEqual(
      inside.map(({ attributes }) => attributes['runtrace.step.number']),
      [1, undefined, 2],
    );
  });

  test('adds up what a run cost', () => {
    const tokensOf = ({ attributes }: ReceivedSpan) => [
      attributes['runtrace.run.input_tokens'],
      attributes['runtrace.run.output_tokens'],
    ];
    assert.deepEqual(tokensOf(runOf('rate-limited').run), [21, 9]);
    assert.deepEqual(tokensOf(runOf('tool').run), [310 + 372, 42 + 12]);
  });

  test('keeps two runs at once apart', () => {
    assert.deepEqual(runOf('at-once-1').inside.map(summary), [step('chat gpt-5', 'completed', ['500', '200'])]);
    assert.deepEqual(runOf('at-once-2').inside.map(summary), [step('chat claude-sonnet-5', 'completed', ['200'])]);
    assert.equal(runOf('at-once-2').run.attributes['user.id'], 'grace');
  });

  test('the root spans are internal and the steps are client spans', () => {
    for (const span of spans) {
      if (span.attributes['runtrace.step.number']) assert.equal(span.kind, CLIENT);
      else assert.equal(span.kind, INTERNAL);
    }
  });

  test('holds no prompt and no answer', () => {
    const texts = ['Where should I go', 'Lisbon is lovely', 'Tell me a story', 'Once upon', 'Shall I'];
    const everything = JSON.stringify(spans, (_, value) => (typeof value === 'bigint' ? String(value) : value));
    for (const text of texts) assert.ok(!everything.includes(text), text);
  });
});

test('the demo exits with 1 and names the endpoint that refuses, and why; the file has every run all the same', async () => {
  const receiver = await startOtlpReceiver();
  await receiver.close();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint };
  const { code, stderr } = await runDemo({ file: 'refused.jsonl', env });
  assert.equal(code, 1);
  assert.match(stderr, /ECONNREFUSED/);
  assert.match(stderr, new RegExp(`The demo failed: .*${receiver.endpoint}`));
  assert.equal((await spansIn('refused.jsonl')).filter(({ parentSpanId }) => !parentSpanId).length, 8);
});

test('the demo exits with 1 and names the file that cannot be written', async () => {
  const { code, stderr } = await runDemo({ file: '.' });
  assert.equal(code, 1);
  assert.ok(stderr.includes(`The demo failed: `) && stderr.includes(directory), stderr);
});

test('the demo exits with 1 and names each run that was not recorded', async () => {
  const { code, stderr } = await runDemo({ file: 'unsampled.jsonl', env: { OTEL_TRACES_SAMPLER: 'always_off' } });
  assert.equal(code, 1);
  assert.equal(stderr.match(/The demo failed: ".*" was not recorded/g)?.length, 7);
});

test('SIGTERM ends the demo with every run that had begun in the file, the open one as interrupted', async () => {
  const { code, stdout } = await runDemo({ file: 'terminated.jsonl', terminateAt: '▶' });
  assert.equal(code, 128 + 15);
  const runs = (await spansIn('terminated.jsonl'))
    .filter(({ parentSpanId }) => !parentSpanId)
    .sort((a, b) => Number(a.startTimeUnixNano - b.startTimeUnixNano));
  // One, unless this machine is slow to deliver signals; never all.
  assert.equal(runs.length, stdout.match(/^▶/gm)?.length);
  assert.ok(runs.length < 7);
  assert.equal(runs.at(-1)?.attributes['runtrace.status'], 'interrupted');
});

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

interface DemoOptions {
  /** In the test's directory. */
  file: string;
  env?: Record<string, string>;
  /** SIGTERM follows when this has been printed. */
  terminateAt?: string;
}

function runDemo({ file, env = {}, terminateAt }: DemoOptions): Promise<Ended> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('OTEL_'));
  const child = spawn(process.execPath, [DEMO, join(directory, file)], {
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = { stdout: '', stderr: '' };
  child.stderr.on('data', (text) => {
    ended.stderr += text;
  });
  child.stdout.on('data', (text) => {
    const isThere = terminateAt !== undefined && ended.stdout.includes(terminateAt);
    ended.stdout += text;
    // Once: the second one kills.
    if (terminateAt && !isThere && ended.stdout.includes(terminateAt)) child.kill('SIGTERM');
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...ended }));
  });
}

async function spansIn(file: string): Promise<ReceivedSpan[]> {
  const lines = (await readFile(join(directory, file), 'utf8')).split('\n').filter(Boolean);
  return lines.flatMap((line) => {
    const { spans, violations } = parseOtlpJson(line);
    assert.deepEqual(violations, []);
    return spans;
  });
}

function conversationOf({ attributes }: ReceivedSpan): unknown {
  return attributes['gen_ai.conversation.id'];
}

function attemptsOf(span: ReceivedSpan | undefined) {
  return (span?.events ?? []).filter(({ name }) => name === 'runtrace.attempt').map(({ attributes }) => attributes);
}

function step(name: string, status: string, codes: string[]) {
  return { name, status, codes };
}

function summary({ name, attributes }: ReceivedSpan) {
  return {
    name,
    status: attributes['runtrace.status'],
    codes: String(attributes['runtrace.step.attempt_codes']).split(' '),
  };
}
