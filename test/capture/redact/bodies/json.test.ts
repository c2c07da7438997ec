import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createRedactor } from '../../../../src/capture/redact/redactor.js';

const redactor = createRedactor();
const KEY = 'sk-abcDEF1234567890abcd';

function keep(text: string, contentType = 'application/json'): string | undefined {
  return redactor.body(text, contentType, 1_000_000, Buffer.byteLength(text))?.text;
}

function parses(json: string): boolean {
  try {
    JSON.parse(json);
    return true;
  } catch {
    return false;
  }
}

const VALUES: readonly [what: string, value: unknown, kept: unknown][] = [
  ['a secret by name', { api_key: 'abc', n: 1 }, { api_key: 'REDACTED', n: 1 }],
  ['a secret by shape', { a: [{ b: `see ${KEY}` }] }, { a: [{ b: 'see REDACTED' }] }],
  ['a number by name', { password: 1234, token: 17 }, { password: 'REDACTED', token: 17 }],
  [
    'what can be no secret',
    { password: null, secret: true, api_key: '' },
    { password: null, secret: true, api_key: '' },
  ],
  ['all that stands under a secret name', { credentials: { a: 'b', c: [1] }, n: 1 }, { credentials: 'REDACTED', n: 1 }],
  [
    'a list under a secret name',
    { api_keys: ['a', 'b'], access_tokens: ['a'] },
    { api_keys: 'REDACTED', access_tokens: ['REDACTED'] },
  ],
  ['a doubtful name with a random value', { key: '0123456789abcdef', auth: 'none' }, { key: 'REDACTED', auth: 'none' }],
  [
    'a doubtful name with words',
    { key: 'ctrl+shift+p', sort_key: 'abcdef0123456789' },
    { key: 'ctrl+shift+p', sort_key: 'abcdef0123456789' },
  ],
  ['a key of an object', { [KEY]: 1 }, { REDACTED: 1 }],
  [
    'names beside values',
    [
      { name: 'Authorization', value: 'a' },
      { name: 'Accept', value: 'b' },
    ],
    [
      { name: 'Authorization', value: 'REDACTED' },
      { name: 'Accept', value: 'b' },
    ],
  ],
  [
    'a value with a secret in it before its name',
    { value: `a ${KEY} b`, name: 'password' },
    { value: 'REDACTED', name: 'password' },
  ],
  ['values before names', { Value: 'a', Key: 'password' }, { Value: 'REDACTED', Key: 'password' }],
  [
    'a list of pairs',
    [
      ['x-api-key', 'a'],
      ['accept', 'b'],
    ],
    [
      ['x-api-key', 'REDACTED'],
      ['accept', 'b'],
    ],
  ],
  [
    'a list of headers',
    { rawHeaders: ['Accept', 'b', 'Cookie', 'a'] },
    { rawHeaders: ['Accept', 'b', 'Cookie', 'REDACTED'] },
  ],
  ['a list of names', { required: ['api_key', 'query'] }, { required: ['api_key', 'query'] }],
  ['JSON in a string', { arguments: '{"password":"a","n":1}' }, { arguments: '{"password":"REDACTED","n":1}' }],
  [
    'JSON in a string in JSON in a string',
    { a: JSON.stringify({ b: JSON.stringify({ password: 'a', n: 1 }) }) },
    { a: JSON.stringify({ b: JSON.stringify({ password: 'REDACTED', n: 1 }) }) },
  ],
  [
    'a string in a string',
    { a: JSON.stringify(JSON.stringify({ token: 'a' })) },
    { a: JSON.stringify(JSON.stringify({ token: 'REDACTED' })) },
  ],
  [
    'a schema that has a secret property',
    { properties: { password: { type: 'string', description: 'Yours', default: 'hunter2', enum: ['a'] } } },
    { properties: { password: { type: 'string', description: 'Yours', default: 'REDACTED', enum: ['REDACTED'] } } },
  ],
  [
    'tokens of text',
    { logprobs: { content: [{ token: 'Hi', top_logprobs: [{ token: 'Ho' }] }] } },
    { logprobs: { content: [{ token: 'Hi', top_logprobs: [{ token: 'Ho' }] }] } },
  ],
  ['a token of text with its id', { token: { id: 5, text: 'a' } }, { token: { id: 5, text: 'a' } }],
  ['a text', `see ${KEY}`, 'see REDACTED'],
  ['nothing', null, null],
];

