import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createRedactor } from '../../../src/capture/redact/redactor.js';
import { Random } from '../../harness/fuzz/random.js';
import { SHAPED_SECRETS } from '../../harness/fuzz/secrets.js';

const redactor = createRedactor();

describe('a secret that its shape gives away', () => {
  for (const [name, make] of Object.entries(SHAPED_SECRETS)) {
    test(`${name} is replaced in the middle of a sentence`, () => {
      const { text, needles } = make(new Random(7));
      const kept = redactor.text(`It is ${text} and no other.`);
      for (const needle of needles) assert.ok(!kept.includes(needle.slice(0, 8)), kept);
      assert.match(kept, /^It is .*REDACTED.* and no other\.$/s);
    });
  }
});

const KEY = 'sk-abcDEF1234567890abcd';

const TEXTS: readonly [what: string, text: string, kept: string][] = [
  [
    'the message of a client',
    '401 Incorrect API key provided: abc-def. You can find it',
    '401 Incorrect API key provided: REDACTED You can find it',
  ],
  ['JSON behind a status', '400 {"error":{"token":"abc","code":17}}', '400 {"error":{"token":"REDACTED","code":17}}'],
  ['JSON in a sentence', 'got {"api_key": "abc", "n": 1} back', 'got {"api_key": "REDACTED", "n": 1} back'],
  [
    'JSON in quotes',
    String.raw`got "{\"api_key\":\"abc\",\"n\":1}" back`,
    String.raw`got "{\"api_key\":\"REDACTED\",\"n\":1}" back`,
  ],
  [
    'an object under a secret name',
    '{"credentials": {"a": ["b"]}, "n": 1} back',
    '{"credentials": "REDACTED", "n": 1} back',
  ],
  [
    'JSON with a value before its name, in the middle of a stack',
    'Error: 400 {"value":"letmein","name":"password"}\n    at x',
    'Error: 400 {"value":"REDACTED","name":"password"}\n    at x',
  ],
  [
    'JSON of language models in a sentence',
    'see {"logprobs":{"content":[{"token":"Hi"}]}} here',
    'see {"logprobs":{"content":[{"token":"Hi"}]}} here',
  ],
  [
    'two JSON values',
    'a {"pin":{"token":"x y"}} b ["--password", "x"] c',
    'a {"pin":{"token":"REDACTED"}} b ["--password", "REDACTED"] c',
  ],
  [
    'a quoted value in quotes that are less deeply escaped',
    String.raw`{a:"\"it<--API-KEY = \\\"H/-*rt!Ic*?AN, and more\\\">done\""}x`,
    String.raw`{a:"\"it<--API-KEY = \\\"REDACTED\\\">done\""}x`,
  ],
  ['a key in quotes in quotes', `don't set password = '/kD83nfQ1xZ7TgP0aBcd'`, `don't set password = 'REDACTED'`],
  [
    'a user and a password in base64',
    '{"auths":{"a.b":{"auth":"Ym9iOmh1bnRlcjI="}}}',
    '{"auths":{"a.b":{"auth":"REDACTED"}}}',
  ],
  ['a user and a password without a scheme', 'at //bob:hunter2abc@a.b/x', 'at //bob:REDACTED@a.b/x'],
  ['marks in a value', 'password: Tr0ub4dor&3;xQ; a', 'password: REDACTED; a'],
  ['marks behind a value', 'a?token=x&y=1&amp;z password=x&&ls', 'a?token=REDACTED&y=1&amp;z password=REDACTED&&ls'],
  ['a bracket in the value of an option', 'x --password aB3)dE6fGh --y', 'x --password REDACTED --y'],
  ['a header', 'GET /\nAuthorization: Digest a="b", c=d\nAccept: *', 'GET /\nAuthorization: REDACTED\nAccept: *'],
  ['cookies', 'Cookie: a="b"; c=d\nAccept: *', 'Cookie: REDACTED\nAccept: *'],
  ['a command', 'curl -H "Authorization: Bearer abc" -d x', 'curl -H "Authorization: REDACTED" -d x'],
  ['an environment', 'export OPENAI_API_KEY=abc MODE=1', 'export OPENAI_API_KEY=REDACTED MODE=1'],
  ['YAML', 'password: hunter2\nuser: me', 'password: REDACTED\nuser: me'],
  ['quotes', `password = 'correct horse' # mine`, `password = 'REDACTED' # mine`],
  ['quotes in quotes', String.raw`password = "hun\"ter2" # mine`, 'password = "REDACTED" # mine'],
  ['a list', 'passwords: ["a", ["b"]], n: 1', 'passwords: REDACTED, n: 1'],
  ['quotes without an end', `password = "correct horse`, `password = "REDACTED`],
  ['a value with a comma', 'password=a,b c', 'password=REDACTED c'],
  ['a query', '/x?key=abc&max_tokens=5', '/x?key=REDACTED&max_tokens=5'],
  ['a connection string', 'Server=x;Password=correct horse;Database=y', 'Server=x;Password=REDACTED;Database=y'],
  ['braces in a connection string', 'Driver={SQL};Pwd={a;b};Database=y', 'Driver={SQL};Pwd=REDACTED;Database=y'],
  ['a name that names a name', 'secret: api_key: abc', 'secret: api_key: REDACTED'],
  ['a name in an expression', 'passwords: see(secret_key: abc', 'passwords: see(secret_key: REDACTED'],
  [
    'JSON that broke off where a part of it is whole',
    '{"credentials":{"nested":["a",{"b":"c"}',
    '{"credentials":REDACTED',
  ],
  ['JSON that broke off behind its only member', '{"credentials":{"b":"c"}', '{"credentials":REDACTED'],
  [
    'JSON that is four times in a string',
    `400 ${'\\'.repeat(15)}"api_key${'\\'.repeat(15)}":${'\\'.repeat(15)}"abc${'\\'.repeat(15)}" at x`,
    `400 ${'\\'.repeat(15)}"api_key${'\\'.repeat(15)}":${'\\'.repeat(15)}"REDACTED${'\\'.repeat(15)}" at x`,
  ],
  ['a URL', 'see https://u:p@a.b/c?token=d, now', 'see https://REDACTED:REDACTED@a.b/c?token=REDACTED now'],
  ['a URL in JSON that escapes slashes', String.raw`{u:"https:\/\/u:p@a.b\/c"} x`, '{u:"REDACTED"} x'],
  ['Bearer', `with Bearer abc123 and bearer ${'aB3'.repeat(8)}`, 'with Bearer REDACTED and bearer REDACTED'],
  ['Basic', 'with Basic dTpwdw== now', 'with Basic REDACTED now'],
  [
    'an escape before a key',
    String.raw`\n${KEY} \u0022${KEY} %22${KEY}`,
    String.raw`\nREDACTED \u0022REDACTED %22REDACTED`,
  ],
  ['an escape before a name', String.raw`a\ncookie=abc`, String.raw`a\ncookie=REDACTED`],
  ['a PEM block without an end', 'a\n-----BEGIN PRIVATE KEY-----\nMIIE', 'a\nREDACTED'],
  ['a stack', `Error: ${KEY}\n    at post (file:///a/b.mjs:1:2)`, 'Error: REDACTED\n    at post (file:///a/b.mjs:1:2)'],
];

