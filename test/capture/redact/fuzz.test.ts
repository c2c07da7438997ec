import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRedactor } from '../../../src/capture/redact/redactor.js';
import { checkHarmless, checkSecret } from '../../harness/fuzz/checks.js';
import { findLeak } from '../../harness/fuzz/fuzz.js';

const CASES = 500;
const FIRST_SEED = Date.now() % 1_000_000_000;
const redactor = createRedactor();

test(`no secret is kept, in ${CASES} cases from seed ${FIRST_SEED} on`, () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + CASES; seed++) {
    assert.equal(checkSecret(redactor, seed), undefined, `seed ${seed}`);
  }
});

test(`nothing harmless is lost, in ${CASES} cases from seed ${FIRST_SEED} on`, () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + CASES; seed++) {
    assert.equal(checkHarmless(redactor, seed), undefined, `seed ${seed}`);
  }
});

test('a redactor that keeps everything, or nothing, would be found out', () => {
  const identity = {
    ...redactor,
    text: (text: string) => text,
    header: (_name: string, value: string) => value,
    body: (text: string) => ({ text, truncatedBytes: 0 }),
  };
  const nothing = { ...redactor, text: () => '', header: () => '', body: () => undefined };
  const seeds = Array.from({ length: 200 }, (_, index) => index);
  assert.ok(seeds.some((seed) => checkSecret(identity, seed) !== undefined));
  assert.ok(seeds.some((seed) => checkHarmless(nothing, seed) !== undefined));
  assert.equal(findLeak('x%20abc%2Fdefgh', ['abc/defgh-more']), 'abc/defg');
});
