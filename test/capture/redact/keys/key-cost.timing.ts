/** The cost of the matcher does not grow with the table of key formats. Run by `npm run test:timing`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Edit } from '../../../../src/capture/redact/edits.js';
import { findKeys } from '../../../../src/capture/redact/keys/find-keys.js';
import type { FormatRow } from '../../../../src/capture/redact/keys/key-format.js';
import { compileKeyMatcher } from '../../../../src/capture/redact/keys/key-matcher.js';
import { KEY_FORMATS } from '../../../../src/capture/redact/keys/key-table.js';
import { Random } from '../../../harness/fuzz/random.js';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** The best of some rounds, in milliseconds: other programs disturb single rounds. */
function best(run: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 7; round++) {
    const start = performance.now();
    for (let count = 0; count < 20; count++) run();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

test('twice as many formats cost about the same', () => {
  const random = new Random(3);
  const more = KEY_FORMATS.map(
    (row): FormatRow => [row[0], `${random.text(BASE62, 4)}_`, row[2], row[3], row[4], row[5]],
  );
  const [once, twice] = [compileKeyMatcher(KEY_FORMATS), compileKeyMatcher([...KEY_FORMATS, ...more])];
  const words = Array.from({ length: 4000 }, () => `${random.text(BASE62, 4)}_${random.text('abcdefghij_', 16)}`);
  const text = words.join(' ');
  const cost = (matcher: typeof once) => () => {
    const edits: Edit[] = [];
    findKeys(text, edits, matcher);
  };
  for (const matcher of [once, twice]) best(cost(matcher));
  const [onceTime, twiceTime] = [best(cost(once)), best(cost(twice))];
  assert.ok(twiceTime <= 1.6 * onceTime, `${twiceTime} ms for ${onceTime} ms`);
});