for (const [what, value, kept] of VALUES) {
  test(`of JSON: ${what}`, () => {
    assert.deepEqual(redactor.json(value), kept);
    assert.equal(redactor.jsonText(value, 1_000_000).text, JSON.stringify(kept));
    if (typeof value === 'object' && value !== null) assert.equal(keep(JSON.stringify(value)), JSON.stringify(kept));
  });
}

test('what is no secret stays as it was written: long numbers, white space, double keys, escapes', () => {
  const text = '{ "id" : 12345678901234567890,\n\t"f": 1.0e+5, "f":-0, "e":"\\u00e9\\/", "p\\u0061ssword": "a" }';
  assert.equal(keep(text), text.replace('"a"', '"REDACTED"'));
});

test('a value is copied, not changed', () => {
  const value = { password: 'a', deep: { token: 'b' } };
  redactor.json(value);
  assert.deepEqual(value, { password: 'a', deep: { token: 'b' } });
});

test('a key named __proto__ is a key like any other', () => {
  assert.equal(
    keep('{"__proto__":{"password":"a"},"constructor":"b"}'),
    '{"__proto__":{"password":"REDACTED"},"constructor":"b"}',
  );
});

describe('what cannot be said in JSON is not kept', () => {
  const cycle: { self?: unknown; password: string } = { password: 'abc' };
  cycle.self = cycle;
  const throwing = {
    get boom(): never {
      throw new Error('abc');
    },
  };
  for (const [what, value] of Object.entries({ cycle, bigint: { n: 1n, password: 'abc' }, throwing })) {
    test(what, () => {
      assert.equal(redactor.json(value), 'REDACTED');
      assert.deepEqual(redactor.jsonText(value, 100), { text: '"REDACTED"', truncatedBytes: 0 });
    });
  }
  test('undefined and functions', () => {
    assert.equal(redactor.json(undefined), undefined);
    assert.equal(
      redactor.json(() => 1),
      undefined,
    );
  });
});

describe('a body that is not the JSON that it says it is, is not kept', () => {
  const bodies = [
    '',
    '{',
    '{"a":1',
    '{"a":"b}',
    '{a:1}',
    "{'a':1}",
    '{"a":1}}',
    '[1,]',
    '<html>',
    '{"a":"\n"}',
    '{"password":{garbage',
    'NaN',
    '{"a" "b"}',
    '\u0000',
  ];
  for (const text of bodies) {
    test(JSON.stringify(text), () => {
      assert.equal(keep(text), undefined);
    });
  }
});

test('a name in doubt beside a value makes it a secret if it looks random', () => {
  const body = (value: string) => `[{"key":"STRIPE_KEY","value":"${value}"},{"value":"${value}","name":"OPENAI_KEY"}]`;
  assert.equal(redactor.body(body('oJvYWB6gM6cASak0Wa1KsUpv'), 'application/json', 999, 99)?.text, body('REDACTED'));
  assert.equal(redactor.body(body('the-first-one'), 'application/json', 999, 99)?.text, body('the-first-one'));
});

test('a state or a rule under the name of a secret stays', () => {
  for (const json of [
    '{"authorization":"required","cookies":"accepted"}',
    '{"password":{"required":true,"minLength":8}}',
  ])
    assert.equal(redactor.body(json, 'application/json', 999, 60)?.text, json);
});

test('a message is kept each time it comes, and redacted each time if it has a secret', () => {
  const clean = `${'It is the same message as before. '.repeat(5)}`;
  for (const content of [clean, `${clean}password: kX9vq2LmT7pQ4zRw8sBn`, clean]) {
    const isSecret = content !== clean;
    for (let round = 0; round < 3; round++) {
      const kept = JSON.stringify(redactor.json({ content }));
      assert.equal(kept.includes('kX9vq2LmT7pQ4zRw8sBn'), false);
      assert.equal(kept.includes('REDACTED'), isSecret);
    }
  }
});

test('any JSON without secrets comes out as it went in', () => {
  const property = fc.property(fc.json({ maxDepth: 5, noUnicodeString: false }), (text) => {
    assert.equal(keep(text), text);
  });
  fc.assert(property, { numRuns: 300 });
});

