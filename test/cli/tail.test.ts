import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { outputOf } from '../support/output.js';
import { freePorts } from '../support/server-process.js';
import { until } from '../support/until.js';
import { postJson } from '../support/viewer.js';
import { request, runSpan, span } from '../view/otlp.js';

const BIN = fileURLToPath(new URL('./cli/main.js', import.meta.resolve('runtrace/exporter')));

const ON_TERMINAL = ['--import', 'data:text/javascript,process.stdout.isTTY = process.stderr.isTTY = true'];

async function startTail(
  t: TestContext,
  args: readonly string[] = [],
  nodeOptions: readonly string[] = [],
): Promise<{ child: ChildProcess; origin: string; out(): string }> {
  const { port } = await freePorts('port');
  const command = [...nodeOptions, BIN, 'tail', '--port', String(port), ...args];
  const child = spawn(process.execPath, command, { stdio: 'pipe' });
  t.after(() => child.kill('SIGKILL'));
  const output = outputOf(child);
  await until(() => output.err.includes('waiting for spans'));
  return { child, origin: `http://127.0.0.1:${port}`, out: () => output.out };
}

test('tail prints the tree of a run when it has ended, with no text that can control the terminal', async (t) => {
  const { origin, out } = await startTail(t);
  const run = runSpan({ attributes: { 'gen_ai.conversation.id': 'c\u001b[2J' } });
  const step = span({
    traceId: run.traceId,
    parentSpanId: run.spanId,
    name: 'chat gpt-5',
    attributes: { 'runtrace.step.number': 1, 'runtrace.status': 'completed', 'runtrace.step.attempt_codes': '429 200' },
  });
  await postJson(origin, JSON.stringify(request(step)));
  await postJson(origin, JSON.stringify(request(run)));
  await until(() => out().includes('attempts 429 200'));
  assert.match(out(), /^✔ chat_turn {2}invoke_workflow chat_turn {2}completed/);
  assert.match(out(), /└─ ✔ 1 chat gpt-5/);
  // No Jaeger has the run.
  assert.doesNotMatch(out(), /\/trace\//);
  assert.ok(!out().includes('\u001b'));
});

test('tail says of a run without an end that it has none', async (t) => {
  const { origin, out } = await startTail(t);
  await postJson(origin, JSON.stringify(request(runSpan({ end: 0 }))));
  await until(() => / completed {2}no end\n/.test(out()));
});

test('tail --json prints a row a line whenever a run came or changed, and ends with 0', async (t) => {
  const { child, origin, out } = await startTail(t, ['--json']);
  const run = runSpan();
  await postJson(origin, JSON.stringify(request(run)));
  await until(() => out().endsWith('\n'));
  assert.equal(JSON.parse(out()).traceId, run.traceId);
  child.kill('SIGINT');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('tail prints a run that leaves memory before it has ended', async (t) => {
  const { origin, out } = await startTail(t, ['--memory', '200']);
  const stepOf = (text: string) =>
    span({ traceId: runSpan().traceId, name: 'chat gpt-5', attributes: { 'runtrace.step.number': 1, text } });
  // Without the span of their run they are in progress. The memory for runs is 24 MB.
  for (let i = 0; i < 150; i++) await postJson(origin, JSON.stringify(request(stepOf('x'.repeat(250_000)))));
  await until(() => out().includes('1 chat gpt-5'));
});

test('on a terminal tail draws a run that goes on, and lets the terminal break no line of it', async (t) => {
  const { origin, out } = await startTail(t, [], ON_TERMINAL);
  const step = { name: 'chat gpt-5', attributes: { 'runtrace.step.number': 1, text: 'x' } };
  await postJson(origin, JSON.stringify(request(span(step))));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what moves the cursor is made of them
  await until(() => /\u001b\[\?7l\S*\? a run .*\u001b\[\?7h\u001b\[\d+A\u001b\[0J/s.test(out()));
});

test('on a terminal tail erases nothing that a program prints, and ends with it', async (t) => {
  const program = `console.log('before');
    await new Promise((resolve) => setTimeout(resolve, 600));
    await fetch(process.env.RUNTRACE_VIEW + '/v1/traces', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '${JSON.stringify(request(runSpan()))}',
    });
    console.log('after');
    process.exitCode = 3;`;
  const args = ['--', process.execPath, '--input-type=module', '--eval', program];
  const { child, out } = await startTail(t, args, ON_TERMINAL);
  assert.deepEqual(await once(child, 'exit'), [3, null]);
  assert.match(out(), /^before\n[\s\S]*after\n[\s\S]*chat_turn/);
  assert.ok(!out().includes('\u001b[?7l'), 'no block is drawn');
});
