import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { test } from 'node:test';
import { encodeRequest } from '../../src/exporter/otlp/json.js';
import { endedSpans } from '../support/spans.js';
import { fileWith, runtrace, runtraceIn } from './runtrace.js';

const ofRun = (kind: string) =>
  encodeRequest(
    endedSpans(1, {
      attributes: () => ({ 'runtrace.run.id': 'id', 'runtrace.run.kind': kind, 'runtrace.status': 'completed' }),
    }),
  );

test('show prints the runs of every file', async (t) => {
  const first = fileWith(t, `${ofRun('chat_turn')}\n${ofRun('title')}\n`);
  const second = fileWith(t, JSON.stringify(JSON.parse(ofRun('compaction')), null, 2));
  const { code, out, err } = await runtrace('show', first, second, '--jaeger', 'http://jaeger:1');
  assert.deepEqual(out.match(/(?<=✔ )\w+/g), ['chat_turn', 'title', 'compaction']);
  assert.match(out, /http:\/\/jaeger:1\/trace\/[0-9a-f]{32}\n/);
  assert.deepEqual([code, err], [0, '']);
});

test('what goes to another program is not cut, unless COLUMNS says how wide it may be', async (t) => {
  const kind = 'x'.repeat(300);
  const file = fileWith(t, `${ofRun(kind)}\n`);
  const { COLUMNS: _, ...env } = process.env;
  const lines = async (more: NodeJS.ProcessEnv) =>
    (await runtraceIn({ env: { ...env, ...more } }, 'show', file)).out.split('\n');
  assert.match((await lines({}))[0] ?? '', RegExp(`^✔ ${kind}  `));
  const narrow = await lines({ COLUMNS: '50' });
  assert.equal(narrow[0]?.length, 50);
  assert.match(narrow[2] ?? '', /\/trace\/[0-9a-f]{32}$/);
  for (const COLUMNS of ['', '0', '-1', 'wide']) assert.deepEqual(await lines({ COLUMNS }), await lines({}), COLUMNS);
});

test('a torn line is reported with its number, the others are shown, and it ends with 1', async (t) => {
  const file = fileWith(t, `${ofRun('chat_turn')}\n`);
  appendFileSync(file, '{"resourceSpa');
  const { code, out, err } = await runtrace('show', file);
  assert.match(out, /chat_turn/);
  assert.match(err, /traces\.jsonl:2: /);
  assert.equal(code, 1);
});

test('a file that is not there is an error, wrong use prints the usage', async () => {
  const missing = await runtrace('show', '/nowhere.jsonl');
  assert.match(missing.err, /no such file/);
  assert.equal(missing.code, 1);
  for (const [args, says] of [
    [[], /^Usage: runtrace/],
    [['show'], /^runtrace: show needs a file\nUsage: runtrace/],
    [['dance'], /^runtrace: there is no command 'dance'\nUsage: runtrace/],
    [['constructor'], /^runtrace: there is no command 'constructor'\n/],
    [['show', '--colour', 'x'], /--colour.*\nUsage: runtrace/],
    [['show', '--json', 'x'], /^runtrace: show has no option --json\nUsage: runtrace/],
    [['doctor', 'x'], /^runtrace: doctor takes no file\nUsage: runtrace/],
  ] as const) {
    const { code, err } = await runtrace(...args);
    assert.match(err, says, args.join(' '));
    assert.equal(code, 2);
  }
  assert.equal((await runtrace('--help')).code, 0);
});

const HOSTILE = '\u001b[2J\u0007\u202e\u200b\u2066\u{e0041}';
// biome-ignore lint/suspicious/noControlCharactersInRegex: none of these characters may reach the terminal
const UNPRINTABLE = /[\u0000-\u0009\u000b-\u001f\u200b\u202e\u2066]|[\u{e0000}-\u{e007f}]/u;

test('neither a torn line, a file name nor a span can control the terminal', async (t) => {
  const torn = fileWith(t, `${ofRun(`chat${HOSTILE}`)}\n{"${HOSTILE}": ${HOSTILE}\n`);
  for (const args of [
    ['show', torn],
    ['show', `/nowhere${HOSTILE}.jsonl`],

    [`--${HOSTILE}`],
    ['replay', torn, '--header', HOSTILE],
  ]) {
    const { out, err } = await runtrace(...args);
    assert.notEqual(out + err, '');
    assert.doesNotMatch(out + err, UNPRINTABLE, args.join(' '));
  }
});

test('a chain of 20 000 spans is shown in full', async (t) => {
  const spans = endedSpans(20_000, {
    attributes: (index) => ({
      'runtrace.run.id': 'id',
      ...(index === 0 && { 'runtrace.run.kind': 'deep' }),
      link: index,
    }),
  });
  spans.forEach((span, index) => {
    const parentSpanContext = spans[index - 1]?.spanContext();
    Object.assign(span, { parentSpanContext, startTime: [1_700_000_000, index] });
  });
  const { code, out } = await runtrace('show', fileWith(t, `${encodeRequest(spans)}\n`));
  assert.equal(code, 0);
  // The run has two more lines: its id and the link.
  assert.equal(out.trimEnd().split('\n').length, 20_002);
});

test('where a backend dropped the events of attempts, the codes are shown, as a text and as the list of version 0.1', async (t) => {
  for (const codes of ['429 200', ['429', '200']]) {
    const file = fileWith(
      t,
      `${encodeRequest(endedSpans(1, { attributes: () => ({ 'runtrace.run.id': 'id', 'runtrace.step.number': 1, 'runtrace.step.attempt_codes': codes }) }))}\n`,
    );
    assert.match((await runtrace('show', file)).out, /attempts 429 200/);
  }
});
