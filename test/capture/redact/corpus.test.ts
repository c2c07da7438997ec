import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createRedactor } from '../../../src/capture/redact/redactor.js';
import { keep } from '../../harness/fuzz/fuzz.js';
import { leaksOf } from '../../harness/secrets/caught.js';
import { harmlessTexts } from '../../harness/secrets/harmless.js';
import { NAMED_RULES, SHAPED_RULES } from '../../harness/secrets/rules.js';

const redactor = createRedactor();

describe('a secret of each rule is replaced in every place', () => {
  const rules = [...SHAPED_RULES, ...NAMED_RULES];
  test(`in ${rules.length} rules, but for three of 118`, () => {
    const leaking = rules.filter((rule) => leaksOf(rule, 7).length > 0).map(({ name }) => name);
    assert.ok(leaking.length <= (rules.length * 3) / 118, leaking.join(', '));
  });
});

test('15 of 564 harmless texts may change, and no more', () => {
  const texts = harmlessTexts();
  const changed = texts.flatMap(({ input }) => {
    if (input.place !== 'text' && input.place !== 'body') return [];
    return keep(redactor, input) === input.text ? [] : [input.text];
  });
  assert.ok(texts.length >= 564);
  assert.ok(changed.length <= (texts.length * 15) / 564, changed.join('\n'));
});
