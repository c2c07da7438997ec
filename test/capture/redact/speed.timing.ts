import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createPolicy } from '../../../src/capture/redact/policy.js';
import { createRedactor } from '../../../src/capture/redact/redactor.js';
import { findSecrets } from '../../../src/capture/redact/text/find-secrets.js';

const redactor = createRedactor();
const policy = createPolicy({});

/** The best of some rounds, in milliseconds: the others had company on the machine. */
function best(rounds: number, run: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    run();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

const SENTENCE =
  'The quick brown fox jumps over the lazy dog, and then: what?\nIt "considers" its configuration (x = 5). ';

function chatBody(size: number): string {
  const messages = [];
  for (let at = 0; at < size; at += 800) messages.push({ role: 'user', content: SENTENCE.repeat(7) });
  return JSON.stringify({ model: 'gpt-5', max_tokens: 5, messages });
}

function chatStream(size: number): string {
  let text = '';
  while (text.length < size) {
    const choices = [{ index: 0, delta: { content: ' word' }, logprobs: null, finish_reason: null }];
    text += `data: ${JSON.stringify({ id: 'chatcmpl-9xKsdkjfHDKJSHjkfhs8sj', object: 'chat.completion.chunk', created: 1, model: 'gpt-5', choices })}\n\n`;
  }
  return text;
}

/** The goal is 1.2 times; only a gross regress fails here. */
const GUARD = 2.4;

describe('redaction costs about as much as reading and writing the body and looking for the same secrets', () => {
  const json = chatBody(50_000);
  const stream = chatStream(50_000);
  const CASES: readonly [what: string, text: string, type: string, values: readonly string[]][] = [
    ['JSON', json, 'application/json', [json]],
    ['events', stream, 'text/event-stream', stream.split('\n').flatMap((line) => (line === '' ? [] : [line.slice(6)]))],
  ];
  for (const [what, text, type, values] of CASES) {
    test(what, () => {
      const ours = () => assert.equal(redactor.body(text, type, 65_536, text.length)?.truncatedBytes, 0);
      const floor = () => {
        for (const value of values) JSON.stringify(JSON.parse(value));
        findSecrets(text, policy);
      };
      best(200, ours);
      best(200, floor);
      const [ourTime, floorTime] = [best(60, ours), best(60, floor)];
      assert.ok(ourTime <= GUARD * floorTime, `${ourTime} ms for ${floorTime} ms`);
    });
  }
});

describe('no text makes redaction slow: 32 times the length takes about 32 times as long', () => {
  const REPEATED = [
    'key:',
    'key:"',
    '"key":{',
    '"password":[',
    'token = a.',
    'sk-',
    'eyJ-',
    'eyJaaaaaaaa.',
    'SG.',
    '-----BEGIN ',
    'a',
    ' ',
    '\\"',
    'http://a?x=',
    'a&',
    '%25',
    'password%3D',
    'key%3D',
    'password (a) ',
    'password: a b c d\n',
    '-Password ',
    '<a',
    '{"a":',
    '[{"',
    '{"a":"b"} ',
    '{"token":"abc"} ',
    '{"token":["abc",',
    '{ "a" ',
    'Basic ',
    'data:',
    'data: x\n\n',
    '{"text":"a","a":',
    'password: a b ',
    '**password:** ',
    'token string = ',
    '|token|',
    '<b name="password"',
    '<token>',
    '--password ',
    '-u a:',
    'eyJhIjox',
    'eyJ/',
    'ZXlK/',
    'Q~',
    '_mmk',
    'token.',
    'password is: ',
    'password：',
    'token=a|',
    'cookie: a ',
    'Cookie:a b ',
    'Cookie:(',
    '${',
    'aA1',
    'token aB3',
    'password is ',
    'password,',
    'password\n',
    'password    ',
    'password[] = ',
    'kind: Secret\n',
    'kind: Secret\ndata:\n  a: b\n',
    "IDENTIFIED BY '",
    'docker login -p ',
    'htpasswd -b ',
    '<b>token</b><b>',
    'пароль — ',
    ';password=a=',
    'a,password\n ',
  ];
  /** Behind the name of a secret, a run of marks which something else ends. */
  const RUNS: readonly [before: string, mark: string][] = [
    ['| password |', ')'],
    ['| password |', '*'],
    ['a,password\nb,', ':'],
    ['Cookie: a', ')'],
    ['password: integer', '.'],
    ['password: a "', "'"],
  ];
  const TYPES = ['application/json', 'text/plain', 'text/event-stream', 'text/html'];

  function run(repeated: string, length: number, before = '', behind = ''): void {
    const text = before + repeated.repeat(Math.ceil(length / repeated.length)) + behind;
    redactor.url(`https://a.example/${text}`);
    for (const type of TYPES) {
      redactor.body(text, type, 65_536, text.length);
      redactor.body(`{"a":1,"b":"${text}" !`, type, 65_536, 2 * text.length);
    }
  }

  function checkTime(repeated: string, before?: string, behind?: string): void {
    const short = best(4, () => run(repeated, 1000, before, behind));
    const long = best(3, () => run(repeated, 32_000, before, behind));
    // Quadratic would be a thousand times as long.
    assert.ok(long <= 200 * short + 20, `${long} ms for ${short} ms`);
  }

  for (const repeated of REPEATED) test(JSON.stringify(repeated), () => checkTime(repeated));
  for (const [before, mark] of RUNS) test(JSON.stringify(before + mark.repeat(3)), () => checkTime(mark, before, 'x'));
});
