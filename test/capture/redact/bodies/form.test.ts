import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createRedactor } from '../../../../src/capture/redact/redactor.js';

const redactor = createRedactor();
const KEY = 'sk-abcDEF1234567890abcd';

function keep(text: string, contentType: string | undefined, totalBytes = Buffer.byteLength(text)): string | undefined {
  return redactor.body(text, contentType, 1_000_000, totalBytes)?.text;
}

describe('a form', () => {
  const FORM = 'application/x-www-form-urlencoded';
  const FORMS: readonly [text: string, kept: string | undefined][] = [
    [
      'grant_type=x&client_secret=a&code=b&max_tokens=5',
      'grant_type=x&client_secret=REDACTED&code=REDACTED&max_tokens=5',
    ],
    ['client%5Fsecret=a&q=a+b%21', 'client%5Fsecret=REDACTED&q=a+b%21'],
    [`q=see+${KEY}+now`, 'q=see%20REDACTED%20now'],
    ['payload=%7B%22token%22%3A%22a%22%7D', 'payload=%7B%22token%22%3A%22REDACTED%22%7D'],
    ['a=%E0%A4%A&b=1', 'a=REDACTED&b=1'],
    ['token=&a', 'token=&a'],
    ['{"token":"a"}', '{"token":"REDACTED"}'],
    ['not a form', undefined],
    ['<a>', undefined],
  ];
  for (const [text, kept] of FORMS) {
    test(text, () => {
      assert.equal(keep(text, FORM), kept);
    });
  }

  test('loses the pair that was cut off', () => {
    assert.equal(keep('a=1&q=sk-abcDEF12345', FORM, 1000), 'a=1');
  });
});

describe('a multipart body', () => {
  const TYPE = 'multipart/form-data; boundary="a b"';
  const part = (head: string, content: string) =>
    `--a b\r\nContent-Disposition: form-data; ${head}\r\n\r\n${content}\r\n`;

  test('is read part by part', () => {
    const text = [
      part('name="purpose"', 'batch'),
      part('name="api_key"', 'abc'),
      part('name=api_key', 'abc'),
      part('name="note"', `see ${KEY}`),
      part('name="file"; filename="a.jsonl"\r\nContent-Type: application/jsonl', '{"token":"a"}\n{"b":1}'),
      part('name="file"; filename="a.json"\r\nContent-Type: application/json', '{"token":'),
      part('name="file"; filename="a.png"\r\nContent-Type: image/png', '\u0089PNG'),
      '--a b--\r\n',
    ].join('');
    const kept = [
      part('name="purpose"', 'batch'),
      part('name="api_key"', 'REDACTED'),
      part('name=api_key', 'REDACTED'),
      part('name="note"', 'see REDACTED'),
      part('name="file"; filename="a.jsonl"\r\nContent-Type: application/jsonl', '{"token":"REDACTED"}\n{"b":1}'),
      part('name="file"; filename="a.json"\r\nContent-Type: application/json', 'REDACTED'),
      part('name="file"; filename="a.png"\r\nContent-Type: image/png', 'REDACTED'),
      '--a b--\r\n',
    ].join('');
    assert.equal(keep(text, TYPE), kept);
  });

  test('that is none is not kept', () => {
    assert.equal(keep('hello', TYPE), undefined);
    assert.equal(keep(part('name="a"', 'b'), TYPE), undefined);
    assert.equal(keep(`${part('name="a"', 'b')}--a b--`, 'multipart/form-data'), undefined);
  });

  test('cut off in its delimiter keeps the part before that', () => {
    const json = part('name="a"\r\nContent-Type: application/json', '{"b":1}');
    assert.equal(keep(`${json}--a`, TYPE, 1000), json);
  });

  test('cut anywhere holds no part of a secret', () => {
    const text = `${part('name="password"', 'zQ9zQ9zQ9')}${part('name="a"\r\nContent-Type: application/json', '[["cookie","zQ9zQ9zQ9"]]')}${part('name="b"', 'sk-zQ9zQ9zQ9zQ9zQ9zQ9')}--a b--\r\n`;
    for (let length = 1; length < text.length; length++) {
      assert.doesNotMatch(keep(text.slice(0, length), TYPE, text.length) ?? '', /zQ9z/);
    }
  });
});

describe('other bodies', () => {
  const BODIES: readonly [what: string, contentType: string | undefined, text: string, kept: string | undefined][] = [
    ['text', 'text/plain; charset=utf-8', `see ${KEY}`, 'see REDACTED'],
    ['JSON that says it is text', 'text/plain', '{"token":"a"}', '{"token":"REDACTED"}'],
    ['text in braces', 'text/plain', '{hello} world', '{hello} world'],
    ['JSON of a kind', 'application/problem+json', '{"token":"a"}', '{"token":"REDACTED"}'],
    ['HTML', 'text/html', '<h1>502</h1> <b>token=a</b>', '<h1>502</h1> <b>token=REDACTED</b>'],
    [
      'XML',
      'application/xml',
      '<a><SecretAccessKey>b</SecretAccessKey><c>1</c></a>',
      '<a><SecretAccessKey>REDACTED</SecretAccessKey><c>1</c></a>',
    ],
    [
      'XML with CDATA',
      'application/xml',
      '<Password><![CDATA[a<b]>]]></Password><c><![CDATA[1]]></c>',
      '<Password>REDACTED</Password><c><![CDATA[1]]></c>',
    ],
    ['JSON that says nothing', undefined, '{"token":"a"}', '{"token":"REDACTED"}'],
    ['events that say nothing', undefined, 'data: {"token":"a"}\n\n', 'data: {"token":"REDACTED"}\n\n'],
    ['text that says nothing', undefined, 'token=a', 'token=REDACTED'],
    ['bytes that say nothing', undefined, 'a\0b', undefined],
    ['an image', 'image/png', 'PNG', undefined],
    ['bytes', 'application/octet-stream', 'a', undefined],
    ['the event stream of AWS', 'application/vnd.amazon.eventstream', 'a', undefined],
  ];
  for (const [what, contentType, text, kept] of BODIES) {
    test(what, () => {
      assert.equal(keep(text, contentType), kept);
    });
  }
});
