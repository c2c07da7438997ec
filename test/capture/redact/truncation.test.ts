import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createRedactor } from '../../../src/capture/redact/redactor.js';

const redactor = createRedactor();

function bytesOf(text: string): number {
  return Buffer.byteLength(text);
}

test('a body that fits is kept as it is, to the last byte', () => {
  const text = '{"a":"größer 😀"}';
  assert.deepEqual(redactor.body(text, 'application/json', bytesOf(text), bytesOf(text)), { text, truncatedBytes: 0 });
});

test('JSON is cut to valid JSON, in its middle and in its strings, and says by how much', () => {
  const text = '{"a":[1,2],"b":{"c":"hello world"}}';
  assert.deepEqual(redactor.body(text, 'application/json', 30, bytesOf(text)), {
    text: '{"a":[1,2],"b":{"c":"hello "}}',
    truncatedBytes: bytesOf('world"}}'),
  });
});

test('text is cut between characters', () => {
  assert.deepEqual(redactor.body('größer 😀!', 'text/plain', 10, bytesOf('größer 😀!')), {
    text: 'größer ',
    truncatedBytes: 5,
  });
});

test('what did not arrive counts as cut', () => {
  assert.deepEqual(redactor.body('one two', 'text/plain', 100, 1000), { text: 'one ', truncatedBytes: 993 });
});

test('events are cut between events, and the last one is closed', () => {
  const text = 'data: {"a":1}\n\ndata: {"a":"hello world"}\n\n';
  assert.deepEqual(redactor.body(text, 'text/event-stream', 38, bytesOf(text)), {
    text: 'data: {"a":1}\n\ndata: {"a":"hello w"}\n\n',
    truncatedBytes: bytesOf('orld"}\n\n'),
  });
});

test('a secret is replaced before anything is cut, never cut first', () => {
  const text = JSON.stringify({ a: `x sk-${'aB3'.repeat(20)} y` });
  for (let maxBytes = 0; maxBytes < 80; maxBytes++) {
    assert.doesNotMatch(redactor.body(text, 'application/json', maxBytes, bytesOf(text))?.text ?? '', /aB3/);
  }
});

test('any JSON in any number of bytes is valid JSON, and never longer', () => {
  const property = fc.property(
    fc.jsonValue({ maxDepth: 6, noUnicodeString: false }),
    fc.nat(200),
    (value, maxBytes) => {
      const { text, truncatedBytes } = redactor.jsonText(value, maxBytes);
      const size = bytesOf(JSON.stringify(value));
      assert.ok(bytesOf(text) <= maxBytes);
      assert.ok(truncatedBytes <= size);
      assert.equal(truncatedBytes > 0, size > maxBytes);
      if (text !== '') JSON.parse(text);
    },
  );
  fc.assert(property, { numRuns: 500 });
});

test('any text in any number of bytes is well formed, and a beginning of it', () => {
  const property = fc.property(fc.string({ unit: 'binary' }), fc.nat(40), (value, maxBytes) => {
    const source = `é😀 ${value.replaceAll('\0', '')}`;
    const kept = redactor.body(source, 'text/plain', maxBytes, bytesOf(source));
    assert.ok(kept);
    assert.ok(bytesOf(kept.text) <= maxBytes);
    assert.equal(Buffer.from(kept.text).toString(), kept.text);
    assert.equal(bytesOf(kept.text) + kept.truncatedBytes, bytesOf(source));
  });
  fc.assert(property, { numRuns: 300 });
});

test('half of a surrogate pair is replaced, as in UTF-8', () => {
  assert.equal(redactor.body('a\ud83d b', 'text/plain', 100, 6)?.text, 'a\ufffd b');
  JSON.parse(redactor.jsonText({ a: '\ud83d' }, 100).text);
});
