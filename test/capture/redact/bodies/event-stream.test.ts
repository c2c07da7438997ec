import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createRedactor } from '../../../../src/capture/redact/redactor.js';

const redactor = createRedactor();
const SECRET = 'zQ9'.repeat(12);

function keep(
  text: string,
  contentType = 'text/event-stream',
  totalBytes = Buffer.byteLength(text),
): string | undefined {
  return redactor.body(text, contentType, 1_000_000, totalBytes)?.text;
}

function events(...data: unknown[]): string {
  return data.map((datum) => `data: ${typeof datum === 'string' ? datum : JSON.stringify(datum)}\n\n`).join('');
}

test('events without secrets stay as they are', () => {
  const text = `: ping\n\nid: 1\nevent: delta\nretry: 5\n${events({ usage: { output_tokens: 5 }, n: 1.0 })}data\n\ndata:{"a":1}\n\n${events('[DONE]')}`;
  assert.equal(keep(text), text);
});

test('the data of each event is read as JSON', () => {
  assert.equal(
    keep(events({ api_key: 'a', n: 1 }, { b: { token: 'c' } })),
    events({ api_key: 'REDACTED', n: 1 }, { b: { token: 'REDACTED' } }),
  );
});

test('data of several lines is one JSON, and line ends of any kind are line ends', () => {
  assert.equal(
    keep('event: a\r\ndata: {"api_key":\r\ndata: "abc"}\r\n\r\ndata: x\r\r'),
    'event: a\ndata: {"api_key": "REDACTED"}\n\ndata: x\n\n',
  );
});

test('data that begins as JSON and is none is replaced, and the rest stays', () => {
  assert.equal(keep(events('{"password":"abc', { a: 1 })), events('REDACTED', { a: 1 }));
});

test('data that is text is read as text, over all its lines and events', () => {
  assert.equal(
    keep('data: a\ndata: -----BEGIN PRIVATE KEY-----\ndata: MIIE\ndata: -----END PRIVATE KEY-----\ndata: b\n\n'),
    'data: a\ndata: REDACTED\ndata: b\n\n',
  );
  assert.equal(keep(`data: sk-zQ9zQ9\n\ndata: ${SECRET} ok\n\n`), 'data: REDACTED\n\ndata:  ok\n\n');
});

test('comments and other fields are read as text', () => {
  assert.equal(keep(`: token=abc\nid: sk-${SECRET}\n\n`), ': token=REDACTED\nid: REDACTED\n\n');
});

test('what is no stream of events is not kept', () => {
  for (const text of ['<html>', 'hello', 'data: x\noops\n\n', '']) assert.equal(keep(text), undefined);
});

test('JSON that says it is a stream of events is read as JSON', () => {
  assert.equal(keep('{"error":{"api_key":"abc"}}'), '{"error":{"api_key":"REDACTED"}}');
});

test('the last event may have no empty line after it', () => {
  assert.equal(keep('data: {"a":1}'), 'data: {"a":1}');
  assert.equal(keep('data: {"a":1}\n'), 'data: {"a":1}\n');
});

test('an event that breaks off is closed', () => {
  assert.equal(keep('data: {"a":1}\n\ndata: {"b":"one tw'), 'data: {"a":1}\n\ndata: {"b":"one "}');
});

