import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { JsonElements } from '../../../src/providers/stream/json-elements.js';

function elements(chunks: Iterable<string>, maxLength = 10_000): { elements: string[]; dropped: number } {
  const found: string[] = [];
  const parser = new JsonElements((json) => found.push(json), maxLength, 1);
  for (const chunk of chunks) parser.push(chunk);
  parser.end();
  return { elements: found, dropped: parser.dropped };
}

const lists = fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 5 });

describe('The elements of a JSON list', () => {
  it('come out one by one, from any chunks', () => {
    fc.assert(
      fc.property(lists, fc.constantFrom(undefined, 2), fc.integer({ min: 1, max: 9 }), (list, indent, length) => {
        const text = JSON.stringify(list, null, indent);
        const chunks = text.match(new RegExp(`[^]{1,${length}}`, 'g')) ?? [];
        const same = elements(chunks).elements.map((json) => JSON.stringify(JSON.parse(json)));
        assert.deepEqual(
          same,
          list.map((element) => JSON.stringify(element)),
        );
        assert.deepEqual(elements([text]), elements(chunks));
      }),
      { numRuns: 500 },
    );
  });

  it('come out as soon as each one is there', () => {
    const found: string[] = [];
    const parser = new JsonElements((json) => found.push(json), 100, 1);
    parser.push('[{"a":"}"}\n,\r\n{"b":');
    assert.deepEqual(found, ['{"a":"}"}']);
    parser.push('"\\"}"}');
    assert.deepEqual(found, ['{"a":"}"}', '{"b":"\\"}"}']);
  });

  it('are dropped and counted where they are too long', () => {
    const text = `[{"a":1},{"b":"${'x'.repeat(50)}"},{"c":3}]`;
    const expected = { elements: ['{"a":1}', '{"c":3}'], dropped: 1 };
    assert.deepEqual(elements([text], 20), expected);
    assert.deepEqual(elements(text, 20), expected);
  });

  it('throw nothing where the text is no list', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('{', '}', '[', ']', '"', '\\', 'a', ',')), (pieces) => {
        assert.deepEqual(elements(pieces), elements([pieces.join('')]));
      }),
    );
  });
});