test('JSON with something wrong put into it anywhere is kept only if JSON.parse reads it', () => {
  const wrong = fc.constantFrom(
    ...'"\\{}[],:10-.e+ \n\u0001\ufeff\u00a0'.split(''),
    '\\x',
    '\\u00',
    'true',
    'nul',
    '"a"',
    '',
  );
  const property = fc.property(
    fc.json({ maxDepth: 4, stringUnit: fc.constantFrom(...'abc "\\\né') }),
    wrong,
    fc.nat(),
    fc.boolean(),
    (json, put, nat, isInPlace) => {
      const at = nat % json.length;
      const text = `[${json.slice(0, at)}${put}${json.slice(isInPlace ? at + 1 : at)}]`;
      assert.equal(keep(text), parses(text) ? text : undefined);
    },
  );
  fc.assert(property, { numRuns: 2000 });
});

const numberLists = fc
  .record({
    numbers: fc.array(fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer()), { minLength: 2 }),
    times: fc.integer({ min: 1, max: 300 }),
    separator: fc.constantFrom(',', ', ', ',\n  ', ' ,'),
    around: fc.constantFrom(['[', ']'], ['[[', ']]'], ['{"vector":[', ']}'], ['{"a":[true,', ',"text"],"b":1}']),
  })
  .map(({ numbers, times, separator, around }) => {
    const list = Array.from({ length: times }, () => numbers.map((number) => JSON.stringify(number))).flat();
    return around.join('\0').replace('\0', () => list.join(separator));
  });