describe('a secret that a stream spells bit by bit goes from every bit', () => {
  const chat = (content: string, index = 0) => ({ id: 'c', choices: [{ index, delta: { content } }] });
  const arrival = (type: string, index: number, delta: object) => ({ type, index, delta });
  const responses = (type: string, output_index: number, delta: string) => ({
    type: `response.${type}.delta`,
    output_index,
    delta,
  });

  const STREAMS: readonly [what: string, data: unknown[], kept: unknown[]][] = [
    [
      'Chat Completions',
      [chat('It is sk-z'), chat('Q9zQ9zQ9'), chat('zQ9zQ9, '), chat('ok')],
      [chat('It is REDACTED'), chat(''), chat(', '), chat('ok')],
    ],
    [
      'a name in one bit, its value in others',
      [chat('The pass'), chat('word: hun'), chat('ter2 is'), chat(' it')],
      [chat('The pass'), chat('word: REDACTED'), chat(' is'), chat(' it')],
    ],
    [
      'two answers at once',
      [chat('sk-zQ9zQ9', 0), chat('one', 1), chat('zQ9zQ9zQ9', 0), chat(' two', 1)],
      [chat('REDACTED', 0), chat('one', 1), chat('', 0), chat(' two', 1)],
    ],
    [
      'Anthropic Messages',
      [
        arrival('content_block_delta', 1, { type: 'input_json_delta', partial_json: '{"pass' }),
        arrival('content_block_delta', 1, { type: 'input_json_delta', partial_json: 'word":"hu' }),
        arrival('content_block_delta', 1, { type: 'input_json_delta', partial_json: 'nter2","n":1}' }),
      ],
      [
        arrival('content_block_delta', 1, { type: 'input_json_delta', partial_json: '{"pass' }),
        arrival('content_block_delta', 1, { type: 'input_json_delta', partial_json: 'word":"REDACTED"' }),
        arrival('content_block_delta', 1, { type: 'input_json_delta', partial_json: ',"n":1}' }),
      ],
    ],
    [
      'Responses',
      [
        responses('output_text', 0, 'sk-zQ9zQ9'),
        responses('function_call_arguments', 1, '{"a":'),
        responses('output_text', 0, 'zQ9zQ9z'),
        responses('function_call_arguments', 1, '1}'),
      ],
      [
        responses('output_text', 0, 'REDACTED'),
        responses('function_call_arguments', 1, '{"a":'),
        responses('output_text', 0, ''),
        responses('function_call_arguments', 1, '1}'),
      ],
    ],
  ];
  for (const [what, data, kept] of STREAMS) {
    test(what, () => {
      assert.equal(keep(events(...data)), events(...kept));
    });
  }

  test('Gemini, as a list', () => {
    const part = (text: string) => ({ candidates: [{ content: { parts: [{ text }] }, index: 0 }] });
    const kept = keep(JSON.stringify([part('AIzaSyzQ9z'), part('Q9zQ9zQ9zQ9zQ9zQ9')]), 'application/json');
    assert.equal(kept, JSON.stringify([part('REDACTED'), part('')]));
  });

  test('Ollama, as lines', () => {
    const line = (content: string) => JSON.stringify({ message: { role: 'assistant', content }, done: false });
    const kept = keep(`${line('sk-zQ9zQ9z')}\n${line('Q9zQ9zQ9')}\n`, 'application/x-ndjson');
    assert.equal(kept, `${line('REDACTED')}\n${line('')}\n`);
  });

  test('cut off before what tells texts apart, an event belongs to the only one there is, or is emptied', () => {
    const part = (text: string, index: number) => ({ candidates: [{ content: { parts: [{ text }] }, index }] });
    const cut = 'data: {"candidates":[{"content":{"parts":[{"text":"zQ9zQ9 ok';
    const kept = 'data: {"candidates":[{"content":{"parts":[{"text":""}]}}]}';
    const one = events(part('sk-zQ9zQ9zQ9', 0));
    assert.equal(
      keep(one + cut, 'text/event-stream', 1000),
      `${events(part('REDACTED', 0))}${kept.replace('""', '" "')}`,
    );
    const two = events(part('a ', 0), part('b ', 1));
    assert.equal(keep(two + cut, 'text/event-stream', 1000), two + kept);
  });

  test('cut anywhere, no bit holds a part of it', () => {
    const text = events(...[...`It is sk-${SECRET}.`].map((character) => chat(character)));
    for (let length = 1; length < text.length; length += 7) {
      const kept = keep(text.slice(0, length), 'text/event-stream', text.length) ?? '';
      const spelt = [...kept.matchAll(/"content":"(.*?)"/g)].map((match) => match[1]).join('');
      assert.doesNotMatch(spelt, /zQ9z/);
    }
  });
});

