import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { withoutVectors } from '../../../src/providers/stream/vectors.js';

const padding = 'x'.repeat(1 << 16);
const numbers = (length: number) => Array.from({ length }, (_, index) => index * -1.5e-7);

/** The value with the arrays empty that are long and have nothing but numbers. */
function emptied(value: unknown): unknown {
  if (Array.isArray(value)) {
    const isVector = value.length > 0 && value.every((item) => typeof item === 'number');
    return isVector && JSON.stringify(value).length > 256 ? [] : value.map(emptied);
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, emptied(item)]));
}

describe('A body without its vectors', () => {
  it('has everything else, compact and printed', () => {
    const data = Array.from({ length: 3 }, (_, index) => ({ index, embedding: numbers(1536), more: numbers(1536) }));
    const body = { padding, data, nested: { float: [numbers(300), numbers(300)] }, usage: { total_tokens: 3 } };
    for (const json of [JSON.stringify(body), JSON.stringify(body, null, 2)]) {
      const parsed = JSON.parse(withoutVectors(json));
      assert.deepEqual(parsed.usage, { total_tokens: 3 });
      assert.deepEqual(parsed.data[2], { index: 2, embedding: [], more: [] });
      assert.deepEqual(parsed.nested, { float: [[], []] });
      assert.ok(withoutVectors(json).length < padding.length + 1000);
    }
  });

  it('is what parsing finds, whatever else is in it', () => {
    const text = fc.oneof(fc.string(), fc.constantFrom('[', ']', '[1,2', '\\"[1]', '"', '\\', '[-1, "x"]'));
    const vector = fc.integer({ min: 0, max: 400 }).map(numbers);
    const value = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        fc.oneof(text, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(null), vector),
        fc.array(tie('node'), { maxLength: 4 }),
        fc.dictionary(text, tie('node'), { maxKeys: 4 }),
      ),
    })).node;
    fc.assert(
      fc.property(value, fc.boolean(), (node, printed) => {
        const json = JSON.stringify({ padding, node }, null, printed ? 1 : 0);
        const expected = JSON.parse(json);
        const found = JSON.parse(withoutVectors(json));
        // A printed array is longer, so it may be left out where the compact one is not.
        assert.deepEqual(emptied(found), printed ? emptied(emptyBelow(expected, found)) : emptied(expected));
      }),
      { numRuns: 300 },
    );
  });

  it('is the same text if it is cut off inside of a vector', () => {
    const json = `{"padding":"${padding}","embedding":[${numbers(1000).join()}`;
    assert.equal(withoutVectors(json), json);
  });
});

/** `value` with the arrays of numbers empty that are empty in `found`. */
function emptyBelow(value: unknown, found: unknown): unknown {
  if (Array.isArray(value)) {
    if (Array.isArray(found) && found.length === 0 && value.every((item) => typeof item === 'number')) return [];
    return value.map((item, index) => emptyBelow(item, (found as unknown[])[index]));
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, emptyBelow(item, (found as Record<string, unknown>)[name])]),
  );
}