test('lists of numbers with something wrong put into them are kept only if JSON.parse reads them', () => {
  const wrong = fc.constantFrom(...'",:[]{}-.eE+0 \n\u00a0'.split(''), 'null', '"a"', '');
  const property = fc.property(numberLists, wrong, fc.nat(), fc.boolean(), (json, put, nat, isInPlace) => {
    const at = nat % json.length;
    const text = `${json.slice(0, at)}${put}${json.slice(isInPlace ? at + 1 : at)}`;
    const isJson = /^\s*[[{]/.test(text) && parses(text);
    assert.equal(keep(text), isJson ? text : undefined);
  });
  fc.assert(property, { numRuns: 1000 });
});

test('the beginning of a list of numbers is kept up to its last whole number', () => {
  const property = fc.property(numberLists, fc.nat(), (json, nat) => {
    const text = json.slice(0, 2 + (nat % (json.length - 2)));
    const kept = redactor.body(text, 'application/json', 1_000_000, 1_000_000)?.text ?? '';
    assert.ok(parses(kept), kept);
    assert.ok(text.startsWith(kept.replace(/["\]}]*$/, '')), kept);
    const numbers = text.slice(0, text.lastIndexOf(',')).replace(/^[^,]*\[+/, '');
    if (!text.includes('"text') && text.includes(',')) assert.ok(kept.includes(numbers.trimEnd()), kept);
  });
  fc.assert(property, { numRuns: 1000 });
});

test('the beginning of a list of numbers is not kept if it is malformed', () => {
  for (const text of ['[1,,', '[1,2,,3', '[1,01,2', '[1,2.,3', '[1,2 3,', '[1,-,2', '[1,2}', '[1, ,']) {
    assert.equal(redactor.body(text, 'application/json', 1_000_000, 1_000_000)?.text, undefined, text);
  }
});

test('a number after the name in a pair is as secret as before, and one under a secret name is replaced', () => {
  const secrets = [['a', ['password', 'abc123def']], { rawHeaders: ['x-number', 1, 'authorization', 'abc123def'] }];
  assert.ok(!keep(JSON.stringify(secrets))?.includes('abc123def'));
  assert.ok(!keep('{"password":[123456,234567,345678]}')?.includes('456'));
});

test('in a list of arguments, what stands behind an option that names a secret is redacted', () => {
  for (const [list, redacted] of [
    ['["mysql","--password","hunter2x","-v"]', '["mysql","--password","REDACTED","-v"]'],
    ['{"args":["-storepass","changeit9"]}', '{"args":["-storepass","REDACTED"]}'],
    ['["--password","--verbose"]', '["--password","--verbose"]'],
    ['["--password","$DB_PASSWORD"]', '["--password","$DB_PASSWORD"]'],
    ['["--max-tokens","4096"]', '["--max-tokens","4096"]'],
    ['["--password-file","/run/secrets/db"]', '["--password-file","/run/secrets/db"]'],
  ] as const) {
    assert.equal(redactor.text(list), redacted);
  }
});

test('any JSON has the same structure afterwards, also under secret names', () => {
  const names = fc.constantFrom('password', 'api_key', 'a', 'token', 'value', 'name');
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.string(),
      fc.integer(),
      fc.constant(null),
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(names, tie('tree'), { maxKeys: 4 }),
    ),
  }));
  const property = fc.property(tree, (value) => {
    const kept = redactor.jsonText(value, 1_000_000).text;
    assert.deepEqual(JSON.parse(kept), redactor.json(value));
    assert.deepEqual(redactor.json(JSON.parse(kept)), JSON.parse(kept));
  });
  fc.assert(property, { numRuns: 300 });
});

describe('JSON of which only the beginning is there', () => {
  function keepBeginning(text: string): string | undefined {
    return redactor.body(text, 'application/json', 1_000_000, 1_000_000)?.text;
  }

  const BEGINNINGS: readonly [text: string, kept: string | undefined][] = [
    ['{"a":1,"b":[1,{"c":"d', '{"a":1,"b":[1,{"c":""}]}'],
    ['{"a":"one two th', '{"a":"one two "}'],
    ['{"a":1,"b', '{"a":1}'],
    ['{"a":1,"b":', '{"a":1}'],
    ['{"a":1,"b":12', '{"a":1}'],
    ['{"a":1,"b":tr', '{"a":1}'],
    ['{"a":1,', '{"a":1}'],
    ['{', '{}'],
    ['[[[', '[[[]]]'],
    ['{"a":"\\u00', '{"a":""}'],
    ['{"a":"b \\', '{"a":"b "}'],
    ['{"a":"b \\ud83d', '{"a":"b "}'],
    ['{"password":"hun', '{"password":"REDACTED"}'],
    ['{"credentials":{"user":"m', '{"credentials":"REDACTED"}'],
    ['{"credentials":[1,{"user":"me"},', '{"credentials":"REDACTED"}'],
    ['{"a":"my key is sk-abcDEF123', '{"a":"my key is "}'],
    ['{"a":"password = \\"correct ho', '{"a":"password = \\"REDACTED"}'],
    ['{"a":"-----BEGIN PRIVATE KEY-----\\nMIIE', '{"a":"REDACTED"}'],
    ['{"value":"abc","na', '{"value":"REDACTED"}'],
    ['{"a":"{\\"b\\":1,\\"password\\":\\"hun', '{"a":"{\\"b\\":1,\\"password\\":\\"REDACTED\\"}"}'],
    ['{"a":"漢字漢字sk-abc', '{"a":"漢字漢字"}'],
    ['hello', undefined],
    ['{"a" 1', undefined],
    ['', undefined],
  ];
  for (const [text, kept] of BEGINNINGS) {
    test(text, () => {
      assert.equal(keepBeginning(text), kept);
    });
  }

  test('that was cut in the blanks behind a number or a word is read as JSON all the same', () => {
    const whole = '{"a":{"value":"abc","name":"access_token"},"b":true\n  ';
    for (const text of [whole, `[1,${whole}`, `${whole.slice(0, -7)}7 \n`]) {
      const kept = createRedactor().body(text, 'text/plain', 1000, text.length + 1)?.text;
      assert.match(kept ?? '', /"value":"REDACTED"/);
    }
  });

  test('cut anywhere, a beginning is valid and holds no part of a secret', () => {
    const secret = 'zQ9'.repeat(12);
    const text = JSON.stringify({
      model: 'gpt-5',
      messages: [
        { role: 'user', content: `Mine is sk-${secret}, "quoted" \\ 😀 größer` },
        { arguments: JSON.stringify({ password: secret, n: [1.5, true, null] }) },
      ],
      api_key: secret,
      headers: [{ value: secret, name: 'cookie' }],
    });
    for (let length = 1; length < text.length; length++) {
      const kept = keepBeginning(text.slice(0, length));
      assert.ok(kept !== undefined, text.slice(0, length));
      JSON.parse(kept);
      assert.ok(!kept.includes('zQ9z'), kept);
    }
  });
});