test('an event that repeats an earlier one with another text is redacted as if it was read alone', () => {
  const words = fc.constantFrom(
    'a',
    ' word',
    ' the',
    "'pos':",
    '',
    '"',
    '\\',
    '\n',
    'é',
    '-----BEGIN PRIVATE KEY-----',
    '--token',
  );
  const parts = fc.constantFrom('sk-', 'zQ9zQ9', SECRET, 'password', '=', 'Tr0ub4dor&3x', 'https://u:', 'pw@host/');
  const text = fc.oneof({ weight: 2, arbitrary: words }, parts);
  const other = fc.constantFrom(undefined, undefined, undefined, SECRET, 'abc', ['--password', 'x'], { api_key: 'k' });
  const shape = fc.constantFrom<(text: string, other: unknown, n: number) => object>(
    (content, more) => ({ id: 'c', choices: [{ index: 0, delta: { content }, more }], usage: null }),
    (content, more, n) => ({ id: 'c', choices: [{ index: 0, delta: { content }, more }], obfuscation: `x${n}` }),
    (content, more, n) => ({ choices: [{ delta: { content }, more }], obfuscation: n % 2 ? SECRET : '\\' }),
    (text, more) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text }, more }),
    (delta, more, n) => ({ type: 'response.output_text.delta', sequence_number: n, item_id: 'm', delta, more }),
    (text, token) => ({ text, token }),
    (content, value) => ({ messages: [content, content], name: 'authorization', value, content }),
    (content, token) => ({ content: [content], tokens: [{ token, logprob: 1 }] }),
  );
  const stream = fc
    .array(fc.tuple(shape, other, fc.array(text, { minLength: 1, maxLength: 5 })), { maxLength: 4 })
    .map((runs) => runs.flatMap(([shape, other, texts]) => texts.map((text, n) => shape(text, other, n))));
  fc.assert(
    fc.property(stream, fc.nat(40), (list, cut) => {
      const unlike = list.map((event, of_test) => ({ ...event, of_test }));
      const redacted = (text: string) => keep(text.slice(0, -cut || undefined), undefined, text.length);
      assert.equal(
        redacted(events(...list, { end: 'word '.repeat(12) })),
        redacted(events(...unlike, { end: 'word '.repeat(12) }))?.replace(/,"of_test":\d+/g, ''),
      );
    }),
    { numRuns: 3000 },
  );
});

test('padding under a name that the application lists is redacted, also behind an event that has none', () => {
  const redactor = createRedactor({ names: ['obfuscation'] });
  const padded = (...paddings: string[]) => events(...paddings.map((obfuscation) => ({ delta: 'a', obfuscation })));
  const text = padded('', 'hunter2', '');
  const kept = redactor.body(text, 'text/event-stream', 1_000_000, text.length)?.text;
  assert.equal(kept, padded('', 'REDACTED', ''));
});

describe('JSON lines', () => {
  test('each is read as JSON', () => {
    assert.equal(keep('{"a":1}\n\n{"token":"b"}', 'application/jsonl'), '{"a":1}\n{"token":"REDACTED"}');
  });

  test('one that is no JSON takes all with it', () => {
    assert.equal(keep('{"a":1}\n{"token":"b"\n', 'application/x-ndjson'), undefined);
  });

  test('the last one may be cut off', () => {
    assert.equal(keep('{"a":1}\n{"token":"b', 'application/x-ndjson', 1000), '{"a":1}\n{"token":"REDACTED"}');
  });

  test('records of their own are not bits of one text', () => {
    const text = '{"text":"the password:"}\n{"text":"is long"}';
    assert.equal(keep(text, 'application/jsonl'), text);
  });
});
