import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createRedactor } from '../../../src/capture/redact/redactor.js';
import { keep } from '../../harness/fuzz/fuzz.js';
import { leaksOf } from '../../harness/secrets/caught.js';
import { everydayHarmless } from '../../harness/secrets/everyday-harmless.js';
import { everydaySecrets, remains } from '../../harness/secrets/everyday-secrets.js';
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

describe('a secret in each form of everyday work is replaced', () => {
  for (const seed of [1, 20_001, 777]) {
    test(`but for three of 118, with seed ${seed}`, () => {
      const secrets = everydaySecrets(seed);
      const left = secrets.filter((secret) => remains(secret, keep(redactor, secret.input)));
      assert.ok(secrets.length >= 200);
      assert.ok(left.length <= (secrets.length * 3) / 118, left.map(({ form }) => form).join('\n'));
    });
  }
});

test('15 of 564 harmless texts may change, and no more', () => {
  const texts = [...harmlessTexts(), ...everydayHarmless()];
  const changed = texts.flatMap(({ input }) => {
    if (input.place !== 'text' && input.place !== 'body') return [];
    return keep(redactor, input) === input.text ? [] : [input.text];
  });
  assert.ok(texts.length >= 564);
  assert.ok(changed.length <= (texts.length * 15) / 564, changed.join('\n'));
});
