import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attributes, HrTime } from '@opentelemetry/api';
import { tree } from '../../src/cli/tree.js';
import type { ReadableSpan } from '../../src/exporter/otlp/span.js';

const TRACE_ID = '5b8efff798038103d269b633813fc60c';

interface SpanFacts {
  id: number;
  parent?: number;
  name: string;
  startMillis?: number;
  durationMillis?: number;
  attributes?: Attributes;
  attempts?: Attributes[];
}

function span({
  id,
  parent,
  name,
  startMillis = id,
  durationMillis = 1000,
  attributes = {},
  attempts = [],
}: SpanFacts) {
  const idText = (number: number) => String(number).padStart(16, '0');
  const time = (millis: number): HrTime => [Math.floor(millis / 1000), (millis % 1000) * 1e6];
  return {
    name,
    attributes,
    spanContext: () => ({ traceId: TRACE_ID, spanId: idText(id), traceFlags: 1 }),
    ...(parent && { parentSpanContext: { traceId: TRACE_ID, spanId: idText(parent), traceFlags: 1 } }),
    startTime: time(startMillis),
    endTime: time(startMillis + durationMillis),
    duration: time(durationMillis),
    status: { code: attributes['runtrace.status'] === 'error' ? 2 : 0 },
    events: attempts.map((of) => ({
      name: 'runtrace.attempt',
      time: time(startMillis),
      attributes: Object.fromEntries(
        Object.entries(of).map(([key, value]) => [key.includes('.') ? key : `runtrace.attempt.${key}`, value]),
      ),
    })),
  } as unknown as ReadableSpan;
}

const run = (id: number, kind: string, more: Attributes = {}): SpanFacts => ({
  id,
  name: 'invoke_agent support',
  attributes: { 'runtrace.run.id': `id-${id}`, 'runtrace.run.kind': kind, 'runtrace.status': 'completed', ...more },
});
const step = (id: number, parent: number, number: number, more: Attributes = {}): SpanFacts => ({
  id,
  parent,
  name: 'chat gpt-5',
  attributes: { 'runtrace.step.number': number, 'runtrace.status': 'completed', ...more },
});

test('a run is a tree of its steps with each attempt, its tools and its inner runs', () => {
  const facts: SpanFacts[] = [
    { ...step(6, 5, 1, { 'runtrace.status': 'error', 'error.type': '500' }), durationMillis: 61_000 },
    {
      ...run(1, 'chat_turn', {
        'gen_ai.conversation.id': 'c-1',
        'runtrace.run.input_tokens': 42,
        'runtrace.run.output_tokens': 17,
      }),
      durationMillis: 1610,
    },
    {
      ...step(2, 1, 1, { 'gen_ai.usage.input_tokens': 42, 'gen_ai.usage.output_tokens': 17 }),
      attempts: [
        {
          number: 1,
          status: 'failed',
          'http.response.status_code': 429,
          duration_ms: 12.4,
          'error.type': 'rate_limit_error',
        },
        {
          number: 2,
          status: 'failed',
          duration_ms: 3,
          wait_ms: 501,
          'error.type': 'ECONNRESET',
          'exception.message': 'reset',
        },
        {
          number: 3,
          status: 'completed',
          'http.response.status_code': 200,
          duration_ms: 1090,
          wait_ms: 1001,
          time_to_first_chunk_ms: 80,
        },
      ],
    },
    { id: 3, parent: 2, name: 'POST', durationMillis: 12 },
    { id: 4, parent: 1, name: 'execute_tool weather', durationMillis: 120 },
    { ...run(5, 'title', { 'runtrace.status': 'interrupted' }), parent: 1 },
  ];
  assert.equal(
    tree(facts.map(span)),
    [
      '✔ chat_turn  invoke_agent support  completed  1.61 s  42 in, 17 out',
      '│  run id-1  conversation c-1',
      `│  http://localhost:16686/trace/${TRACE_ID}`,
      '├─ ✔ 1 chat gpt-5  completed  1.00 s  42 in, 17 out',
      '│  │  #1  429      12 ms                                    rate_limit_error',
      '│  │  #2  failed    3 ms  waited 501 ms                     ECONNRESET: reset',
      '│  │  #3  200     1.09 s  waited 1.00 s  first chunk 80 ms',
      '│  └─ · POST  12 ms',
      '├─ · execute_tool weather  120 ms',
      '└─ ■ title  invoke_agent support  interrupted  1.00 s',
      '   │  run id-5',
      '   └─ ✖ 1 chat gpt-5  error  1 min 1 s  500',
      '',
    ].join('\n'),
  );
});