for (const [what, text, kept] of TEXTS) {
  test(`of a text: ${what}`, () => {
    assert.equal(redactor.text(text), kept);
  });
}

const HARMLESS = [
  'used 17 tokens: 12 in, 5 out; max_tokens=5, total_tokens: 17',
  'tokens: 5, token: 17, token_type: bearer',
  'async function login(password: string, token?: string): Promise<void> {}',
  'const token = getToken(); const key = os.environ["KEY"]; const apiKey = process.env.OPENAI_API_KEY',
  'a sk-learn-based-approach, a task-2-description-of-something, hf_transfer_enabled, npm_config_registry',
  'the bearer of news has a basic understanding, basic interoperability, Basic English',
  'key: value, "key": "ctrl+c", keyboard: qwerty, author: me, monkey=1',
  'rate limit reached for gpt-5 in organization org-abcdefghijklmnop on tokens per min (TPM): Limit 30000, Used 29000',
  'req_011CSHoEeqs5C35K2UUqR7Fy chatcmpl-9xKsdkjfHDKJSHjkfhs8sjdkfhsdj 123e4567-e89b-12d3-a456-426614174000',
  'https://example.com/docs/api-keys#create and mailto:me@example.com',
  'd41d8cd98f00b204e9800998ecf8427e is a hash, 2025-08-07T12:00:00Z a time',
  'API key: missing, password: required, secret: null',
  'token = Keyword; password = unquote(password); const secretKeys = Object.keys(secrets)',
  'let token = keychain.get("token")',
  'OPENAI_API_KEY="sk-proj-..."',
  '密码：请输入您的密码',
  '- name: MAX_TOKENS\n  value: 4096',
];

for (const text of HARMLESS) {
  test(`nothing goes from: ${text}`, () => {
    assert.equal(redactor.text(text), text);
  });
}

const RANDOM = [
  ['after a mark of SQL', 'Server=x;Password=@JDKXEehL;Encrypt=True', '@JDKXEehL'],
  ['before a mark of SQL', 'Server=x;Password=wfrfoeHYg?;Encrypt=True', 'wfrfoe'],
  ['before words of a description', '--token = "KAEwNEFeTP, and more"', 'KAEw'],
  ['like an access to a member', 'Proxy-Authorization=bnl.zqkl#iME (of the secret', 'zqkl'],
  ['like an operand', 'refreshToken: Lh.WV+NQ0v', 'NQ0v'],
  ['with blanks', 'Server=x;Password=e.apu Bm9;Encrypt=True', 'apu Bm9'],
  ['like a comment', 'AccountName=x;AccountKey=//neBTONjmYdJPrVT1JEA4;EndpointSuffix=y', 'TONjm'],
  ['like a mask', 'password: "XXX$g$hmgKq, and more"', 'hmgKq'],
  ['of small letters', '| password | tpmhvpoveurwkcqq |', 'tpmhv'],
] as const;

