import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type DiagLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import { createRedactor, type RedactOptions } from '../../../src/capture/redact/redactor.js';

describe('a bad option is a TypeError that names it', () => {
  const OPTIONS: readonly [options: unknown, message: RegExp][] = [
    [null, /redact must be an object/],
    ['names', /redact must be an object/],
    [{ name: ['a'] }, /redact must be an object of names, patterns, redact, got 'name'/],
    [{ names: 'a' }, /redact\.names must be an array, got 'a'/],
    [{ names: ['a', ''] }, /redact\.names\[1\] must be a string that is not empty, got ''/],
    [{ patterns: ['a'] }, /redact\.patterns\[0\] must be a regular expression, got a text/],
    [{ patterns: /a/ }, /redact\.patterns must be an array, got an object/],
    [{ redact: true }, /redact\.redact must be a function, got true/],
  ];
  for (const [options, message] of OPTIONS) {
    test(JSON.stringify(options), () => {
      assert.throws(() => createRedactor(options as RedactOptions), { name: 'TypeError', message });
    });
  }
});

describe('names', () => {
  const redactor = createRedactor({ names: ['patient_id', 'X-Tenant', 'max_tokens'] });

  test('are replaced everywhere, in any case and with any separators', () => {
    assert.equal(redactor.header('x-tenant', 'a'), 'REDACTED');
    assert.equal(redactor.url('/?patientId=a&b=c'), '/?patientId=REDACTED&b=c');
    assert.equal(redactor.attribute('patient.id', 'a'), 'REDACTED');
    assert.equal(redactor.text('Patient-ID: 17, ok'), 'Patient-ID: REDACTED, ok');
    assert.deepEqual(redactor.json({ PATIENT_ID: 17, a: [{ xTenant: { b: 1 } }] }), {
      PATIENT_ID: 'REDACTED',
      a: [{ xTenant: 'REDACTED' }],
    });
    assert.equal(
      redactor.body('patient_id=a&b=1', 'application/x-www-form-urlencoded', 99, 16)?.text,
      'patient_id=REDACTED&b=1',
    );
  });

  test('count more than what is known to be harmless, and are no patterns', () => {
    assert.deepEqual(redactor.json({ max_tokens: 5, patient_id_count: 5 }), {
      max_tokens: 'REDACTED',
      patient_id_count: 5,
    });
  });
});

describe('patterns', () => {
  const redactor = createRedactor({ patterns: [/\b\d{3}-\d{2}-\d{4}\b/, /x*/g, /^secret-word/y] });

  test('are replaced in every text, however often they match', () => {
    assert.equal(redactor.text('123-45-6789 and 987-65-4321'), 'REDACTED and REDACTED');
    assert.equal(redactor.header('x-note', '123-45-6789'), 'REDACTED');
    assert.equal(redactor.url('/123-45-6789?a=123-45-6789'), '/REDACTED?a=REDACTED');
    assert.deepEqual(redactor.json({ '123-45-6789': ['{"a":"123-45-6789"}'] }), { REDACTED: ['{"a":"REDACTED"}'] });
  });

  test('keep no state from text to text', () => {
    const global = /ab/g;
    const stateful = createRedactor({ patterns: [global] });
    for (let time = 0; time < 3; time++) assert.equal(stateful.text('ab'), 'REDACTED');
    assert.equal(global.lastIndex, 0);
  });

  test('are found where a stream spells them bit by bit', () => {
    const text = 'data: {"delta":"123-4"}\n\ndata: {"delta":"5-6789 ok"}\n\n';
    assert.equal(
      redactor.body(text, 'text/event-stream', 999, text.length)?.text,
      'data: {"delta":"REDACTED"}\n\ndata: {"delta":" ok"}\n\n',
    );
  });
});

describe('the redact function', () => {
  test('is asked last, for every value, with its name', () => {
    const asked: [string, string | undefined][] = [];
    const redactor = createRedactor({
      redact: (value, name) => {
        asked.push([value, name]);
        return value.toUpperCase();
      },
    });
    assert.equal(redactor.header('x-note', 'token=a'), 'TOKEN=REDACTED');
    assert.equal(redactor.attribute('app.note', 'b'), 'B');
    assert.equal(redactor.text('c'), 'C');
    assert.equal(redactor.url('/d'), '/D');
    assert.deepEqual(redactor.json({ e: 'f', g: { h: ['i', 5] }, password: 'j' }), {
      e: 'F',
      g: { h: ['I', 5] },
      password: 'REDACTED',
    });
    assert.equal(redactor.body('k=l', 'application/x-www-form-urlencoded', 99, 3)?.text, 'k=L');
    assert.equal(
      redactor.body('data: {"delta":"m"}\n\n', 'text/event-stream', 99, 20)?.text,
      'data: {"delta":"M"}\n\n',
    );
    assert.deepEqual(asked, [
      ['token=REDACTED', 'x-note'],
      ['b', 'app.note'],
      ['c', undefined],
      ['/d', undefined],
      ['f', 'e'],
      ['i', 'h'],
      ['l', 'k'],
      ['m', 'delta'],
    ]);
  });

  test('that throws or returns no string costs the value, and that is reported without it', () => {
    const warnings: unknown[] = [];
    const logger = { warn: (...message: unknown[]) => warnings.push(message) } as unknown as DiagLogger;
    diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
    try {
      const throwing = createRedactor({
        redact: (value) => {
          throw new Error(value);
        },
      });
      const silent = createRedactor({ redact: (() => undefined) as unknown as (value: string) => string });
      for (const redactor of [throwing, silent]) {
        assert.equal(redactor.text('abc'), 'REDACTED');
        assert.deepEqual(redactor.json({ a: 'abc', n: 1 }), { a: 'REDACTED', n: 1 });
        assert.equal(redactor.header('x-note', 'abc'), 'REDACTED');
      }
    } finally {
      diag.disable();
    }
    assert.match(String(warnings), /the redact function threw/);
    assert.match(String(warnings), /something else than a string/);
    assert.doesNotMatch(String(warnings), /abc/);
  });
});

test('an attribute is judged by its name and by its shape', () => {
  const redactor = createRedactor();
  assert.equal(redactor.attribute('app.api_key', 'a'), 'REDACTED');
  assert.equal(redactor.attribute('app.key', 'abcdef0123456789'), 'REDACTED');
  assert.equal(redactor.attribute('app.key', 'ctrl+c'), 'ctrl+c');
  assert.equal(redactor.attribute('app.usage.input_tokens', '5'), '5');
  assert.equal(redactor.attribute('app.note', '{"token":"a"}'), '{"token":"REDACTED"}');
});

test('no method throws, for any argument', () => {
  const redactor = createRedactor();
  for (const value of [undefined, null, 5, Symbol('a'), {}, [], '\ud800', '\0'.repeat(10)] as string[]) {
    redactor.header(value, value);
    redactor.url(value);
    redactor.text(value);
    redactor.attribute(value, value);
    redactor.json(value);
    redactor.jsonText(value, -1);
    redactor.jsonText(value, Number.NaN);
    redactor.body(value, value, 5, Number.NaN);
  }
});