test('runs come in the order in which they began, with an empty line between them', () => {
  const text = tree([span({ ...run(2, 'second'), startMillis: 20 }), span({ ...run(1, 'first'), startMillis: 10 })]);
  assert.deepEqual(text.match(/first|second|\n\n/g), ['first', '\n\n', 'second']);
});

test('a run under a span of other code is shown, the span is not; spans without a run are left out', () => {
  const text = tree([
    span({ id: 1, name: 'GET /chat' }),
    span({ ...run(2, 'chat_turn'), parent: 1 }),
    span({ id: 3, name: 'unrelated' }),
  ]);
  assert.match(text, /chat_turn/);
  assert.doesNotMatch(text, /GET|unrelated/);
  assert.equal(tree([span({ id: 3, name: 'unrelated' })]), '');
});

test('a model span of another instrumentation shows its model and its usage', () => {
  const usage = { 'gen_ai.usage.input_tokens': 13, 'gen_ai.usage.output_tokens': 5 };
  const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'claude-opus-5', ...usage };
  const theirs = (id: number, name: string): SpanFacts => ({ id, parent: 1, name, attributes });
  const attempts = [{ number: 1, status: 'completed', duration_ms: 8, 'http.response.status_code': 200 }];
  const spans = [run(1, 'r'), { ...theirs(2, 'anthropic.messages.create'), attempts }, theirs(3, 'chat claude-opus-5')];
  const [, , , ...lines] = tree(spans.map(span)).split('\n');
  assert.deepEqual(lines, [
    '├─ · anthropic.messages.create  claude-opus-5  1.00 s  13 in, 5 out',
    '│     #1  200  8 ms',
    '└─ · chat claude-opus-5  1.00 s  13 in, 5 out',
    '',
  ]);
});

test('steps of a run that is not there are shown together', () => {
  const text = tree([span(step(2, 1, 1)), span(step(3, 1, 2))]);
  assert.match(text, /^\? a run whose own span is missing.*\n.*\n├─ ✔ 1 chat gpt-5.*\n.*└─ ✔ 2 chat gpt-5.*\n$/);
});

test('a span that was delivered twice is shown once', () => {
  assert.equal(tree([span(run(1, 'chat_turn')), span(run(1, 'chat_turn'))]), tree([span(run(1, 'chat_turn'))]));
});

test('the number of attempts that were dropped is shown', () => {
  const text = tree([span(run(1, 'chat_turn')), span(step(2, 1, 1, { 'runtrace.step.dropped_attempt_count': 144 }))]);
  assert.match(text, /144 more attempts/);
});