for (const [what, text, part] of RANDOM) {
  test(`a random value ${what} goes from: ${text}`, () => {
    assert.ok(!redactor.text(text).includes(part), redactor.text(text));
  });
}

test('a branch, an interface and a function of code stay behind a colon, and a value in JSON does not', () => {
  for (const code of [
    "score === 1 ? 'PASS' : 'FAIL'",
    'peekToken<Value>(token: IToken<Value>): Promise<Value>',
    'onRedirectToAuthorization: url => {',
  ]) {
    assert.equal(redactor.text(code), code);
  }
  assert.equal(redactor.text('Lost it? "password": "Tr0ub4dor%1"'), 'Lost it? "password": "REDACTED"');
});

test('the secret of a pair of AWS goes with its id, and a hash that stands alone stays', () => {
  const hash = 'a94a8fe5ccb19ba61c4c0873d391e987982fbbd3';
  assert.equal(redactor.text(`AKIAIOSFODNN7EXAMPLE ${'wJalrXUtnF'.repeat(4)}`), 'REDACTED REDACTED');
  assert.equal(redactor.text(hash), hash);
});

const SECRET = 'hunter2x9Q';

const NAMED = [
  `**Password:** ${SECRET}`,
  `**Password**: ${SECRET}`,
  `__Password:__ ${SECRET}`,
  `*password*: ${SECRET}`,
  `~~password~~: ${SECRET}`,
  `- **API key:** \`${SECRET}\``,
  `password:: ${SECRET}`,
  `password := ${SECRET}`,
  `login --password ${SECRET} --verbose`,
  `login --password "${SECRET}"`,
  `curl -u user:${SECRET} https://a.example`,
  `The password is: ${SECRET}`,
  `| user | password |\n|---|---|\n| me | ${SECRET} |`,
  `| password | ${SECRET} |`,
  `password：${SECRET}`,
  `パスワード password： ${SECRET}`,
  `<input type="password" name="password" value="${SECRET}">`,
  `<input name="csrf_token" type="hidden" value="${SECRET}">`,
  `<meta name="csrf-token" content="${SECRET}">`,
  `<add key="ClearTextPassword" value="${SECRET}" />`,
  `<string name="api_key">${SECRET}</string>`,
  `<b>Password:</b> ${SECRET}`,
  `<b>password</b>: ${SECRET}`,
  `password: |\n  ${SECRET}\nuser: me`,
  `- name: DB_PASSWORD\n  value: ${SECRET}\n`,
  `new Env({ name: 'API_KEY', value: '${SECRET}' })`,
  `contraseña: ${SECRET}`,
  `密码：${SECRET}`,
  `пароль = "${SECRET}"`,
  `let password: &str = "${SECRET}";`,
  `password = b"${SECRET}"`,
  `var password = @"${SECRET}";`,
  `jdbc:sqlserver://db:1433;databaseName=x;user=me;password=${SECRET};encrypt=true`,
  `const token: string = '${SECRET}';`,
  `var token string = "${SECRET}"`,
  `$token .= "${SECRET}";`,
  `TOKEN ?= ${SECRET}`,
  `_gitlab_session=${SECRET}`,
  `BUNDLE_GEMS__EXAMPLE__COM=${SECRET}`,
  'password: correct horse battery staple',
  'Login\npassword: correct horse battery staple\nuser: me',
];

for (const text of NAMED) {
  test(`the value goes from: ${text}`, () => {
    assert.doesNotMatch(redactor.text(text), /hunter2|horse|staple/);
  });
}

const ENCODED = Buffer.from('{"user":"me","password":"hunter2x9Q"}').toString('base64');

test('base64 of JSON with a named secret is replaced, and other base64 stays', () => {
  assert.equal(redactor.text(`state=${ENCODED} ok`), 'state=REDACTED ok');
  assert.equal(redactor.text(`see ${ENCODED}`), 'see REDACTED');
  const harmless = Buffer.from('{"user":"me","page":7,"sort":"name"}').toString('base64');
  assert.equal(redactor.text(`see ${harmless}`), `see ${harmless}`);
});

test('a secret in an encoded URL in a URL is replaced', () => {
  for (const inner of [
    'https://b.example/?token=hunter2x9Q',
    '/callback?code=hunter2x9Q',
    'https://me:hunter2x9Q@b.example/',
  ]) {
    const url = `https://a.example/go?next=${encodeURIComponent(inner)}&n=5`;
    assert.doesNotMatch(redactor.url(url), /hunter2/);
    assert.doesNotMatch(redactor.text(`see ${url}`), /hunter2/);
  }
});