test('no line is wider than it may be', () => {
  const long = 'x'.repeat(300);
  const text = tree([span(run(1, long)), span({ ...step(2, 1, 1), attempts: [{ number: 1, 'error.type': long }] })], {
    width: 60,
    colors: true,
    jaegerUrl: null,
  });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are made of them
  for (const line of text.replace(/\u001b\[\d+m/g, '').split('\n')) assert.ok(line.length <= 60, line);
});

test('where nothing but blanks is cut, there is no sign of a cut', () => {
  const attempts = [
    { number: 1, duration_ms: 5 },
    { number: 2, duration_ms: 5, wait_ms: 1000, time_to_first_chunk_ms: 5 },
  ];
  const text = tree([span({ ...step(1, 0, 1), attempts })], { width: 40, jaegerUrl: null });
  assert.match(text, / #1 {2}5 ms\n.* #2 {2}5 ms {2}waited 1.00 s {2}first ch…\n/);
});

test('ids and links are whole, however narrow the terminal is; without a width nothing is cut', () => {
  const long = 'x'.repeat(300);
  const facts = [span(run(1, long, { 'runtrace.run.id': long, 'gen_ai.conversation.id': `c-${long}` }))];
  const [heading, ...rest] = tree(facts, { width: 40 }).trimEnd().split('\n');
  assert.equal(heading?.length, 40);
  const ids = [`   run ${long}  conversation c-${long}`, `   http://localhost:16686/trace/${TRACE_ID}`];
  assert.deepEqual(rest, ids);
  assert.deepEqual(tree(facts).trimEnd().split('\n'), [`✔ ${long}  invoke_agent support  completed  1.00 s`, ...ids]);
});

test('wide characters count as the two columns that a terminal draws, and none is cut in two', () => {
  for (const [name, columns] of [
    ['日本語の長い名前', 2],
    ['한국어', 2],
    ['😀', 2],
    ['e\u0301', 0.5],
  ] as const) {
    for (const width of [40, 41]) {
      const [line = ''] = tree([span(run(1, name.repeat(50)))], { width }).split('\n');
      assert.doesNotMatch(line, /\p{Cs}/u);
      // The mark, a blank and the sign of the cut are one column each.
      assert.ok([...line].length - 3 <= (width - 3) / columns, line);
      assert.ok([...line].length - 3 >= (width - 3) / columns - 2, line);
    }
  }
});

test('the levels of a deep tree leave room for text at a narrow terminal', () => {
  const chain = Array.from({ length: 20 }, (_, id) => span({ ...run(id + 1, `level-${id}`), parent: id }));
  for (const line of tree(chain, { width: 40, jaegerUrl: null }).trimEnd().split('\n')) {
    assert.ok(line.length <= 40, line);
    assert.match(line, /level-|run/);
  }
});

test('a span without an end says so, and one that ends before its start takes no time', () => {
  const [never, early] = [span(run(1, 'never')), span(run(2, 'early'))];
  Object.assign(never as object, { endTime: [0, 0], duration: [-1_700_000_000, 0] });
  Object.assign(early as object, { duration: [-2, 0] });
  const text = tree([never as ReadableSpan, early as ReadableSpan]);
  assert.match(text, /never .* completed {2}no end\n/);
  assert.match(text, /early .* completed {2}0 ms\n/);
});

test('of an attempt too: what a clock that was set makes negative takes no time', () => {
  const attempts = [{ number: 1, duration_ms: -3, wait_ms: -5, time_to_first_chunk_ms: Number.NaN }];
  assert.match(tree([span({ ...step(1, 0, 1), attempts })]), / #1 {2}0 ms {2}waited 0 ms\n/);
});

test('a duration is rounded before its units are chosen', () => {
  const text = tree(
    [59_994, 59_996, 119_999].map((durationMillis, id) => span({ ...run(id + 1, 'x'), durationMillis })),
  );
  assert.deepEqual(text.match(/(?<=completed {2}).*/g), ['59.99 s', '1 min 0 s', '2 min 0 s']);
});

test('nothing that stands in a span can control the terminal', () => {
  const text = tree([span(run(1, '\u001b[2J\nforged\r\u0007\u202e'))]);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be there
  assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u202e]/);
  assert.equal(text.trimEnd().split('\n').length, 3);
});

test('there are colours only where they are asked for', () => {
  assert.ok(tree([span(run(1, 'chat_turn'))], { colors: true }).includes('\u001b['));
  assert.ok(!tree([span(run(1, 'chat_turn'))]).includes('\u001b['));
});

test('the link leads to the Jaeger that was given', () => {
  assert.match(
    tree([span(run(1, 'x'))], { jaegerUrl: 'https://jaeger.example/' }),
    RegExp(`https://jaeger.example/trace/${TRACE_ID}\n`),
  );
});

test('spans that are each other’s parents do no harm', () => {
  const circle = [
    span({ ...run(1, 'a'), parent: 2 }),
    span({ ...run(2, 'b'), parent: 1 }),
    span({ ...run(3, 'c'), parent: 3 }),
  ];
  assert.deepEqual(
    tree(circle)
      .match(/(?<=✔ )\w/g)
      ?.sort(),
    ['a', 'b', 'c'],
  );
});
